"""Whether the highest pixels, as many as the object has, are the object's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Score

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.rawmaps import RawMaps


def top_area(maps: RawMaps, inside: np.ndarray) -> np.ndarray:
    """|A∩B| / |A∪B| of the object's pixels and as many of the map's highest, in [0, 1].

    So the threshold is the map's own, at the object's true area. Of pixels that are equal at the
    threshold as many are inside as a random choice would have on average. The intersection is the
    relevance rank accuracy (Arras et al. 2022) times the area.
    """
    import numpy as np

    from augcam.comparison import score_kernels

    flat = inside.reshape(len(inside), -1)
    area = flat.sum(axis=1)
    # Every pixel counts once, so that places are positions.
    places = (maps.pixels - area).clip(0, maps.pixels - 1)
    threshold = np.take_along_axis(maps.ranked[0], places[:, None], axis=1)[:, 0]
    higher, higher_in, equal, equal_in = score_kernels.above(maps.relative, threshold, flat)
    both = higher_in + (area - higher) * equal_in / equal.clip(1)
    return maps.defined(both / (2 * area - both).clip(1), needs_order=True)


ENTRY = Score(
    name="top_area",
    display_name="Overlap of the top area",
    definition="\\|A∩B\\| / \\|A∪B\\| of the object and as many of the map's highest pixels",
    source="as the relevance rank accuracy of Arras et al. 2022 (arXiv 2003.07258)",
    function=top_area,
    range=(0, 1),
    needs="masks",
    undefined_on_constant=True,
    higher="cover the {part} better with their highest pixels",
    lower="cover the {part} worse with their highest pixels",
)
