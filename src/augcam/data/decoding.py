"""Image files become pixels: what a viewer shows of them."""

import errno
import io
import re
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from augcam.data.colours import in_srgb
from augcam.data.damage import damage
from augcam.data.formats import FORMATS, START, other_format
from augcam.errors import AugcamError, BrokenImage

_LARGEST_FILE = 2**29  # bytes of an image file; one of Pillow's largest images, not compressed

# Errors that say something of the machine and nothing of the image.
_OF_THE_MACHINE = {errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE}

_OTHER_TIFF = "a TIFF that is damaged, or has other channels than 8 or 16 bits of grey, RGB or CMYK"
# How files begin that are often called .jpg, .png or .tif but cannot be read.
_OTHER_FILES = {
    b"II*\0": _OTHER_TIFF,
    b"MM\0*": _OTHER_TIFF,
    b"version https://git-lfs": "a pointer of Git LFS; `git lfs pull` fetches the image",
    b"<": "a web page or a drawing (SVG)",
}

_TURNS = {  # EXIF orientation → what makes the image upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BACK = {
    Image.Transpose.ROTATE_90: Image.Transpose.ROTATE_270,
    Image.Transpose.ROTATE_270: Image.Transpose.ROTATE_90,
}  # the other turns are their own inverse
_XMP = ("xmp", "XML:com.adobe.xmp")  # blocks of text
# Tags of TIFF.
_BITS, _PHOTOMETRIC, _SUBFILE, _SAMPLES, _SAMPLE_FORMAT = 258, 262, 254, 277, 339
_CHANNELS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3}  # of TIFF's photometric interpretations

# The largest value of a PPM in colour, behind its width and height, and any comments.
_PPM_MAXIMUM = re.compile(rb"P[36](?:(?:\s|#.*\n)+(\d+)){3}")

_DARK = 256 // 16  # of 16 bits, what 12 bits reach that are stored in them unscaled

WHITE = (255, 255, 255)


class Picture(NamedTuple):
    """One decoded image.

    `pixels` uint8 (H, W, 3); `grey`: R = G = B everywhere; `one_channel`: the file itself cannot
    hold colours; `changes`: what was done to show it, keys of the table in `augcam.data.changes`.
    """

    pixels: np.ndarray
    grey: bool
    one_channel: bool = False
    changes: tuple[str, ...] = ()


def decode_image(
    encoded: bytes | Path | None, place: str, ground: tuple[int, int, int] = WHITE
) -> Picture:
    """Decode one image file as a browser shows it before the colour `ground`.

    That is the first frame, upright by its EXIF orientation, in sRGB by its colour profile, the
    upper 8 of 16 bits. Raises BrokenImage naming `place` where that cannot be done, AugcamError
    where the cause is the machine and not the file.
    """
    if encoded is None:
        raise BrokenImage(f"{place}: there are no image bytes.")
    content = b""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of what is odd but can be shown
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            size = len(encoded) if isinstance(encoded, bytes) else encoded.stat().st_size
            if size > _LARGEST_FILE:
                raise ValueError(f"its {size} bytes are more than {_LARGEST_FILE}")
            content = encoded if isinstance(encoded, bytes) else encoded.read_bytes()
            if wrong := damage(content):
                raise ValueError(wrong)
            return _shown(Image.open(io.BytesIO(content), formats=FORMATS), content, ground)
    except UnidentifiedImageError:
        raise BrokenImage(f"{place}: the image cannot be decoded ({_kind(content)}).") from None
    except Exception as error:  # Pillow's decoders raise many kinds
        if isinstance(error, MemoryError) or getattr(error, "errno", None) in _OF_THE_MACHINE:
            raise AugcamError(
                f"{place}: the image cannot be read ({error}); the file itself may be whole: mend "
                "the cause and run again."
            ) from error
        raise BrokenImage(f"{place}: the image cannot be decoded ({error}).") from error


class Frame(NamedTuple):
    """How the pixels of an image file are stored: `height`, `width`, and what makes them upright
    (None: they are)."""

    height: int
    width: int
    turn: Image.Transpose | None


