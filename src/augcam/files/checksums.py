"""Checksums of files."""

import hashlib
from pathlib import Path

from augcam.files.atomic import reading


def compare_checksums(found: object, expected: object) -> None:
    """Raises ValueError where the two differ; to be used inside `reading`."""
    if found != expected:
        raise ValueError("its content does not match its checksum")


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
