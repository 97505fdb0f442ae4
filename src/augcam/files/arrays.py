"""Arrays in .npz archives, whole or block by block, and in .npy files."""

import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Literal
from zipfile import ZipFile

import numpy as np

from augcam.files.atomic import atomic, reading
from augcam.files.checksums import compare_checksums, digest


def write_arrays(path: str | Path, **arrays: np.ndarray | str) -> None:
    """Write named arrays as a compressed `.npz`, atomically; equal arrays give equal bytes."""
    content: dict[str, Any] = {**arrays, "sha256": _array_digest(arrays)}
    with atomic(path) as temporary:
        np.savez_compressed(temporary, **content)


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
    values = ((name, np.asarray(value)) for name, value in sorted(arrays.items()))
    return digest(f"{n} {v.dtype} {v.shape}".encode() + v.tobytes() for n, v in values)


def _verify_archive(archive: ZipFile) -> None:
    """As `read_arrays` compares the checksum, but with little in memory; to be used inside
    `reading`."""

    def parts() -> Iterator[bytes]:
        for name in sorted(set(archive.namelist()) - {"sha256.npy"}):
            with archive.open(name) as member:
                shape, dtype = _array_header(member)
                yield f"{name.removesuffix('.npy')} {dtype} {shape}".encode()
                while content := member.read(2**20):
                    yield content

    with archive.open("sha256.npy") as member:
        compare_checksums(str(np.lib.format.read_array(member)), digest(parts()))


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
