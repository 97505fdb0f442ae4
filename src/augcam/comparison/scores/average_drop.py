"""Average drop: the share of its confidence that a network loses where it sees through the map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Score

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.probe import Probe
    from augcam.comparison.rawmaps import RawMaps


def average_drop(maps: RawMaps, probe: Probe) -> np.ndarray:
    """max(0, Y − O) / Y of each image, in [0, 1], whose mean is the average drop: Y is the
    confidence in the image, O in the image times the map, from 0 to 1 and of the input's size.

    Images are multiplied after normalisation, as in pytorch-grad-cam's `DropInConfidence` (which
    does not divide by Y). NaN for maps that are the same everywhere, as these are 0 in [0, 1].
    """
    import numpy as np

    whole = probe.confidence
    with np.errstate(invalid="ignore"):  # a confidence of 0 has nothing to lose
        share = (whole - probe.confidence_through_map).clip(0) / whole
    return maps.defined(share, needs_order=True)


ENTRY = Score(
    name="average_drop",
    display_name="Average drop",
    definition="max(0, Y − O) / Y: confidence in the image, and in the image times the map",
    source="Chattopadhay et al. 2018 (arXiv 1710.11063), section 4.1",
    function=average_drop,
    range=(0, 1),
    needs="network",
    undefined_on_constant=True,
    higher="hide more of what the confidence rests on",
    lower="hide less of what the confidence rests on",
)
