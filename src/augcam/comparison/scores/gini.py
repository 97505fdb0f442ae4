"""Concentration: how unevenly the map is spread over pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Score

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.rawmaps import RawMaps


def gini(maps: RawMaps) -> np.ndarray:
    """Gini's index of the positive map over pixels, in [0, 1): 0 where it is the same everywhere,
    near 1 where few pixels have all of it (Hurley and Rickard 2009; of attributions Chalasani et
    al. 2020)."""
    from augcam.comparison import score_kernels

    total, n = maps.moments[0], maps.pixels
    weighted = score_kernels.weighted_ranks(maps.ranked[2], maps.relative)
    values = weighted / (n * total) - (n + 1) / n
    return maps.defined(values.clip(0, 1))


ENTRY = Score(
    name="gini",
    display_name="Concentration (Gini)",
    definition="2·Σ i·x₍ᵢ₎ / (n·Σ x) − (n + 1) / n, of the positive map's n pixels in order",
    source="Hurley and Rickard 2009; Chalasani et al. 2020 (arXiv 1810.06583)",
    function=gini,
    range=(0, 1),
    higher="are more concentrated",
    lower="are less concentrated",
)
