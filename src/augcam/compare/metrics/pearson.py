"""Pearson's correlation over pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Metric

if TYPE_CHECKING:
    import numpy as np

    from augcam.compare.maps import Maps


def pearson(p: Maps, q: Maps) -> np.ndarray:
    """Pearson's correlation over pixels, in [−1, 1]; NaN where a map is constant."""
    from augcam.compare.maps import correlation

    return correlation(p.differences(q).product, p.norm * q.norm, p.constant | q.constant)


ENTRY = Metric(
    name="pearson",
    display_name="Pearson correlation",
    definition="correlation over pixels",
    function=pearson,
    range=(-1, 1),
    at_equality=1,
    section="correlation",
    undefined_on_constant=True,
    headline=2,
)
