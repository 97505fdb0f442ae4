"""Mean squared difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Metric

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.maps import Maps
    from augcam.comparison.moments import Moments


def msd(p: Maps, q: Maps) -> np.ndarray:
    """Mean squared difference, in [0, 1]; 0 for equal maps."""
    return p.differences(q).squared / p.pixels


def between(m: Moments) -> np.ndarray:
    """(N, M, M): between every two models, from their maps' moments."""
    spread, shift = m.variance * m.scale**2, (m.mean - m.low) * m.scale
    values = (
        spread[:, :, None]
        + spread[:, None]
        - 2 * m.covariance * m.scale[:, :, None] * m.scale[:, None]
        + (shift[:, :, None] - shift[:, None]) ** 2
    )
    return values.clip(0)


ENTRY = Metric(
    name="msd",
    display_name="Mean squared difference",
    definition="mean of (P − Q)²",
    function=msd,
    range=(0, 1),
    at_equality=0,
    section="difference",
    between=between,
)
