"""A table as it is written: parquet with its types, CSV as text."""

import csv
import io
import re
import sys
from pathlib import Path
from typing import Any

from augcam.data.labels import tidy
from augcam.errors import AugcamError

_DELIMITERS = ",;\t|"
_START = 2**16  # characters in which the first line with something in it ends


def read_rows(file: Path) -> Any:
    """A table as Arrow table: parquet with its types, CSV with every value as it is written.

    CSV may be separated by commas, semicolons, tabs or bars, in UTF-8 or, with its mark, UTF-16.
    Empty lines do not count. Raises AugcamError naming the file.
    """
    import pyarrow as pa

    try:
        with file.open("rb") as opened:
            start = opened.read(4)
        table = _read_parquet(file) if start == b"PAR1" else _read_csv(file, start)
    except (pa.ArrowException, OSError, UnicodeError, csv.Error) as error:
        reason = str(error).partition("\n")[0]
        raise AugcamError(
            f"{file}: this is no readable CSV (UTF-8) or parquet file ({reason})."
        ) from error
    refuse_repeated(file, table.column_names)
    return table


def refuse_repeated(file: Path, names: list[str]) -> None:
    """Raises AugcamError where two columns have one name."""
    if repeated := [name for name in names if names.count(name) > 1]:
        raise AugcamError(f"{file}: there are several columns '{repeated[0]}'; rename one.")


def _read_parquet(file: Path) -> Any:
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as opened:  # read_table refuses repeated names in words of its own
        return opened.read()


def _read_csv(file: Path, start: bytes) -> Any:
    import pyarrow as pa
    import pyarrow.csv as pc

    encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    with file.open(encoding=encoding, newline="") as opened:
        excel = re.match(r"sep=(.)\r?\n", text := opened.read(_START))
    delimiter = excel[1] if excel else _delimiter(text)
    options = {
        "read_options": pc.ReadOptions(
            use_threads=False, encoding=encoding.removesuffix("-sig"), skip_rows=1 if excel else 0
        ),
        "parse_options": pc.ParseOptions(delimiter=delimiter, newlines_in_values=True),
    }
    with pc.open_csv(file, **options) as reader:
        names = reader.schema.names  # whatever line they stand in
    as_text = pc.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
    )
    table = pc.read_csv(file, convert_options=as_text, **options)
    _refuse_swallowed_lines(file, table, encoding, delimiter)
    return table.rename_columns([tidy(name) for name in table.column_names])


def _delimiter(text: str) -> str:
    """What separates columns: the likeliest in the first line with something in it."""
    bare = re.sub(r'"[^"]*"', "", text).lstrip("\r\n")
    line = re.split(r"[\r\n]", bare, maxsplit=1)[0]
    return max(_DELIMITERS, key=line.count)


def _refuse_swallowed_lines(file: Path, table: Any, encoding: str, delimiter: str) -> None:
    """Raises AugcamError where a quote that is not closed has made one value of several rows.

    Either quotes do not match, which Arrow passes over, or all further lines of a value look like
    rows.
    """
    import pyarrow.compute as pc

    if not any(pc.any(pc.match_substring(column, "\n")).as_py() for column in table.columns):
        return
    csv.field_size_limit(sys.maxsize)
    with file.open(encoding=encoding, newline="") as opened:
        lines = csv.reader(opened, delimiter=delimiter, strict=True)
        line = 1
        try:
            for row in lines:
                if any(_looks_like_rows(value, table.num_columns, delimiter) for value in row):
                    raise csv.Error
                line = lines.line_num + 1
        except csv.Error:
            raise AugcamError(
                f'{file}: in line {line} a quote (") is opened that is not closed where its value '
                "ends, so that the lines below become part of it; close it there, and double "
                "quotes within values."
            ) from None


def _looks_like_rows(value: str, columns: int, delimiter: str) -> bool:
    further = io.StringIO(value).readlines()[1:]
    return len(further) > 1 and all(line.count(delimiter) == columns - 1 > 0 for line in further)
