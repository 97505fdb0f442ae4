"""Distance of the map's centre of mass from the image's centre."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Score

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.rawmaps import RawMaps


def centre_distance(maps: RawMaps) -> np.ndarray:
    """Distance of the positive map's centre of mass from the image's centre, as a share of the
    distance from there to a corner: 0 in the centre, below 1."""
    import numpy as np

    total, _, down, right = maps.moments
    middle = (maps.size - 1) / 2
    distance = np.hypot(down / total - middle, right / total - middle)
    return maps.defined(distance / (maps.size / np.sqrt(2)))


ENTRY = Score(
    name="centre_distance",
    display_name="Distance from the centre",
    definition="of the positive map's centre of mass from the image's centre; 1: a corner",
    source="centre of mass, as scipy.ndimage.center_of_mass; centre bias: Tatler 2007",
    function=centre_distance,
    range=(0, 1),
    higher="lie farther from the image's centre",
    lower="lie closer to the image's centre",
)
