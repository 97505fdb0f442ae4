"""Similarity: how the maps and predictions of two models differ, image by image.

P is the baseline's, Q the other model's. Maps are compared at the network's input resolution, as
float32, with sums in float64. Definitions: section 5.1 of the paper.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache, partial
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from augcam.errors import AugcamError
from augcam.files import array_blocks, table_blocks, table_writer

_CHUNK_PIXELS = 1_000_000  # of maps that are worked on at once: about 40 MB a thread
_BLOCK_IMAGES = 4096  # that are read, compared and written at once
SEGMENTS = ("both_right", "only_baseline", "only_augmented", "both_wrong")


# ------------------------------------------------------------------------------- normalised maps


def normalise(cam: np.ndarray) -> np.ndarray:
    """Shift and scale each map (N, h, w) to [0, 1], exactly as pytorch-grad-cam (ε = 1e-7).

    A constant map becomes 0 everywhere.
    """
    cam = cam - cam.min(axis=(1, 2), keepdims=True)
    cam /= np.float32(1e-7) + cam.max(axis=(1, 2), keepdims=True)
    return cam


def upsample(cam: np.ndarray, size: int) -> np.ndarray:
    """Bilinear resize of maps (N, h, w) to (N, size, size), half-pixel centres.

    The same as torch's `interpolate(mode="bilinear", align_corners=False)` and as OpenCV's.
    """
    from augcam import kernels

    rows, columns = (bilinear(length, size) for length in cam.shape[1:])
    return kernels.enlarge(np.ascontiguousarray(cam), *rows, *columns)


class Positions(NamedTuple):
    """Where outputs of a bilinear resize lie among its inputs: for each output the first of its
    two inputs (int64), and the second's weight (float32). The last input is its own neighbour."""

    low: np.ndarray
    weight: np.ndarray


def bilinear(length: int, size: int) -> Positions:
    """The positions of `size` outputs among `length` inputs."""
    scale = np.float32(length) / np.float32(size)
    position = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * scale - np.float32(0.5)
    position = position.clip(0, length - 1)
    low = position.astype(np.int64)
    return Positions(low, position - low.astype(np.float32))


def to_maps(cam: np.ndarray, size: int) -> np.ndarray:
    """Raw CAMs (N, h, w) → the maps that are compared: float32 (N, size, size) in [0, 1].

    ReLU, min-max, bilinear to `size`, min-max: pytorch-grad-cam's steps (section 2.4).
    """
    return _maps_at(cam, *(bilinear(length, size) for length in cam.shape[1:]))


def _maps_at(cam: np.ndarray, rows: Positions, columns: Positions) -> np.ndarray:
    from augcam import kernels

    cam = normalise(np.maximum(cam.astype(np.float32, copy=False), 0))
    return normalise(kernels.enlarge(cam, *rows, *columns))


class _Grid(NamedTuple):
    """The pixels of an enlarged map that differ by their place: behind the centres of the outermost
    inputs all are equal, at 7 → 224 15 rows and columns on each side.

    `rows`, `columns`: their positions. `counts` (D,) int32: how many pixels are equal to each of
    them. `places` (pixels,): which of them each pixel is equal to.
    """

    rows: Positions
    columns: Positions
    counts: np.ndarray
    places: np.ndarray


@cache
def _grid(height: int, width: int, size: int) -> _Grid:
    (rows, row_places), (columns, column_places) = (
        _distinct(bilinear(length, size)) for length in (height, width)
    )
    places = row_places[:, None] * len(columns.low) + column_places
    counts = np.bincount(places.ravel()).astype(np.int32)
    return _Grid(rows, columns, counts, places.ravel())


def _distinct(positions: Positions) -> tuple[Positions, np.ndarray]:
    """The different ones of ascending `positions`, and which of them each one is."""
    first = np.append(True, np.diff(positions.low + positions.weight) > 0)
    return Positions(*(part[first] for part in positions)), np.cumsum(first) - 1


class _kept:
    """A property that is computed once.

    As `functools.cached_property`, which in Python 3.11 holds a lock that all instances share while
    it computes, so that threads wait for each other.
    """

    def __init__(self, function: Callable):
        self.function, self.__doc__ = function, function.__doc__

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        value = instance.__dict__[self.function.__name__] = self.function(instance)
        return value


