"""Colours taken away: luminance in all channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.config.fields import Section, Share, leaves_no_choice
from augcam.entries import Augmentation

if TYPE_CHECKING:
    from torch import Tensor


class GreyParameters(Section):
    p: Share = 1.0
    """Probability that an image is changed."""


def draw(rng, count, _size, parameters):
    return {"chosen": rng.random(count) < parameters["p"]}


def apply(images: Tensor, chosen: Tensor) -> Tensor:
    """Luminance of the images that are `chosen` (B,), bool."""
    import torch

    from augcam.augment.pixels import column, grey

    return torch.where(column(chosen), grey(images), images)


ENTRY = Augmentation(
    name="grey",
    display_name="Grey",
    reference="torchvision's RandomGrayscale",
    parameters=GreyParameters,
    fixed=leaves_no_choice,
    draw=draw,
    apply=apply,
)
