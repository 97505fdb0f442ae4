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
