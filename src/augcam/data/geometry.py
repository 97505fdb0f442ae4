"""How an image of any shape becomes the square that networks see: for pixels and masks alike.

All that happens to an image is said by two things: the size to which the whole of it is resized
(`Fit.scaled`), and the box of it that is then shown (`Fit.box`), which may reach beyond the image.
"""

from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

from augcam.errors import AugcamError

How = Literal["crop", "pad", "squash"]

_LONGEST = 50  # times the shorter side; of more, a square shows next to nothing


class Box(NamedTuple):
    """A rectangle, in pixels of an image. Where it reaches beyond the image there is ground."""

    top: int
    left: int
    height: int
    width: int

    def overlap(self, height: int, width: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """(rows, columns) of an image (height, width) that lie in the box, and of the box where
        they lie."""
        rows, own_rows = _overlap(self.top, self.height, height)
        columns, own_columns = _overlap(self.left, self.width, width)
        return (rows, columns), (own_rows, own_columns)


def _overlap(start: int, length: int, end: int) -> tuple[slice, slice]:
    """Where 0 … `end` and `start` … `start + length` overlap, counted from 0 and from `start`."""
    first, last = max(start, 0), min(start + length, end)
    return slice(first, last), slice(first - start, last - start)


class Fit(NamedTuple):
    """`how` images that are not square become square (see `model.fit`), and the colour of the
    `ground` that appears around them: 0 to 255 for each channel, or one value for masks."""

    how: How = "crop"
    ground: tuple[int, int, int] | int = (255, 255, 255)

    def box(self, height: int, width: int) -> Box:
        """What networks see of an image: its centred square, the square around it, or all."""
        if self.how == "squash":
            return Box(0, 0, height, width)
        side = min(height, width) if self.how == "crop" else max(height, width)
        return Box(int((height - side) / 2), int((width - side) / 2), side, side)

    def scaled(self, height: int, width: int, size: int) -> tuple[int, int]:
        """(height, width) to which an image is resized so that its box is `size` × `size`."""
        if self.how == "squash":
            return size, size
        box = self.box(height, width)
        new = [round(side * (size / box.height)) for side in (height, width)]
        return (max(new[0], 1), max(new[1], 1))

    def left_for(self, height: int, width: int) -> "Fit":
        """What is left to say for images of one size: nothing of square ones, no unused ground."""
        if height == width:
            return CROP
        return self if self.how == "pad" else Fit(self.how)

    def refuse_a_strip(self, height: int, width: int, name: str) -> None:
        """Raises AugcamError naming an image whose square would show next to nothing of it."""
        if self.how != "squash" and max(height, width) > _LONGEST * min(height, width):
            what = {"crop": "shows next to nothing", "pad": "is next to nothing but ground"}
            square = {"crop": "a centred square", "pad": "the square around it"}
            raise AugcamError(
                f"{name}: of an image of {width}×{height} pixels {square[self.how]} "
                f"{what[self.how]}; crop it to at most {_LONGEST}:1, remove it, or set model.fit: "
                "squash."
            )


CROP = Fit()


def take(pixels: np.ndarray, fit: Fit) -> np.ndarray:
    """What networks see of an image or mask (H, W, …), at its own resolution."""
    height, width = pixels.shape[:2]
    box = fit.box(height, width)
    image, own = box.overlap(height, width)
    if own == (slice(0, box.height), slice(0, box.width)):
        return pixels[image]
    square = np.empty((box.height, box.width, *pixels.shape[2:]), pixels.dtype)
    square[...] = fit.ground
    square[own] = pixels[image]
    return square


def to_square(
    pixels: np.ndarray, size: int, fit: Fit, resample: Image.Resampling = Image.Resampling.BILINEAR
) -> np.ndarray:
    """What networks see of an image uint8 (H, W, 3) or mask uint8 (H, W), as (size, size, …).

    Masks take `resample` NEAREST and a ground of their own.
    """
    height, width = fit.scaled(pixels.shape[0], pixels.shape[1], size)
    return take(np.asarray(Image.fromarray(pixels).resize((width, height), resample)), fit)