def frame(encoded: bytes | Path) -> Frame:
    """The frame of an image file that `decode_image` reads."""
    content = encoded if isinstance(encoded, bytes) else encoded.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = Image.open(io.BytesIO(content), formats=FORMATS)
        _at_first_frame(image)
        if tags := getattr(image, "tag_v2", {}):  # Pillow gives the size of the upright image
            turn = _TURNS.get(tags.get(ExifTags.Base.Orientation, 1))
            return Frame(tags[ExifTags.Base.ImageLength], tags[ExifTags.Base.ImageWidth], turn)
        for key in _XMP:
            image.info.pop(key, None)
        image.load()
        return Frame(image.height, image.width, _TURNS.get(_orientation(image)))


def as_stored(image: Image.Image) -> tuple[Image.Image, bool]:
    """The first frame of an opened image file, loaded and not turned, and whether there are more.

    Raises what Pillow's decoders do.
    """
    several = bool(_at_first_frame(image))
    for key in _XMP:
        image.info.pop(key, None)
    turn = _TURNS.get(getattr(image, "tag_v2", {}).get(ExifTags.Base.Orientation, 1))
    image.load()
    if turn is None:
        return image, several
    return image.transpose(_BACK.get(turn, turn)), several  # Pillow has turned the TIFF


def _kind(content: bytes) -> str:
    """What a file is that Pillow does not know."""
    if not content:
        return "the file is empty"
    for start, kind in _OTHER_FILES.items():
        if content.lstrip().startswith(start):
            return f"it is {kind}"
    if other := other_format(content[:START]):
        return f"it is {other}; convert it to PNG or JPEG"
    return "its content is no image"


def _shown(image: Image.Image, content: bytes, ground: tuple[int, int, int]) -> Picture:
    """See `decode_image`."""
    changes = _at_first_frame(image)
    tags = getattr(image, "tag_v2", {})  # of a TIFF
    if tags.get(_SUBFILE, 0) & 1:
        raise ValueError("its first picture is a preview, as in a camera's raw file; convert it")
    # Pillow would look for an orientation there, too; browsers do not.
    for key in _XMP:
        image.info.pop(key, None)
    turned = tags.get(ExifTags.Base.Orientation) in _TURNS  # Pillow turns a TIFF as it loads it
    image.load()
    colours, alpha, bits = _layers(image, content, tags)
    one_channel = colours.mode in ("1", "L")
    known = _CHANNELS.get(tags.get(_PHOTOMETRIC, -1), 4) + (alpha is not None)
    changes += ["channels"] if tags.get(_SAMPLES, 1) > known else []
    if bits > 8:
        changes.append("depth")
        changes += ["dark"] if np.asarray(colours).max() < _DARK else []
    colours, change = in_srgb(colours)
    changes += [change] if change else []
    drawn = False  # by opacity, or by colours that opacity may hide
    if alpha is not None and (opacity := np.asarray(alpha)).min() < 255:
        changes += ["alpha"] if opacity.any() else ["alpha", "invisible"]
        drawn = not (_plain(opacity) and _plain(np.asarray(colours)))
        colours.putalpha(alpha)
        below = Image.new("RGBA", colours.size, (*ground, 255))
        colours = Image.alpha_composite(below, colours).convert("RGB")
    if not tags and (turn := _orientation(image)) in _TURNS:
        colours, turned = colours.transpose(_TURNS[turn]), True
    changes += ["orientation"] if turned else []
    pixels = np.asarray(colours)
    if "invisible" not in changes and _plain(pixels):
        changes += ["vanished"] if drawn else ["plain"]
    red, green, blue = np.moveaxis(pixels, 2, 0)
    grey = np.array_equal(red, green) and np.array_equal(green, blue)
    return Picture(pixels, grey, one_channel, tuple(changes))


