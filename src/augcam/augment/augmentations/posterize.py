"""Fewer levels per channel: only the highest bits are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from augcam.config.fields import Ends, Section, Share, leaves_no_choice
from augcam.entries import Augmentation

if TYPE_CHECKING:
    from torch import Tensor


Bits = Annotated[int, Field(ge=1, le=8)]


class PosterizeParameters(Section):
    bits: Annotated[tuple[Bits, Bits], Ends()] = (2, 6)
    """Range of the number of bits, of 8, that are kept; one number is a fixed one."""
    p: Share = 1.0
    """Probability that an image is changed."""


def draw(rng, count, _size, parameters):
    bits = rng.integers(*parameters["bits"], count, endpoint=True)
    return {"chosen": rng.random(count) < parameters["p"], "bits": bits}


def apply(images: Tensor, chosen: Tensor, bits: Tensor) -> Tensor:
    """Keep the highest `bits` (B,; 1 to 8, int64) of 256 levels in the images that are `chosen`
    (B,), bool; as Pillow and torchvision."""
    import torch

    from augcam.augment.pixels import column

    kept = (256 - 2 ** (8 - column(bits))).to(torch.uint8)
    levels = (images * 255).round().to(torch.uint8) & kept
    return torch.where(column(chosen), levels.to(images.dtype) / 255, images)


ENTRY = Augmentation(
    name="posterize",
    display_name="Posterise",
    reference="Cubuk et al. 2019, Pillow's posterize",
    parameters=PosterizeParameters,
    fixed=lambda parameters: leaves_no_choice(parameters, "bits"),
    draw=draw,
    apply=apply,
)
