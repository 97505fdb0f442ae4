"""Which layer is explained: the last feature map before pooling, or the last block's tokens."""

import difflib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from augcam.errors import AugcamError
from augcam.networks.layouts import Layout, find_layout

SMALLEST_MAP = 4  # a coarser feature map localises nothing


USUAL_SIZE = 224
_CHANNELS = 3


@contextmanager
def outputs_recorded(model: nn.Module) -> Iterator[list[tuple[str, nn.Module, Any]]]:
    """Collect (name, module, output) of every module in the order in which they finish."""
    record: list[tuple[str, nn.Module, Any]] = []
    handles = [
        module.register_forward_hook(
            lambda module, _inputs, output, name=name: record.append((name, module, output))
        )
        for name, module in model.named_modules()
    ]
    try:
        yield record
    finally:
        for handle in handles:
            handle.remove()


def find_cam_layer(model: nn.Module, input_size: int) -> str:
    """Dotted name of the layer to explain: `layer4.1` of a ResNet-18, `blocks.11.norm1` of a ViT.

    The last feature map before pooling is the last module to finish whose output is a map, (N, C,
    h, w) or (N, h, w, C), and which is neither a pooling layer nor a plain `nn.Sequential`, which
    may end in one. Where tokens (N, L, C) follow, it is the last normalisation of tokens before the
    last attention: what comes later may meet the patches no more (jacobgil/pytorch-grad-cam#513);
    the last tokens of all where nothing normalises them.
    Runs the model once on an input of zeros (on the model's device; `meta` costs nothing).
    Raises AugcamError for networks with neither.
    """
    record = run_recorded(model, input_size)
    maps = [i for i, (_, module, output) in enumerate(record) if _is_map(module, output)]
    if maps and not any(_is_sequence(output) for _, _, output in record[maps[-1] :]):
        return record[maps[-1]][0]
    if tokens := _last_tokens(record):
        return tokens
    raise AugcamError(
        "model.cam_layer: no feature map was found in this network, and no normalised tokens of a "
        "transformer; name the layer to explain."
    )


_NO_MAP = (
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
    nn.Dropout,
    nn.Dropout2d,
    nn.Identity,
)


def _is_map(module: nn.Module, output: Any) -> bool:
    """A map of one image; not what pools, or passes on what another layer has made."""
    passes_on = type(module) is nn.Sequential or isinstance(module, _NO_MAP)
    if passes_on or not isinstance(output, Tensor) or output.ndim != 4 or output.shape[0] != 1:
        return False
    return output.shape[1:].numel() > max(output.shape[1:])


def _is_sequence(output: Any) -> bool:
    """Tokens (N, L, C): what comes from a map after this is no longer one."""
    return isinstance(output, Tensor) and output.ndim == 3


def _last_tokens(record: list[tuple[str, nn.Module, Any]]) -> str | None:
    """The last normalisation of tokens to finish before the last attention; the last one of all in
    networks without attention. Where tokens are normalised within linear layers alone (LeViT), the
    last tokens of all: what a branch adds to them is no map of the image."""
    attention = [(i, name) for i, (name, module, _) in enumerate(record) if _attends(module)]
    end, inside = attention[-1] if attention else (len(record), "")
    tokens = [
        (i, name, module)
        for i, (name, module, output) in enumerate(record)
        if type(module) is not nn.Sequential
        and _is_sequence(output)
        and output.shape[0] == 1
        and output.shape[1] > 1  # not a class token alone
    ]
    normalised = [
        name
        for i, name, module in tokens
        if i < end and _normalises(module) and not (inside and name.startswith(f"{inside}."))
    ]
    if normalised:
        return normalised[-1]
    return tokens[-1][1] if tokens else None


def _normalises(module: nn.Module) -> bool:
    """Whether this is a normalisation by the name of its class, and nothing but one."""
    linear = any(isinstance(part, nn.Linear) for part in module.modules())
    return "norm" in type(module).__name__.lower() and not linear


def _attends(module: nn.Module) -> bool:
    """Whether tokens meet here, by the name of its class: Attention, MultiheadAttention, …"""
    return re.search("attention|attn$|^xca$", type(module).__name__.lower()) is not None


def run_recorded(model: nn.Module, input_size: int) -> list[tuple[str, nn.Module, Any]]:
    """(name, module, output) of all modules, as they finish with one image of zeros."""
    training = model.training
    device = next(model.parameters()).device
    model.eval()
    try:
        with torch.no_grad(), outputs_recorded(model) as record:
            model(torch.zeros(1, _CHANNELS, input_size, input_size, device=device))
    finally:
        model.train(training)
    return record


def get_layer(model: nn.Module, name: str) -> nn.Module:
    """The layer called `name`. Raises AugcamError with near names where there is none."""
    layers = dict(model.named_modules())
    if name in layers and name:
        return layers[name]
    close = difflib.get_close_matches(name, [n for n in layers if n], n=3, cutoff=0.3)
    raise AugcamError(
        f"model.cam_layer: the network has no layer '{name}'; near names: {', '.join(close)}."
    )


def map_layout(
    model: nn.Module, layer: str, input_size: int, grid: Sequence[int] | None = None
) -> Layout:
    """How the output of `layer` holds its map; `grid` as in `augcam.networks.layouts.find_layout`.

    Raises AugcamError where it is no map, or one smaller than 4×4.
    """
    module = get_layer(model, layer)
    outputs = [output for _, m, output in run_recorded(model, input_size) if m is module]
    found = find_layout(next(iter(outputs), None), layer, prefix_tokens(model), grid)
    if min(found.height, found.width) < SMALLEST_MAP:
        raise AugcamError(
            f"model.input_size {input_size} is too small: the feature map of '{layer}' is "
            f"{found.height}×{found.width}, and a CAM needs {SMALLEST_MAP}×{SMALLEST_MAP}; "
            "take a larger input or an earlier layer (model.cam_layer)."
        )
    return found


def prefix_tokens(model: nn.Module) -> int | None:
    """How many tokens stand before those of the patches, where the network says so, as timm's."""
    count = getattr(model, "num_prefix_tokens", None)
    return count if isinstance(count, int) else None


def map_size(model: nn.Module, layer: str, input_size: int) -> tuple[int, int]:
    """(h, w) of the map of `layer`. Raises AugcamError where it is no map of 4×4 or more."""
    found = map_layout(model, layer, input_size)
    return found.height, found.width


def _found_at_usual_size(model: nn.Module, input_size: int) -> str:
    """The layer to explain. For a small input the last maps are single pixels, and a layer before
    them would be found, so it is looked for at a usual size, where the network takes that."""
    if input_size < USUAL_SIZE:
        try:
            return find_cam_layer(model, USUAL_SIZE)
        except Exception:  # it takes inputs of one size
            pass
    return find_cam_layer(model, input_size)


def describe_network(
    model: nn.Module,
    input_size: int,
    cam_layer: str | None = None,
    cam_grid: Sequence[int] | None = None,
) -> dict[str, Any]:
    """The layer to explain (`cam_layer`, or the one found), its feature map [h, w] and the number
    of parameters; where channels do not come first the `layout`, and the tokens before its grid.

    Raises AugcamError where the map is smaller than 4×4.
    """
    layer = cam_layer or _found_at_usual_size(model, input_size)
    layout = map_layout(model, layer, input_size, cam_grid)
    more = {} if layout.order == "NCHW" else {"layout": layout.order, "prefix": layout.prefix}
    return {
        "cam_layer": layer,
        "feature_map": [layout.height, layout.width],
        **more,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
    }
