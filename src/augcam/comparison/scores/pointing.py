"""The pointing game: whether the map's maximum lies on a part of the image."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from augcam.entries import Score

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.rawmaps import RawMaps

TOLERANCE = 15 / 224
"""Zhang et al. allow 15 pixels, of images of about 224."""


def pointing(maps: RawMaps, inside: np.ndarray, tolerance: float) -> np.ndarray:
    """1 where the map's maximum lies inside, or no farther from there than `tolerance` × the side;
    0 where not. Of several maxima, the share that does: what a random choice hits on average."""
    from augcam.comparison import score_kernels

    radius = tolerance * maps.size
    shares = score_kernels.highest_near(maps.positive, maps.largest, inside, radius)
    return maps.defined(shares, needs_order=True)


def _game(name: str, display_name: str, near: str, tolerance: float, definition: str) -> Score:
    return Score(
        name=name,
        display_name=display_name,
        definition=definition,
        source="Zhang et al. 2018, *IJCV* 126, section 4.2 (tolerance: 15 pixels of 224)",
        function=partial(pointing, tolerance=tolerance),
        range=(0, 1),
        needs="masks",
        undefined_on_constant=True,
        higher=f"have their maximum more often {near} the {{part}}",
        lower=f"have their maximum less often {near} the {{part}}",
    )


ENTRIES = [
    _game(
        "pointing",
        "Pointing game",
        "on",
        0,
        "whether the highest pixel lies inside; of equal ones the share that does",
    ),
    _game(
        "pointing_near",
        "Pointing game with tolerance",
        "on or near",
        TOLERANCE,
        "the same, or no farther away than 15/224 of the side",
    ),
]
