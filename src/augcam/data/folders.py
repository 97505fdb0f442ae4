"""One folder a class: which files in it are images, and why the others are left out."""

import os
import warnings
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

from PIL import Image

from augcam.data.formats import FORMATS, START, other_format, raw_suffix
from augcam.data.labels import tidy
from augcam.data.listing import (
    BROKEN,
    NO_IMAGE,
    OUTSIDE,
    UNFINISHED,
    UNREAD_FORMAT,
    class_folders,
    walk,
)
from augcam.data.nesting import about_nesting
from augcam.data.notes import Note, counted, listed, note, warning
from augcam.errors import AugcamError

# What browsers and others call a file while it comes.
_COMING = {".part", ".partial", ".crdownload", ".download", ".opdownload", ".aria2"}


class LeftOut(NamedTuple):
    """A file that is left out: `name` for messages, `origin` below the folder of its split."""

    name: str
    origin: str
    reason: str
    detail: str


class ClassFolders(NamedTuple):
    """What a folder of class folders holds.

    `images`: (class, place below the folder), sorted by class, then by the names in the place, all
    by code point. `classes`: those with images; `folders`: the names of all class folders.
    """

    root: Path
    split: str
    images: list[tuple[str, str]]
    classes: list[str]
    folders: list[str]
    left_out: list[LeftOut]
    notes: list[Note]


def shown(path: str | Path) -> str:
    """A path as it stands in a sentence: quoted and escaped where it would break the line."""
    return str(path) if str(path).isprintable() else repr(str(path))


def class_called(folder: str) -> str:
    """The class that a folder's name means: macOS decomposes accents (NFD), others do not."""
    return tidy(folder)


def read_class_folders(root: Path, split: str) -> ClassFolders:
    """Sort what lies in `root` into images and what is left out; `split` begins the origins.

    Image files are told by their content, and where their suffix promises an image, taken for one
    until they are decoded. Raises AugcamError naming an image whose name is no text.
    """
    images, left_out = [], []
    for place, entry, reason, detail in walk(root):
        if not reason:
            reason, detail = why_no_image(entry)
        if not reason and "/" not in place:
            reason, detail = OUTSIDE, "an image beside the class folders"
        if not reason:
            _refuse_other_than_text(root, place)
            images.append((class_called(place.partition("/")[0]), place))
            continue
        text = os.fsencode(place).decode(errors="backslashreplace")
        left_out.append(LeftOut(shown(root / place), f"{split}/{text}", reason, detail))
    images.sort(key=lambda image: (image[0], image[1].split("/")))
    left_out.sort(key=lambda file: file.origin.split("/"))
    folders = class_folders(root)
    for folder in folders:
        _refuse_other_than_text(root, folder)
    classes = {name for name, _ in images}
    empty = [folder for folder in folders if class_called(folder) not in classes]
    notes = [*_about_names(root, folders, empty), *about_nesting(root, images)]
    notes += _about_places(root, images, left_out)
    return ClassFolders(root, split, images, sorted(classes), folders, left_out, notes)


def _refuse_other_than_text(root: Path, place: str) -> None:
    try:
        place.encode()
    except UnicodeEncodeError:  # other bytes than text come as lone surrogates
        name = f"{str(root / place)!a}"
        raise AugcamError(f"{root}: the name of {name} is not UTF-8; rename it.") from None


@cache
def image_suffixes() -> frozenset[str]:
    """The suffixes, in lower case, of files that promise an image of a format that is read."""
    Image.init()
    return frozenset(s for s, kind in Image.registered_extensions().items() if kind in FORMATS)


def why_no_image(entry: os.DirEntry) -> tuple[str, str]:
    """Reason and detail where a file is none of the images that are read; empty texts where it is.

    A file whose suffix promises an image is opened when it is decoded, not here.
    """
    suffix = Path(entry.name).suffix.lower()
    if suffix in image_suffixes():
        return "", ""
    if raw_suffix(suffix):
        return UNREAD_FORMAT, "a camera's raw file"
    try:
        with Path(entry.path).open("rb") as file:
            start = file.read(START)
            file.seek(0)
            return _content_no_image(file, start, suffix)
    except OSError as error:
        return BROKEN, f"the file cannot be read ({error.strerror})"


def _content_no_image(file: BinaryIO, start: bytes, suffix: str) -> tuple[str, str]:
    """The same by the content of a file that begins with `start`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError:
        return "", ""  # an image all the same, which decoding refuses
    except Exception:  # Pillow's readers raise many kinds
        if suffix in _COMING:
            return UNFINISHED, ""
        other = other_format(start, suffix)
        return (UNREAD_FORMAT, other) if other else (NO_IMAGE, "" if start else "empty")
    return "", ""


def _about_names(root: Path, folders: list[str], empty: list[str]) -> list[Note]:
    """What class folders' names say: the same twice, or of no class at all."""
    notes = []
    same = defaultdict(list)
    for folder in folders:
        same[class_called(folder)].append(folder)
    for name, own in same.items():
        if len(own) > 1:
            text = f"{root}: {len(own)} folders are called '{name}', with accents that are encoded"
            text += " differently, or spaces around it; they are read as one class."
            notes.append(warning("classes", text))
    if empty:
        hold = counted(len(empty), "class folder holds", "class folders hold")
        text = f"{root}: {hold} no image and thus no class ({_quoted(empty)})."
        notes.append(warning("classes", text))
    return notes


def _about_places(root: Path, images: list[tuple[str, str]], left_out: list[LeftOut]) -> list[Note]:
    """Images in other places than their class folder itself."""
    notes = []
    deeper = Counter(place.rpartition("/")[0] for _, place in images if place.count("/") > 1)
    if deeper:
        lie = counted(deeper.total(), "image lies", "images lie")
        text = f"{root}: {lie} in folders within class folders ({listed(sorted(deeper))})"
        notes.append(note("classes", f"{text}; the outer folder is the class."))
    outside = [file.name for file in left_out if file.reason == OUTSIDE]
    if outside:
        lie = counted(len(outside), "image lies", "images lie")
        text = f"{root}: {lie} beside the class folders, without a class ({listed(outside)})."
        notes.append(warning("files", text))
    return notes


def _quoted(names: list[str]) -> str:
    return listed([f"'{name}'" for name in names], most=10)
