"""Damage to image files that their decoders do not notice."""

import zlib

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_LONG = 64  # zero bytes


def damage(content: bytes) -> str:
    """What is wrong with an image file whose pixels a decoder would take for whole, or nothing.

    A file that is cut off is left to its decoder, which misses pixels.
    """
    if content.startswith(_PNG):
        return _png_damage(content)
    if content.startswith(_JPEG):
        return _jpeg_damage(content)
    if content[8:12] == b"WEBP" or content[4:12] == b"ftypavif":
        return _zeros_at_the_end(content)
    return ""


def _png_damage(content: bytes) -> str:
    """By the checksums of its chunks, of which Pillow compares only those before the pixels."""
    whole, place = memoryview(content), len(_PNG)
    while place + 12 <= len(content):
        end = place + 8 + int.from_bytes(content[place : place + 4], "big")
        checksum = content[end : end + 4]
        if len(checksum) < 4:  # cut off
            return ""
        if zlib.crc32(whole[place + 4 : end]) != int.from_bytes(checksum, "big"):
            return f"it is damaged: the PNG chunk at byte {place} contradicts its checksum"
        if content[place + 4 : place + 8] == b"IEND":
            return ""
        place = end + 4
    return ""


def _jpeg_damage(content: bytes) -> str:
    """Zero bytes instead of its end, as a download leaves them. Behind its end they do no harm."""
    if not content.endswith(b"\0\0") or content.find(b"\xff\xd9", _first_scan(content)) >= 0:
        return ""
    return "it is damaged: zero bytes stand where the JPEG should end"


def _first_scan(content: bytes) -> int:
    """Where the pixels of a JPEG begin: a preview in front of them has an end of its own."""
    place = 2
    while content[place : place + 1] == b"\xff" and content[place + 1 : place + 2] != b"\xda":
        fill = content[place + 1 : place + 2] == b"\xff"
        place += 1 if fill else 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return place


def _zeros_at_the_end(content: bytes) -> str:
    """WebP and AVIF have no checksum. Of plain areas they make some zero bytes, EXIF may end in
    more; but a quarter of the file is none of these."""
    zeros = len(content) - len(content.rstrip(b"\0"))
    if zeros < max(_LONG, len(content) / 4) or b"exif" in content.lower():
        return ""
    return f"it is damaged: its last {zeros} bytes are zero"
