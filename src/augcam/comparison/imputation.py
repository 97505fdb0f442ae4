"""Noisy linear imputation: what ROAD puts in the place of pixels that are removed."""

from functools import cache

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

_WEIGHTS = {1: 1 / 6, 2: 1 / 12}
"""Of direct neighbours, and of those across a corner, by their distance in rows plus columns."""

NOISE = 0.01
"""Standard deviation of the noise, in units of what networks see."""


@cache
def _neighbours(height: int, width: int) -> sparse.csr_array:
    """Weights of every pixel's neighbours, (pixels, pixels); none beyond the image."""
    pixel = np.arange(height * width).reshape(height, width)
    rows, columns, weights = [], [], []
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            if down == right == 0:
                continue
            inner = slice(max(0, -down), height - max(0, down))
            here = pixel[inner, max(0, -right) : width - max(0, right)]
            there = here + down * width + right
            rows.append(here.ravel())
            columns.append(there.ravel())
            weights.append(np.full(here.size, _WEIGHTS[abs(down) + abs(right)]))
    places = np.concatenate(rows), np.concatenate(columns)
    return sparse.csr_array((np.concatenate(weights), places), shape=(pixel.size, pixel.size))


def impute(image: np.ndarray, removed: np.ndarray, noise: np.ndarray | None = None) -> np.ndarray:
    """An image (C, H, W) without the pixels `removed`, bool (K, H, W), in K ways: float32
    (K, C, H, W).

    Each removed pixel becomes the weighted mean of its neighbours, removed ones among them: one
    sparse system per way, solved for all channels at once; the matrix is symmetric and, as long as
    one pixel is left, positive definite. `noise` (C, H, W) is added to what was removed.
    Source: Rong et al. 2022 (arXiv 2202.00449), section 4.1.
    Raises ValueError where no pixel is left.
    """
    channels, height, width = image.shape
    weights = _neighbours(height, width)
    totals = weights.sum(axis=1)
    flat = image.reshape(channels, -1).astype(np.float64)
    filled = np.repeat(flat[None], len(removed), axis=0)
    for way, gone in zip(filled, removed.reshape(len(removed), -1)):
        if gone.all():
            raise ValueError("impute: no pixel is left to impute from.")
        if not gone.any():
            continue
        near = weights[gone]
        matrix = sparse.diags_array(totals[gone]) - near[:, gone]
        known = near @ np.where(gone, 0, flat).T
        # An order for symmetric matrices, no pivoting, and columns one by one, as they have few
        # numbers in common: together half of the time at 224 × 224.
        solver = splu(
            matrix.tocsc(),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0,
            relax=1,
            panel_size=1,
            options={"SymmetricMode": True},
        )
        way[:, gone] = solver.solve(known).T
        if noise is not None:
            way[:, gone] += noise.reshape(channels, -1)[:, gone]
    return filled.reshape(len(removed), *image.shape).astype(np.float32)
