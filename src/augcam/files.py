"""Files that are either whole or absent, and read with errors that name them.

Every file carries a checksum of what it holds, which is compared when it is read: JSON and `.npz`
under the name `sha256`, tables in the metadata of their schema; those of `.npy` files stand in
`stats.json`. A damaged file is an error, never another number.
"""

import errno
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
    Raises AugcamError naming `path` where the disk is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: writers such as numpy and matplotlib choose the format by it.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    except Exception as error:
        if disk_is_full(error):
            raise AugcamError(
                f"{path}: the disk is full, or your quota used up; make room and run again."
            ) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def disk_is_full(error: Exception) -> bool:
    """Whether that is why writing failed, whichever library says so."""
    full = {errno.ENOSPC, errno.EDQUOT}
    said = any(os.strerror(number) in str(error) for number in full)  # safetensors says no number
    return getattr(error, "errno", None) in full or said


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


def compare_checksums(found: object, expected: object) -> None:
    """Raises ValueError where the two differ; to be used inside `reading`."""
    if found != expected:
        raise ValueError("its content does not match its checksum")


def write_json(value: dict, path: str | Path) -> None:
    """Write `value` as indented JSON with its checksum, atomically."""
    text = json.dumps(value | {"sha256": _json_digest(value)}, indent=2, sort_keys=True)
    with atomic(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | Path) -> dict:
    """Read what `write_json` wrote. Raises AugcamError naming a missing or damaged file."""
    with reading(path):
        value = json.loads(Path(path).read_text(encoding="utf-8"))
        compare_checksums(value.pop("sha256", None), _json_digest(value))
        return value


def _json_digest(value: dict) -> str:
    value = json.loads(json.dumps(value))  # as it is read: every key is text
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def write_table(table, *paths: str | Path) -> None:
    """Write a pandas DataFrame to each path, as its suffix says: `.parquet` or `.csv`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in map(Path, paths):
        with atomic(path) as temporary:
            if path.suffix == ".parquet":
                columns = pa.Table.from_pandas(table, preserve_index=False)
                # In place of pandas's metadata, which repeats the columns without a checksum.
                record = {_CHECKSUMS: json.dumps(_column_digests(columns))}
                pq.write_table(columns.replace_schema_metadata(record), temporary)
            else:
                table.to_csv(temporary, index=False, lineterminator="\n")


def read_table(path: str | Path, columns: list[str] | None = None):
    """Read a `.parquet` table that `write_table` wrote, or some of its columns, as DataFrame.

    Raises AugcamError naming a missing or damaged file.
    """
    import pyarrow.parquet as pq

    with reading(path), pq.ParquetFile(path) as file:
        expected = json.loads(file.schema_arrow.metadata[_CHECKSUMS])
        table = file.read(columns)
        names = columns or list(expected)
        compare_checksums(_column_digests(table), {name: expected[name] for name in names})
        return table.select(names).to_pandas()


_CHECKSUMS = b"augcam.sha256"


def _column_digests(table) -> dict[str, str]:
    """Checksum of the type and the values of each column of an Arrow table, by its name."""
    digests = {}
    for field, column in zip(table.schema, table.columns):
        values = column.to_numpy()
        is_text = values.dtype == object
        content = json.dumps(values.tolist()).encode() if is_text else values.tobytes()
        digests[field.name] = hashlib.sha256(f"{field.type}:".encode() + content).hexdigest()
    return digests


def write_arrays(path: str | Path, **arrays: np.ndarray | str) -> None:
    """Write named arrays as a compressed `.npz`, atomically; equal arrays give equal bytes."""
    with atomic(path) as temporary:
        np.savez_compressed(temporary, **arrays, sha256=_array_digest(arrays))


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read all arrays of a `.npz`. Raises AugcamError naming the file where it cannot be read."""
    with reading(path), Path(path).open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        arrays = {name: archive[name] for name in archive.files}
        # The format has a checksum for each array, but none for the list of them.
        compare_checksums(str(arrays.pop("sha256", None)), _array_digest(arrays))
        return arrays


def _array_digest(arrays: dict[str, np.ndarray | str]) -> str:
    """Checksum of names, types, shapes and bytes of arrays."""
    digest = hashlib.sha256()
    for name, value in sorted(arrays.items()):
        value = np.asarray(value)
        digest.update(f"{name} {value.dtype} {value.shape}".encode() + value.tobytes())
    return digest.hexdigest()


def read_array(path: str | Path, mmap: Literal["r", "c"] | None = None) -> np.ndarray:
    """Read a `.npy`, memory-mapped on request. Raises AugcamError naming an unreadable file."""
    with reading(path):
        return np.load(path, mmap_mode=mmap, allow_pickle=False)


def verify(path: str | Path, checksum: str) -> None:
    """Raises AugcamError naming `path` where `sha256` does not give `checksum`."""
    found = sha256(path)
    with reading(path):
        compare_checksums(found, checksum)


def sha256(*paths: str | Path) -> str:
    """Hex digest over the contents of the files, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        with reading(path), Path(path).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
