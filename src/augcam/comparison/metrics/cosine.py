"""Cosine of the angle between two maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Metric

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.maps import Maps


def cosine(p: Maps, q: Maps) -> np.ndarray:
    """Σ PQ / √(Σ P² · Σ Q²), in [0, 1]; NaN where a map is constant."""
    import numpy as np

    from augcam.comparison.maps import correlation

    x, y = p.distinct.astype(np.float64), q.distinct.astype(np.float64)
    # Not by BLAS, whose sums depend on the other maps of a chunk.
    products = [(a * b * p.counts).sum(axis=1) for a, b in ((x, y), (x, x), (y, y))]
    scale = np.sqrt(products[1]) * np.sqrt(products[2])
    return correlation(products[0], scale, p.constant | q.constant)


ENTRY = Metric(
    name="cosine",
    display_name="Cosine similarity",
    definition="ΣPQ / √(ΣP²·ΣQ²)",
    function=cosine,
    range=(0, 1),
    at_equality=1,
    section="correlation",
    undefined_on_constant=True,
)