def _plain(pixels: np.ndarray) -> bool:
    """Whether all pixels are equal. Of most images the first row says that they are not."""
    first = pixels[0, 0]
    return bool((pixels[0] == first).all() and (pixels == first).all())


def _at_first_frame(image: Image.Image) -> list[str]:
    """Go to the first frame that a viewer shows; what to say of the others."""
    several = getattr(image, "is_animated", False)
    if getattr(image, "default_image", False):
        image.seek(1)  # past what stands in for an animated PNG where nothing can be animated
    if not several:
        return []
    return ["further pictures" if image.format == "MPO" else "frames"]


def _orientation(image: Image.Image) -> Any:
    """What stands in the EXIF block of a loaded image; None where it cannot be read."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # whatever a damaged block makes Pillow raise
        return None


def _layers(
    image: Image.Image, content: bytes, tags: dict[int, Any]
) -> tuple[Image.Image, Image.Image | None, int]:
    """The colours (8 bits a channel), the opacity (L) where there is one, and the bits a channel of
    a loaded image; `tags`: those of a TIFF."""
    bits = max(tags.get(_BITS, (8,)))
    if image.format == "PNG":
        bits = content[24]
    elif image.format == "PPM":
        in_colour = _PPM_MAXIMUM.match(content)
        bits = 16 if image.mode == "I" or (in_colour and int(in_colour[1]) > 255) else 8
    key = image.info.get("transparency")  # a sample or colour at the file's own depth
    if image.mode == "F" or image.mode.startswith("I"):
        kind = 3 if image.mode == "F" else max(tags.get(_SAMPLE_FORMAT, (1,)))
        if bits > 16 or kind != 1:
            numbers = {1: "of more than 16 bits", 2: "signed", 3: "floating-point numbers"}
            raise ValueError(
                f"its values are {numbers.get(kind, 'of an unknown kind')}, so that their range is "
                "not known; convert it to 8 or 16 bits a channel"
            )
        samples = np.asarray(image)
        grey = (samples >> bits - 8).astype(np.uint8)
        if tags.get(_PHOTOMETRIC) == 0:  # white is zero, which Pillow undoes for 8 bits alone
            grey = 255 - grey
        return *_keyed(image, grey, samples, key), bits
    if image.format == "PNG" and image.mode in ("1", "L") and key is not None:
        # Pillow brings pixels of few bits to 0 … 255, and the key not, or of one bit only.
        shade = 255 * (key > 0) if image.mode == "1" else key * (255 // (2**bits - 1))
        grey = np.asarray(image.convert("L"))
        return *_keyed(image, grey, grey, shade), bits
    if image.format == "PNG" and image.mode == "RGB" and key is not None:
        image.info["transparency"] = tuple(value >> bits - 8 for value in key)
    return *_apart(image), bits


def _keyed(
    image: Image.Image, grey: np.ndarray, samples: np.ndarray, key: int | None
) -> tuple[Image.Image, Image.Image | None]:
    """Grey pixels of an image, and their opacity: none where the samples are the key."""
    colours = Image.fromarray(grey)
    colours.info = {name: value for name, value in image.info.items() if name != "transparency"}
    if key is None:
        return colours, None
    return colours, Image.fromarray(np.where(samples == key, 0, 255).astype(np.uint8))


def _apart(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The colours of an image of 8 bits a channel, and its opacity where it has one."""
    if image.mode == "La":  # premultiplied
        image = image.convert("LA")
    if image.mode in ("RGBA", "RGBa", "LA", "PA") or "transparency" in image.info:
        whole = image.convert("RGBA")
        grey = image.mode in ("1", "L", "LA")
        return whole.getchannel("R") if grey else whole.convert("RGB"), whole.getchannel("A")
    colours = image.convert("RGB") if image.mode in ("P", "YCbCr") else image
    frame = getattr(image, "dispose_extent", None)
    if frame is None or frame == (0, 0, *image.size):
        return colours, None
    alpha = Image.new("L", image.size, 0)  # a GIF whose first frame is smaller than the whole
    alpha.paste(255, frame)
    return colours, alpha
