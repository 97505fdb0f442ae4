"""Pearson's correlation over pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Metric

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.maps import Maps
    from augcam.comparison.moments import Moments


def pearson(p: Maps, q: Maps) -> np.ndarray:
    """Pearson's correlation over pixels, in [−1, 1]; NaN where a map is constant."""
    from augcam.comparison.maps import correlation

    return correlation(p.differences(q).product, p.norm * q.norm, p.constant | q.constant)


def between(m: Moments) -> np.ndarray:
    """(N, M, M): between every two models, from their maps' moments."""
    import numpy as np

    defined = ~(m.constant[:, :, None] | m.constant[:, None])
    root = np.sqrt(np.where(m.constant, 1, m.variance))
    r = (m.covariance / (root[:, :, None] * root[:, None])).clip(-1, 1)
    return np.where(defined, r, np.nan)


ENTRY = Metric(
    name="pearson",
    display_name="Pearson correlation",
    definition="correlation over pixels",
    function=pearson,
    range=(-1, 1),
    at_equality=1,
    section="correlation",
    between=between,
    undefined_on_constant=True,
    headline=2,
)
