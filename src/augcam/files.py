"""Files that are either whole or absent, and read with errors that name them."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np

from augcam.errors import AugcamError


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it takes the place of `path` once the block succeeds.

    A block that raises, or a process that is killed, leaves `path` as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: writers such as numpy and matplotlib choose the format by it.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Turn whatever goes wrong while `path` is read into an AugcamError that names it."""
    try:
        yield
    except FileNotFoundError as error:
        raise AugcamError(f"{path}: the file is missing.") from error
    except Exception as error:  # each library raises its own kind on a damaged file
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise AugcamError(
            f"{path}: the file cannot be read ({reason}); delete it and run again to make it anew."
        ) from error


def write_json(value: object, path: str | Path) -> None:
    """Write `value` as indented JSON, atomically."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_json(path: str | Path) -> dict:
    """Read a JSON object. Raises AugcamError naming the file where it is missing or broken."""
    with reading(path):
        return json.loads(Path(path).read_text(encoding="utf-8"))


def write_table(table, *paths: str | Path) -> None:
    """Write a pandas DataFrame to each path, as its suffix says: `.parquet` or `.csv`."""
    for path in map(Path, paths):
        with atomic(path) as temporary:
            if path.suffix == ".parquet":
                table.to_parquet(temporary, index=False)
            else:
                table.to_csv(temporary, index=False, lineterminator="\n")


def read_table(path: str | Path, columns: list[str] | None = None):
    """Read a `.parquet` table as DataFrame. Raises AugcamError naming a missing or broken file."""
    import pandas as pd

    with reading(path):
        return pd.read_parquet(path, columns=columns)


def write_arrays(path: str | Path, **arrays: np.ndarray | str) -> None:
    """Write named arrays as a compressed `.npz`, atomically; equal arrays give equal bytes."""
    with atomic(path) as temporary:
        np.savez_compressed(temporary, **arrays)


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read all arrays of a `.npz`. Raises AugcamError naming the file where it cannot be read."""
    with reading(path), Path(path).open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        return {name: archive[name] for name in archive.files}


def read_array(path: str | Path, mmap: Literal["r", "c"] | None = None) -> np.ndarray:
    """Read a `.npy`, memory-mapped on request. Raises AugcamError naming an unreadable file."""
    with reading(path):
        return np.load(path, mmap_mode=mmap, allow_pickle=False)


def sha256(*paths: str | Path) -> str:
    """Hex digest over the contents of the files, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        with reading(path), Path(path).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
