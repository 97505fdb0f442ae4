"""What lies in the folders that a data set is read from, and whether it has changed.

The Snakefile imports this whenever it is read: nothing here is slow to import.
"""

import heapq
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

# Why a file is left out. These words stand in `data/report.parquet` and behind a number in logs.
HIDDEN = "hidden"
SYSTEM = "of the operating system"
NO_IMAGE = "not an image"
UNREAD_FORMAT = "in a format that is not read"
UNFINISHED = "a download that has not ended"
OUTSIDE = "outside a class folder"
TWICE = "reached twice"
BROKEN = "broken"
OVER_LIMIT = "over the limit"

# What systems leave in folders without being asked, in lower case, as far as it is not hidden.
_SYSTEM_NAMES = {
    "thumbs.db",
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "desktop.ini",
    "icon\r",
    "__macosx",
    "__pycache__",
    "@eadir",
    "#recycle",
    "#snapshot",
    "$recycle.bin",
    "system volume information",
    "network trash folder",
    "temporary items",
    "lost+found",
}

SMALL_FILES, SMALL_BYTES = 10_000, 100_000_000
"""Folders that hold no more than this are compared by content, larger ones by sizes and times."""


def reasons(left_out: Iterable[tuple[str, str]]) -> str:
    """(reason, detail) of what is left out, counted: `2 hidden, 3 in a format … (HEIC)`."""
    counts: Counter[str] = Counter()
    formats: set[str] = set()
    for reason, detail in left_out:
        counts[reason] += 1
        formats |= {detail} if reason == UNREAD_FORMAT else set()
    named = {UNREAD_FORMAT: f"{UNREAD_FORMAT} ({', '.join(sorted(formats))})"}
    return ", ".join(f"{counts[key]:,} {named.get(key, key)}" for key in sorted(counts))


class Found(NamedTuple):
    """A file below a folder: its `place` (`/` between names), its entry in the file system, why it
    is left out (empty where it is a file to be looked at), and what there is to say of it."""

    place: str
    entry: os.DirEntry
    reason: str = ""
    detail: str = ""


def left_out_by_name(name: str) -> str:
    """Why a file or folder is left out because of its name; empty where it is not."""
    if name.startswith("."):
        return HIDDEN
    return SYSTEM if name.lower() in _SYSTEM_NAMES else ""


def class_folders(root: str | Path) -> list[str]:
    """The names of the folders in `root`, links to folders included, sorted by code point."""
    with os.scandir(root) as entries:
        return sorted(e.name for e in entries if not left_out_by_name(e.name) and is_folder(e))


def walk(root: str | Path) -> Iterator[Found]:
    """Every file below `root`, and every folder that cannot be read or is not read again.

    Links are followed, and what they lead to is read once in each folder of `root`: real files
    before linked ones, then in the order of their places. A file that is linked into two folders
    is found in both. No file is opened. The order is that of the file system.
    """
    with os.scandir(root) as entries:
        for entry in entries:
            if reason := left_out_by_name(entry.name):
                yield from _without_following(entry, entry.name, reason)
            elif is_folder(entry):
                yield from _class_files(entry)
            else:
                yield _as_file(entry.name, entry)


