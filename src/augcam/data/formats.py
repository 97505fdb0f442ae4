"""Image formats by how files begin: those that are read, and those that are only known."""

import re

from PIL import Image, features

# Pillow opens more, and for PostScript starts another program.
FORMATS: tuple[str, ...] = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
FORMATS += ("AVIF",) if features.check("avif") else ()

START = 132
"""So many bytes tell a format."""

# How files begin that hold images, but that Pillow does not know.
_UNKNOWN_TO_PILLOW = {
    b"%PDF": "PDF",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"v/1\1": "OpenEXR",
    b"#?RADIANCE": "Radiance HDR",
    b"#?RGBE": "Radiance HDR",
    b"<svg": "SVG",
}
_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}
# What may begin in several ways, or as something else.
_SUFFIXES = {".svg": "SVG", ".svgz": "SVG", ".dcm": "DICOM", ".dicom": "DICOM", ".tga": "TGA"}
# Cameras' raw files: of many of them Pillow takes the preview for a TIFF.
_RAW = re.compile(
    r"\.(3fr|arw|cr[23w]|dcr|dng|erf|iiq|kdc|mef|mos|mrw|nef|nrw|orf|pef|raf|rw[2l]|sr[2fw]|x3f)"
)


def raw_suffix(suffix: str) -> bool:
    """Whether a suffix, in lower case, is that of a camera's raw files."""
    return bool(_RAW.fullmatch(suffix))


def other_format(start: bytes, suffix: str = "") -> str:
    """The image format that is not read here of a file with these first bytes, and this suffix in
    lower case, or nothing."""
    if start and suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    if start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS:
        return "HEIC"
    if start[128:132] == b"DICM":
        return "DICOM"
    for known, name in _UNKNOWN_TO_PILLOW.items():
        if start.startswith(known):
            return name
    Image.init()
    start = start.ljust(16, b"\xff")
    found = (n for n, (_, accept) in Image.OPEN.items() if accept and accept(start))
    return next((name for name in found if name not in FORMATS), "")
