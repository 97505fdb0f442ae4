"""Share of the map in the outer border of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Score

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.rawmaps import RawMaps

WIDTH = 1 / 8
"""Of the border on each side, as a share of the image's side: 44 % of the area."""


def border(maps: RawMaps) -> np.ndarray:
    """The share of the positive map that lies within an eighth of the side from the image's edge,
    in [0, 1]; .44 for a map that is the same everywhere."""
    import numpy as np

    width = max(1, round(WIDTH * maps.size))
    core = maps.positive[:, width:-width, width:-width]
    middle = core.sum(axis=(1, 2), dtype=np.float64)
    return maps.defined((1 - middle / maps.total).clip(0, 1))


ENTRY = Score(
    name="border",
    display_name="Share in the border",
    definition="share of the positive map within 1/8 of the side from the edge (44 % of the area)",
    source="energy-based pointing game (Wang et al. 2020) with the border for an object",
    function=border,
    range=(0, 1),
    higher="lie more in the outer border",
    lower="lie less in the outer border",
)
