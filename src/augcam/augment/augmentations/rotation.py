"""Rotation about the image's centre."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from augcam.config.fields import Section
from augcam.entries import Augmentation

if TYPE_CHECKING:
    from torch import Tensor


class RotationParameters(Section):
    degrees: Annotated[float, Field(ge=0, le=180)] = 30
    """The angle is uniform in ± this many degrees."""


def draw(rng, count, _size, parameters):
    return {"angle": rng.uniform(-parameters["degrees"], parameters["degrees"], count)}


def apply(images: Tensor, angle: Tensor) -> Tensor:
    """Rotate by `angle` (B,) degrees anticlockwise. What comes from outside the image is 0."""
    import torch

    from augcam.augment.pixels import pixel_grid, sample

    angle = torch.deg2rad(angle)[:, None, None]
    cos, sin = torch.cos(angle), torch.sin(angle)
    x, y = pixel_grid(images.shape[-2:], images.device)
    return sample(images, cos * x - sin * y, sin * x + cos * y)


ENTRY = Augmentation(
    name="rotation",
    display_name="Rotation",
    reference="torchvision's RandomRotation",
    parameters=RotationParameters,
    fixed=lambda parameters: not parameters["degrees"],
    draw=draw,
    apply=apply,
)
