"""Files and what is to be seen of them: format × channels × depth × opacity × orientation × frames.

What is to be seen is worked out here from the samples that were put into the file, by the rules of
the formats. Chromium shows the same of all that it can show (`test_decoding` asks it).
"""

import io
import zlib
from typing import NamedTuple

import imagefiles
import numpy as np
from imagefiles import GREY, GREY_ALPHA, PALETTE, RGB, RGB_ALPHA, chunk, exif, png, tiff
from PIL import Image, ImageCms, features

WHITE = (255, 255, 255)
RNG = np.random.default_rng(0)
BLOCKS = np.kron(RNG.integers(0, 256, (3, 2, 3)), np.ones((8, 8, 1), int)).astype(np.uint8)
"""24 × 16 pixels of six colours, which JPEG keeps to 2 levels."""


class Case(NamedTuple):
    """A file, what is to be seen of it (H, W, 3), what is done for that, and how exactly."""

    content: bytes
    seen: np.ndarray
    changes: tuple[str, ...] = ()
    tolerance: int = 0
    in_browsers: bool = True  # whether browsers show it, or show it so


CASES: dict[str, Case] = {}


def saved(pixels, kind, mode="RGB", **options) -> bytes:
    """An image as Pillow writes it."""
    file = io.BytesIO()
    bands = [Image.fromarray(pixels[..., i]) for i in range(pixels.shape[-1])]
    Image.merge(mode, bands).save(file, kind, **options)
    return file.getvalue()


def jpeg(pixels, mode="RGB", **options) -> bytes:
    return saved(pixels, "JPEG", mode, quality=100, **options)


