"""Tensors in safetensors files, with a checksum and a record."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from typing_extensions import Buffer

from augcam.files.atomic import atomic, reading
from augcam.files.checksums import compare_checksums, digest


def write_tensors(tensors: dict[str, Tensor], path: str | Path, record: dict[str, Any]) -> None:
    """Write tensors and a record (plain values) as safetensors with a checksum, atomically."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    checksum = _tensor_digest(tensors, record)
    # One key: safetensors writes several in any order.
    metadata = {"augcam": json.dumps({"record": record, "sha256": checksum})}
    with atomic(path) as temporary:
        save_file(tensors, temporary, metadata)


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """All tensors of a file. Raises AugcamError naming a missing or damaged file."""
    return read_recorded(path)[0]


def read_recorded(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `write_tensors` wrote. Raises AugcamError naming a missing or damaged file."""
    with reading(path), safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = json.loads(file.metadata()["augcam"])
        compare_checksums(_tensor_digest(tensors, metadata["record"]), metadata["sha256"])
        return tensors, metadata["record"]


def _tensor_digest(tensors: dict[str, Tensor], record: dict[str, Any]) -> str:
    """Checksum of the record and of names, types, shapes and bytes of the tensors."""

    def parts() -> Iterator[Buffer]:
        yield json.dumps(record, sort_keys=True).encode()
        for name, value in sorted(tensors.items()):
            yield f"{name} {value.dtype} {list(value.shape)}".encode()
            yield value.reshape(-1).view(torch.uint8).numpy().data

    return digest(parts())
