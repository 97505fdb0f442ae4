"""Mean absolute difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Metric

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.maps import Maps


def mad(p: Maps, q: Maps) -> np.ndarray:
    """Mean absolute difference, in [0, 1]; 0 for equal maps."""
    return p.differences(q).absolute / p.pixels


ENTRY = Metric(
    name="mad",
    display_name="Mean absolute difference",
    definition="mean of \\|P − Q\\|",
    function=mad,
    range=(0, 1),
    at_equality=0,
    section="difference",
    headline=1,
)
