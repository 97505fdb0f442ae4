"""Overlap of the pixels above half of their map's maximum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Metric

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.maps import Maps


def overlap_half(p: Maps, q: Maps) -> np.ndarray:
    """|A∩B| / |A∪B| of the pixels with at least half of their own map's maximum, in [0, 1]; NaN
    where a map is constant, which has no such part."""
    import numpy as np

    from augcam.comparison import kernels

    halves = p.largest / 2, q.largest / 2
    both, either = kernels.overlaps(p.distinct, q.distinct, *halves, p.counts)
    return np.where(p.constant | q.constant, np.nan, both / either)


ENTRY = Metric(
    name="overlap_half",
    display_name="Overlap above half the maximum",
    definition="\\|A∩B\\| / \\|A∪B\\| of the pixels with at least half of their own map's maximum",
    function=overlap_half,
    range=(0, 1),
    at_equality=1,
    section="overlap",
    undefined_on_constant=True,
)
