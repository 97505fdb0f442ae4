"""Building networks by name."""

from typing import Any

import torch
from torch import nn

from augcam.entries import network_named
from augcam.errors import AugcamError


def build(architecture: str, num_classes: int, arguments: dict[str, Any], seed: int) -> nn.Module:
    """Build a network with weights drawn from `seed` (float32, on the CPU, in training mode).

    `arguments` go to the architecture's builder. Raises AugcamError where the builder refuses them.
    """
    builder = network_named(architecture).build
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            return builder(num_classes=num_classes, **arguments)
        except (TypeError, ValueError) as error:
            raise AugcamError(
                f"architecture_arguments.{architecture}: {arguments} is refused by the "
                f"architecture's builder ({error})."
            ) from error


def has_random_layers(model: nn.Module) -> bool:
    """Whether training this network draws random numbers (dropout, stochastic depth)."""
    rates = ("p", "drop_probability")
    return any(
        isinstance(getattr(module, rate, None), float) and getattr(module, rate) > 0
        for module in model.modules()
        for rate in rates
    )
