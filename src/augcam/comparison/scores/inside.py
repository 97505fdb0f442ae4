"""How much of a map lies on a part of the image: the energy-based pointing game."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Score

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.rawmaps import RawMaps


def inside(maps: RawMaps, inside: np.ndarray) -> np.ndarray:
    """The share of each map's positive part that lies inside, in [0, 1] (Score-CAM's paper, Wang et
    al. 2020, section 4.3, which normalises maps by their maximum: the share is the same)."""
    import numpy as np

    part = maps.positive.sum(axis=(1, 2), where=inside, dtype=np.float64)
    return maps.defined(part / maps.total)


ENTRY = Score(
    name="inside",
    display_name="Share inside",
    definition="Σ of the positive map inside / Σ of all of it (energy-based pointing game)",
    source="Wang et al. 2020 (arXiv 1910.01279, section 4.3)",
    function=inside,
    range=(0, 1),
    needs="masks",
    of_area=True,
    higher="lie more on the {part}",
    lower="lie less on the {part}",
)
