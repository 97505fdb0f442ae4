"""Deletion: how long the class survives when the map's highest pixels go first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Score

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.probe import Probe
    from augcam.comparison.rawmaps import RawMaps


def deletion(maps: RawMaps, probe: Probe) -> np.ndarray:
    """Area under the curve of the confidence while pixels become 0 after normalisation, the mean
    colour: as many at a time as a row has, s steps for images of s × s; in [0, 1].

    As in the authors' code (github.com/eclique/RISE, evaluation.py), where a step is 224 pixels
    of 224 × 224. Equal pixels go in a random order; NaN for maps that are the same everywhere.
    """
    from augcam.comparison.probe import area

    curve = probe.curve(probe.images, probe.images.new_zeros(1, 3, 1, 1))
    return maps.defined(area(curve), needs_order=True)


ENTRY = Score(
    name="deletion",
    display_name="Deletion AUC",
    definition="area under the confidence while the highest pixels become the mean colour first",
    source="Petsiuk et al. 2018 (arXiv 1806.07421)",
    function=deletion,
    range=(0, 1),
    needs="network",
    undefined_on_constant=True,
    higher="lose the class later as their highest pixels are deleted",
    lower="lose the class sooner as their highest pixels are deleted",
)
