"""The image as a plane seen from an angle: its corners move inwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from augcam.config.fields import Section, Share
from augcam.entries import Augmentation

if TYPE_CHECKING:
    from torch import Tensor


class PerspectiveParameters(Section):
    distortion: Annotated[float, Field(ge=0, le=0.66)] = 0.5
    """Each corner moves inwards by a uniform share, up to this, of half the width and of half the
    height; beyond 2/3 the image could fold over."""
    p: Share = 1.0
    """Probability that an image is changed."""


def draw(rng, count, _size, parameters):
    inwards = 1 - rng.uniform(0, parameters["distortion"], (count, 4, 2))
    chosen = rng.random(count) < parameters["p"]
    return {"chosen": chosen, "coefficients": homography(inwards * CORNERS)}


CORNERS = ((-1, -1), (1, -1), (1, 1), (-1, 1))
"""x and y of an image's corners in half widths and half heights from its centre, clockwise from the
upper left."""


def homography(corners):
    """Coefficients a to h (B, 8) of the projection that takes `corners` (B, 4, 2) to CORNERS:
    x ↦ (a·x + b·y + c) / (g·x + h·y + 1), y ↦ (d·x + e·y + f) / (g·x + h·y + 1)."""
    import numpy as np

    target = np.array(CORNERS, dtype=float)
    point = np.concatenate([corners, np.ones((len(corners), 4, 1))], axis=2)  # (B, 4, 3)
    equations = np.zeros((len(corners), 4, 2, 8))
    for axis in (0, 1):
        equations[:, :, axis, 3 * axis : 3 * axis + 3] = point
        equations[:, :, axis, 6:] = -target[:, axis, None] * point[:, :, :2]
    return np.linalg.solve(equations.reshape(-1, 8, 8), target.reshape(8, 1))[:, :, 0]


def apply(images: Tensor, chosen: Tensor, coefficients: Tensor) -> Tensor:
    """Draw the images that are `chosen` (B,), bool, where the projection takes their pixels from.

    `coefficients` (B, 8) as those of `homography`. What comes from outside the image is 0.
    """
    import torch

    from augcam.augment.pixels import column, pixel_grid, sample

    height, width = images.shape[-2:]
    x, y = pixel_grid((height, width), images.device)
    x, y = x * (2 / width), y * (2 / height)
    a, b, c, d, e, f, g, h = (value[:, None, None] for value in coefficients.unbind(1))
    depth = g * x + h * y + 1
    # Far outside, and infinite on the horizon, coordinates are as good as 4.
    source_x = ((a * x + b * y + c) / depth).clamp(-4, 4) * (width / 2)
    source_y = ((d * x + e * y + f) / depth).clamp(-4, 4) * (height / 2)
    return torch.where(column(chosen), sample(images, source_x, source_y), images)


ENTRY = Augmentation(
    name="perspective",
    display_name="Perspective",
    reference="torchvision's RandomPerspective",
    parameters=PerspectiveParameters,
    fixed=lambda parameters: not (parameters["distortion"] and parameters["p"]),
    draw=draw,
    apply=apply,
)
