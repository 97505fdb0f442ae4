"""Structural similarity of two maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Metric

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.maps import Maps

SIDE, SIGMA = 11, 1.5
"""Of the window, in pixels."""
K1, K2 = 0.01, 0.03


def ssim(p: Maps, q: Maps) -> np.ndarray:
    """Mean structural similarity (Wang et al. 2004): Gaussian window of 11 × 11 pixels with σ 1.5,
    K₁ .01, K₂ .03, range 1, over all places of the window within the map; in [−1, 1], 1 for equal
    maps. NaN where maps are smaller than the window."""
    import numpy as np

    from augcam.comparison import distance_kernels

    side = round(p.pixels**0.5)
    if side < SIDE:
        return np.full(len(p.distinct), np.nan)
    x = np.arange(SIDE) - SIDE // 2
    window = np.exp(-(x**2) / (2 * SIGMA**2))
    maps = (m.values.reshape(-1, side, side) for m in (p, q))
    return distance_kernels.similar_structure(*maps, window / window.sum(), K1**2, K2**2)


ENTRY = Metric(
    name="ssim",
    display_name="Structural similarity",
    definition="mean SSIM, Gaussian window of 11×11 with σ 1.5 (Wang et al. 2004)",
    function=ssim,
    range=(-1, 1),
    at_equality=1,
    section="correlation",
)
