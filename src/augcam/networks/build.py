"""Building networks by name: those of the catalogue, timm's, and a user's own."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from augcam.config.suggestions import suggestion
from augcam.entries import TIMM, is_elsewhere, network_named
from augcam.errors import AugcamError
from augcam.files.usercode import named, one_line


def build(
    architecture: str,
    num_classes: int,
    arguments: dict[str, Any],
    seed: int,
    input_size: int | None = None,
) -> nn.Module:
    """Build a network with weights drawn from `seed` (float32, on the CPU, in training mode).

    `arguments` go to the architecture's builder, and so does `input_size` (pixels) where it asks
    for one. Raises AugcamError where there is no such network, or its builder refuses them.
    """
    builder = _builder(architecture, input_size)
    refused = Exception if is_elsewhere(architecture) else (TypeError, ValueError)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            model = builder(num_classes=num_classes, **arguments)
        except AugcamError:
            raise
        except refused as error:
            raise AugcamError(
                f"architecture_arguments.{architecture}: {arguments} is refused by the "
                f"architecture's builder ({one_line(error)})."
            ) from error
    if not isinstance(model, nn.Module) or not any(True for _ in model.parameters()):
        raise AugcamError(
            f"model.architecture: '{architecture}' must give a torch.nn.Module with parameters, "
            f"not {type(model).__module__}.{type(model).__name__}."
        )
    return model.float().train()


def _builder(architecture: str, input_size: int | None) -> Callable[..., Any]:
    if architecture.startswith(TIMM):
        return partial(_timm_network, architecture.removeprefix(TIMM), input_size)
    if is_elsewhere(architecture):
        own = named(architecture)
        sized = "input_size" in inspect.signature(own).parameters
        return partial(own, input_size=input_size) if sized else own
    known = network_named(architecture)
    return partial(known.build, input_size=input_size) if known.sized else known.build


def _timm_network(name: str, input_size: int | None, **arguments: Any) -> nn.Module:
    """A network of timm with random weights, for inputs of one size where it takes only one."""
    import timm

    if not timm.is_model(name.partition(".")[0]):
        raise AugcamError(
            f"model.architecture: timm {timm.__version__} has no network '{name}'"
            f"{suggestion(name, timm.list_models())}"
        )
    known = timm.get_pretrained_cfg(name, allow_unregistered=True)
    sized = {"img_size": input_size} if known and known.fixed_input_size and input_size else {}
    return timm.create_model(name, pretrained=False, **sized | arguments)


def head_tensors(
    model: nn.Module, architecture: str, num_classes: int, arguments: dict[str, Any],
    input_size: int | None = None,
) -> set[str]:  # fmt: skip
    """The names of the tensors of `model` whose shape depends on the number of classes."""
    other = build(architecture, num_classes + 1, arguments, 0, input_size).state_dict()
    own: dict[str, Tensor] = model.state_dict()
    return {name for name, value in own.items() if value.shape != other[name].shape}
