"""Which layer is explained: the last feature map before pooling."""

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from augcam.errors import AugcamError

SMALLEST_MAP = 4  # a coarser feature map localises nothing


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
    """Dotted name of the last feature map before pooling, e.g. `layer4.1` of a ResNet-18.

    It is the last module to finish whose output is a map (N, C, h, w) and which is neither a
    pooling layer nor a plain `nn.Sequential`, which may end in one.
    Runs the model once on an input of zeros (on the model's device; `meta` costs nothing).
    Raises AugcamError for networks without such a map, such as vision transformers.
    """
    record = _run(model, input_size)
    maps = [
        i
        for i, (_, module, output) in enumerate(record)
        if _is_map(output) and type(module) is not nn.Sequential and not isinstance(module, _NO_MAP)
    ]
    if not maps or any(_is_sequence(output) for _, _, output in record[maps[-1] :]):
        raise AugcamError(
            "model.cam_layer: no feature map was found in this network; name the layer to explain."
        )
    return record[maps[-1]][0]


_NO_MAP = (
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
    nn.Dropout,
    nn.Dropout2d,
)


def _is_map(output: Any) -> bool:
    return isinstance(output, Tensor) and output.ndim == 4 and output.shape[2] * output.shape[3] > 1


def _is_sequence(output: Any) -> bool:
    """Tokens (N, L, C): what comes from a map after this is no longer one."""
    return isinstance(output, Tensor) and output.ndim == 3


def _run(model: nn.Module, input_size: int) -> list[tuple[str, nn.Module, Any]]:
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


def map_size(model: nn.Module, layer: str, input_size: int) -> tuple[int, int]:
    """(h, w) of the output of `layer`. Raises AugcamError where it is not a map of 4×4 or more."""
    module = get_layer(model, layer)
    output = next((o for _, m, o in _run(model, input_size) if m is module), None)
    if not (isinstance(output, Tensor) and output.ndim == 4):
        raise AugcamError(f"model.cam_layer: the output of '{layer}' is no map (N, C, h, w).")
    height, width = output.shape[2:]
    if min(height, width) < SMALLEST_MAP:
        raise AugcamError(
            f"model.input_size {input_size} is too small: the feature map of '{layer}' is "
            f"{height}×{width}, and a CAM needs {SMALLEST_MAP}×{SMALLEST_MAP}; "
            "take a larger input or an earlier layer (model.cam_layer)."
        )
    return height, width


def describe_network(
    model: nn.Module, input_size: int, cam_layer: str | None = None
) -> dict[str, Any]:
    """The layer to explain (`cam_layer`, or the one found), its feature map [h, w] and the number
    of parameters.

    Raises AugcamError where the map is smaller than 4×4.
    """
    layer = cam_layer or find_cam_layer(model, input_size)
    return {
        "cam_layer": layer,
        "feature_map": list(map_size(model, layer, input_size)),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
    }
