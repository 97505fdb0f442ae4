"""Files that are either whole or absent, and read with errors that name them."""

import hashlib
import json
import math
import os
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Literal
from zipfile import ZipFile

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


class Tables(Mapping):
    """`.parquet` tables by key, each read when asked for and not kept: of many, few are in memory.

    `paths`: key → file; `columns`: those to read, all when not given. Raises as `read_table`.
    """

    def __init__(self, paths: Mapping[Hashable, str | Path], columns: list[str] | None = None):
        self.paths, self.columns = paths, columns

    def __getitem__(self, key: Hashable):
        return read_table(self.paths[key], self.columns)

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)


def table_blocks(path: str | Path, rows: int) -> Iterator:
    """A `.parquet` table as DataFrames of `rows` rows (the last one of what is left)."""
    from pyarrow.parquet import ParquetFile

    with reading(path), ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=rows):
            yield batch.to_pandas()


@contextmanager
def table_writer(path: str | Path) -> Iterator[Callable]:
    """Yield a function that appends a DataFrame to the `.parquet` table `path`; whole or absent."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    with atomic(path) as temporary, ExitStack() as stack:
        writer = None

        def write(frame) -> None:
            nonlocal writer
            table = pa.Table.from_pandas(frame, preserve_index=False)
            if writer is None:
                writer = stack.enter_context(ParquetWriter(temporary, table.schema))
            writer.write_table(table)

        yield write


def write_columns(columns: dict[str, np.ndarray], path: str | Path) -> None:
    """Write numeric columns of equal length as `.parquet`, without pandas.

    Importing pandas takes a second, which is more than some jobs work, and pyarrow imports it to
    convert arrays: buffers are handed over instead.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = []
    for values in map(np.ascontiguousarray, columns.values()):
        buffers = [None, pa.py_buffer(values)]
        arrays.append(
            pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), buffers)
        )
    with atomic(path) as temporary:
        pq.write_table(pa.Table.from_arrays(arrays, list(columns)), temporary)


def read_columns(path: str | Path, names: list[str]) -> dict[str, np.ndarray]:
    """Read columns of a `.parquet` without missing values, and without pandas, as arrays.

    Raises AugcamError naming a missing or broken file.
    """
    import pyarrow.parquet as pq

    with reading(path), pq.ParquetFile(path) as file:
        table = file.read(names)
        return {name: np.array(table[name].to_pylist()) for name in names}


def write_arrays(path: str | Path, **arrays: np.ndarray | str) -> None:
    """Write named arrays as a compressed `.npz`, atomically; equal arrays give equal bytes."""
    with atomic(path) as temporary:
        np.savez_compressed(temporary, **arrays)


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read all arrays of a `.npz`. Raises AugcamError naming the file where it cannot be read."""
    with reading(path), Path(path).open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        return {name: archive[name] for name in archive.files}


def array_blocks(path: str | Path, names: list[str], rows: int) -> Iterator[dict[str, np.ndarray]]:
    """The arrays `names` of a `.npz`, `rows` rows at a time, whatever its size.

    Raises AugcamError naming the file where it cannot be read or its arrays differ in length.
    """
    with reading(path), ZipFile(path) as archive, ExitStack() as stack:
        members = [stack.enter_context(archive.open(f"{name}.npy")) for name in names]
        shapes, dtypes = zip(*map(_array_header, members))
        if len({shape[0] for shape in shapes}) != 1:
            raise ValueError("its arrays differ in length")
        for start in range(0, shapes[0][0], rows):
            block = {}
            for name, member, shape, dtype in zip(names, members, shapes, dtypes):
                part = (min(rows, shape[0] - start), *shape[1:])
                content = bytearray(member.read(math.prod(part) * dtype.itemsize))
                block[name] = np.frombuffer(content, dtype).reshape(part)
            yield block
        if any(member.read(1) for member in members):  # reaching the end checks the sums
            raise ValueError("its arrays are longer than they say")


def _array_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype of the `.npy` at whose beginning `file` stands; then it is at the data."""
    version = np.lib.format.read_magic(file)
    reader = np.lib.format.read_array_header_1_0
    if version != (1, 0):
        reader = np.lib.format.read_array_header_2_0
    shape, is_fortran, dtype = reader(file)
    if dtype.hasobject or is_fortran:
        raise ValueError("not an array in C order of plain numbers")
    return shape, dtype


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
