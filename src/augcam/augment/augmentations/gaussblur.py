"""Gaussian blur of random width."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from augcam.config.fields import Range, Section, leaves_no_choice
from augcam.entries import Augmentation

if TYPE_CHECKING:
    from torch import Tensor


class GaussblurParameters(Section):
    kernel_size: Annotated[int, Field(ge=3, le=999)] = 5
    """Side of the kernel in pixels, odd."""
    sigma: Range = (0.1, 2.0)
    """Range of the kernel's standard deviation in pixels."""

    @model_validator(mode="after")
    def _odd(self):
        if self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, not {self.kernel_size}")
        return self


def draw(rng, count, _size, parameters):
    import numpy as np

    radius = parameters["kernel_size"] // 2
    sigma = rng.uniform(*parameters["sigma"], (count, 1))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return {"kernel": kernel / kernel.sum(axis=1, keepdims=True)}


def apply(images: Tensor, kernel: Tensor) -> Tensor:
    """Convolve rows and columns with `kernel` (B, K), K odd; images are reflected at the border."""
    import torch

    from augcam.augment.pixels import column

    for dim in (2, 3):
        length, wide = images.shape[dim], mirrored(images, dim, kernel.shape[1] // 2)
        parts = (
            column(weights) * wide.narrow(dim, i, length)
            for i, weights in enumerate(kernel.unbind(1))
        )
        images = reduce(torch.add, parts)
    return images


def mirrored(images: Tensor, dim: int, radius: int) -> Tensor:
    """Images extended along `dim` by mirroring, also where `radius` exceeds the image."""
    import torch

    size = images.shape[dim]
    index = torch.arange(-radius, size + radius, device=images.device)
    period = max(2 * size - 2, 1)
    index = torch.remainder(index, period)
    return images.index_select(dim, torch.minimum(index, period - index) if size > 1 else index * 0)


ENTRY = Augmentation(
    name="gaussblur",
    display_name="Gaussian blur",
    colour="#CC6677",
    reference="torchvision's GaussianBlur",
    parameters=GaussblurParameters,
    fixed=lambda parameters: leaves_no_choice(parameters, "sigma"),
    draw=draw,
    apply=apply,
)
