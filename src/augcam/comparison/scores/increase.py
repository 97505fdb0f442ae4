"""Increase in confidence: how often a network is surer where it sees through the map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Score

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.probe import Probe
    from augcam.comparison.rawmaps import RawMaps


def increase(maps: RawMaps, probe: Probe) -> np.ndarray:
    """1 where the confidence in the image times the map is higher than in the image, 0 where not;
    see `augcam.comparison.scores.average_drop`. NaN for maps that are the same everywhere."""
    surer = probe.confidence_through_map > probe.confidence
    return maps.defined(surer.astype(float), needs_order=True)


ENTRY = Score(
    name="increase",
    display_name="Increase in confidence",
    definition="whether Y < O: confidence in the image, and in the image times the map",
    source="Chattopadhay et al. 2018 (arXiv 1710.11063), section 4.1",
    function=increase,
    range=(0, 1),
    needs="network",
    undefined_on_constant=True,
    higher="raise the confidence more often when the image is seen through them",
    lower="raise the confidence less often when the image is seen through them",
)
