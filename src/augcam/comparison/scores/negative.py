"""Share of the raw map that is negative: what speaks against the class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Score

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.rawmaps import RawMaps


def negative(maps: RawMaps) -> np.ndarray:
    """Σ of the negative part over Σ |map|, at the layer's resolution, before the ReLU that hides it
    (Selvaraju et al. 2017, section 3); in [0, 1]. NaN for maps that are 0 everywhere."""
    import numpy as np

    raw = maps.raw.astype(np.float64)
    whole = np.abs(raw).sum(axis=(1, 2))
    share = -raw.sum(axis=(1, 2), where=raw < 0) / np.where(whole > 0, whole, 1)
    return np.where(maps.finite & (whole > 0), np.abs(share), np.nan)


ENTRY = Score(
    name="negative",
    display_name="Negative share",
    definition="Σ of the raw map's negative part / Σ \\|map\\|, at the layer's resolution",
    source="what Grad-CAM's ReLU takes away (Selvaraju et al. 2017, section 3)",
    function=negative,
    range=(0, 1),
    higher="are negative to a larger part",
    lower="are negative to a smaller part",
    signed=True,
)
