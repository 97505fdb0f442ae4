"""What methods are given that need the network itself, and not only maps and gradients."""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augcam.explanation.gradients import Site, forward
from augcam.networks.layouts import Layout


class Subject(NamedTuple):
    """A network in evaluation mode with frozen parameters, the layer to explain and the layout of
    its output."""

    model: nn.Module
    layer: nn.Module
    layout: Layout

    def activations(self, images: Tensor) -> Tensor:
        """The layer's map (B, C, h, w) of `images`."""
        return forward(self.model, [Site(self.layer, self.layout)], images, []).activations[0]

    def on_grid(self, maps: Tensor) -> Tensor:
        """The means of maps of the pixels (B, H, W) over the cells of the layer's map (B, h, w)."""
        grid = (self.layout.height, self.layout.width)
        with torch.no_grad():
            return F.adaptive_avg_pool2d(maps[:, None].float(), grid)[:, 0]


class Batch(NamedTuple):
    """B images (B, 3, s, s) as the network takes them, the classes (B,) to explain, and the images'
    numbers (B,), int64 on the CPU, which seed what a method draws."""

    images: Tensor
    classes: Tensor
    numbers: Tensor


Explain = Callable[[Batch], Tensor]
"""From a batch to raw maps (B, h, w)."""
