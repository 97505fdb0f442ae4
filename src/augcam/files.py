"""Files that are either whole or absent, and read with errors that name them.

Every file carries a checksum of what it holds, which is compared when it is read: JSON and `.npz`
under the name `sha256`, tables in the metadata of their schema; those of `.npy` files stand in
`stats.json`. A damaged file is an error, never another number.
"""

import contextlib
import errno
import glob
import hashlib
import json
import math
import os
import socket
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Literal
from zipfile import ZipFile

import numpy as np

from augcam.errors import AugcamError


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it takes the place of `path` once the block succeeds.

    A block that raises, or a process that is killed, leaves `path` as it was; what the killed one
    had written is removed by the next. Raises AugcamError naming `path` where the disk is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path)
    # The suffix stays last: writers such as numpy and matplotlib choose the format by it.
    owner = f"{socket.gethostname()}-{os.getpid()}"
    temporary = path.with_name(f".{path.stem}.{owner}.partial{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())  # otherwise a power cut may leave the new name without bytes
        temporary.replace(path)
    except Exception as error:
        if disk_is_full(error):
            raise AugcamError(
                f"{path}: the disk is full, or your quota used up; make room and run again."
            ) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _remove_abandoned(path: Path) -> None:
    """Remove half-written files of `path` whose process on this machine is dead, or a day old."""
    stem, suffix = glob.escape(path.stem), glob.escape(path.suffix)
    for file in path.parent.glob(f".{stem}.*-*.partial{suffix}"):
        owner = file.name.removesuffix(f".partial{path.suffix}").removeprefix(f".{path.stem}.")
        host, _, process = owner.rpartition("-")
        with contextlib.suppress(FileNotFoundError):  # another process may be faster
            old = time.time() - file.stat().st_mtime > 86_400
            if old or (host == socket.gethostname() and not _is_alive(int(process))):
                file.unlink()


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


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
            f"{path}: the file cannot be read ({reason}); {_advice(error)}."
        ) from error


# Errors that say something of the machine and nothing of what is in the file.
_NO_DAMAGE = {errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE}


def _advice(error: Exception) -> str:
    if getattr(error, "errno", None) in _NO_DAMAGE:
        return "the file itself may be whole: mend the cause and run again"
    if isinstance(error, MemoryError):  # a damaged size looks like this, too
        return "give the job more memory or, if it had enough, delete the file, and run again"
    return "delete it and run again to make it anew"


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
    for path in map(Path, paths):
        if path.suffix == ".parquet":
            with table_writer(path) as write:
                write(table)
        else:
            with atomic(path) as temporary:
                table.to_csv(temporary, index=False, lineterminator="\n")


def read_table(path: str | Path, columns: list[str] | None = None):
    """Read a `.parquet` table written here, or some of its columns, as DataFrame.

    Raises AugcamError naming a missing or damaged file.
    """
    import pyarrow.parquet as pq

    with reading(path), pq.ParquetFile(path) as file:
        table = file.read(columns).to_pandas()
        table = table[columns or list(table)]
        digests = _ColumnDigests()
        digests.update(_columns(table))
        digests.compare(file)
        return table


def table_blocks(path: str | Path, rows: int) -> Iterator:
    """A `.parquet` table as DataFrames of `rows` rows (the last one of what is left).

    Raises as `read_table`, a wrong checksum after the last block.
    """
    import pyarrow.parquet as pq

    digests = _ColumnDigests()
    # Without its buffer, which holds the whole file.
    with reading(path), pq.ParquetFile(path, pre_buffer=False) as file:
        # Damage may leave no block, and every column counts all the same.
        digests.update(_columns(file.schema_arrow.empty_table().to_pandas()))
        for batch in file.iter_batches(batch_size=rows):
            block = batch.to_pandas()
            digests.update(_columns(block))
            yield block
        digests.compare(file)


@contextmanager
def table_writer(path: str | Path) -> Iterator[Callable]:
    """Yield a function that appends a DataFrame to the `.parquet` table `path`; whole or absent."""
    import pyarrow as pa

    with _parquet_writer(path) as write:
        yield lambda frame: write(
            # Without pandas's metadata, which repeats the columns without a checksum.
            pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(),
            _columns(frame),
        )


def write_columns(columns: dict[str, np.ndarray], path: str | Path) -> None:
    """Write numeric columns of equal length as `.parquet`, without pandas.

    Importing pandas takes a second, which is more than some jobs work, and pyarrow imports it to
    convert arrays: buffers are handed over instead.
    """
    import pyarrow as pa

    arrays = []
    for values in map(np.ascontiguousarray, columns.values()):
        buffers = [None, pa.py_buffer(values)]
        arrays.append(
            pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), buffers)
        )
    with _parquet_writer(path) as write:
        write(pa.Table.from_arrays(arrays, list(columns)), columns)


