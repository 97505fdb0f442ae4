"""Jensen–Shannon divergence of maps as distributions over pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Metric

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.maps import Maps


def jensen_shannon(p: Maps, q: Maps) -> np.ndarray:
    """Jensen–Shannon divergence in bits of the maps with sum 1, in [0, 1] (Lin 1991); 0 for equal
    maps, NaN where a map is constant."""
    import numpy as np

    from augcam.comparison import distance_kernels

    undefined = p.constant | q.constant
    shares = []
    for maps in (p, q):
        total = np.where(maps.constant, 1, maps.mean * maps.pixels)
        shares.append(maps.distinct.astype(np.float64) / total[:, None])
    values = distance_kernels.jensen_shannon(*shares, p.counts)
    return np.where(undefined, np.nan, values.clip(0, 1))


ENTRY = Metric(
    name="jensen_shannon",
    display_name="Jensen–Shannon divergence",
    definition="½ ΣP·log₂(P/M) + ½ ΣQ·log₂(Q/M), M = (P + Q)/2, of maps with sum 1",
    function=jensen_shannon,
    range=(0, 1),
    at_equality=0,
    section="difference",
    undefined_on_constant=True,
)
