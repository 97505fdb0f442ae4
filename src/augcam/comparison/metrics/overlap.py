"""Overlap rates: how far the highest pixels of two maps are the same ones."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from augcam.entries import Metric

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.maps import Maps


def overlap(p: Maps, q: Maps, top: int) -> np.ndarray:
    """Overlap rate: |A∩B| / |A∪B| of the pixels at or above their map's (100 − top)th percentile.

    In [0, 1]; 1 for equal maps. The threshold is a value, so ties can select more than `top` %.
    """
    from augcam.comparison import kernels

    thresholds = p.threshold(top), q.threshold(top)
    both, either = kernels.overlaps(p.distinct, q.distinct, *thresholds, p.counts)
    return both / either


ENTRIES = [
    Metric(
        name=f"overlap_{top}",
        display_name=f"Overlap rate, top {top} %",
        definition="\\|A∩B\\| / \\|A∪B\\| of the pixels at or above the (100 − Y)th percentile of "
        "their own map",
        function=partial(overlap, top=top),
        range=(0, 1),
        at_equality=1,
        section="overlap",
        top=top,
        headline=3 if top == 20 else 0,
        family="overlap_Y",
    )
    for top in range(1, 100)
]