def is_folder(entry: os.DirEntry) -> bool:
    """Whether it is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _without_following(entry: os.DirEntry, place: str, reason: str) -> Iterator[Found]:
    """A file, or every file in a folder, that is left out because of its name."""
    ahead = [(place, entry)]
    while ahead:
        at, entry = ahead.pop()
        if entry.is_dir(follow_symlinks=False):
            try:
                with os.scandir(entry.path) as entries:
                    ahead += [(f"{at}/{inner.name}", inner) for inner in entries]
            except OSError:
                yield Found(at, entry, reason)
        else:
            yield Found(at, entry, reason, f"in {place}" if at != place else "")


def _as_file(place: str, entry: os.DirEntry) -> Found:
    """What is no folder: a file to be looked at, or why it is none."""
    try:
        if stat.S_ISREG(entry.stat().st_mode) if entry.is_symlink() else entry.is_file():
            return Found(place, entry)
    except OSError as error:
        what = "a link to nothing" if entry.is_symlink() else "it cannot be read"
        return Found(place, entry, BROKEN, f"{what} ({error.strerror})")
    return Found(place, entry, NO_IMAGE, "a pipe, a socket or a device")


def _class_files(top: os.DirEntry) -> Iterator[Found]:
    """All in one folder: what really lies in it, then what links lead to."""
    above = {_identity(parent.stat()) for parent in Path(top.path).resolve().parents}
    folders, files = set(), set()  # read already
    folder_links: list[tuple[list[str], str, os.DirEntry]] = []
    file_links: list[tuple[str, os.DirEntry]] = []
    ahead = [(top.name, top)]
    while ahead or folder_links:
        place, entry = ahead.pop() if ahead else heapq.heappop(folder_links)[1:]
        try:
            identity = _identity(entry.stat())
            if identity in above or identity in folders:
                which = "that holds it" if identity in above else "that is read already"
                yield Found(place, entry, TWICE, f"a folder {which}")
                continue
            folders.add(identity)
            with os.scandir(entry.path) as scanned:
                entries = list(scanned)
        except OSError as error:
            yield Found(place, entry, BROKEN, f"the folder cannot be read ({error.strerror})")
            continue
        for inner in entries:
            at = f"{place}/{inner.name}"
            if reason := left_out_by_name(inner.name):
                yield from _without_following(inner, at, reason)
            elif inner.is_symlink() and is_folder(inner):
                heapq.heappush(folder_links, (at.split("/"), at, inner))
            elif inner.is_symlink():
                file_links.append((at, inner))
            elif inner.is_dir():
                ahead.append((at, inner))
            else:
                files.add((identity[0], inner.inode()))
                yield _as_file(at, inner)
    for place, entry in sorted(file_links, key=lambda link: link[0].split("/")):
        found = _as_file(place, entry)
        if not found.reason:
            identity = _identity(entry.stat())
            if identity in files:
                found = Found(place, entry, TWICE, "a link to a file that is read already")
            files.add(identity)
        yield found


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def fingerprint(roots: Mapping[str, str | Path]) -> str:
    """What changes when a file in one of some folders is added, removed, renamed or replaced.

    What is left out because of its name does not count: looking at a folder with a browser or a
    notebook changes nothing. What cannot be read counts as such. See `_fingerprint`.
    """
    return _fingerprint(
        (os.fsencode(f"{key}/{place}\0{reason}"), _status(entry), "" if reason else entry.path)
        for key, root in roots.items()
        for place, entry, reason, _ in _walk_if_there(root)
        if reason not in (HIDDEN, SYSTEM)
    )


def fingerprint_of_files(paths: Iterable[Path]) -> str:
    """The same for files that are named one by one; one that is missing counts as such."""
    return _fingerprint((os.fsencode(path), _status(path), str(path)) for path in paths)


def _fingerprint(files: Iterable[tuple[bytes, tuple[int, int], str]]) -> str:
    """Of files that hold at most `SMALL_FILES` and `SMALL_BYTES` in all content counts, not times.
    Of more each file's size and time count.

    `files`: name, (size, time), and the path to read, empty where nothing can be read.
    """
    total = size = 0
    small: list[tuple[bytes, str]] | None = []
    for name, status, path in files:
        # A sum needs no order, and no memory for a million names.
        total += _number(b"%b\0%d\0%d" % (name, *status))
        size += status[0]
        if small is not None:
            small.append((name, path))
            if len(small) > SMALL_FILES or size > SMALL_BYTES:
                small = None
    if small is None:
        return f"sizes and times {total % 2**128:032x}"
    total = sum(_number(b"%b\0%b" % (name, _content(path))) for name, path in small)
    return f"content {total % 2**128:032x}"


def _walk_if_there(root: str | Path) -> Iterator[Found]:
    try:
        yield from walk(root)
    except OSError:  # reading it says so
        return


def _status(entry: os.DirEntry | Path) -> tuple[int, int]:
    """(bytes, time of the last change in ns) of what an entry leads to; zeros where it is gone."""
    try:
        status = entry.stat()
    except OSError:
        return 0, 0
    return (0, 0) if stat.S_ISDIR(status.st_mode) else (status.st_size, status.st_mtime_ns)


def _number(line: bytes) -> int:
    return int.from_bytes(blake2b(line, digest_size=16).digest())


def _content(path: str) -> bytes:
    """Digest of a file's bytes; empty where it cannot be read or is left out."""
    if not path:
        return b""
    try:
        return blake2b(Path(path).read_bytes(), digest_size=16).digest()
    except OSError:
        return b""
