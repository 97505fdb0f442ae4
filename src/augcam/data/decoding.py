"""Image files become pixels."""

import errno
import io
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from augcam.errors import AugcamError, BrokenImage

# Pillow opens more, and for PostScript starts another program.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")


_LARGEST_FILE = 2**29  # bytes of an image file; one of Pillow's largest images, not compressed

# Errors that say something of the machine and nothing of the image.
_OF_THE_MACHINE = {errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE}


_GREY_MODES = {"1", "L", "LA", "La"}


_COLOUR_MODES = {"RGB", "RGBA", "RGBa", "RGBX", "P", "PA", "CMYK", "YCbCr", "LAB", "HSV"}


class Picture(NamedTuple):
    """One decoded image: pixels uint8 (H, W, 3), and whether the file held grey values only."""

    pixels: np.ndarray
    grey: bool


def decode_image(encoded: bytes | Path | None, place: str) -> Picture:
    """Decode one image file.

    Raises BrokenImage naming `place` where that cannot be done, AugcamError where the cause is the
    machine and not the file.
    """
    if encoded is None:
        raise BrokenImage(f"{place}: there are no image bytes.")
    content = b""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            size = len(encoded) if isinstance(encoded, bytes) else encoded.stat().st_size
            if size > _LARGEST_FILE:
                raise ValueError(f"its {size} bytes are more than {_LARGEST_FILE}")
            content = encoded if isinstance(encoded, bytes) else encoded.read_bytes()
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            image.load()
    except UnidentifiedImageError:
        what = "its content is no image" if content else "the file is empty"
        raise BrokenImage(f"{place}: the image cannot be decoded ({what}).") from None
    except Exception as error:  # Pillow's decoders raise many kinds
        if isinstance(error, MemoryError) or getattr(error, "errno", None) in _OF_THE_MACHINE:
            raise AugcamError(
                f"{place}: the image cannot be read ({error}); the file itself may be whole: mend "
                "the cause and run again."
            ) from error
        raise BrokenImage(f"{place}: the image cannot be decoded ({error}).") from error
    if image.mode not in _GREY_MODES | _COLOUR_MODES:
        raise AugcamError(
            f"{place}: pixel format {image.mode} is not supported; convert the image to 8 bits a "
            "channel."
        )
    return Picture(np.asarray(image.convert("RGB")), grey=image.mode in _GREY_MODES)
