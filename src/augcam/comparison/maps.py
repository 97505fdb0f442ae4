"""Maps at the input's resolution, and what metrics share of them."""

import math
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

_CHUNK_PIXELS = 1_000_000  # of maps that are worked on at once: about 40 MB a thread


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
    from augcam.comparison import kernels

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
    from augcam.comparison import kernels

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


def correlation(covariance: np.ndarray, scale: np.ndarray, undefined: np.ndarray) -> np.ndarray:
    """`covariance` / `scale` in [−1, 1], (N,); NaN where it is `undefined` or the scale is 0."""
    undefined = undefined | (scale == 0)
    r = covariance / np.where(undefined, 1, scale)
    return np.where(undefined, np.nan, r.clip(-1, 1))


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
    (N, D), of which every value stands for `counts` (D,) equal pixels, int32; which of them each
    pixel has is in `places` (pixels,).
    Raises ValueError for values outside [0, 1], and NaN.
    """

    def __init__(self, maps: np.ndarray):
        """Of any maps (N, …), whose pixels count one each; `small` are they themselves."""
        self._raw = maps if maps.ndim == 3 else maps.reshape(len(maps), 1, -1)
        maps = np.ascontiguousarray(maps.reshape(len(maps), -1), dtype=np.float32)
        self._set(maps, np.ones(maps.shape[1], dtype=np.int32), np.arange(maps.shape[1]))

    @classmethod
    def of(cls, cam: np.ndarray, size: int) -> "Maps":
        """The same as `Maps(to_maps(cam, size))`, without computing equal pixels again."""
        grid = _grid(*cam.shape[1:], size)
        maps = cls.__new__(cls)
        maps._raw = cam
        distinct = _maps_at(cam, grid.rows, grid.columns).reshape(len(cam), -1)
        maps._set(distinct, grid.counts, grid.places)
        return maps

    def _set(self, distinct: np.ndarray, counts: np.ndarray, places: np.ndarray) -> None:
        """`places` (pixels,): which of the distinct values each pixel has."""
        self.distinct, self.counts, self.places = distinct, counts, places
        self.smallest, self.largest = distinct.min(axis=1), distinct.max(axis=1)
        if not ((self.smallest >= 0).all() and (self.largest <= 1).all()):
            raise ValueError("maps must hold numbers from 0 to 1")
        self._thresholds: dict[int, np.ndarray] = {}
        self._latest: tuple[Maps, Differences] | None = None

    @property
    def pixels(self) -> int:
        return len(self.places)

    @_kept
    def values(self) -> np.ndarray:
        """Every pixel of the maps, float32 (N, pixels)."""
        return self.distinct[:, self.places]

    @_kept
    def small(self) -> np.ndarray:
        """The maps at the layer's own resolution, float32 (N, h, w) in [0, 1]: ReLU, min-max."""
        return normalise(np.maximum(self._raw.astype(np.float32, copy=False), 0))

    @_kept
    def constant(self) -> np.ndarray:
        """(N,) bool: maps with one value only, which have no correlation."""
        return self.largest == self.smallest

    @_kept
    def mean(self) -> np.ndarray:
        """(N,) float64: mean of each map."""
        from augcam.comparison import kernels

        return kernels.sums(self.distinct, self.counts) / self.pixels

    @_kept
    def norm(self) -> np.ndarray:
        """(N,) float64: Euclidean length of each map minus its mean."""
        return np.sqrt(self._differences(self).product)

    @_kept
    def _ranked(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        from augcam.comparison import kernels

        return kernels.rank(self.distinct, self.counts)

    @property
    def ranks(self) -> np.ndarray:
        """Twice the average rank, from 1, of each distinct value in its map, int32 (N, D)."""
        return self._ranked[2]

    @_kept
    def rank_norm(self) -> np.ndarray:
        """(N,) float64: Euclidean length of `ranks` minus their mean, over all pixels."""
        from augcam.comparison import kernels

        return np.sqrt(kernels.rank_products(self.ranks, self.ranks, self.pixels, self.counts))

    def threshold(self, top: int) -> np.ndarray:
        """(N,): the (100 − top)th percentile of each map, numpy's default (linear) definition."""
        if top not in self._thresholds:
            from augcam.comparison import kernels

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
        from augcam.comparison import kernels

        means = self.mean, other.mean
        return Differences(*kernels.differences(self.distinct, other.distinct, *means, self.counts))


class Differences(NamedTuple):
    """Sums over pixels, (N,) float64: of the absolute difference, of the squared one, and of the
    product of the deviations from the two means."""

    absolute: np.ndarray
    squared: np.ndarray
    product: np.ndarray


def even_chunks(count: int, size: int, threads: int) -> list[slice]:
    """Slices of `count` maps for `threads` threads: about equal, and as many for each thread."""
    most = max(1, _CHUNK_PIXELS // size**2)
    pieces = threads * max(1, math.ceil(count / (threads * most)))
    ends = [count * piece // pieces for piece in range(pieces + 1)]
    return [slice(begin, end) for begin, end in pairwise(ends) if begin < end]
