"""Moments of maps, from which some metrics follow for every two maps, without enlarging any.

The maps that are compared are ReLU → min-max → bilinear → min-max of raw CAMs. Bilinear resizing is
linear, y = U x, and the second min-max is affine for each map, so that means and inner products of
any two maps follow from the small maps and the Gram matrix UᵀU.
"""

from __future__ import annotations

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
        rows, columns = _operator(height, size), _operator(width, size)
        pixels = size * size
        self.gram = np.kron(rows.T @ rows, columns.T @ columns) / pixels
        self.mean = np.kron(rows.sum(axis=0), columns.sum(axis=0)) / pixels
        self.ends = np.kron(rows[_outermost(rows)], columns[_outermost(columns)])


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
    def of(cls, cams: np.ndarray, operator: Bilinear) -> Moments:
        """Those of raw CAMs, float32 (M, N, h, w)."""
        models, count, height, width = cams.shape
        x = np.maximum(cams, 0).transpose(1, 0, 2, 3)
        x = normalise(x.reshape(-1, height, width)).astype(np.float64)
        x = x.reshape(count, models, -1)
        at_ends = x @ operator.ends.T
        low, high = at_ends.min(axis=2), at_ends.max(axis=2)
        mean = x @ operator.mean
        inner = (x @ operator.gram) @ x.transpose(0, 2, 1)
        covariance = inner - mean[:, :, None] * mean[:, None]
        variance = np.diagonal(covariance, axis1=1, axis2=2).clip(0)
        return cls(mean, variance, covariance, low, 1 / (1e-7 + high - low), high <= low)
