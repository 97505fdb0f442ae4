"""Masks that a user brings: label maps in files or columns, or boxes.

A mask is of the image as it is stored in its file, and takes the image's way from there: turned by
its EXIF orientation, resized, cropped.
"""

import io
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from augcam.config.schema import MaskSource
from augcam.data.damage import damage
from augcam.data.decoding import Frame, as_stored, frame
from augcam.data.labels import says_nothing
from augcam.data.masks import Brought, Mask
from augcam.errors import AugcamError

_LOSSLESS = ("PNG", "BMP", "TIFF", "GIF", "PPM")

ROUNDING = 1
"""Pixels by which a box may reach out of its image without a word: corners that count from 1, or
are rounded up."""
FAR = 0.1
"""The share of an image's side that a box reaches out of it at most by carelessness."""

OBJECT = "object"
"""What a mask with a single value shows, or a box."""


def mask_names(source: MaskSource) -> tuple[str, ...]:
    """What values of the read masks mean, nothing first; empty where only the masks say."""
    if source.boxes:
        return ("nothing", OBJECT)
    return ("nothing", *source.labels) if source.labels else ()


def mask_reader(
    source: MaskSource,
    image: Callable[[int], bytes | Path],
    mask: Callable[[int], Any],
    names: Sequence[str],
) -> Callable[[int], Brought | None]:
    """A function that gives the mask of image i, upright as the image, or None.

    `image(i)`: its file; `mask(i)`: the mask's file (bytes or path), or the four numbers of a box,
    None for none; `names`: where images are, for messages.
    """

    def read(i: int) -> Brought | None:
        found = mask(i)
        if found is None:
            return None
        of = frame(image(i))
        if source.boxes:
            pixels = box_mask(found, source.box_format, of, names[i])
            brought = Brought(pixels, box_remarks(found, source.box_format, of))
        else:
            brought = decode_mask(found, source.labels, of, names[i])
        if of.turn is None:
            return brought
        turned = Image.fromarray(brought.pixels).transpose(of.turn)
        return brought._replace(pixels=np.asarray(turned))

    return read


def decode_mask(
    encoded: bytes | Path, labels: Mapping[str, int] | None, of: Frame, name: str
) -> Brought:
    """A label map uint8 (H, W), as it is stored, and whether its file has further `frames`; with
    `labels` (name → value), positions in these, from 1.

    Raises AugcamError naming the image `name` where it is no mask of it.
    """
    place = f"{encoded} (the mask of {name})" if isinstance(encoded, Path) else f"mask of {name}"
    image, several = _opened(encoded, place)
    values, remarks = _values(image, place), {"frames": 1.0} if several else {}
    if values.shape != (of.height, of.width):
        sizes = [f"{width}×{height}" for height, width in (values.shape, (of.height, of.width))]
        stored = " as it is stored" if of.turn is not None else ""
        raise AugcamError(
            f"{place}: it has {sizes[0]} pixels, but the image has {sizes[1]}{stored}; "
            "a mask needs the size of its image."
        )
    if labels is None:
        return Brought(values, remarks)
    places = np.zeros(256, dtype=np.uint8)
    places[list(labels.values())] = np.arange(1, len(labels) + 1)
    known = {0, *labels.values()}
    if unknown := sorted(set(np.unique(values).tolist()) - known):
        said = ", ".join(f"{label}: {value}" for label, value in labels.items())
        raise AugcamError(
            f"{place}: it has the value {unknown[0]}, which dataset.masks.labels does not name "
            f"({said}); name it there."
        )
    return Brought(places[values], remarks)


def _opened(encoded: bytes | Path, place: str) -> tuple[Image.Image, bool]:
    """The first frame of a label map as it is stored, and whether there are more: its image says
    how it is turned, not the mask itself."""
    try:
        content = encoded if isinstance(encoded, bytes) else encoded.read_bytes()
        if wrong := damage(content):
            raise ValueError(wrong)
        image = Image.open(io.BytesIO(content))
        if image.format not in _LOSSLESS and not _is_lossless_webp(content):
            raise AugcamError(
                f"{place}: {image.format} blurs the values of a mask; convert it to PNG, from "
                "where its values were still exact."
            )
        return as_stored(image)
    except FileNotFoundError:
        raise AugcamError(f"{place}: the file is missing.") from None
    except AugcamError:
        raise
    except UnidentifiedImageError:
        raise AugcamError(f"{place}: it cannot be decoded (its content is no image).") from None
    except Exception as error:  # Pillow's decoders raise many kinds
        raise AugcamError(f"{place}: it cannot be decoded ({error}).") from error


