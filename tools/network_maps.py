"""Hold the maps of many networks against captum and pytorch-grad-cam, for docs/networks.md.

    python tools/network_maps.py [name …] > maps.jsonl   # torchvision's catalogue, and some of timm
    python tools/network_maps.py --table maps.jsonl      # renews the table of docs/networks.md

Random weights (seed 0), lively statistics of batch normalisation, two images of noise at the
smallest input that the network takes. For each network: the largest difference between its raw maps
and those of captum's LayerGradCam at the same layer, relative to the largest value; and between the
normalised maps at the input's resolution and those of pytorch-grad-cam with its reshape_transform.
"""

import copy
import json
import sys
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from captum.attr import LayerGradCam
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from augcam.comparison.maps import to_maps
from augcam.entries import Network, entries
from augcam.explanation.maps import explain_batch
from augcam.explanation.rehearsal import without_zeros
from augcam.networks.build import build
from augcam.networks.layers import describe_network, get_layer
from augcam.networks.layouts import Layout, layout_in

PAGE = Path(__file__).parents[1] / "docs" / "networks.md"
MARKS = "<!-- maps: made by tools/network_maps.py -->\n", "<!-- end of maps -->"

TIMM = {
    "vit_tiny_patch16_224": 96,
    "vit_small_patch16_dinov3": 96,
    "deit_tiny_patch16_224": 96,
    "deit_tiny_distilled_patch16_224": 96,
    "beit_base_patch16_224": 96,
    "eva02_tiny_patch14_224": 112,
    "swin_tiny_patch4_window7_224": 224,
    "swinv2_tiny_window8_256": 256,
    "maxvit_rmlp_pico_rw_256": 256,
    "convnext_atto": 128,
    "convnextv2_atto": 128,
    "mobilenetv4_conv_small": 128,
    "efficientnet_lite0": 128,
    "efficientnet_b0": 128,
    "regnetx_002": 128,
    "regnety_002": 128,
    "resnet18": 128,
    "densenet121": 128,
    "mixer_s32_224": 224,
    "pvt_v2_b0": 128,
    "cait_xxs24_224": 96,
    "xcit_nano_12_p16_224": 224,
    "mobilevit_xxs": 128,
    "levit_128s": 224,
    "efficientformer_l1": 224,
    "mambaout_femto": 224,
    "edgenext_xx_small": 128,
    "fastvit_t8": 128,
}
"""Networks of timm, with the side of their inputs."""

CLASSES = 10


class ToMap(nn.Module):
    """Passes a layer's output on as a map (N, C, h, w), as captum wants it."""

    def __init__(self, layout: Layout):
        super().__init__()
        self.layout = layout
        self.prefix: Tensor | None = None

    def forward(self, output: Tensor) -> Tensor:
        self.prefix = output[:, : self.layout.prefix]
        return self.layout.to_map(output).clone()


class FromMap(nn.Module):
    """Its inverse, so that the network goes on as before."""

    def __init__(self, before: ToMap):
        super().__init__()
        self.before = [before]  # not as a part of this module

    def forward(self, found: Tensor) -> Tensor:
        (before,) = self.before
        if before.layout.order == "NCHW":
            return found
        if before.layout.order == "NHWC":
            return found.permute(0, 2, 3, 1)
        return torch.cat([before.prefix, found.flatten(2).transpose(1, 2)], dim=1)


def lively(model: nn.Module) -> nn.Module:
    """A network whose statistics of batch normalisation and zero weights are drawn."""
    generator = torch.Generator().manual_seed(0)
    model = without_zeros(model)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
            if module.affine:  # some start at zero
                module.weight.data.uniform_(0.5, 1.5, generator=generator)
        if hasattr(module, "inplace"):  # otherwise it overwrites what the libraries have kept
            module.inplace = False
    return model.eval()


def of_captum(
    model: nn.Module, name: str, layout: Layout, images: Tensor, classes: Tensor
) -> Tensor:
    """Raw maps (N, h, w) of captum's LayerGradCam, at the layer called `name`."""
    to_map = ToMap(layout)
    parent, _, last = name.rpartition(".")
    holder = model.get_submodule(parent)
    layer = getattr(holder, last)
    steps = OrderedDict(layer=layer, to_map=to_map, from_map=FromMap(to_map))
    setattr(holder, last, nn.Sequential(steps))
    try:
        found = LayerGradCam(model, to_map).attribute(images, classes, relu_attributions=False)
    finally:
        setattr(holder, last, layer)
    return found[:, 0].detach()


def of_pytorch_grad_cam(
    model: nn.Module, name: str, layout: Layout, images: Tensor, classes: Tensor
) -> Any:
    """Normalised maps (N, s, s) of pytorch-grad-cam."""
    targets = [ClassifierOutputTarget(int(number)) for number in classes]
    layers = [get_layer(model, name)]
    with GradCAM(model, layers, reshape_transform=layout.to_map) as cam:
        return cam(images.clone(), targets=targets)


def compared(architecture: str, size: int) -> dict[str, Any]:
    """One row of the table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = lively(build(architecture, CLASSES, {}, 0, size))
        description = describe_network(model, size)
        name, layout = description["cam_layer"], layout_in(description)
        images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))
        frozen = copy.deepcopy(model).requires_grad_(False)
        _, maps, classes = explain_batch(frozen, get_layer(frozen, name), images)
        theirs = of_captum(model, name, layout, images, classes)
        normalised = of_pytorch_grad_cam(model, name, layout, images, classes)
    largest = theirs.abs().max().item()
    if largest == 0:
        raise SystemExit(f"{architecture}: maps of zeros show nothing")
    ours = to_maps(maps.numpy(), size)
    return {
        "network": architecture,
        "input": size,
        "layer": name,
        "layout": layout.order,
        "prefix": layout.prefix,
        "map": f"{layout.height}×{layout.width}",
        "captum": (maps - theirs).abs().max().item() / largest,
        "pytorch_grad_cam": float(abs(ours - normalised).max()),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown."""
    lines = [
        "| network | input | layer | output | map | captum | pytorch-grad-cam |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        tokens = f", {row['prefix']} dropped" if row["prefix"] else ""
        lines.append(
            f"| {row['network']} | {row['input']} | `{row['layer']}` | {row['layout']}{tokens} | "
            f"{row['map']} | {row['captum']:.1e} | {row['pytorch_grad_cam']:.1e} |"
        )
    return "\n".join(lines) + "\n"


def main(names: list[str]) -> None:
    sizes = {f"timm/{name}": size for name, size in TIMM.items()}
    sizes |= {name: known.smallest_input for name, known in entries(Network).items()}
    if names[:1] == ["--table"]:
        lines = Path(names[1]).read_text(encoding="utf-8").splitlines()
        rows = {row["network"]: row for row in map(json.loads, lines)}
        before, rest = PAGE.read_text(encoding="utf-8").split(MARKS[0])
        made = table([rows[name] for name in sizes if name in rows])
        PAGE.write_text(before + MARKS[0] + made + MARKS[1] + rest.partition(MARKS[1])[2])
        return
    torch.set_num_threads(1)
    for name in names or sizes:
        print(json.dumps(compared(name, sizes[name])), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
