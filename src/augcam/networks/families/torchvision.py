"""torchvision's classifiers: a feature map, or the tokens of a vision transformer, is explained.

Which ones, and what must be known of them without importing torch, is in `torchvision.json` beside
this file, written by `python -m augcam.networks.catalogue`.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augcam.entries import Network

if TYPE_CHECKING:
    from torch import nn


def build(architecture: str, num_classes: int, **arguments: Any) -> nn.Module:
    """`arguments`: what torchvision's builder of this architecture takes, and `input_size` of those
    that are built for one."""
    from augcam.networks.adapted import torchvision_network

    return torchvision_network(architecture, num_classes, **arguments)


def display_name(architecture: str) -> str:
    """The name in the papers, of the families that are used here."""
    names = {"efficientnet_b": "EfficientNet-B", "densenet": "DenseNet-", "resnet": "ResNet-"}
    family = architecture.rstrip("0123456789")
    number = architecture.removeprefix(family)
    return f"{names[family]}{number}" if number and family in names else architecture


ENTRIES = [
    Network(
        name=name,
        display_name=display_name(name),
        build=partial(build, name),
        pretrained=True,
        **facts,
    )
    for name, facts in json.loads(
        Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
    ).items()
]
