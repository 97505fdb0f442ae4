"""What is known of torchvision's classifiers, written down: configs are checked without torch.

python -m augcam.networks.catalogue
"""

import bisect
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import nn

from augcam.errors import AugcamError
from augcam.networks.adapted import torchvision_network
from augcam.networks.layers import find_cam_layer, map_size

LARGEST = 512

MULTIPLES = {"vit_b_16": 16, "vit_b_32": 32, "vit_l_16": 16, "vit_l_32": 32, "vit_h_14": 14,
             "maxvit_t": 224}  # fmt: skip
"""Networks that are built for inputs of one size, and what it must be a multiple of."""


def describe(
    build: Callable[[int | None], nn.Module], multiple: int = 1
) -> dict[str, str | int] | None:
    """Layer to explain and smallest input of a network; None where there is no map.

    `build(size)`: the network, for inputs of this size where it needs one. Works on shapes alone
    (torch's `meta` device), without weights.
    """
    sized = multiple > 1

    def network(size: int) -> nn.Module:
        return build(size if sized else None).to("meta")

    sizes = range(multiple, LARGEST, multiple) if sized else range(LARGEST + 1)
    tried = sizes[0] if sized else LARGEST
    one = network(tried)
    try:
        with torch.device("meta"):
            layer = find_cam_layer(one, tried)
    except (AugcamError, AssertionError, RuntimeError, ValueError):
        return None

    def works(size: int) -> bool:
        model = network(size) if sized else one
        try:
            with torch.device("meta"):
                return bool(map_size(model, layer, size))
        except (AugcamError, RuntimeError, ValueError):
            return False

    # To build one for each size takes long, and the first sizes will do.
    found = next(filter(works, sizes)) if sized else bisect.bisect_left(sizes, True, key=works)
    known: dict[str, str | int] = {"cam_layer": layer, "smallest_input": found}
    return known | ({"multiple_of": multiple} if sized else {})


def torchvision_sized(name: str, size: int | None) -> nn.Module:
    """A network of torchvision for ten classes."""
    return torchvision_network(name, 10, **({} if size is None else {"input_size": size}))


def describe_torchvision() -> dict[str, dict[str, str | int]]:
    """`families/torchvision.json`, worked out anew."""
    from torchvision import models

    names = models.list_models(module=models)
    facts = {
        name: describe(partial(torchvision_sized, name), MULTIPLES.get(name, 1)) for name in names
    }
    return {name: known for name, known in facts.items() if known}


if __name__ == "__main__":
    path = Path(__file__).parent / "families" / "torchvision.json"
    path.write_text(json.dumps(describe_torchvision(), indent=1) + "\n", encoding="utf-8")
