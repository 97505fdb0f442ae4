"""The silhouettes of the package animal-mnist 0.4: ten animals, 1,000 images of 28×28 each."""

import gzip
import pickletools
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from augcam.errors import AugcamError
from augcam.files.atomic import reading

ANIMALS = ("bear", "bird", "cat", "cow", "dog", "elephant", "giraffe", "horse", "sheep", "zebra")
_FOLDER = Path("data", "Animal_MNIST")
_INSTALL = "uv pip install --python .venv/bin/python --no-deps animal-mnist==0.4"


def silhouettes() -> tuple[np.ndarray, np.ndarray]:
    """Silhouettes uint8 (10000, 28, 28), white on black, and their classes int64 (10000,), which
    `ANIMALS` names.

    Raises AugcamError where the package is missing, with the command that installs it, and where
    its files hold something else.
    """
    package = find_spec("animal_mnist")  # finds it without importing it: that needs TensorFlow
    if package is None or not package.submodule_search_locations:
        raise AugcamError(
            "dataset.objects: 'animals' needs the package animal-mnist; install it without its "
            f"dependencies, of which TensorFlow is one: {_INSTALL}"
        )
    folder = Path(package.submodule_search_locations[0]) / _FOLDER
    images = array_in_pickle(folder / "animal_data_version_3.gz", "u1", (10_000, 28, 28))
    labels = array_in_pickle(folder / "animal_label_version_3.gz", "i8", (10_000,))
    return images, labels


def array_in_pickle(path: Path, code: str, shape: tuple[int, ...]) -> np.ndarray:
    """The one array of a gzipped file that `pickletools` can read, little-endian and in C order:
    nothing that the file says is run.

    Raises AugcamError naming the file where it holds no single array of this type code and shape.
    """
    dtype = np.dtype(code).newbyteorder("<")
    with reading(path):
        content = gzip.decompress(path.read_bytes())
        arguments = [argument for _, argument, _ in pickletools.genops(content)]
        names = [argument for argument in arguments if isinstance(argument, str)]
        numbers = tuple(argument for argument in arguments if isinstance(argument, int))
        buffers = [argument for argument in arguments if isinstance(argument, bytes)]
        sizes = [len(buffer) for buffer in buffers]
        wanted = np.prod(shape, dtype=int) * dtype.itemsize
        if code not in names or not _stands_in(shape, numbers) or sizes[-1:] != [wanted]:
            size = "×".join(map(str, shape))
            raise ValueError(f"it holds no array of {size} numbers of the type {code}")
        return np.frombuffer(buffers[-1], dtype).reshape(shape)


def _stands_in(part: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    starts = range(len(whole) - len(part) + 1)
    return any(whole[start : start + len(part)] == part for start in starts)
