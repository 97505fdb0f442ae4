"""A rectangle overwritten (Random Erasing, Cutout)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.config.fields import Range, Section, Share, ShareRange
from augcam.entries import Augmentation

if TYPE_CHECKING:
    from torch import Tensor


class ErasingParameters(Section):
    area: ShareRange = (0.02, 0.33)
    """Range of the rectangle's share of the image's area; one number is a fixed share."""
    ratio: Range = (0.3, 3.3)
    """Range of its width / height, as far as such a rectangle fits into the image."""
    value: Share = 0.0
    """What is written into all of its channels: 0 is black, 1 is white."""
    noise: bool = False
    """Write uniform noise, drawn per pixel and channel, in place of `value`."""
    p: Share = 1.0
    """Probability that an image is changed."""


def draw(rng, count, size, parameters):
    import numpy as np

    height, width = size
    area = rng.uniform(*parameters["area"], count) * height * width
    fitting = np.log(area / height**2), np.log(width**2 / area)
    low, high = (np.clip(np.log(end), *fitting) for end in parameters["ratio"])
    ratio = np.exp(rng.uniform(low, high))
    box_width = np.clip(np.rint(np.sqrt(area * ratio)), 1, width).astype(int)
    box_height = np.clip(np.rint(np.sqrt(area / ratio)), 1, height).astype(int)
    left = rng.integers(width - box_width, endpoint=True)
    top = rng.integers(height - box_height, endpoint=True)
    chosen = rng.random(count) < parameters["p"]
    box = np.stack([left, top, left + box_width, top + box_height], axis=1) * chosen[:, None]
    if parameters["noise"]:
        return {"box": box, "value": rng.random((count, 3, height, width), dtype=np.float32)}
    return {"box": box, "value": np.full((count, 1, 1, 1), parameters["value"])}


def apply(images: Tensor, box: Tensor, value: Tensor) -> Tensor:
    """Write `value` (B, 3, H, W) or (B, 1, 1, 1) into `box` (B, 4: left, top, right, bottom, the
    latter two excluded; int64)."""
    import torch

    from augcam.augment.pixels import inside

    return torch.where(inside(box, images.shape[-2:]), value, images)


ENTRY = Augmentation(
    name="erasing",
    display_name="Random erasing",
    reference="Zhong et al. 2020, DeVries and Taylor 2017",
    parameters=ErasingParameters,
    fixed=lambda parameters: not parameters["p"],
    draw=draw,
    apply=apply,
)
