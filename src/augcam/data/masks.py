"""Masks of the test images: what each pixel shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np

from augcam.data.geometry import Fit, take
from augcam.errors import AugcamError
from augcam.files.arrays import read_arrays, write_arrays

Mask: TypeAlias = np.ndarray
"""What each pixel of one image shows, uint8 (H, W): positions in a list of names; 0 is nothing."""


class Brought(NamedTuple):
    """The mask of one image as a user brings it, `pixels` uint8 (H, W), and what there is to say of
    it: `remarks`, keys that `augcam.data.testmasks` knows, each with a number."""

    pixels: Mask
    remarks: Mapping[str, float]


@dataclass(frozen=True)
class Masks:
    """Masks of N test images: `mask` uint8 (N, H, W), in the geometry of the stored images, of the
    images `image_id` int64 (N,), ascending. `names`: what its values mean, 0 first, for nothing."""

    image_id: np.ndarray
    mask: np.ndarray
    names: tuple[str, ...]

    @cached_property
    def shown(self) -> dict[str, int]:
        """What some pixel of some image shows, without nothing: name → value."""
        there = np.flatnonzero(np.bincount(self.mask.ravel(), minlength=len(self.names)))
        return {self.names[value]: int(value) for value in there if value}

    def of(self, image_ids: np.ndarray) -> "Masks":
        """Those of some images, in their order; of an image that has none, a mask of nothing."""
        rows = np.searchsorted(self.image_id, image_ids).clip(max=len(self.image_id) - 1)
        mask = self.mask[rows]
        mask[self.image_id[rows] != image_ids] = 0
        return Masks(image_ids, mask, self.names)

    def seen(self, size: int, fit: Fit) -> np.ndarray:
        """uint8 (N, size, size): as networks see the images, of which `fit` says what is left to do
        (`stats.json`); the nearest pixel's value, nothing around the image."""
        ground = fit._replace(ground=0)
        squares = [nearest(take(mask, ground), size) for mask in self.mask]
        return np.stack(squares)


def nearest(mask: Mask, size: int) -> Mask:
    """A mask resized to (size, size): each pixel has the value at its centre."""
    rows, columns = (np.arange(size) * length * 2 + length for length in mask.shape)
    return mask[(rows // (2 * size))[:, None], columns // (2 * size)]


def write_masks(masks: Masks, path: str | Path) -> None:
    """Write `mask`, `image_id` and `names` as a `.npz`, atomically."""
    write_arrays(path, image_id=masks.image_id, mask=masks.mask, names=np.array(masks.names))


def read_masks(path: str | Path) -> Masks:
    """The masks of an experiment, `data/masks.npz`. Raises AugcamError naming an unreadable file,
    or one that holds something else."""
    arrays = read_arrays(path)
    try:
        image_id, mask, names = (arrays[name] for name in ("image_id", "mask", "names"))
    except KeyError as error:
        raise AugcamError(f"{path}: it holds no masks ({error} is missing).") from None
    return Masks(image_id, mask, tuple(names.tolist()))