def read_columns(path: str | Path, names: list[str]) -> dict[str, np.ndarray]:
    """Read columns of a `.parquet` without missing values, and without pandas, as arrays.

    Raises AugcamError naming a missing or damaged file.
    """
    import pyarrow.parquet as pq

    digests = _ColumnDigests()
    with reading(path), pq.ParquetFile(path) as file:
        table = file.read(names)
        types = {name: table.schema.field(name).type.to_pandas_dtype() for name in names}
        columns = {name: np.array(table[name].to_pylist(), types[name]) for name in names}
        digests.update(columns)
        digests.compare(file)
        return columns


@contextmanager
def _parquet_writer(path: str | Path) -> Iterator[Callable]:
    """Yield a function that appends an Arrow table, given its columns as arrays, too."""
    from pyarrow.parquet import ParquetWriter

    digests = _ColumnDigests()
    with atomic(path) as temporary, ExitStack() as stack:
        writer = None

        def write(table, columns: dict[str, np.ndarray]) -> None:
            nonlocal writer
            if writer is None:
                writer = stack.enter_context(ParquetWriter(temporary, table.schema))
            writer.write_table(table, row_group_size=_GROUP_ROWS)
            digests.update(columns)

        yield write
        if writer is None:
            raise ValueError(f"{path}: nothing was written")
        writer.add_key_value_metadata({_CHECKSUMS: digests.text()})


_CHECKSUMS = "augcam.sha256"
_GROUP_ROWS = 65_536  # what a reader that goes block by block has to hold at once


def _columns(frame) -> dict[str, np.ndarray]:
    return {name: frame[name].to_numpy() for name in frame}


def _digested(values: np.ndarray) -> bytes | np.ndarray:
    """What a checksum covers of values."""
    if values.dtype.kind in "OU":
        return "".join(f"{json.dumps(value)}\n" for value in values.tolist()).encode()
    if values.dtype.kind == "f":  # a file knows one NaN only
        return np.where(np.isnan(values), values.dtype.type(np.nan), values)
    return np.ascontiguousarray(values)


class _ColumnDigests:
    """Checksum of each column of a table, whatever the blocks in which it comes."""

    def __init__(self):
        self._digests: dict[str, Any] = {}

    def update(self, columns: dict[str, np.ndarray]) -> None:
        for name, values in columns.items():
            kind = "text" if values.dtype.kind in "OU" else str(values.dtype)
            digest = self._digests.setdefault(name, hashlib.sha256(kind.encode()))
            for start in range(0, len(values), _GROUP_ROWS):  # copies are small
                digest.update(_digested(values[start : start + _GROUP_ROWS]))

    def text(self) -> str:
        return json.dumps({name: digest.hexdigest() for name, digest in self._digests.items()})

    def compare(self, file) -> None:
        """Raises ValueError where a column of the Parquet `file` is not as it was written."""
        expected = json.loads(file.metadata.metadata[_CHECKSUMS.encode()])
        compare_checksums(json.loads(self.text()), {name: expected[name] for name in self._digests})


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


def _verify_archive(archive: ZipFile) -> None:
    """As `read_arrays` compares the checksum, but with little in memory; to be used inside
    `reading`."""
    digest = hashlib.sha256()
    for name in sorted(set(archive.namelist()) - {"sha256.npy"}):
        with archive.open(name) as member:
            shape, dtype = _array_header(member)
            digest.update(f"{name.removesuffix('.npy')} {dtype} {shape}".encode())
            while content := member.read(2**20):
                digest.update(content)
    with archive.open("sha256.npy") as member:
        compare_checksums(str(np.lib.format.read_array(member)), digest.hexdigest())


def array_blocks(path: str | Path, names: list[str], rows: int) -> Iterator[dict[str, np.ndarray]]:
    """The arrays `names` of a `.npz`, `rows` rows at a time, whatever its size.

    Raises AugcamError naming the file where it cannot be read or its arrays differ in length, the
    checksum included, before the first block.
    """
    with reading(path), ZipFile(path) as archive, ExitStack() as stack:
        _verify_archive(archive)
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


def refuse_future(*paths: str | Path) -> None:
    """Raises AugcamError naming a file whose time lies ahead of this machine's clock.

    Snakemake discards what a job has made from such a file, once the job has ended.
    """
    for path in paths:
        ahead = Path(path).stat().st_mtime - time.time()
        if ahead > 1:
            raise AugcamError(
                f"{path}: its time is {ahead:.0f} s ahead of this machine's clock, and Snakemake "
                "would discard what is made from it; set the clock, or `touch` the file."
            )


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
