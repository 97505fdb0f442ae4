"""Masks that a user brings: label maps in files or columns, or boxes.

A mask is of the image as it is stored in its file, and takes the image's way from there: turned by
its EXIF orientation, resized, cropped.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from augcam.config.schema import MaskSource
from augcam.data.decoding import Frame, frame
from augcam.data.labels import says_nothing
from augcam.data.listing import walk
from augcam.data.masks import Mask
from augcam.errors import AugcamError

_LOSSLESS = ("PNG", "BMP", "TIFF", "GIF", "PPM")

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
) -> Callable[[int], Mask | None]:
    """A function that gives the mask of image i, upright as the image, or None.

    `image(i)`: its file; `mask(i)`: the mask's file (bytes or path), or the four numbers of a box,
    None for none; `names`: where images are, for messages.
    """

    def read(i: int) -> Mask | None:
        found = mask(i)
        if found is None:
            return None
        of = frame(image(i))
        if source.boxes:
            pixels = box_mask(found, source.box_format, of, names[i])
        else:
            pixels = decode_mask(found, source.labels, of, names[i])
        if of.turn is not None:
            pixels = np.asarray(Image.fromarray(pixels).transpose(of.turn))
        return pixels

    return read


def decode_mask(
    encoded: bytes | Path, labels: Mapping[str, int] | None, of: Frame, name: str
) -> Mask:
    """A label map uint8 (H, W), as it is stored; with `labels` (name → value), positions in these,
    from 1. Raises AugcamError naming the image `name` where it is no mask of it."""
    place = f"{encoded} (the mask of {name})" if isinstance(encoded, Path) else f"mask of {name}"
    values = _values(encoded, place)
    if values.shape != (of.height, of.width):
        sizes = [f"{width}×{height}" for height, width in (values.shape, (of.height, of.width))]
        stored = " as it is stored" if of.turn is not None else ""
        raise AugcamError(
            f"{place}: it has {sizes[0]} pixels, but the image has {sizes[1]}{stored}; "
            "a mask needs the size of its image."
        )
    if labels is None:
        return values
    places = np.zeros(256, dtype=np.uint8)
    places[list(labels.values())] = np.arange(1, len(labels) + 1)
    known = {0, *labels.values()}
    if unknown := sorted(set(np.unique(values).tolist()) - known):
        said = ", ".join(f"{label}: {value}" for label, value in labels.items())
        raise AugcamError(
            f"{place}: it has the value {unknown[0]}, which dataset.masks.labels does not name "
            f"({said}); name it there."
        )
    return places[values]


def _values(encoded: bytes | Path, place: str) -> np.ndarray:
    """The values of a label map, uint8 (H, W): grey levels, or positions in a palette."""
    try:
        content = encoded if isinstance(encoded, bytes) else encoded.read_bytes()
        image = Image.open(io.BytesIO(content))
        if image.format not in _LOSSLESS:
            raise AugcamError(
                f"{place}: {image.format} blurs the values of a mask; convert it to PNG, from "
                "where its values were still exact."
            )
        image.load()
    except FileNotFoundError:
        raise AugcamError(f"{place}: the file is missing.") from None
    except AugcamError:
        raise
    except UnidentifiedImageError:
        raise AugcamError(f"{place}: it cannot be decoded (its content is no image).") from None
    except Exception as error:  # Pillow's decoders raise many kinds
        raise AugcamError(f"{place}: it cannot be decoded ({error}).") from error
    values = np.asarray(image).astype(np.uint8) if image.mode == "1" else np.asarray(image)
    if image.mode in ("RGB", "RGBA", "LA"):
        colours = values[..., :3] if image.mode != "LA" else values[..., :1]
        if (colours != colours[..., :1]).any():
            raise AugcamError(
                f"{place}: it has colours, and which of them stands for what is not known; write "
                "numbers from 0 to 255 in one channel (a grey or palette PNG)."
            )
        values = colours[..., 0]
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
    left, top, right, bottom = map(float, box)
    if kind == "size":
        right, bottom = left + right, top + bottom
    rows, columns = np.arange(of.height) + 0.5, np.arange(of.width) + 0.5
    inside = ((rows >= top) & (rows < bottom))[:, None] & ((columns >= left) & (columns < right))
    if not inside.any():
        raise AugcamError(
            f"{name}: no pixel of its {of.width}×{of.height} lies in the box from ({left:g}, "
            f"{top:g}) to ({right:g}, {bottom:g}); dataset.masks.box_format is '{kind}'."
        )
    return inside.astype(np.uint8)


def masks_in_folder(folder: str, places: Sequence[str]) -> list[Path | None]:
    """The mask of each image: the file with the same name below `folder`, but for the suffix.

    `places`: of images, relative to what stands for `folder`, in the order of preference, joined
    by a null byte. Raises AugcamError where there is no folder, or where two files could be meant.
    """
    if not Path(folder).is_dir():
        raise AugcamError(f"dataset.masks.folder: there is no folder '{folder}'.")
    found: dict[str, Path] = {}
    for each in walk(folder):
        if each.reason:
            continue
        key, path = _stem(each.place), Path(folder, each.place)
        if key in found:
            raise AugcamError(
                f"{path}: '{found[key].name}' beside it could be the same mask; keep one of them."
            )
        found[key] = path
    chosen: list[Path | None] = []
    for place in places:
        keys = (_stem(one) for one in place.split("\0"))
        chosen.append(next((found[key] for key in keys if key in found), None))
    return chosen


def _stem(place: str) -> str:
    return place.removesuffix(Path(place).suffix)


def boxes_of(columns: Sequence[Sequence[Any]], names: Sequence[str]) -> list[list[float] | None]:
    """The box of each image from four columns; None where one of its numbers is missing.

    Raises AugcamError naming an image whose values are no numbers.
    """
    boxes: list[list[float] | None] = []
    for i, values in enumerate(zip(*columns)):
        if any(value in (None, "") or value != value or says_nothing(value) for value in values):
            boxes.append(None)
            continue
        try:
            boxes.append([float(value) for value in values])
        except (TypeError, ValueError):
            raise AugcamError(
                f"{names[i]}: a box needs four numbers, not {list(values)} (dataset.masks.boxes)."
            ) from None
    return boxes
