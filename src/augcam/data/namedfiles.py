"""The files that a table names: where they are, in whatever form, and which are missing."""

import glob
import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from augcam.data.notes import Note, counted, listed, note
from augcam.errors import AugcamError

_SHOWN = 20  # missing files that are named

# What a path may be meant to be where there is no file as it is written.
_FORMS = (
    ("with spaces around", str.strip),
    ("with backslashes, read as folders", lambda path: path.replace("\\", "/")),
    ("with accents encoded in another way", lambda path: unicodedata.normalize("NFC", path)),
    ("with accents encoded in another way", lambda path: unicodedata.normalize("NFD", path)),
)


def forms(name: str) -> dict[str, str]:
    """A path as it is written and in other forms, each with what was changed; most have one."""
    ways = {name: ""}
    for what, change in _FORMS:
        for way, changed in list(ways.items()):
            both = changed if what in changed else f"{changed}, {what}".removeprefix(", ")
            ways.setdefault(change(way), both)
    return ways


def written_paths(file: Path, values: list[str | None], name: str) -> list[str]:
    """The paths as they are written. Raises AugcamError where one is missing, or is an address."""
    if None in values:
        empty = [i for i, value in enumerate(values) if value is None]
        raise AugcamError(
            f"{file}: {counted(len(empty), 'row')} without an image in column '{name}' "
            f"(the first: row {empty[0] + 1})."
        )
    written = [value for value in values if value]
    if addresses := [path for path in written if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", path)]:
        raise AugcamError(
            f"{file}: {counted(len(addresses), 'image')} named by an address (the first: "
            f"'{addresses[0]}'); download the images and name their files."
        )
    return written


def file_paths(
    file: Path, folder: Path, names: Sequence[str], suffix: str = ""
) -> tuple[list[Path], list[Note]]:
    """The file that each path in a table means, there or not, and what other forms were read.

    Raises AugcamError where no file can have such a name.
    """
    paths: list[Path] = []
    other: dict[str, list[str]] = {}
    for name in names:
        if "\0" in name:
            raise AugcamError(
                f"{file}: {name!r} holds a NUL character, which no file name can have; correct it."
            )
        ways = forms(name)
        # As there may be a million, those of one form are not looked for.
        meant = name
        if len(ways) > 1:
            there = next((way for way in ways if _is_file(folder / f"{way}{suffix}")), None)
            meant = there or name.strip().replace("\\", "/")
            if there and ways[there]:
                other.setdefault(ways[there], []).append(name)
        paths.append(folder / f"{meant}{suffix}")
    return paths, [
        note("files", f"{file}: {counted(len(own), 'path')} {what} (the first: '{own[0]}').")
        for what, own in other.items()
    ]


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 names too long


def image_folder(file: Path, named: str | None, key: str = "dataset.image_folder") -> Path:
    """The folder that paths are relative to: beside the table, or from where the run starts."""
    if named is None:
        return file.parent
    for folder in (file.parent / named, Path(named)):
        if folder.is_dir():
            return folder
    raise AugcamError(f"{key}: there is no folder '{file.parent / named}'.")


def refuse_missing(paths: list[Path]) -> None:
    missing = [path for path in paths if not _is_file(path)]
    if not missing:
        return
    raise AugcamError(
        f"dataset.image: {counted(len(missing), 'image file')} of {len(paths):,} missing: "
        f"{listed(missing, _SHOWN)}{_advice(missing[0])}."
    )


def _advice(path: Path) -> str:
    """Where a missing file may be instead."""
    if re.search(r"(^|/)[A-Za-z]:[/\\]", str(path)):
        return "; paths of another machine must become relative to the table"
    folder = path.parent
    if not folder.is_dir():
        return f"; there is no folder '{folder}'"
    with os.scandir(folder) as entries:
        there = list(entries)
    for entry in there:
        if entry.is_file() and Path(entry.name).stem == path.name:
            return f"; there is '{entry.name}': set dataset.image_suffix: {Path(entry.name).suffix}"
        if entry.is_file() and entry.name.casefold() == path.name.casefold():
            return f"; there is '{entry.name}': upper and lower case differ"
    for entry in there:
        if entry.is_dir() and any(Path(entry.path).glob(f"{glob.escape(path.name)}*")):
            return f"; there is one in '{entry.name}': set dataset.image_folder: {entry.name}"
    return ""