def in_8_bits(samples, depth):
    """The value of each sample of `depth` bits as a browser shows it."""
    return samples >> depth - 8 if depth > 8 else samples * (255 // (2**depth - 1))


def over(colours, opacity, ground=WHITE):
    """Colours of an opacity 0 to 255 before a ground."""
    share = np.asarray(opacity)[..., None] / 255
    return np.rint(colours * share + np.array(ground) * (1 - share)).astype(int)


def as_rgb(values):
    return np.broadcast_to(values, (*values.shape[:2], 3))


# ---------------------------------------------------------- PNG: channels × depth × opacity × order

COLOURS = RNG.integers(0, 256, (4, 3))  # of a palette
PLTE = chunk(b"PLTE", bytes(COLOURS.astype(np.uint8)))


def add_png(name, samples, depth, kind, colours, opacity=None, *chunks):
    changes = ("depth",) * (depth == 16) + ("alpha",) * (opacity is not None)
    seen = colours if opacity is None else over(colours, opacity)
    for order, interlaced in (("", False), (" interlaced", True)):
        content = png(samples, depth, kind, *chunks, interlaced=interlaced)
        CASES[f"PNG, {name}, {depth} bits{order}"] = Case(content, seen, changes)


def big_endian(*samples) -> bytes:
    return np.array(samples, ">u2").tobytes()


for bits in (1, 2, 4, 8, 16):
    grey = RNG.integers(0, 2**bits, (5, 7, 1))
    shades = as_rgb(in_8_bits(grey, bits))
    add_png("grey", grey, bits, GREY, shades)
    key = int(grey[2, 3, 0])
    tRNS = chunk(b"tRNS", big_endian(key))
    add_png("grey with a key", grey, bits, GREY, shades, 255 * (grey[..., 0] != key), tRNS)
for bits in (8, 16):
    samples = RNG.integers(0, 2**bits, (5, 7, 4))
    eight = in_8_bits(samples, bits)
    add_png("RGB", samples[..., :3], bits, RGB, eight[..., :3])
    tRNS = chunk(b"tRNS", big_endian(*samples[2, 3, :3]))
    opaque = 255 * (samples[..., :3] != samples[2, 3, :3]).any(axis=2)
    add_png("RGB with a key", samples[..., :3], bits, RGB, eight[..., :3], opaque, tRNS)
    add_png("RGB and opacity", samples, bits, RGB_ALPHA, eight[..., :3], eight[..., 3])
    add_png(
        "grey and opacity",
        samples[..., :2],
        bits,
        GREY_ALPHA,
        as_rgb(eight[..., :1]),
        eight[..., 1],
    )
for bits in (2, 4, 8):
    which = RNG.integers(0, 4, (5, 7, 1))
    add_png("palette", which, bits, PALETTE, COLOURS[which[..., 0]], None, PLTE)
    for what, table in (("index", [255, 0]), ("opacities", [255, 0, 128])):
        opacity = np.array([*table, *[255] * (4 - len(table))])[which[..., 0]]
        tRNS = chunk(b"tRNS", bytes(table))
        add_png(
            f"palette, {what}", which, bits, PALETTE, COLOURS[which[..., 0]], opacity, PLTE, tRNS
        )

# ---------------------------------------------------------------- orientation × format and channels

SIDES = {1: "top left", 2: "top right", 3: "bottom right", 4: "bottom left", 5: "left top",
         6: "right top", 7: "right bottom", 8: "left bottom"}  # fmt: skip
"""EXIF's definition: where the first row and the first column of the stored image belong."""


def stored(upright, orientation):
    """An upright image as it lies in a file of this orientation."""
    rows, columns = SIDES[orientation].split()
    if rows in ("left", "right"):
        upright = np.swapaxes(upright, 0, 1)
    upright = upright[::-1] if rows in ("bottom", "right") else upright
    return upright[:, ::-1] if columns in ("bottom", "right") else upright


def pictured(array):
    return np.ascontiguousarray(array)


TURNED = {
    "JPEG": lambda a, n: imagefiles.with_exif(jpeg(a, subsampling=0), exif(n)),
    "JPEG, big-endian": lambda a, n: imagefiles.with_exif(
        jpeg(a, subsampling=0), exif(n, order=">")
    ),
    "PNG": lambda a, n: png(a, 8, RGB, chunk(b"eXIf", exif(n))),
    "PNG, 16 bits": lambda a, n: png(a.astype(int) << 8, 16, RGB, chunk(b"eXIf", exif(n))),
    "WebP": lambda a, n: saved(a, "WEBP", lossless=True, exif=exif(n)),
    "TIFF": lambda a, n: tiff(a, tags={274: (3, [n])}),
    "TIFF, big-endian, 16 bits": lambda a, n: tiff(
        a.astype(int) << 8, 16, order=">", tags={274: (3, [n])}
    ),
    "TIFF, grey, 16 bits": lambda a, n: tiff(
        a[..., :1].astype(int) << 8, 16, photometric=1, tags={274: (3, [n])}
    ),
    "MPO": lambda a, n: imagefiles.with_exif(
        saved(a, "MPO", save_all=True, append_images=[Image.fromarray(a)], quality=100,
              subsampling=0), exif(n)
    ),
    "AVIF": lambda a, n: saved(a, "AVIF", quality=100, subsampling="4:4:4", exif=exif(n)),
}  # fmt: skip
if not features.check("avif"):
    del TURNED["AVIF"]
for name, write in TURNED.items():
    for orientation in SIDES:
        changes = ("further pictures",) * ("MPO" in name) + ("depth",) * ("16" in name)
        seen = as_rgb(BLOCKS[..., :1]) if "grey" in name else BLOCKS
        CASES[f"{name}, orientation {orientation}"] = Case(
            write(pictured(stored(BLOCKS, orientation)), orientation),
            seen,
            changes + ("orientation",) * (orientation > 1),
            tolerance=2 if name.startswith(("JPEG", "MPO", "AVIF")) else 0,
            # Chromium shows no TIFF, and leaves a WebP as it is stored, which other viewers turn.
            in_browsers=not name.startswith(("TIFF", "WebP")),
        )

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
PLAIN = jpeg(BLOCKS, subsampling=0)
UNTURNED = {
    "0": exif(0), "9": exif(9), "65535": exif(65535), "cut off": exif(6)[:14], "empty": b"",
    "noise": bytes(range(99)), "a pointer to nowhere": b"II*\0\xff\xff\xff\x7f",
}  # fmt: skip
for name, block in UNTURNED.items():
    CASES[f"JPEG, orientation {name}"] = Case(
        imagefiles.with_exif(PLAIN, block), BLOCKS, tolerance=2
    )
CASES["JPEG, orientation in XMP"] = Case(
    PLAIN[:2] + imagefiles.jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP) + PLAIN[2:],
    BLOCKS,
    tolerance=2,
)

# -------------------------------------------------------------- TIFF: channels × depth × byte order


def add_tiff(name, samples, depth, photometric, seen, changes=(), tolerance=0, **options):
    for order, word in (("<", "little"), (">", "big")):
        content = tiff(samples, depth, photometric, order=order, **options)
        CASES[f"TIFF, {name}, {word}-endian"] = Case(
            content, seen, changes, tolerance, in_browsers=False
        )


for bits in (1, 4, 8, 16):
    grey, changes = RNG.integers(0, 2**bits, (5, 7, 1)), ("depth",) * (bits > 8)
    add_tiff(f"grey, {bits} bits", grey, bits, 1, as_rgb(in_8_bits(grey, bits)), changes)
    if bits < 16:  # of 16 bits Pillow reads one byte order
        add_tiff(f"white is zero, {bits} bits", grey, bits, 0, as_rgb(255 - in_8_bits(grey, bits)))
