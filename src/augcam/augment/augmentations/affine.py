"""Rotation, shift, scale and shear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from augcam.config.fields import Range, Section, Share, leaves_no_choice
from augcam.entries import Augmentation

if TYPE_CHECKING:
    from torch import Tensor


class AffineParameters(Section):
    degrees: Annotated[float, Field(ge=0, le=180)] = 30
    """Rotation is uniform in ± this many degrees."""
    translate: tuple[Share, Share] = (0.1, 0.1)
    """Largest shift, horizontal and vertical, as shares of the image's width and height."""
    scale: Range = (0.9, 1.1)
    """Range of the scale factor."""
    shear: Annotated[float, Field(ge=0, lt=90)] = 10
    """Horizontal shear is uniform in ± this many degrees."""


def draw(rng, count, size, parameters):
    import numpy as np

    height, width = size
    degrees, shear = parameters["degrees"], parameters["shear"]
    limit = np.array(parameters["translate"]) * (width, height)
    return {
        "angle": rng.uniform(-degrees, degrees, count),
        "translate": rng.uniform(-limit, limit, (count, 2)),
        "scale": rng.uniform(*parameters["scale"], count),
        "shear": rng.uniform(-shear, shear, count),
    }


def apply(images: Tensor, angle: Tensor, translate: Tensor, scale: Tensor, shear: Tensor) -> Tensor:
    """Rotate by `angle` (B,) degrees clockwise, scale (B,), shear along x (B,) degrees, then shift.

    `translate` (B, 2): pixels along x and y. What comes from outside the image is 0.
    """
    import torch

    from augcam.augment.pixels import pixel_grid, sample

    angle, shear = torch.deg2rad(angle)[:, None, None], torch.deg2rad(shear)[:, None, None]
    scale = scale[:, None, None]
    x, y = pixel_grid(images.shape[-2:], images.device)
    x, y = x - translate[:, 0, None, None], y - translate[:, 1, None, None]
    # Inverse of rotation @ shear @ scale: where each output pixel comes from.
    cos, sin, tan = torch.cos(angle), torch.sin(angle), torch.tan(shear)
    return sample(
        images,
        ((cos - sin * tan) * x + (sin + cos * tan) * y) / scale,
        (cos * y - sin * x) / scale,
    )


ENTRY = Augmentation(
    name="affine",
    display_name="Affine",
    colour="#332288",
    reference="torchvision's RandomAffine",
    parameters=AffineParameters,
    fixed=lambda parameters: (
        not any((parameters["degrees"], parameters["shear"], *parameters["translate"]))
        and leaves_no_choice(parameters, "scale")
    ),
    draw=draw,
    apply=apply,
)