def _is_lossless_webp(content: bytes) -> bool:
    """Whether the pixels of a WebP that is not animated stand in a lossless chunk."""
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        return False
    at = 12
    while (kind := content[at : at + 4]) not in (b"VP8L", b"VP8 ", b"ANMF", b""):
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        at += 8 + size + size % 2  # chunks are padded to even lengths
    return kind == b"VP8L"


def _values(image: Image.Image, place: str) -> np.ndarray:
    """The values of a label map, uint8 (H, W): grey levels, or positions in a palette."""
    values = np.asarray(image).astype(np.uint8) if image.mode == "1" else np.asarray(image)
    if image.mode in ("RGB", "RGBA", "LA"):
        colours = values[..., :3] if image.mode != "LA" else values[..., :1]
        if (colours != colours[..., :1]).any():
            raise AugcamError(
                f"{place}: it has colours, and which of them stands for what is not known; write "
                "numbers from 0 to 255 in one channel (a grey or palette PNG)."
            )
        values, alpha = colours[..., 0], values[..., -1]
        if image.mode != "RGB" and np.ptp(values) == 0 < np.ptp(alpha):
            raise AugcamError(
                f"{place}: it has one colour, and only its transparency varies, which is not read; "
                "write numbers from 0 to 255 in one channel (a grey or palette PNG)."
            )
    if (
        values.ndim != 2
        or values.dtype.kind not in ("b", "i", "u")
        or values.max() > 255
        or values.min() < 0
    ):
        raise AugcamError(f"{place}: values of masks are whole numbers from 0 to 255.")
    return values.astype(np.uint8)


def box_mask(box: Sequence[float], kind: str, of: Frame, name: str) -> Mask:
    """1 where the centre of a pixel lies in the box, uint8 (H, W), as the image is stored.

    `box`: left, top, right, bottom, or with `kind` size left, top, width, height, in pixels from
    the upper left corner of the image. Raises AugcamError where no pixel does.
    """
    left, top, right, bottom = _corners(box, kind)
    rows, columns = np.arange(of.height) + 0.5, np.arange(of.width) + 0.5
    inside = ((rows >= top) & (rows < bottom))[:, None] & ((columns >= left) & (columns < right))
    if not inside.any():
        raise AugcamError(
            f"{name}: no pixel of its {of.width}×{of.height} lies in the box from ({left:g}, "
            f"{top:g}) to ({right:g}, {bottom:g}); a box has to be in pixels of the image as it is "
            f"stored, and as dataset.masks.box_format says ('{kind}')."
        )
    return inside.astype(np.uint8)


def box_remarks(box: Sequence[float], kind: str, of: Frame) -> dict[str, float]:
    """What there is to say of a box, see `box_mask`: the pixels by which it reaches `beyond` the
    image, and by how many if that is `far`; 1 where it seems `relative` to the image's size, or
    where it would lie in the image `as corners`."""
    left, top, right, bottom = _corners(box, kind)
    across, down = max(-left, right - of.width), max(-top, bottom - of.height)
    beyond = max(across, down)
    far = across > FAR * of.width or down > FAR * of.height
    remarks: dict[str, float] = {}
    if beyond > ROUNDING:
        remarks |= {"beyond": beyond} | ({"far": beyond} if far else {})
    if max(map(abs, box)) <= 1 < max(of.width, of.height):
        remarks["relative"] = 1
    if kind == "size" and 0 <= box[0] < box[2] <= of.width and 0 <= box[1] < box[3] <= of.height:
        remarks["as corners"] = 1
    return remarks


def _corners(box: Sequence[float], kind: str) -> tuple[float, float, float, float]:
    """Left, top, right, bottom."""
    left, top, right, bottom = map(float, box)
    return (left, top, left + right, top + bottom) if kind == "size" else (left, top, right, bottom)


def boxes_of(columns: Sequence[Sequence[Any]], names: Sequence[str]) -> list[list[float] | None]:
    """The box of each image from four columns; None where one of its numbers is missing (NaN).

    Raises AugcamError naming an image whose values are no finite numbers.
    """
    boxes: list[list[float] | None] = []
    for i, values in enumerate(zip(*columns)):
        if any(value in (None, "") or says_nothing(value) for value in values):
            boxes.append(None)
            continue
        try:
            box = list(map(float, values))
            if any(map(math.isinf, box)):
                raise ValueError("an infinite number")
        except (TypeError, ValueError):
            raise AugcamError(
                f"{names[i]}: a box needs four finite numbers, not {list(values)} "
                "(dataset.masks.boxes)."
            ) from None
        boxes.append(None if any(map(math.isnan, box)) else box)
    return boxes
