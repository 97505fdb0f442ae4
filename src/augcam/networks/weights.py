"""Weights in files: safetensors with a record of what they are."""

from pathlib import Path
from typing import Any

from torch import nn

from augcam.errors import AugcamError
from augcam.files.tensors import read_tensors, write_tensors


def save_weights(model: nn.Module, path: str | Path, **record: Any) -> None:
    """Write all parameters and buffers as safetensors, atomically; equal weights, equal bytes."""
    write_tensors(model.state_dict(), path, record)


def load_weights(model: nn.Module, path: str | Path) -> nn.Module:
    """Fill `model` from `path`. Raises AugcamError naming a missing, broken or foreign file."""
    state = read_tensors(path)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise AugcamError(f"{path}: these are weights of another network ({reason}).") from error
    return model
