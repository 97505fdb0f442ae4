"""Which files or folders hold the training, validation and test images.

Pure Python, as the Snakefile asks for the files when it is parsed.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from augcam.config.schema import Dataset
from augcam.data.listing import class_folders
from augcam.data.notes import Note, listed, note, warning
from augcam.entries import DataKind, data_kind_named
from augcam.errors import AugcamError

SPLITS = ("train", "val", "test")


WORDS = {"train": "training", "val": "validation", "test": "test"}
"""The splits for people."""


KEYS = {"train": "dataset.train", "val": "dataset.validation", "test": "dataset.test"}


_CALLED = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
"""What people call the splits."""


class Part(NamedTuple):
    """Where the images of one split are."""

    split: str
    key: str
    """The key of the config that names `root`."""
    root: Path
    paths: list[Path]
    """Below or at `root`: the files in reading order, or the folder that holds class folders."""


Held = dict[str | None, list[Path]]
"""What a path holds, by the split that its name means; None: it means none."""


def split_called(name: str) -> str | None:
    """The split that a name means (`Train`, `validation`, ` TEST `); None for any other."""
    return _CALLED.get(name.strip().casefold())


_BESIDE = {"", "set", "data", "dataset", "split", "images", "image", "imgs", "photos", "pictures"}
"""What may stand beside the word in a folder's name, as in `test_set`."""


def folder_called(name: str) -> str | None:
    """The split that a folder's name means: `train`, also as `train_set`, `Training Set`, `test2`.

    A class may have the word in its name: `train_station` means none.
    """
    words = {word.removesuffix("set") for word in _words(name)} - _BESIDE
    return split_called(words.pop()) if len(words) == 1 else None


def _words(name: str) -> list[str]:
    return re.split(r"[-._ 0-9]+", name.casefold())


def parts(dataset: Dataset) -> tuple[list[Part], list[Note]]:
    """The parts of a data set that is read from paths, in the order in which they are read.

    A path that holds several splits, by the names of its files or sub-folders, is understood: each
    key takes its own, and a key that stands alone takes all. Raises AugcamError, beginning with a
    key, where a path is missing, or where training and test images would be the same.
    """
    named = {"train": dataset.file or dataset.train, "val": dataset.validation}
    paths = {s: Path(p) for s, p in (named | {"test": dataset.test}).items() if p}
    keys = KEYS | ({"train": "dataset.file"} if dataset.file else {})
    for split, path in paths.items():
        _refuse_missing(keys[split], path)
    kind = data_kind_named(dataset.name)
    if kind.held is None:
        raise ValueError(f"'{kind.name}' is not read from paths")
    held = {s: kind.held(keys[s], path) for s, path in paths.items()}
    found = [
        Part(name, keys[split], paths[split], own)
        for split in paths
        for name, own in _taken(split, keys[split], paths, held[split]).items()
    ]
    found = _apart(found, kind)
    there = {s: {p for own in held[s].values() for p in own} for s in paths}
    if kind.below is not None:
        there = {s: {*there[s], *kind.below(path)} for s, path in paths.items()}
    return found, [*_read_as(found), *_left_out(found, keys, paths, there)]


def _refuse_missing(key: str, path: Path) -> None:
    try:
        path.stat()
    except OSError as error:  # also a name that no file can have
        reason = "" if isinstance(error, FileNotFoundError) else f" ({error.strerror})"
        raise AugcamError(f"{key}: there is no file or folder '{_short(path)}'{reason}.") from None


def _short(path: Path) -> str:
    text = str(path)
    return text if len(text) <= 200 else f"{text[:197]}..."


def _names(paths: Iterable[Path]) -> str:
    return listed([path.name for path in paths])


# ------------------------------------------------------------------------------ what a path holds


def called_at(file: Path) -> tuple[str | None, Path]:
    """The split that a word of a file's name means, as on the Hugging Face hub, or its folder's.

    And the folder in which the file or folder of that name lies.
    """
    for path in (file.parent / file.stem, *file.parents[:-1]):
        meant = {split_called(word) for word in _words(path.name)} - {None}
        if len(meant) == 1:
            return meant.pop(), path.parent
    return None, file.parent


def _file_called(file: Path) -> str | None:
    return called_at(file)[0]


