"""The residual networks of He et al. 2016 for CIFAR-10: 6·n + 2 layers; theirs begin at 20."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from augcam.entries import Network

if TYPE_CHECKING:
    from torch import nn


def build(blocks: int, num_classes: int, **arguments: Any) -> nn.Module:
    """`arguments`: dropout and stochastic_depth_prob, both 0 in the original."""
    from augcam.networks.residual import ResNetCifar

    return ResNetCifar(blocks, num_classes, **arguments)


ENTRIES = [
    Network(
        name=f"resnet{6 * blocks + 2}",
        display_name=f"ResNet-{6 * blocks + 2}",
        build=partial(build, blocks),
        cam_layer=f"layer3.{blocks - 1}",
        smallest_input=13,
    )
    for blocks in (1, 2, 3, 5, 7, 9)
]
