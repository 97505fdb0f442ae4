"""What is known of torchvision's classifiers, written down: configs are checked without torch.

python -m augcam.networks.catalogue
"""

import bisect
import json
from pathlib import Path
from typing import Any

import torch

from augcam.config.fields import CatalogueEntry
from augcam.errors import AugcamError
from augcam.networks.build import OWN_ARCHITECTURES, build
from augcam.networks.layers import find_cam_layer, map_size


def describe(architecture: str) -> CatalogueEntry | None:
    """Layer to explain and smallest input of an architecture; None where there is no feature map.

    Works on shapes alone (torch's `meta` device), without weights.
    """
    largest = 512
    model = build(architecture, 10, {}, seed=0).to("meta")
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
        return CatalogueEntry(layer, smallest)


def describe_all() -> dict[str, dict[str, Any]]:
    """The catalogue of `augcam.config.catalogue`, worked out anew from torchvision."""
    from torchvision import models

    names = [*OWN_ARCHITECTURES, *models.list_models(module=models)]
    entries = {name: describe(name) for name in names}
    return {name: entry._asdict() for name, entry in entries.items() if entry}


if __name__ == "__main__":
    path = Path(__file__).with_name("architectures.json")
    path.write_text(json.dumps(describe_all(), indent=1) + "\n", encoding="utf-8")
