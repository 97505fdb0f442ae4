"""The parquet files of a folder: which there are, which are missing, and which are of another set.

Pure Python, as the Snakefile asks for the files when it is parsed.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from augcam.data.layout import WORDS, Held, Part, called_at
from augcam.data.listing import BROKEN, is_folder, walk
from augcam.data.notes import Note, listed, warning
from augcam.errors import AugcamError

_SUFFIXES = (".parquet", ".parq", ".pq")
_SHARD = re.compile(r"(.*?)(\d+)-of-(\d{1,6})")  # train-00000-of-00002, as on the Hugging Face hub


def parquet_files(key: str, path: Path) -> Held:
    """A file, or the files of a folder; of its sub-folders where it has none itself."""
    if not path.is_dir():
        return {None: [path]}
    try:
        below = parquet_below(path)
    except OSError as error:
        raise AugcamError(f"{key}: '{path}' cannot be read ({error.strerror}).") from None
    files = [file for file in below if file.parent == path] or below
    if not files:
        arrow = any(path.rglob("*.arrow"))
        advice = "; export its .arrow files with `Dataset.to_parquet`" if arrow else ""
        raise AugcamError(f"{key}: there is no parquet file at '{path}'{advice}.")
    held: Held = {}
    for file in files:
        held.setdefault(called_at(file.relative_to(path))[0], []).append(file)
    return held


def parquet_below(path: Path) -> list[Path]:
    """The parquet files of a folder and its sub-folders, without hidden ones.

    Links are followed, and a file that is reached by several ways counts once, where it lies.

    Raises AugcamError where a folder cannot be read: nobody knows what it holds.
    """
    if not path.is_dir():
        return []
    real, found = path.resolve(), []
    for place, entry, reason, detail in walk(path):
        if any(part.startswith(".") for part in place.split("/")):
            continue
        if reason == BROKEN and is_folder(entry):
            raise AugcamError(f"{path / place}: {detail}; allow it, or move the folder elsewhere.")
        if place.lower().endswith(_SUFFIXES):
            found.append(path / place)
    ways: dict[Path, list[Path]] = {}
    for file in sorted(found):
        ways.setdefault(file.parent.resolve() / file.name, []).append(file)
    firsts = [
        min(files, key=lambda f: (real / f.relative_to(path) != there, f))
        for there, files in ways.items()
    ]
    return sorted(firsts)


def about_shards(found: Iterable[Part]) -> list[Note]:
    """What to say of files that may be a part of a set, or parts of several.

    Raises AugcamError where some of the files that a name counts are missing in a folder.
    """
    notes = []
    for part in found:
        files = [path for path in part.paths if path != part.root]
        if missing := _missing(files):
            raise AugcamError(
                f"{part.key}: of '{part.root}' {listed(missing)} {_is(missing)} missing, of which "
                "the names of the others tell; add what is missing, or name the others without "
                "'-of-' to use them alone."
            )
        shard = _SHARD.fullmatch(part.root.stem)
        if not files and shard and int(shard[3]) > 1:
            text = f"{part.key}: '{part.root.name}' is one of {int(shard[3]):,} files; name their "
            notes.append(warning("split", f"{text}folder, {part.root.parent}, to use all."))
        sets = {called_at(path.relative_to(part.root)) for path in files}
        homes = sorted(str(home) for split, home in sets if split)
        if len(homes) > 1:
            text = f"{part.key}: {listed(homes)} each hold {WORDS[part.split]} images, which are "
            text += "used together; if they are variants of one data set, name one of them: "
            notes.append(warning("split", f"{text}{part.key}: {part.root / homes[0]}."))
    return notes


def _missing(files: list[Path]) -> list[str]:
    """The names that a complete set of files would have, too."""
    expected: dict[Path, None] = {}
    for file in files:
        if shard := _SHARD.fullmatch(file.stem):
            start, number, count = shard.groups()
            names = [f"{i:0{len(number)}}-of-{count}{file.suffix}" for i in range(int(count))]
            expected |= {file.with_name(f"{start}{name}"): None for name in names}
    return [path.name for path in expected if not path.exists()]


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