CASES["TIFF, white is zero, 16 bits"] = Case(
    tiff(grey, 16, 0), as_rgb(255 - (grey >> 8)), ("depth",), in_browsers=False
)
grey = RNG.integers(0, 2**12, (5, 8, 1))
CASES["TIFF, 12 bits"] = Case(tiff(grey, 12, 1), as_rgb(grey >> 4), ("depth",), in_browsers=False)
for bits in (8, 16):
    samples, changes = RNG.integers(0, 2**bits, (5, 7, 4)), ("depth",) * (bits > 8)
    eight = in_8_bits(samples, bits)
    colours, opacity = eight[..., :3], eight[..., 3]
    add_tiff(f"RGB, {bits} bits", samples[..., :3], bits, 2, colours, changes)
    add_tiff(
        f"RGB and nothing, {bits} bits", samples, bits, 2, colours, ("channels", *changes), extra=0
    )
    changes += ("alpha",)
    add_tiff(
        f"RGB, opacity, {bits} bits", samples, bits, 2, over(colours, opacity), changes, 1, extra=2
    )
    light = samples.copy()  # premultiplied: no brighter than it is opaque
    light[..., :3] = light[..., :3] * light[..., 3:] // (2**bits - 1)
    opacity = in_8_bits(light[..., 3], bits)[..., None]
    seen = np.minimum(in_8_bits(light[..., :3], bits) + 255 - opacity, 255)
    add_tiff(f"RGB, premultiplied, {bits} bits", light, bits, 2, seen, changes, 2, extra=1)
samples = RNG.integers(0, 256, (5, 7, 2))
seen = over(as_rgb(samples[..., :1]), samples[..., 1])
add_tiff("grey and opacity", samples, 8, 1, seen, ("alpha",), 1, extra=2)

# ------------------------------------------------------------------------------ CMYK, Lab, profiles

INKS = RNG.integers(0, 256, (3, 2, 4))
INK = np.kron(INKS, np.ones((8, 8, 1), int)).astype(np.uint8)
PLAINLY = np.rint((255 - INK[..., :3].astype(float)) * (255 - INK[..., 3:]) / 255)
ADOBE = jpeg(INK, "CMYK", subsampling=0)
MARK = ADOBE.index(b"\xff\xee")
CASES["JPEG, CMYK"] = Case(ADOBE, PLAINLY, ("cmyk",), 3)
CASES["JPEG, CMYK without Adobe's mark"] = Case(
    ADOBE[:MARK] + ADOBE[MARK + 16 :], PLAINLY, ("cmyk",), 3
)
add_tiff("CMYK", INK, 8, 5, PLAINLY, ("cmyk",), 1)
add_tiff("CMYK, 16 bits", INK.astype(int) << 8, 16, 5, PLAINLY, ("depth", "cmyk"), 1)

SRGB = np.array([[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169],
                 [0.0139322, 0.0971045, 0.7141733]])  # fmt: skip
DISPLAY_P3 = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657],
                       [-0.00105, 0.04189, 0.78407]])  # fmt: skip
"""Columns: CIE XYZ (D50) of red, green and blue."""
LAB_WHITE = np.array([0.9642, 1, 0.8249])


def encoded_srgb(light):
    """Linear red, green, blue → sRGB, 0 to 255."""
    light = np.clip(light, 0, 1)
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(255 * curve)


def from_lab(lab):
    y = (lab[..., 0] + 16) / 116
    f = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * LAB_WHITE
    return encoded_srgb(xyz @ np.linalg.inv(SRGB).T)


WIDE = imagefiles.rgb_profile(DISPLAY_P3, 2.2)
SCREEN = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
IN_SRGB = encoded_srgb((BLOCKS / 255) ** 2.2 @ DISPLAY_P3.T @ np.linalg.inv(SRGB).T)


def iccp(profile):
    return chunk(b"iCCP", b"a profile\0\0" + zlib.compress(profile))


def in_tiff(profile):
    return {34675: (7, list(profile))}


