"""Mean squared difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Metric

if TYPE_CHECKING:
    import numpy as np

    from augcam.compare.maps import Maps


def msd(p: Maps, q: Maps) -> np.ndarray:
    """Mean squared difference, in [0, 1]; 0 for equal maps."""
    return p.differences(q).squared / p.pixels


ENTRY = Metric(
    name="msd",
    display_name="Mean squared difference",
    definition="mean of (P − Q)²",
    function=msd,
    range=(0, 1),
    at_equality=0,
    section="difference",
)
