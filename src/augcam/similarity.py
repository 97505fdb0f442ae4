"""Similarity: how the maps and predictions of two models differ, image by image.

P is the baseline's, Q the other model's. Maps are compared at the network's input resolution, as
float32, with sums in float64. Definitions: section 5.1 of the paper.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cached_property, partial
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from augcam.errors import AugcamError
from augcam.files import array_blocks, table_blocks, table_writer

_CHUNK_PIXELS = 500_000  # maps that are worked on at once, about 20 MB a thread: near the caches
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
    for axis in (2, 1):
        low, weight = _bilinear(cam.shape[axis], size)
        # In this form equal neighbours give exactly equal values: ranks depend on ties.
        steps = np.diff(cam, axis=axis, append=cam.take([-1], axis))
        rise = steps.take(low, axis)
        rise *= weight if axis == 2 else weight[:, None]
        rise += cam.take(low, axis)
        cam = rise
    return cam


def _bilinear(length: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """For each of `size` outputs the first of its two inputs of `length`, and the second's weight.

    Behind the last input there is nothing: it is its own neighbour.
    """
    scale = np.float32(length) / np.float32(size)
    position = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * scale - np.float32(0.5)
    position = position.clip(0)
    low = np.minimum(position.astype(np.int64), length - 1)
    return low, position - low.astype(np.float32)


def to_maps(cam: np.ndarray, size: int) -> np.ndarray:
    """Raw CAMs (N, h, w) → the maps that are compared: float32 (N, size, size) in [0, 1].

    ReLU, min-max, bilinear to `size`, min-max: pytorch-grad-cam's steps (section 2.4).
    """
    cam = np.maximum(cam.astype(np.float32, copy=False), 0)
    return normalise(upsample(normalise(cam), size))


class Maps:
    """A chunk of flattened maps, float32 (N, pixels) in [0, 1], with what metrics share.

    What is derived is computed when first asked for, and once: a baseline's ranks and thresholds
    serve for all models that it is compared with. Raises ValueError for other values, and NaN.
    """

    def __init__(self, maps: np.ndarray):
        self.values = np.ascontiguousarray(maps.reshape(len(maps), -1), dtype=np.float32)
        self.smallest, self.largest = self.values.min(axis=1), self.values.max(axis=1)
        if not ((self.smallest >= 0).all() and (self.largest <= 1).all()):
            raise ValueError("maps must hold numbers from 0 to 1")
        self._thresholds: dict[int, np.ndarray] = {}

    @property
    def pixels(self) -> int:
        return self.values.shape[1]

    @cached_property
    def constant(self) -> np.ndarray:
        """(N,) bool: maps with one value only, which have no correlation."""
        return self.largest == self.smallest

    @cached_property
    def mean(self) -> np.ndarray:
        """(N,) float64: mean of each map."""
        from augcam import kernels

        return kernels.sums(self.values) / self.pixels

    @cached_property
    def norm(self) -> np.ndarray:
        """(N,) float64: Euclidean length of each map minus its mean."""
        return np.sqrt(_centred_products(self.values, self.values, self.mean, self.mean))

    @cached_property
    def _ranked(self) -> tuple[np.ndarray, np.ndarray]:
        from augcam import kernels

        return kernels.rank(self.values)

    @property
    def ordered(self) -> np.ndarray:
        """Each map's values in ascending order, float32 (N, pixels)."""
        return self._ranked[0]

    @property
    def ranks(self) -> np.ndarray:
        """Twice the average rank, from 1, of each pixel in its map, int32 (N, pixels)."""
        return self._ranked[1]

    @cached_property
    def rank_mean(self) -> np.ndarray:
        """(N,) float64: mean of `ranks`, the same for all maps."""
        return np.full(len(self.values), self.pixels + 1.0)

    @cached_property
    def rank_norm(self) -> np.ndarray:
        """(N,) float64: Euclidean length of `ranks` minus their mean."""
        return np.sqrt(_centred_products(self.ranks, self.ranks, self.rank_mean, self.rank_mean))

    def threshold(self, top: int) -> np.ndarray:
        """(N,): the (100 − top)th percentile of each map, numpy's default (linear) definition."""
        if top not in self._thresholds:
            position = (self.pixels - 1) * ((100 - top) / 100)
            low = int(position)
            share = position - low
            below, above = self.ordered[:, low], self.ordered[:, min(low + 1, self.pixels - 1)]
            step = above - below
            # From the nearer side, as numpy does: the rounding decides what reaches the threshold.
            near_above = share >= 0.5
            threshold = above - step * (1 - share) if near_above else below + step * share
            self._thresholds[top] = threshold
        return self._thresholds[top]

    def degenerate(self, top: int) -> np.ndarray:
        """(N,) bool: maps so flat that their `top` % highest pixels are all pixels."""
        return self.threshold(top) <= self.smallest


def _centred_products(p: np.ndarray, q: np.ndarray, p_mean, q_mean) -> np.ndarray:
    from augcam import kernels

    return kernels.centred_products(p, q, p_mean, q_mean)


# -------------------------------------------------------------------------------------- metrics


def mad(p: Maps, q: Maps) -> np.ndarray:
    """Mean absolute difference, in [0, 1]; 0 for equal maps."""
    from augcam import kernels

    return kernels.absolute_differences(p.values, q.values) / p.pixels


def msd(p: Maps, q: Maps) -> np.ndarray:
    """Mean squared difference, in [0, 1]; 0 for equal maps."""
    from augcam import kernels

    return kernels.squared_differences(p.values, q.values) / p.pixels


def pearson(p: Maps, q: Maps) -> np.ndarray:
    """Pearson's correlation over pixels, in [−1, 1]; NaN where a map is constant."""
    covariance = _centred_products(p.values, q.values, p.mean, q.mean)
    return _correlation(covariance, p.norm * q.norm, p.constant | q.constant)


def spearman(p: Maps, q: Maps) -> np.ndarray:
    """Spearman's rank correlation (average ranks on ties), in [−1, 1]; NaN for constant maps."""
    covariance = _centred_products(p.ranks, q.ranks, p.rank_mean, q.rank_mean)
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

    both, either = kernels.overlaps(p.values, q.values, p.threshold(top), q.threshold(top))
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
        logits = predictions.filter(regex=r"^logit_\d+$").to_numpy()
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
    top = largest_top(metrics)

    def flat(maps: Maps) -> np.ndarray:
        return maps.degenerate(top) if top else maps.constant

    def compare_chunk(rows: slice) -> None:
        p = Maps(to_maps(baseline.cam[rows], size))
        for other, table in zip(others, tables):
            q = Maps(to_maps(other.cam[rows], size))
            table["degenerate_baseline"][rows] = flat(p)
            table["degenerate_augmented"][rows] = flat(q)
            for name in map_metrics:
                table[name][rows] = MAP_METRICS[name].function(p, q)
            if "class_kld" in metrics:
                kld = class_kld(baseline.logits[rows], other.logits[rows], epsilon)
                table["class_kld"][rows] = kld

    step = max(1, _CHUNK_PIXELS // size**2)
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(compare_chunk, (slice(i, i + step) for i in range(0, count, step))):
            pass
    return [pd.DataFrame(table) for table in tables]


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
