"""Raw maps as scores look at them: the positive part, enlarged to what the network sees."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from augcam.comparison.maps import upsample


class RawMaps:
    """Raw, signed maps of N images, and what scores share of them, computed when first asked for.

    `raw` float32 (N, h, w), at the layer's resolution; `size`: the side to which they are enlarged.
    Maps that are positive nowhere, or that hold what is no finite number, are `undefined`.
    """

    def __init__(self, raw: np.ndarray, size: int):
        raw = raw.astype(np.float32, copy=False)
        self.finite = np.isfinite(raw).all(axis=(1, 2))
        self.raw = np.where(self.finite[:, None, None], raw, np.float32(0))
        self.size = size

    @property
    def pixels(self) -> int:
        return self.size**2

    @cached_property
    def positive(self) -> np.ndarray:
        """The positive part, float32 (N, size, size): bilinear, without any normalisation."""
        return upsample(np.maximum(self.raw, 0), self.size)

    @cached_property
    def total(self) -> np.ndarray:
        """(N,) float64: Σ of the positive part; NaN where there is none."""
        total = self.positive.sum(axis=(1, 2), dtype=np.float64)
        return np.where(self.finite & (total > 0), total, np.nan)

    @property
    def undefined(self) -> np.ndarray:
        """(N,) bool: maps that are positive nowhere, or no numbers."""
        return np.isnan(self.total)

    @cached_property
    def largest(self) -> np.ndarray:
        """(N,) float32: the highest value of the positive part."""
        return self.positive.max(axis=(1, 2))

    @cached_property
    def constant(self) -> np.ndarray:
        """(N,) bool: the same everywhere; then no pixel is before another."""
        return self.positive.min(axis=(1, 2)) == self.largest

    @cached_property
    def relative(self) -> np.ndarray:
        """The positive part times a power of two, float32 (N, pixels), in [0, 1): exact, so that
        values are equal where they were."""
        exponent = np.frexp(self.largest)[1]
        return np.ldexp(self.positive.reshape(len(self.raw), -1), -exponent[:, None])

    @cached_property
    def ranked(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Values of `relative` in order, how many pixels lie up to each, and twice the rank of each
        pixel: see `augcam.comparison.kernels.rank`."""
        from augcam.comparison import kernels

        return kernels.rank(self.relative, np.ones(self.pixels, np.int32))

    @cached_property
    def moments(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Of `relative` (N,) float64 each: Σ x (1 where that is 0), Σ x·ln x, Σ x·row, Σ x·column,
        rows and columns counted from 0."""
        from augcam.comparison import score_kernels

        total = self.relative.sum(axis=1, dtype=np.float64)
        log, down, right = score_kernels.moments(self.relative.reshape(self.positive.shape))
        return np.where(total > 0, total, 1), log, down, right

    def defined(self, values: np.ndarray, needs_order: bool = False) -> np.ndarray:
        """`values` (N,), NaN where the maps are undefined, or constant, if their order counts."""
        undefined = self.undefined | self.constant if needs_order else self.undefined
        return np.where(undefined, np.nan, values)
