"""A random part of the image, resized to the image's size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.config.fields import Range, Section, ShareRange
from augcam.entries import Augmentation

if TYPE_CHECKING:
    from torch import Tensor


class RandcropParameters(Section):
    scale: ShareRange = (0.3, 1.0)
    """Range of the crop's share of the image's area."""
    ratio: Range = (3 / 4, 4 / 3)
    """Range of the crop's width / height."""


def draw(rng, count, size, parameters):
    import numpy as np

    height, width = size
    area = rng.uniform(*parameters["scale"], count) * height * width
    ratio = np.exp(rng.uniform(*np.log(parameters["ratio"]), count))
    crop_width = np.clip(np.rint(np.sqrt(area * ratio)), 1, width)
    crop_height = np.clip(np.rint(np.sqrt(area / ratio)), 1, height)
    left = np.floor(rng.random(count) * (width - crop_width + 1))
    top = np.floor(rng.random(count) * (height - crop_height + 1))
    return {"box": np.stack([left, top, crop_width, crop_height], axis=1)}


def apply(images: Tensor, box: Tensor) -> Tensor:
    """Cut `box` (B, 4: left, top, width, height in pixels) and resize it to the image's size."""
    import torch

    from augcam.augment.pixels import sample

    height, width = images.shape[-2:]

    def source(start: Tensor, length: Tensor, size: int) -> Tensor:
        centre = torch.arange(size, device=images.device, dtype=torch.float32) + 0.5
        position = (centre * length / size - 0.5).clamp(min=0)
        return start + torch.minimum(position, length - 1) - (size - 1) / 2

    left, top, crop_width, crop_height = (box[:, i, None] for i in range(4))
    x = source(left, crop_width, width)[:, None, :]
    y = source(top, crop_height, height)[:, :, None]
    return sample(images, x, y)


ENTRY = Augmentation(
    name="randcrop",
    display_name="Random crop",
    colour="#AA4499",
    reference="Szegedy et al. 2015, torchvision's RandomResizedCrop",
    parameters=RandcropParameters,
    draw=draw,
    apply=apply,
)
