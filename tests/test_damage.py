"""Image files that a torn download, a disk or a cable has damaged are named, not read."""

import io

import numpy as np
import pytest
from imagefiles import GREY, chunk, exif, jpeg_segment, png, with_exif
from PIL import Image, features

from augcam.data.decoding import decode_image
from augcam.data.maskfiles import Frame, decode_mask
from augcam.errors import AugcamError, BrokenImage

COARSE = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)
PICTURE = Image.fromarray(COARSE).resize((32, 32), Image.Resampling.BICUBIC)
KINDS = {
    "PNG": ("PNG", {}),
    "JPEG": ("JPEG", {}),
    "JPEG, progressive": ("JPEG", {"progressive": True}),
    "WebP": ("WEBP", {}),
    "WebP, lossless": ("WEBP", {"lossless": True}),
    "AVIF": ("AVIF", {}),
}
if not features.check("avif"):
    del KINDS["AVIF"]


def written(name, picture=PICTURE):
    kind, options = KINDS[name]
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def torn(content, share):
    """A download whose room was taken before it came: the rest is zeros."""
    whole = round(len(content) * (1 - share))
    return content[:whole] + bytes(len(content) - whole)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("name", KINDS)
def test_a_file_whose_rest_is_zeros_is_broken(name, share):
    with pytest.raises(BrokenImage, match=r"^a: the image cannot be decoded \(.*\)\.$"):
        decode_image(torn(written(name), share), "a")


@pytest.mark.parametrize("zeros", [1, 2, 3, 4, 8, 12, 13, 14, 16, 17, 20, 40, 100])
@pytest.mark.parametrize("name", ["PNG", "JPEG"])
def test_few_zeros_do_not_change_pixels_unnoticed(name, zeros):
    content = written(name)
    try:
        found = decode_image(content[:-zeros] + bytes(zeros), "a").pixels
    except BrokenImage:
        return
    np.testing.assert_array_equal(found, decode_image(content, "a").pixels)


def test_a_png_is_checked_up_to_its_end_and_says_where_it_is_damaged():
    content = written("PNG")
    place = content.index(b"IDAT") - 4
    damaged = content[: place + 20] + b"?" + content[place + 21 :]
    with pytest.raises(BrokenImage, match=rf"damaged: the PNG chunk at byte {place} contradicts"):
        decode_image(damaged, "a")
    # Behind the pixels, too, where an orientation may stand.
    turned = png(np.asarray(PICTURE), after=chunk(b"eXIf", exif(6)))
    assert decode_image(turned, "a").changes == ("orientation",)
    place = turned.index(exif(6)) + 18
    with pytest.raises(BrokenImage, match="contradicts its checksum"):
        decode_image(turned[:place] + b"\3" + turned[place + 1 :], "a")


def with_thumbnail(jpeg, size):
    """A JPEG with another JPEG in its EXIF block."""
    return with_exif(jpeg, exif(1) + written("JPEG", PICTURE.resize((size, size))))


def test_the_end_of_a_preview_is_not_the_end_of_the_image():
    content = with_thumbnail(written("JPEG"), 8)
    decode_image(content, "a")
    with pytest.raises(BrokenImage):
        decode_image(torn(content, 0.1), "a")


FLAT = Image.new("RGB", (1500, 1500), "white")
FLAT.paste(PICTURE)
WHOLE = {
    "PNG, no end": written("PNG")[:-12],
    "PNG, zeros behind its end": written("PNG") + bytes(5000),
    "JPEG, zeros behind its end": written("JPEG") + bytes(5000),
    "JPEG, fill bytes": written("JPEG")[:2] + b"\xff\xff"
    + jpeg_segment(0xFE, b"a comment") + written("JPEG")[2:] + bytes(5000),
    "JPEG, a film behind its end": written("JPEG") + b"\0\0\0\x18ftypmp42\xff\xda" + bytes(99),
    "WebP, plain": written("WebP", FLAT),
    "PNG, plain": written("PNG", FLAT),
    "JPEG, plain": written("JPEG", FLAT),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_whole_pixels_are_read_whatever_stands_behind_them(name):
    pixels = decode_image(WHOLE[name], "a").pixels
    original = FLAT if "plain" in name else PICTURE
    off = np.abs(pixels.astype(int) - np.asarray(original)).mean()
    assert off == 0 if "PNG" in name else off < 15


def test_room_in_the_exif_block_of_a_small_webp_is_no_damage():
    file = io.BytesIO()
    PICTURE.save(file, "WEBP", exif=exif(1) + bytes(3000))
    assert decode_image(file.getvalue(), "a").pixels.shape == (32, 32, 3)


def test_a_damaged_mask_is_refused():
    content = png(np.random.default_rng(0).integers(0, 2, (64, 64, 1)), 8, GREY)
    decode_mask(content, None, Frame(64, 64, None), "a.png")
    with pytest.raises(AugcamError, match=r"^mask of a\.png: it cannot be decoded \(it is damaged"):
        decode_mask(torn(content, 0.3), None, Frame(64, 64, None), "a.png")
