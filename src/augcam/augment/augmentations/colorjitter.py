"""Brightness, contrast, saturation and hue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from augcam.config.fields import Section, Share
from augcam.entries import Augmentation

if TYPE_CHECKING:
    from torch import Tensor


class ColorjitterParameters(Section):
    brightness: Share = 0.4
    """Brightness factor uniform in 1 ± this."""
    contrast: Share = 0.4
    """Contrast factor uniform in 1 ± this."""
    saturation: Share = 0.4
    """Saturation factor uniform in 1 ± this."""
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    """Hue shift uniform in ± this share of the colour circle."""


def draw(rng, count, _size, parameters):
    factors = ("brightness", "contrast", "saturation")
    spreads = {name: parameters[name] for name in factors}
    drawn = {name: rng.uniform(1 - spread, 1 + spread, count) for name, spread in spreads.items()}
    return drawn | {"hue": rng.uniform(-parameters["hue"], parameters["hue"], count)}


def apply(
    images: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor, hue: Tensor
) -> Tensor:
    """Brightness, contrast, saturation (factors, 1 = unchanged) and hue (turns), in this order."""
    import torch

    from augcam.augment.pixels import column, grey

    images = (images * column(brightness)).clamp(0, 1)
    mean = grey(images).mean(dim=(1, 2, 3), keepdim=True)
    images = torch.lerp(mean, images, column(contrast)).clamp(0, 1)
    images = torch.lerp(grey(images), images, column(saturation)).clamp(0, 1)
    return shift_hue(images, hue)


def shift_hue(images: Tensor, hue: Tensor) -> Tensor:
    """Turn the hue of images by `hue` (B,), in turns of the colour circle.

    Value V and chroma C stay; each channel follows V − C·max(0, min(1, k, 4 − k)) with
    k = (n + hue·6) mod 6 and n = 5, 3, 1 for red, green, blue (the closed form of HSV → RGB).
    """
    import torch

    red, green, blue = images.unbind(1)
    value, minimum = images.amax(1), images.amin(1)
    chroma = value - minimum
    safe = torch.where(chroma > 0, chroma, 1)
    sector = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    sector = sector + 6 * hue[:, None, None]
    channels = []
    for offset in (5, 3, 1):
        k = torch.remainder(sector + offset, 6)
        channels.append(value - chroma * torch.minimum(k, 4 - k).clamp(0, 1))
    return torch.stack(channels, dim=1)


ENTRY = Augmentation(
    name="colorjitter",
    display_name="Colour jitter",
    colour="#44AA99",
    reference="torchvision's ColorJitter",
    parameters=ColorjitterParameters,
    fixed=lambda parameters: (
        not any(parameters[name] for name in ("brightness", "contrast", "saturation", "hue"))
    ),
    draw=draw,
    apply=apply,
)
