"""Checksums of files."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from typing_extensions import Buffer

from augcam.files.atomic import reading


def digest(parts: Iterable[Buffer]) -> str:
    """SHA-256 of all parts, one after the other, in hexadecimal: the checksum of all our files.

    A part is bytes or an array in C order. What is not its bytes (name, type, shape) is a part
    before it.
    """
    found = hashlib.sha256()
    for part in parts:
        found.update(part)
    return found.hexdigest()


def compare_checksums(found: object, expected: object) -> None:
    """Raises ValueError where the two differ; to be used inside `reading`."""
    if found != expected:
        raise ValueError("its content does not match its checksum")


def verify(path: str | Path, checksum: str) -> None:
    """Raises AugcamError naming `path` where `sha256` does not give `checksum`."""
    found = sha256(path)
    with reading(path):
        compare_checksums(found, checksum)


def sha256_of_file(path: str | Path) -> str:
    """SHA-256 of one file, as sha256sum and those who publish files give it."""
    with reading(path), Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256(*paths: str | Path) -> str:
    """Hex digest over the contents of the files, in the order given."""

    def parts() -> Iterator[bytes]:
        for path in paths:
            with reading(path), Path(path).open("rb") as file:
                yield hashlib.file_digest(file, "sha256").digest()

    return digest(parts())
