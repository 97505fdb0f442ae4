"""Random parameters: drawn on the CPU, so that every device sees the same."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from augcam.entries import Augmentation

Size = tuple[int, int]  # height, width

_AUGMENTATION_STREAM = 1  # apart from the numbers of dropout, which use the same state


def generator(state: int, epoch: int, batch: int) -> np.random.Generator:
    """The generator of all draws of one batch: a function of its arguments alone, so that neither
    resuming nor the number of workers changes a draw."""
    return np.random.default_rng([_AUGMENTATION_STREAM, state, epoch, batch])


def draw(
    augmentation: Augmentation,
    rng: np.random.Generator,
    count: int,
    size: Size,
    parameters: dict[str, Any],
) -> dict[str, Tensor]:
    """Random parameters of `count` images: tensors (count, …), float32 or integers."""
    drawn = augmentation.draw(rng, count, size, parameters)
    return {name: torch.from_numpy(_exact(values)) for name, values in drawn.items()}


def _exact(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32, copy=False) if values.dtype.kind == "f" else values
