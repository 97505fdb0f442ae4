"""Spread: over how much of the image the map extends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Score

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.rawmaps import RawMaps


def spread(maps: RawMaps) -> np.ndarray:
    """Effective area: exp of the entropy of the positive map as a distribution over pixels, as a
    share of all pixels; in (0, 1], 1 where it is the same everywhere (Campbell 1966)."""
    import numpy as np

    # Not of the map with sum 1, whose values are too small for a float32.
    total, log, *_ = maps.moments
    entropy = np.log(total) - log / total
    return maps.defined((np.exp(entropy) / maps.pixels).clip(0, 1))


ENTRY = Score(
    name="spread",
    display_name="Spread",
    definition="effective area: exp(−Σ pᵢ·ln pᵢ) / pixels, of the positive map with sum 1",
    source="Campbell 1966, *Z. Wahrscheinlichkeitstheorie* 5, 217",
    function=spread,
    range=(0, 1),
    higher="are wider",
    lower="are narrower",
)
