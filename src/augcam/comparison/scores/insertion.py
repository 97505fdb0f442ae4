"""Insertion: how soon the class appears when the map's highest pixels come first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Score

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from augcam.comparison.probe import Probe
    from augcam.comparison.rawmaps import RawMaps

SIDE, SIGMA = 11, 5
"""Of the Gaussian that blurs, in pixels."""


def insertion(maps: RawMaps, probe: Probe) -> np.ndarray:
    """Area under the curve of the confidence while the pixels of the blurred image become those of
    the image: as many at a time as a row has, s steps for images of s × s; in [0, 1].

    As in the authors' code (github.com/eclique/RISE, evaluation.py), where a step is 224 pixels
    of 224 × 224. Equal pixels come in a random order; NaN for maps that are the same everywhere.
    """
    from augcam.comparison.probe import area

    curve = probe.curve(blurred(probe.images), probe.images)
    return maps.defined(area(curve), needs_order=True)


def blurred(images: Tensor) -> Tensor:
    """Images (N, 3, s, s) after normalisation, blurred as published: 11 × 11 pixels of a Gaussian
    with σ 5, whose tails are folded back, 0 beyond the image."""
    import numpy as np
    import torch
    from scipy.ndimage import gaussian_filter

    point = np.zeros((SIDE, SIDE))
    point[SIDE // 2, SIDE // 2] = 1
    kernel = torch.from_numpy(gaussian_filter(point, SIGMA)).to(images)
    weights = kernel.expand(images.shape[1], 1, SIDE, SIDE)
    with torch.inference_mode():
        return torch.nn.functional.conv2d(
            images, weights, padding=SIDE // 2, groups=images.shape[1]
        )


ENTRY = Score(
    name="insertion",
    display_name="Insertion AUC",
    definition="area under the confidence while a blurred image gets its highest pixels back first",
    source="Petsiuk et al. 2018 (arXiv 1806.07421)",
    function=insertion,
    range=(0, 1),
    needs="network",
    undefined_on_constant=True,
    higher="bring the class back sooner as their highest pixels are inserted",
    lower="bring the class back later as their highest pixels are inserted",
)