def splits_of_folders(key: str, path: Path) -> Held:
    """A folder of class folders, or its sub-folders where they are splits of class folders."""
    if not path.is_dir():
        raise AugcamError(f"{key}: '{_short(path)}' is a file; name the folder of class folders.")
    held: Held = {}
    for folder in (path / name for name in class_folders(path)):
        held.setdefault(folder_called(folder.name), []).append(folder)
    splits = [name for name in SPLITS if name in held]
    nested = [name for name in splits if any(class_folders(held[name][0]))]
    if len(nested) >= 2 and None in held:
        keys = ", ".join(f"{KEYS[name]}: {held[name][0]}" for name in nested)
        raise AugcamError(
            f"{key}: '{path}' holds {_names(held[name][0] for name in nested)} beside "
            f"{_names(held[None])}, and these are hardly classes; set {keys}."
        )
    if None in held or not (len(splits) >= 2 or nested):
        return {None: [path]}
    for name in splits:
        if len(held[name]) > 1:
            raise AugcamError(
                f"{key}: '{path}' holds {_names(held[name])}, either of which could hold the "
                f"{WORDS[name]} images; name one in {KEYS[name]}."
            )
        if name not in nested:
            good = ", ".join(f"{KEYS[n]}: {held[n][0]}" for n in nested) or "them in class folders"
            raise AugcamError(
                f"{key}: '{held[name][0]}' holds no class folders, so that its images have no "
                f"class; set {good}."
            )
    return held


def one_table(key: str, path: Path) -> Held:
    """The table itself; which image is for what stands in it, or in other keys."""
    if path.is_dir():
        raise AugcamError(f"{key}: '{_short(path)}' is a folder; name the table in it, a file.")
    return {None: [path]}


# ------------------------------------------------------------------------------- what a key takes


def _taken(split: str, key: str, paths: dict[str, Path], held: Held) -> dict[str, list[Path]]:
    """What a key takes, by split: its own, and where it stands alone, all that is called one."""
    if len(held) == 1:  # what names say does not matter: there is nothing else
        return {split: next(iter(held.values()))}
    called = {name: held[name] for name in SPLITS if name in held}
    if split not in called and None not in held:
        others = " and ".join(WORDS[name] for name in called)
        raise AugcamError(
            f"{key}: '{_short(paths[split])}' holds {others} images only; name the {WORDS[split]} "
            "images."
        )
    own = {split: called.get(split) or held[None]}
    return own | (called if len(paths) == 1 else {})


def _apart(found: list[Part], kind: DataKind) -> list[Part]:
    """The parts, in the order of reading, such that no file stands in two.

    A folder loses the files that another key names. Raises AugcamError where nothing would be left,
    or where one folder of classes lies in another.
    """
    found = sorted(found, key=lambda part: SPLITS.index(part.split))
    real = {part.split: {path.resolve() for path in part.paths} for part in found}
    kept = []
    for part in found:
        mine, others = real[part.split], [other for other in found if other is not part]
        for other in others:
            theirs = real[other.split]
            if mine == theirs:
                raise AugcamError(
                    f"{other.key}: '{_short(other.root)}' is what {part.key} names, too: the same "
                    f"images for {WORDS[part.split]} and {WORDS[other.split]}; name others, or "
                    "remove the key, so that a share of the training images is kept for it."
                )
            (inner, *_), (outer, *_) = theirs, mine
            if kind.classes_are_folders and inner.is_relative_to(outer):
                raise AugcamError(
                    f"{other.key}: '{_short(other.root)}' lies in '{_short(part.root)}' "
                    f"({part.key}), where it would be a class; put each into a folder of its own, "
                    f"{part.split} and {other.split}."
                )
        smaller = [real[o.split] for o in others if len(real[o.split]) < len(mine)]
        paths = [path for path in part.paths if path.resolve() not in set().union(*smaller)]
        if not paths:
            raise AugcamError(f"{part.key}: all files of '{_short(part.root)}' are in other keys.")
        kept.append(part._replace(paths=paths))
    return kept


def _read_as(found: list[Part]) -> list[Note]:
    """What was understood of a path that holds splits, or has the name of another one."""
    notes = []
    for key in dict.fromkeys(part.key for part in found):
        of_key = [part for part in found if part.key == key]
        if len(of_key) > 1:
            which = ", ".join(f"{part.split}: {_names(part.paths)}" for part in of_key)
            notes.append(note("split", f"{key}: '{of_key[0].root}' holds splits ({which})."))
    for part in found:
        within = [path.relative_to(part.root) for path in part.paths if path != part.root]
        called = set(map(_file_called, within)) - {None}
        if called and called != {part.split}:
            text = f"{part.key}: {_names(part.paths)} is used for {WORDS[part.split]}, whatever"
            notes.append(warning("split", f"{text} its name says."))
    return notes


def _left_out(
    found: list[Part], keys: dict[str, str], paths: dict[str, Path], there: dict[str, set[Path]]
) -> list[Note]:
    """What lies in a folder that a key names, and in no part."""
    used = {path.resolve() for part in found for path in part.paths}
    notes = []
    for split, path in paths.items():
        left = sorted(p for p in there[split] if p.resolve() not in used)
        called = {_file_called(p.relative_to(path)) for p in left} - {None, *paths}
        advice = "".join(
            f"; {KEYS[name]}: {path} would use it" for name in SPLITS if name in called
        )
        if left:
            text = f"{keys[split]}: of '{path}' {_names(left)} is not used{advice}."
            notes.append(warning("split", text))
    return notes