CASES |= {
    "PNG, wide gamut": Case(png(BLOCKS, 8, RGB, iccp(WIDE)), IN_SRGB, ("profile",), 2),
    "JPEG, wide gamut": Case(
        jpeg(BLOCKS, subsampling=0, icc_profile=WIDE), IN_SRGB, ("profile",), 5
    ),
    "WebP, wide gamut": Case(
        saved(BLOCKS, "WEBP", lossless=True, icc_profile=WIDE), IN_SRGB, ("profile",), 2
    ),
    "TIFF, wide gamut": Case(
        tiff(BLOCKS, tags=in_tiff(WIDE)), IN_SRGB, ("profile",), 2, in_browsers=False
    ),
    "PNG, wide gamut and opacity": Case(
        png(np.dstack([BLOCKS, BLOCKS[..., :1]]), 8, RGB_ALPHA, iccp(WIDE)),
        over(IN_SRGB, BLOCKS[..., 0]),
        ("profile", "alpha"),
        2,
    ),
    "PNG, sRGB": Case(png(BLOCKS, 8, RGB, iccp(SCREEN)), BLOCKS),
    "PNG, damaged profile": Case(png(BLOCKS, 8, RGB, iccp(WIDE[:200])), BLOCKS),
    "JPEG, grey profile of colours": Case(
        jpeg(BLOCKS, subsampling=0, icc_profile=imagefiles.grey_profile(1)), BLOCKS, (), 2
    ),
    "PNG, linear grey": Case(
        png(BLOCKS[..., :1], 8, GREY, iccp(imagefiles.grey_profile(1))),
        as_rgb(encoded_srgb(BLOCKS[..., :1] / 255)),
        ("profile",),
        1,
    ),
    "PNG, linear by its gamma": Case(
        png(BLOCKS, 8, RGB, chunk(b"gAMA", (100_000).to_bytes(4, "big"))),
        encoded_srgb(BLOCKS / 255),
        ("profile",),
        1,
    ),
    "PNG, linear by its gamma, but sRGB": Case(
        png(BLOCKS, 8, RGB, chunk(b"sRGB", b"\0"), chunk(b"gAMA", (100_000).to_bytes(4, "big"))),
        BLOCKS,
    ),
}

CORNERS = np.indices((2, 2, 2, 2)).reshape(4, -1).T  # no and full cyan, magenta, yellow, black
OF_CORNERS = np.stack(
    [
        (100 - CORNERS @ [30, 35, 8, 0]) * (1 - 0.9 * CORNERS[:, 3]),
        (CORNERS @ [-40, 70, 0, 0]) * (1 - CORNERS[:, 3]),
        (CORNERS @ [-45, 0, 85, 0]) * (1 - CORNERS[:, 3]),
    ],
    axis=1,
)
PRINTER = imagefiles.cmyk_profile(OF_CORNERS)
PURE = np.kron(255 * CORNERS.reshape(4, 4, 4), np.ones((8, 8, 1), int)).astype(np.uint8)
PRINTED = np.kron(from_lab(OF_CORNERS).reshape(4, 4, 3), np.ones((8, 8, 1)))
# Chromium turns black ink into the three others before it asks the profile.
CASES["JPEG, CMYK with a profile"] = Case(
    jpeg(PURE, "CMYK", subsampling=0, icc_profile=PRINTER), PRINTED, ("profile",), 4, False
)
add_tiff("CMYK with a profile", PURE, 8, 5, PRINTED, ("profile",), 4, tags=in_tiff(PRINTER))
LAB = np.stack([np.full((5, 7), 60), *RNG.integers(-30, 31, (2, 5, 7))], axis=2)
LAB_SAMPLES = np.stack([np.full((5, 7), 153), LAB[..., 1] % 256, LAB[..., 2] % 256], axis=2)
add_tiff("Lab", LAB_SAMPLES, 8, 8, from_lab(LAB), ("profile",), 2)

# ----------------------------------------------------------------------------------- several frames

OTHER = [Image.fromarray(255 - BLOCKS)]
RED = np.zeros_like(BLOCKS) + np.array([255, 0, 0], np.uint8)
MANY = {"save_all": True, "append_images": OTHER, "duration": 60_000}
CASES |= {
    "GIF, two frames": Case(saved(BLOCKS, "GIF", **MANY, disposal=2), BLOCKS, ("frames",)),
    "WebP, two frames": Case(saved(BLOCKS, "WEBP", **MANY, lossless=True), BLOCKS, ("frames",)),
    "PNG, two frames": Case(saved(BLOCKS, "PNG", **MANY), BLOCKS, ("frames",)),
    "PNG, two frames behind another picture": Case(
        saved(
            RED, "PNG", save_all=True, default_image=True, duration=60_000,
            append_images=[Image.fromarray(BLOCKS), *OTHER],
        ),
        BLOCKS,
        ("frames",),
    ),
    "TIFF, two frames": Case(
        saved(BLOCKS, "TIFF", save_all=True, append_images=OTHER), BLOCKS, ("frames",), 0, False
    ),
    "MPO, two pictures": Case(
        saved(
            BLOCKS, "MPO", save_all=True, append_images=OTHER, quality=100, subsampling=0
        ),
        BLOCKS,
        ("further pictures",),
        2,
    ),
}  # fmt: skip
INSET, TABLE = RNG.integers(0, 256, (3, 4)), RNG.integers(0, 256, (256, 3))
SEEN = np.full((6, 9, 3), 255)
SEEN[1:4, 2:6] = TABLE[INSET]
CASES["GIF, a first frame smaller than the whole"] = Case(
    imagefiles.gif(INSET, TABLE, (9, 6), corner=(2, 1)), SEEN, ("alpha",)
)
