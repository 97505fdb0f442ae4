"""Values from a threshold on are inverted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.config.fields import LevelRange, Section, Share, leaves_no_choice
from augcam.entries import Augmentation

if TYPE_CHECKING:
    from torch import Tensor


class SolarizeParameters(Section):
    threshold: LevelRange = (0.25, 0.75)
    """Range of the threshold, where black is 0 and white is 1; one number is a fixed one."""
    p: Share = 1.0
    """Probability that an image is changed."""


def draw(rng, count, _size, parameters):
    threshold = rng.uniform(*parameters["threshold"], count)
    return {"chosen": rng.random(count) < parameters["p"], "threshold": threshold}


def apply(images: Tensor, chosen: Tensor, threshold: Tensor) -> Tensor:
    """Invert, in the images that are `chosen` (B,), bool, values that are `threshold` (B,) or
    more."""
    import torch

    from augcam.augment.pixels import column

    return torch.where(column(chosen) & (images >= column(threshold)), 1 - images, images)


ENTRY = Augmentation(
    name="solarize",
    display_name="Solarise",
    reference="Cubuk et al. 2019, torchvision's RandomSolarize",
    parameters=SolarizeParameters,
    fixed=lambda parameters: leaves_no_choice(parameters, "threshold"),
    draw=draw,
    apply=apply,
)
