"""Histogram equalisation: nothing in it is random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Augmentation

if TYPE_CHECKING:
    from torch import Tensor


def apply(images: Tensor) -> Tensor:
    """Equalise the histogram of every channel, on 256 levels, as Pillow and torchvision."""
    import torch
    import torch.nn.functional as F

    count, channels, height, width = images.shape
    levels = (images * 255).round().to(torch.int64).reshape(count * channels, height * width)
    histogram = torch.zeros(count * channels, 256, dtype=torch.int64, device=images.device)
    histogram.scatter_add_(1, levels, torch.ones_like(levels))
    cumulative = histogram.cumsum(1)
    # The brightest occurring level does not count towards the step between two levels.
    brightest = histogram.gather(1, levels.amax(1, keepdim=True))
    step = (height * width - brightest) // 255
    before = F.pad(cumulative, (1, 0))[:, :-1]
    table = ((before + step // 2) // step.clamp(min=1)).clamp(0, 255)
    table = torch.where(step == 0, torch.arange(256, device=images.device), table)
    return (table.gather(1, levels).to(images.dtype) / 255).reshape(images.shape)


ENTRY = Augmentation(
    name="equalize",
    display_name="Equalise",
    colour="#DDCC77",
    reference="Pillow's equalize",
    apply=apply,
)
