"""Where the pixels of the prepared images are: all on the device, or in their file, from which they
are read and sent batch by batch. What networks see is bitwise the same."""

import os
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from augcam.errors import AugcamError
from augcam.files.arrays import read_array
from augcam.words import size

RESIDENT_SHARE = 0.5
"""Share of a GPU's free memory that images may take; the rest is for networks and activations."""


class Pixels(Protocol):
    """Images (N, H, W, 3), uint8."""

    def take(self, ids: Tensor) -> Tensor:
        """Images `ids` (B,) int64, on the CPU: (B, H, W, 3) uint8 on the device."""

    def expect(self, ids: Tensor) -> None:
        """Say which images `take` will be asked for after others that are asked for now."""


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """A CPU tensor on `device`. A GPU is not waited for, so that it computes meanwhile."""
    if device.type == "cpu":
        return tensor
    return tensor.pin_memory().to(device, non_blocking=True)


def room_on(device: torch.device, jobs_per_gpu: int = 1) -> float:
    """Bytes that images may take on `device`, which so many jobs share: without limit on a CPU,
    where they are a memory map of their file."""
    if device.type == "cpu":
        return float("inf")
    free, total = torch.cuda.mem_get_info(device)
    # Jobs that start together all see the same memory free.
    return RESIDENT_SHARE * min(free, total / jobs_per_gpu)


def open_pixels(path: Path, device: torch.device, room: float) -> Pixels:
    """The images of a `.npy`: resident on `device` where they take `room` bytes at most and the
    device has them, otherwise streamed. What was chosen is printed, but where there is no choice.

    Raises AugcamError naming a file that cannot be read.
    """
    on_host = read_array(path, mmap="c")  # copy-on-write, so that torch accepts it
    takes, where = size(on_host.nbytes), "the GPU" if device.type == "cuda" else "the device"
    reason = f"the {size(room)} that there are for them" if on_host.nbytes > room else ""
    if not reason:
        try:
            pixels = torch.from_numpy(on_host).to(device)
        except torch.OutOfMemoryError:
            reason = "what is free"
        else:
            if device.type != "cpu":
                print(f"images: {takes}, all on {where}")
            return Resident(pixels)
    print(f"images: {takes}, more than {reason} on {where}: read and sent batch by batch")
    return Streamed(path, device)


class Resident:
    """All images are on the device; on the CPU in a memory map."""

    def __init__(self, pixels: Tensor):
        self.pixels = pixels

    def take(self, ids: Tensor) -> Tensor:
        return self.pixels[send(ids, self.pixels.device)]

    def expect(self, ids: Tensor) -> None:
        pass


class Streamed:
    """Images stay in their file. Those expected are read by a thread, into memory from which a GPU
    fetches them by itself (pinned), while the device computes on those before.

    They are read, not mapped: a job's memory stays that of two batches however many images pass,
    and a file that is cut off is an error and no SIGBUS. The thread makes no call to the GPU, which
    would end the recording of a CUDA graph.
    """

    def __init__(self, path: Path, device: torch.device):
        array = read_array(path, mmap="r")
        assert isinstance(array, np.memmap)
        self.path, self.device, self.start, self.shape = path, device, array.offset, array.shape[1:]
        self.file = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self.file)
        self.reader = ThreadPoolExecutor(1, "images")
        self.expected: tuple[Tensor, Future[Tensor]] | None = None

    def take(self, ids: Tensor) -> Tensor:
        if self.expected and torch.equal(self.expected[0], ids):
            future, self.expected = self.expected[1], None
            pixels = future.result()
        else:  # such as partners of images, which are drawn on the way
            pixels = self._read(ids.numpy(), self._room(len(ids)))
        return pixels.to(self.device, non_blocking=True)

    def expect(self, ids: Tensor) -> None:
        self.expected = ids, self.reader.submit(self._read, ids.numpy(), self._room(len(ids)))

    def _room(self, count: int) -> Tensor:
        pinned = self.device.type == "cuda"
        return torch.empty((count, *self.shape), dtype=torch.uint8, pin_memory=pinned)

    def _read(self, ids: np.ndarray, room: Tensor) -> Tensor:
        """Images `ids` in `room`. Raises AugcamError where the file is shorter than it was."""
        rows = room.numpy().reshape(len(ids), -1)
        for row, number in zip(rows, ids.tolist()):
            if os.preadv(self.file, [row.data], self.start + number * row.size) < row.size:
                raise AugcamError(
                    f"{self.path}: it ends before image {number}: it was cut off while it was "
                    "read; prepare the data again."
                )
        return room
