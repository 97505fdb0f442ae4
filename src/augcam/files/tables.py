"""Tables in parquet and CSV files, whole or block by block, with a checksum a column."""

import hashlib
import json
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from augcam.files.atomic import atomic, reading
from augcam.files.checksums import compare_checksums


def write_table(table, *paths: str | Path) -> None:
    """Write a pandas DataFrame to each path, as its suffix says: `.parquet` or `.csv`."""
    for path in map(Path, paths):
        if path.suffix == ".parquet":
            with table_writer(path) as write:
                write(table)
        else:
            with atomic(path) as temporary:
                temporary.write_text(csv_text(table), encoding="utf-8", newline="")


def csv_text(table) -> str:
    """A DataFrame as CSV that a spreadsheet shows and does not run.

    Text that begins like a formula gets an apostrophe in front, and so does text in which
    apostrophes stand before such a beginning: with one of them taken away, all are as they were.
    Numbers stay as they are, also in a column of text; each line break becomes a line feed.
    """
    from pandas.api.types import is_numeric_dtype

    text = [name for name in table if not is_numeric_dtype(table[name])]
    table = table.assign(**{name: table[name].map(_harmless) for name in text})
    return table.rename(columns=_harmless).to_csv(index=False, lineterminator="\n")


def _harmless(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    cell = cell.replace("\r\n", "\n").replace("\r", "\n")  # pandas would not quote it
    try:
        float(cell)
    except ValueError:
        return f"'{cell}" if _FORMULA.match(cell) else cell
    return cell


_FORMULA = re.compile(r"'*[=+\-@\t\n＝＋－＠]")


def write_tables(tables: Mapping[str, Any], paths: Mapping[str, Sequence[str | Path]]) -> None:
    """`write_table` of each of `tables` to the `paths` of its name."""
    for name, table in tables.items():
        write_table(table, *paths[name])


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


def recorded_checksums(path: str | Path, prefix: str = "") -> tuple[str, ...]:
    """The checksums of those columns of a `.parquet` written here whose names begin with `prefix`,
    without reading these: equal ones mean equal columns.

    Raises AugcamError naming a missing or damaged file.
    """
    import pyarrow.parquet as pq

    with reading(path), pq.ParquetFile(path) as file:
        recorded = json.loads(file.metadata.metadata[_CHECKSUMS.encode()])
    return tuple(checksum for name, checksum in recorded.items() if name.startswith(prefix))


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