class Maps:
    """A chunk of maps with what metrics share; values in [0, 1].

    What is derived is computed when first asked for, and once: a baseline's ranks and thresholds
    serve for all models that it is compared with. All of it is computed from `distinct`, float32
    (N, D), of which every value stands for `counts` (D,) equal pixels, int32.
    Raises ValueError for values outside [0, 1], and NaN.
    """

    def __init__(self, maps: np.ndarray):
        """Of any maps (N, …), whose pixels count one each."""
        maps = np.ascontiguousarray(maps.reshape(len(maps), -1), dtype=np.float32)
        self._set(maps, np.ones(maps.shape[1], dtype=np.int32), np.arange(maps.shape[1]))

    @classmethod
    def of(cls, cam: np.ndarray, size: int) -> "Maps":
        """The same as `Maps(to_maps(cam, size))`, without computing equal pixels again."""
        grid = _grid(*cam.shape[1:], size)
        maps = cls.__new__(cls)
        distinct = _maps_at(cam, grid.rows, grid.columns).reshape(len(cam), -1)
        maps._set(distinct, grid.counts, grid.places)
        return maps

    def _set(self, distinct: np.ndarray, counts: np.ndarray, places: np.ndarray) -> None:
        """`places` (pixels,): which of the distinct values each pixel has."""
        self.distinct, self.counts, self._places = distinct, counts, places
        self.smallest, self.largest = distinct.min(axis=1), distinct.max(axis=1)
        if not ((self.smallest >= 0).all() and (self.largest <= 1).all()):
            raise ValueError("maps must hold numbers from 0 to 1")
        self._thresholds: dict[int, np.ndarray] = {}
        self._latest: tuple[Maps, Differences] | None = None

    @property
    def pixels(self) -> int:
        return len(self._places)

    @_kept
    def values(self) -> np.ndarray:
        """Every pixel of the maps, float32 (N, pixels)."""
        return self.distinct[:, self._places]

    @_kept
    def constant(self) -> np.ndarray:
        """(N,) bool: maps with one value only, which have no correlation."""
        return self.largest == self.smallest

    @_kept
    def mean(self) -> np.ndarray:
        """(N,) float64: mean of each map."""
        from augcam import kernels

        return kernels.sums(self.distinct, self.counts) / self.pixels

    @_kept
    def norm(self) -> np.ndarray:
        """(N,) float64: Euclidean length of each map minus its mean."""
        return np.sqrt(self._differences(self).product)

    @_kept
    def _ranked(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        from augcam import kernels

        return kernels.rank(self.distinct, self.counts)

    @property
    def ranks(self) -> np.ndarray:
        """Twice the average rank, from 1, of each distinct value in its map, int32 (N, D)."""
        return self._ranked[2]

    @_kept
    def rank_norm(self) -> np.ndarray:
        """(N,) float64: Euclidean length of `ranks` minus their mean, over all pixels."""
        from augcam import kernels

        return np.sqrt(kernels.rank_products(self.ranks, self.ranks, self.pixels, self.counts))

    def threshold(self, top: int) -> np.ndarray:
        """(N,): the (100 − top)th percentile of each map, numpy's default (linear) definition."""
        if top not in self._thresholds:
            from augcam import kernels

            ordered, upto, _ = self._ranked
            position = (self.pixels - 1) * ((100 - top) / 100)
            low = int(position)
            share = position - low
            below, above = kernels.order_statistics(ordered, upto, low)
            step = above - below
            # From the nearer side, as numpy does: the rounding decides what reaches the threshold.
            near_above = share >= 0.5
            threshold = above - step * (1 - share) if near_above else below + step * share
            self._thresholds[top] = threshold
        return self._thresholds[top]

    def degenerate(self, top: int) -> np.ndarray:
        """(N,) bool: maps so flat that their `top` % highest pixels are all pixels."""
        return self.threshold(top) <= self.smallest

    def differences(self, other: "Maps") -> "Differences":
        """How these maps differ from `other` ones; what was asked for last is kept."""
        if self._latest is None or self._latest[0] is not other:
            self._latest = other, self._differences(other)
        return self._latest[1]

    def _differences(self, other: "Maps") -> "Differences":
        from augcam import kernels

        means = self.mean, other.mean
        return Differences(*kernels.differences(self.distinct, other.distinct, *means, self.counts))


class Differences(NamedTuple):
    """Sums over pixels, (N,) float64: of the absolute difference, of the squared one, and of the
    product of the deviations from the two means."""

    absolute: np.ndarray
    squared: np.ndarray
    product: np.ndarray


# -------------------------------------------------------------------------------------- metrics


def mad(p: Maps, q: Maps) -> np.ndarray:
    """Mean absolute difference, in [0, 1]; 0 for equal maps."""
    return p.differences(q).absolute / p.pixels


def msd(p: Maps, q: Maps) -> np.ndarray:
    """Mean squared difference, in [0, 1]; 0 for equal maps."""
    return p.differences(q).squared / p.pixels


def pearson(p: Maps, q: Maps) -> np.ndarray:
    """Pearson's correlation over pixels, in [−1, 1]; NaN where a map is constant."""
    return _correlation(p.differences(q).product, p.norm * q.norm, p.constant | q.constant)


def spearman(p: Maps, q: Maps) -> np.ndarray:
    """Spearman's rank correlation (average ranks on ties), in [−1, 1]; NaN for constant maps."""
    from augcam import kernels

    covariance = kernels.rank_products(p.ranks, q.ranks, p.pixels, p.counts)
    return _correlation(covariance, p.rank_norm * q.rank_norm, p.constant | q.constant)


def _correlation(covariance: np.ndarray, scale: np.ndarray, undefined: np.ndarray) -> np.ndarray:
    undefined = undefined | (scale == 0)
    r = covariance / np.where(undefined, 1, scale)
    return np.where(undefined, np.nan, r.clip(-1, 1))


def overlap(p: Maps, q: Maps, top: int) -> np.ndarray:
    """Overlap rate: |A∩B| / |A∪B| of the pixels at or above their map's (100 − top)th percentile.

    In [0, 1]; 1 for equal maps. The threshold is a value, so ties can select more than `top` %.
    """
    from augcam import kernels

    thresholds = p.threshold(top), q.threshold(top)
    both, either = kernels.overlaps(p.distinct, q.distinct, *thresholds, p.counts)
    return both / either


def class_kld(p_logits: np.ndarray, q_logits: np.ndarray, epsilon: float) -> np.ndarray:
    """Class-prediction KLD: Σ Q·log(ε + Q/P) over softmax probabilities; 0 for equal predictions.

    Logits (N, C) of any float type; computed in float64 as log(ε + exp(log Q − log P)), so that
    P → 0 neither divides by zero nor overflows.
    """
    log_p, log_q = _log_softmax(p_logits), _log_softmax(q_logits)
    return (np.exp(log_q) * np.logaddexp(np.log(epsilon), log_q - log_p)).sum(axis=1)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    # One layout in memory: numpy adds the columns of another in another order.
    logits = np.ascontiguousarray(logits, dtype=np.float64)
    logits = logits - logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


class Metric(NamedTuple):
    """A map metric and what holds for it: `range` of its values, its value `at_equality` (of maps
    that are not constant), whether P and Q may be swapped, whether constant maps leave it
    undefined."""

    function: Callable[[Maps, Maps], np.ndarray]
    range: tuple[float, float]
    at_equality: float
    symmetric: bool = True
    undefined_on_constant: bool = False


MAP_METRICS: dict[str, Metric] = {
    "mad": Metric(mad, (0, 1), 0),
    "msd": Metric(msd, (0, 1), 0),
    "pearson": Metric(pearson, (-1, 1), 1, undefined_on_constant=True),
    "spearman": Metric(spearman, (-1, 1), 1, undefined_on_constant=True),
} | {f"overlap_{top}": Metric(partial(overlap, top=top), (0, 1), 1) for top in range(1, 100)}
"""By the name used in the config (`similarity.metrics`); `class_kld` compares predictions."""


def largest_top(metrics: list[str]) -> int | None:
    """The largest Y among the overlap rates asked for."""
    tops = [int(name.removeprefix("overlap_")) for name in metrics if name.startswith("overlap_")]
    return max(tops, default=None)


# ----------------------------------------------------------------------------------- comparison


class Explained(NamedTuple):
    """What `augcam.explanations` wrote for one model, checked: rows agree in `image_id`."""

    image_id: np.ndarray
    cam: np.ndarray
    logits: np.ndarray
    right: np.ndarray


def explained_blocks(
    cams_path: str | Path, predictions_path: str | Path, rows: int = _BLOCK_IMAGES
) -> Iterator[Explained]:
    """Read one model's explanations, `rows` images at a time.

    Raises AugcamError naming a file that is broken, does not fit the other, or holds what is no
    finite number.
    """
    cams = array_blocks(cams_path, ["image_id", "cam"], rows)
    for arrays, predictions in zip_longest(cams, table_blocks(predictions_path, rows)):
        if (
            arrays is None
            or predictions is None
            or not np.array_equal(arrays["image_id"], predictions["image_id"])
        ):
            raise AugcamError(f"{predictions_path}: its images are not those of {cams_path}.")
        # In one layout, whatever the reader's: sums depend on it in their last bit.
        logits = np.ascontiguousarray(predictions.filter(regex=r"^logit_\d+$").to_numpy())
        for path, values in ((cams_path, arrays["cam"]), (predictions_path, logits)):
            if not np.isfinite(values).all():
                raise AugcamError(
                    f"{path}: it holds values that are no finite numbers; delete it and run again "
                    "to make it anew."
                )
        right = (predictions["label"] == predictions["predicted"]).to_numpy()
        yield Explained(arrays["image_id"], arrays["cam"], logits, right)


def read_explained(cams_path: str | Path, predictions_path: str | Path) -> Explained:
    """Read all of one model's explanations; raises as `explained_blocks`."""
    blocks = list(explained_blocks(cams_path, predictions_path))
    return Explained(*(np.concatenate(parts) for parts in zip(*blocks)))


def compare(
    baseline: Explained,
    others: Sequence[Explained],
    metrics: list[str],
    size: int,
    epsilon: float,
    threads: int = 1,
) -> list[pd.DataFrame]:
    """Compare each of `others` with the baseline, image by image; results do not depend on threads.

    Returns for each one row an image: image_id, segment, degenerate_baseline, degenerate_augmented
    (bool: a map that is constant or whose top pixels are all pixels), then `metrics`, float64.
    Raises AugcamError where models have explained different images.
    """
    for other in others:
        if not np.array_equal(baseline.image_id, other.image_id):
            raise AugcamError("the two models have explained different images; explain both anew.")
    count = len(baseline.image_id)
    map_metrics = [name for name in metrics if name != "class_kld"]
    tables = [
        {
            "image_id": baseline.image_id,
            "segment": segments(baseline.right, other.right),
            "degenerate_baseline": np.empty(count, bool),
            "degenerate_augmented": np.empty(count, bool),
        }
        | {name: np.empty(count) for name in metrics}
        for other in others
    ]
    if "class_kld" in metrics:
        for other, table in zip(others, tables):
            table["class_kld"] = class_kld(baseline.logits, other.logits, epsilon)
    top = largest_top(metrics)

    def flat(maps: Maps) -> np.ndarray:
        return maps.degenerate(top) if top else maps.constant

    def compare_chunk(rows: slice) -> None:
        p = Maps.of(baseline.cam[rows], size)
        for other, table in zip(others, tables):
            q = Maps.of(other.cam[rows], size)
            table["degenerate_baseline"][rows] = flat(p)
            table["degenerate_augmented"][rows] = flat(q)
            for name in map_metrics:
                table[name][rows] = MAP_METRICS[name].function(p, q)

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(compare_chunk, _chunks(count, size, threads)):
            pass
    return [pd.DataFrame(table) for table in tables]


def _chunks(count: int, size: int, threads: int) -> list[slice]:
    """Slices of `count` maps for `threads` threads: about equal, and as many for each thread."""
    most = max(1, _CHUNK_PIXELS // size**2)
    pieces = threads * max(1, math.ceil(count / (threads * most)))
    ends = [count * piece // pieces for piece in range(pieces + 1)]
    return [slice(begin, end) for begin, end in pairwise(ends) if begin < end]


def compare_files(
    baseline: tuple[str | Path, str | Path],
    others: Sequence[tuple[str | Path, str | Path]],
    outputs: Sequence[str | Path],
    metrics: list[str],
    size: int,
    epsilon: float,
    threads: int = 1,
) -> None:
    """`compare` from files (cams, predictions) to one table a model, block by block.

    Memory does not grow with the number of images. Raises as `explained_blocks` and `compare`.
    """
    models = [explained_blocks(*paths) for paths in (baseline, *others)]
    with ExitStack() as stack:
        writers = [stack.enter_context(table_writer(path)) for path in outputs]
        for first, *rest in zip_longest(*models):
            if first is None or None in rest:
                raise AugcamError(
                    "the two models have explained different images; explain both anew."
                )
            tables = compare(first, rest, metrics, size, epsilon, threads)
            for write, table in zip(writers, tables):
                write(table)


def segments(baseline_right: np.ndarray, other_right: np.ndarray) -> np.ndarray:
    """(N,) names: which of the two models is right (appendix C)."""
    return np.array(SEGMENTS)[2 * ~baseline_right + ~other_right * 1]
