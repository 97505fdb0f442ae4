"""Between blurred and sharpened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from augcam.config.fields import Ends, Section, Share, leaves_no_choice
from augcam.entries import Augmentation

if TYPE_CHECKING:
    from torch import Tensor


Sharpening = Annotated[float, Field(ge=0, le=100)]


class SharpnessParameters(Section):
    factor: Annotated[tuple[Sharpening, Sharpening], Ends()] = (0.1, 1.9)
    """Range of the factor: 0 is blurred, 1 the image itself, 2 sharpened by as much; one number is
    a fixed one."""
    p: Share = 1.0
    """Probability that an image is changed."""


def draw(rng, count, _size, parameters):
    import numpy as np

    factor = rng.uniform(*parameters["factor"], count)
    return {"factor": np.where(rng.random(count) < parameters["p"], factor, 1)}


def apply(images: Tensor, factor: Tensor) -> Tensor:
    """Go from the blurred image by `factor` (B,) of the way to the image itself, or beyond.

    Blurred: the mean of 3×3 pixels of which the middle one counts five times; pixels at the border
    stay, as in Pillow and torchvision.
    """
    import torch.nn.functional as F

    from augcam.augment.pixels import column

    if min(images.shape[-2:]) < 3:
        return images
    middle = images[:, :, 1:-1, 1:-1]
    columns = images[:, :, :-2] + images[:, :, 1:-1] + images[:, :, 2:]
    around = columns[..., :-2] + columns[..., 1:-1] + columns[..., 2:]
    detail = middle - (around + 4 * middle) / 13
    return (images + column(factor - 1) * F.pad(detail, (1, 1, 1, 1))).clamp(0, 1)


ENTRY = Augmentation(
    name="sharpness",
    display_name="Sharpness",
    reference="Cubuk et al. 2019, torchvision's RandomAdjustSharpness",
    parameters=SharpnessParameters,
    fixed=lambda parameters: leaves_no_choice(parameters, "factor"),
    draw=draw,
    apply=apply,
)
