"""Spearman's rank correlation over pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Metric

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.maps import Maps


def spearman(p: Maps, q: Maps) -> np.ndarray:
    """Spearman's rank correlation (average ranks on ties), in [−1, 1]; NaN for constant maps."""
    from augcam.comparison import kernels
    from augcam.comparison.maps import correlation

    covariance = kernels.rank_products(p.ranks, q.ranks, p.pixels, p.counts)
    return correlation(covariance, p.rank_norm * q.rank_norm, p.constant | q.constant)


ENTRY = Metric(
    name="spearman",
    display_name="Spearman correlation",
    definition="correlation of ranks, average ranks on ties",
    function=spearman,
    range=(-1, 1),
    at_equality=1,
    section="correlation",
    undefined_on_constant=True,
)
