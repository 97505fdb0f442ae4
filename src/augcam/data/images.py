"""The prepared images, in the form that networks take."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from augcam.data.geometry import Fit
from augcam.data.pixels import open_pixels, room_on
from augcam.files.arrays import read_array, read_arrays
from augcam.files.checksums import verify
from augcam.files.json import read_json
from augcam.files.tables import read_columns


def read_order(path: str | Path) -> np.ndarray:
    """The order of all states (`order.npy`, whose checksum stands in `stats.json`), or of one."""
    path = Path(path)
    return read_array(path) if path.suffix == ".npy" else read_arrays(path)["order"]


class ImageStore:
    """The prepared images, in the form that networks take, on one device.

    `room`: bytes that the images may take there; they are read from their file, batch by batch,
    where they take more. Where it is not given, what `augcam.data.pixels.room_on` says.
    `normalisation`: mean and deviation of each channel, where they are not to be those of the
    training images. Raises AugcamError naming a file that is missing or broken.
    """

    def __init__(
        self,
        folder: str | Path,
        input_size: int,
        device: torch.device,
        room: float | None = None,
        normalisation: tuple[Sequence[float], Sequence[float]] | None = None,
    ):
        folder = Path(folder)
        self.stats = read_json(folder / "stats.json")
        for name, checksum in self.stats["checksums"].items():
            verify(folder / name, checksum)
        self.index = read_columns(folder / "index.parquet", ["image_id", "split", "label"])
        room = room_on(device) if room is None else room
        self.pixels = open_pixels(folder / "images.npy", device, room)
        self.labels = torch.tensor(self.index["label"], device=device)
        self.input_size = input_size
        self.fit = Fit(**self.stats["fit"])
        self.device = device
        mean, std = normalisation or (self.stats["mean"], self.stats["std"])
        self._mean = torch.tensor(mean, device=device)[:, None, None]
        self._std = torch.tensor(std, device=device)[:, None, None]
        self._ground = torch.tensor(self.fit.ground, device=device)[:, None, None] / 255

    @property
    def num_classes(self) -> int:
        return len(self.stats["class_names"])

    def ids(self, split: str) -> Tensor:
        """Image ids of a split, ascending, int64, on the CPU."""
        return torch.tensor(self.index["image_id"][self.index["split"] == split])

    def raw(self, ids: Tensor) -> Tensor:
        """Images (B, 3, H, W), float32 in [0, 1], at the stored resolution, channels last."""
        return self.pixels.take(ids).permute(0, 3, 1, 2).float() / 255

    def expect(self, ids: Tensor) -> None:
        """Say which images are asked for next, so that they can be read meanwhile."""
        self.pixels.expect(ids)

    def squared(self, images: Tensor) -> Tensor:
        """What networks see (`model.fit`) of images (B, 3, H, W) in [0, 1], at their resolution."""
        height, width = images.shape[-2:]
        box = self.fit.box(height, width)
        (rows, columns), own = box.overlap(height, width)
        images = images[..., rows, columns]
        if images.shape[-2:] == (box.height, box.width):
            return images
        shape = (*images.shape[:2], box.height, box.width)
        square = self._ground.expand(shape).contiguous(memory_format=torch.channels_last)
        square[..., *own] = images
        return square

    def resized(self, images: Tensor) -> Tensor:
        """What networks see of images in [0, 1], at the input size (antialiased)."""
        return self._to_input_size(self.squared(images))

    def _to_input_size(self, images: Tensor) -> Tensor:
        size = (self.input_size, self.input_size)
        if images.shape[-2:] == size:
            return images
        if self.input_size < max(images.shape[-2:]):
            return F.interpolate(images, size, mode="bilinear", antialias=True)
        # Enlarging needs no antialiasing: the same result, at a third of the time. Not by way of
        # F.interpolate: in deterministic mode it takes small steps on a GPU, for a gradient that
        # nobody asks for here.
        return torch.ops.aten.upsample_bilinear2d(images, size, False)

    def normalised(self, images: Tensor) -> Tensor:
        """Mean 0 and deviation 1 of each channel over the training images, or others."""
        images = (images - self._mean) / self._std
        return images.contiguous(memory_format=torch.channels_last)

    def denormalised(self, images: Tensor) -> Tensor:
        """The inverse of `normalised`: images (…, 3, s, s) in [0, 1]."""
        return images * self._std + self._mean

    def prepared(self, images: Tensor) -> Tensor:
        """Square, resized and normalised; the last two commute: first whichever leaves less."""
        enlarges = self.input_size > max(images.shape[-2:])
        images = self.squared(images)
        if enlarges:
            return self._to_input_size(self.normalised(images))
        return self.normalised(self._to_input_size(images))

    def inputs(self, ids: Tensor) -> Tensor:
        """Network inputs (B, 3, s, s) of images `ids`."""
        return self.prepared(self.raw(ids))

    def inputs_in_turn(self, chunks: Sequence[Tensor]) -> Iterator[Tensor]:
        """Network inputs of each chunk of ids, the next being read meanwhile."""
        for ids, following in zip(chunks, [*chunks[1:], None]):
            images = self.inputs(ids)
            if following is not None:
                self.expect(following)
            yield images
