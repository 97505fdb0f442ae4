"""Left and right exchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.config.fields import Section, Share, leaves_no_choice
from augcam.entries import Augmentation

if TYPE_CHECKING:
    from torch import Tensor


class HflipParameters(Section):
    p: Share = 0.5
    """Probability that an image is flipped."""


def draw(rng, count, _size, parameters):
    return {"chosen": rng.random(count) < parameters["p"]}


def apply(images: Tensor, chosen: Tensor) -> Tensor:
    """Exchange left and right of the images that are `chosen` (B,), bool."""
    import torch

    from augcam.augment.pixels import column

    return torch.where(column(chosen), images.flip(3), images)


ENTRY = Augmentation(
    name="hflip",
    display_name="Horizontal flip",
    reference="Krizhevsky et al. 2012",
    parameters=HflipParameters,
    fixed=leaves_no_choice,
    draw=draw,
    apply=apply,
)
