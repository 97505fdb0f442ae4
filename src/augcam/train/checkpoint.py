"""Checkpoints: what a training needs to go on as if nothing had happened."""

import json
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from augcam.errors import AugcamError
from augcam.files.tensors import read_recorded, write_tensors
from augcam.train.optimizers import Optimizer


class Progress(NamedTuple):
    """What a training has reached: enough to go on as if nothing had happened."""

    history: list[dict[str, float]]
    kept_weights: dict[str, Tensor]


def to_go_on(model: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    """What a further epoch begins with: weights and moments, named as in a checkpoint. The learning
    rate is none of it: it follows from the number of the step."""
    tensors = {f"model/{name}": value for name, value in model.state_dict().items()}
    return tensors | {f"optimizer/{name}": value for name, value in optimizer.state().items()}


def save_checkpoint(
    path: str | Path, identity: str, progress: Progress, ahead: dict[str, Tensor]
) -> None:
    """`ahead`: see `to_go_on`; empty after the last epoch, which leaves a quarter of the bytes."""
    tensors = ahead | {f"kept/{name}": value for name, value in progress.kept_weights.items()}
    tensors = {name: value.detach().cpu().clone() for name, value in tensors.items()}
    record = {"identity": identity, **progress._replace(kept_weights={})._asdict()}
    write_tensors(tensors, path, record)


def resume(path: str | Path, identity: str, model: nn.Module, optimizer: Optimizer) -> Progress:
    """Fill model and optimiser from a checkpoint of this very training, if there is one."""
    fresh = Progress([], {})
    if not Path(path).exists():
        return fresh
    try:
        tensors, record = read_recorded(path)
    except AugcamError as error:  # a broken checkpoint costs time, not correctness
        print(f"{error}\nstarting anew")
        return fresh
    if record.pop("identity") != identity:
        print(f"{path}: the checkpoint belongs to another training; starting anew")
        return fresh
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "kept": {}, "optimizer": {}}
    for name, value in tensors.items():
        part, _, rest = name.partition("/")
        parts[part][rest] = value
    if parts["model"]:  # otherwise it was the last epoch
        model.load_state_dict(parts["model"])
        optimizer.load(parts["optimizer"])
    return Progress(**{**record, "kept_weights": parts["kept"]})


def epochs_done(checkpoint: str | Path) -> int:
    """Epochs that a checkpoint holds; 0 where it cannot be read, as training starts anew then."""
    from safetensors import safe_open

    try:
        with safe_open(checkpoint, framework="pt") as file:
            return len(json.loads(file.metadata()["augcam"])["record"]["history"])
    except Exception:
        return 0
