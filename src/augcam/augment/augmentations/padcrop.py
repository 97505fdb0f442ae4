"""A crop of the image's size from the image with a black border, as usual for CIFAR-10."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from augcam.config.fields import Section
from augcam.entries import Augmentation

if TYPE_CHECKING:
    from torch import Tensor


class PadcropParameters(Section):
    padding: Annotated[int, Field(ge=0, le=1024)] = 4
    """Width of the border in pixels: the image moves by up to this, in whole pixels."""


def draw(rng, count, _size, parameters):
    padding = parameters["padding"]
    return {"offset": rng.integers(-padding, padding, (count, 2), endpoint=True)}


def apply(images: Tensor, offset: Tensor) -> Tensor:
    """Cut where `offset` (B, 2: x and y, in pixels, int64) from the upper left corner says; what
    lies outside the image is 0."""
    import torch

    from augcam.augment.pixels import inside

    count, channels, height, width = images.shape
    x = torch.arange(width, device=images.device) + offset[:, 0, None]
    y = torch.arange(height, device=images.device) + offset[:, 1, None]
    source = y.clamp(0, height - 1)[:, :, None] * width + x.clamp(0, width - 1)[:, None]
    source = source.reshape(count, 1, -1).expand(-1, channels, -1)
    cut = images.reshape(count, channels, -1).gather(2, source).reshape(images.shape)
    image = torch.cat([-offset, torch.tensor([width, height], device=offset.device) - offset], 1)
    return torch.where(inside(image, (height, width)), cut, 0)


ENTRY = Augmentation(
    name="padcrop",
    display_name="Crop with padding",
    reference="He et al. 2016",
    parameters=PadcropParameters,
    fixed=lambda parameters: not parameters["padding"],
    draw=draw,
    apply=apply,
)
