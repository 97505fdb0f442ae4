"""What is known of torchvision's classifiers, written down: configs are checked without torch.

python -m augcam.networks.catalogue
"""

import bisect
import json
from pathlib import Path

import torch
from torch import nn

from augcam.errors import AugcamError
from augcam.networks.adapted import torchvision_network
from augcam.networks.layers import find_cam_layer, map_size


def describe(model: nn.Module) -> dict[str, str | int] | None:
    """Layer to explain and smallest input of a network; None where there is no feature map.

    Works on shapes alone (torch's `meta` device), without weights.
    """
    largest = 512
    model = model.to("meta")
    with torch.device("meta"):
        try:
            layer = find_cam_layer(model, largest)
        except (AugcamError, AssertionError, RuntimeError, ValueError):
            return None  # a transformer on patches: no map, or one fixed input size

        def works(size: int) -> bool:
            try:
                return bool(map_size(model, layer, size))
            except (AugcamError, RuntimeError, ValueError):
                return False

        smallest = bisect.bisect_left(range(largest), True, key=works)
        return {"cam_layer": layer, "smallest_input": smallest}


def describe_torchvision() -> dict[str, dict[str, str | int]]:
    """`families/torchvision.json`, worked out anew."""
    from torchvision import models

    names = models.list_models(module=models)
    facts = {name: describe(torchvision_network(name, 10)) for name in names}
    return {name: known for name, known in facts.items() if known}


if __name__ == "__main__":
    path = Path(__file__).parent / "families" / "torchvision.json"
    path.write_text(json.dumps(describe_torchvision(), indent=1) + "\n", encoding="utf-8")
