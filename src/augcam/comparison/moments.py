"""Moments of maps, from which some metrics follow for every two maps, without enlarging any.

The maps that are compared are ReLU → min-max → bilinear → min-max of raw CAMs. Bilinear resizing is
linear, y = U x, and the second min-max is affine for each map, so that means and inner products of
any two maps follow from the small maps and the Gram matrix UᵀU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from augcam.comparison.maps import normalise, upsample


class Bilinear:
    """Bilinear resizing of (h, w) to (size, size) as a linear operator on flattened maps.

    `gram` (hw, hw) is UᵀU / pixels, `mean` (hw,) the mean over pixels of U x; `ends` (E, hw) are
    the rows of U that can hold a map's smallest or largest value: between two neighbours of the
    small map the result is bilinear, so its extremes lie at the outermost pixels there.
    """

    def __init__(self, height: int, width: int, size: int):
        self.rows, self.columns = rows, columns = _operator(height, size), _operator(width, size)
        self.gram = self.inner(self)
        self.mean = np.kron(rows.sum(axis=0), columns.sum(axis=0)) / len(rows) ** 2
        self.ends = np.kron(rows[_outermost(rows)], columns[_outermost(columns)])

    def inner(self, other: Bilinear) -> np.ndarray:
        """UᵀV / pixels, (hw, h'w'), where V resizes other maps to the same size."""
        by_row, by_column = self.rows.T @ other.rows, self.columns.T @ other.columns
        return np.kron(by_row, by_column) / len(self.rows) ** 2


class Grids:
    """Resizing of M maps, each of its own (h, w), to (size, size).

    Small maps stand in one row of numbers, (D,), in which each different grid has a part, and a map
    is 0 outside its own: so `gram` (D, D) and `mean` (D,) serve as those of one grid. `parts`: grid
    → its operator, its part of the row, and the positions of the models that have it.
    """

    def __init__(self, grids: Sequence[tuple[int, int]], size: int):
        self.parts: dict[tuple[int, int], tuple[Bilinear, slice, np.ndarray]] = {}
        start = 0
        for height, width in dict.fromkeys(grids):
            where = np.array([i for i, grid in enumerate(grids) if grid == (height, width)])
            part = slice(start, start := start + height * width)
            self.parts[height, width] = Bilinear(height, width, size), part, where
        operators = [operator for operator, *_ in self.parts.values()]
        self.gram = np.block([[a.inner(b) for b in operators] for a in operators])
        self.mean = np.concatenate([operator.mean for operator in operators])


def _operator(length: int, size: int) -> np.ndarray:
    """The matrix (size, length) of the one-dimensional resizing of `similarity.upsample`."""
    identity = np.eye(length, dtype=np.float32)[:, :, None]  # one unit vector a map
    wide = np.broadcast_to(identity, (length, length, 1))
    return upsample(wide, size)[:, :, 0].T.astype(np.float64)


def _outermost(operator: np.ndarray) -> np.ndarray:
    """First and last row between every two neighbours (rows with the same non-zero columns)."""
    support = operator > 0
    change = np.flatnonzero((support[1:] != support[:-1]).any(axis=1))
    return np.unique([0, *change, *(change + 1), len(operator) - 1])


class Moments(NamedTuple):
    """Of N images and M models, (N, M) each: `mean` and `variance` over an enlarged map's pixels
    before the second min-max, which subtracts `low` and multiplies by `scale`, and whether the map
    is `constant`; `covariance` (N, M, M) of every two models' maps of one image."""

    mean: np.ndarray
    variance: np.ndarray
    covariance: np.ndarray
    low: np.ndarray
    scale: np.ndarray
    constant: np.ndarray

    @classmethod
    def of(cls, cams: Sequence[np.ndarray], grids: Grids) -> Moments:
        """Those of raw CAMs, float32 (N, h, w) of each model."""
        count, models = len(cams[0]), len(cams)
        x = np.zeros((count, models, len(grids.mean)))
        low, high = np.empty((2, count, models))
        for (height, width), (operator, part, where) in grids.parts.items():
            small = np.stack([np.maximum(cams[i], 0) for i in where], axis=1)
            small = normalise(small.reshape(-1, height, width)).astype(np.float64)
            small = small.reshape(count, len(where), -1)
            at_ends = small @ operator.ends.T
            low[:, where], high[:, where] = at_ends.min(axis=2), at_ends.max(axis=2)
            x[:, where, part] = small
        mean = x @ grids.mean
        inner = (x @ grids.gram) @ x.transpose(0, 2, 1)
        covariance = inner - mean[:, :, None] * mean[:, None]
        variance = np.diagonal(covariance, axis1=1, axis2=2).clip(0)
        return cls(mean, variance, covariance, low, 1 / (1e-7 + high - low), high <= low)
