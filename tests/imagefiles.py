"""Image files of every kind, written here sample by sample, as Pillow cannot write most of them."""

import struct
import zlib

import numpy as np

GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6  # PNG's colour types

# Adam7: (first row, first column, step of rows, step of columns) of the seven passes.
_ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
          (1, 0, 2, 1)]  # fmt: skip


def chunk(name: bytes, data: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def packed(samples: np.ndarray, depth: int, order: str = ">") -> bytes:
    """Rows of samples (H, W, channels) at `depth` bits a sample, each row padded to whole bytes."""
    rows = samples.reshape(len(samples), -1)
    if depth == 32:
        return rows.astype(f"{order}u4").tobytes()
    if depth == 16:
        return rows.astype(f"{order}u2").tobytes()
    bits = rows.astype(np.uint8)[..., None] >> np.arange(depth - 1, -1, -1) & 1
    return np.packbits(bits.reshape(len(rows), -1), axis=1).tobytes()


def scan_lines(samples: np.ndarray, depth: int) -> bytes:
    """The rows of a PNG, each behind its filter type (none)."""
    data = packed(samples, depth)
    if not data:
        return b""
    length = len(data) // len(samples)
    return b"".join(b"\0" + data[i : i + length] for i in range(0, len(data), length))


def png(
    samples: np.ndarray,
    depth: int = 8,
    kind: int = RGB,
    *chunks: bytes,
    interlaced: bool = False,
    after: bytes = b"",
) -> bytes:
    """A PNG of samples (H, W, channels) below 2**depth; `chunks` stand before the pixels."""
    height, width = samples.shape[:2]
    passes = [samples[a::c, b::d] for a, b, c, d in _ADAM7] if interlaced else [samples]
    data = b"".join(scan_lines(part, depth) for part in passes)
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced))
    body = chunk(b"IDAT", zlib.compress(data))
    signature = b"\x89PNG\r\n\x1a\n"
    return b"".join([signature, chunk(b"IHDR", head), *chunks, body, after, chunk(b"IEND", b"")])


def exif(orientation: int, kind: int = 3, order: str = "<", count: int = 1) -> bytes:
    """An EXIF block (a TIFF without pixels) that holds nothing but the orientation."""
    value = struct.pack(f"{order}I" if kind == 4 else f"{order}Hxx", orientation)
    entry = struct.pack(f"{order}HHI", 0x0112, kind, count) + value
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(f"{order}HIH", 42, 8, 1) + entry + bytes(4)


def jpeg_segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def with_exif(jpeg: bytes, block: bytes) -> bytes:
    """A JPEG with an EXIF block as its first segment."""
    return jpeg[:2] + jpeg_segment(0xE1, b"Exif\0\0" + block) + jpeg[2:]


def tiff(
    samples: np.ndarray,
    depth: int = 8,
    photometric: int = 2,
    *,
    order: str = "<",
    extra: int | None = None,
    sample_format: int = 1,
    tags: dict[int, tuple[int, list[int]]] | None = None,
) -> bytes:
    """An uncompressed TIFF of samples (H, W, channels).

    `photometric`: 0 white is zero, 1 black is zero, 2 RGB, 3 palette, 5 CMYK, 8 Lab; `extra`: what
    the last channel is (0 nothing, 1 premultiplied, 2 alpha); `sample_format`: 1 unsigned,
    2 signed, 3 float; `tags`: further tags, number → (type, values).
    """
    height, width, channels = samples.shape
    if sample_format == 3:
        data = samples.astype(f"{order}f{depth // 8}").tobytes()
    elif sample_format == 2:
        data = samples.astype(f"{order}i{depth // 8}").tobytes()
    elif depth == 12:
        data = twelve_bits(samples)
    else:
        data = packed(samples, depth, order)
    short, long = 3, 4
    entries = {
        256: (long, [width]), 257: (long, [height]), 258: (short, [depth] * channels),
        259: (short, [1]), 262: (short, [photometric]), 273: (long, [8]),
        277: (short, [channels]), 278: (long, [height]), 279: (long, [len(data)]),
        339: (short, [sample_format] * channels),
    }  # fmt: skip
    if extra is not None:
        entries[338] = (short, [extra])
    entries |= tags or {}
    data += b"\0" * (len(data) % 2)
    place = 8 + len(data) + 2 + 12 * len(entries) + 4
    directory, overflow = struct.pack(f"{order}H", len(entries)), b""
    for tag, (kind, values) in sorted(entries.items()):
        letter = {1: "B", 3: "H", 4: "I", 7: "B"}[kind]
        value = struct.pack(f"{order}{len(values)}{letter}", *values)
        if len(value) > 4:
            pointer = struct.pack(f"{order}I", place + len(overflow))
            overflow += value + b"\0" * (len(value) % 2)
            value = pointer
        directory += struct.pack(f"{order}HHI", tag, kind, len(values)) + value.ljust(4, b"\0")
    mark = b"II" if order == "<" else b"MM"
    head = mark + struct.pack(f"{order}HI", 42, 8 + len(data))
    return head + data + directory + bytes(4) + overflow


def twelve_bits(samples: np.ndarray) -> bytes:
    """Rows of 12-bit samples, each row padded to whole bytes."""
    rows = samples.reshape(len(samples), -1)
    bits = rows[..., None].astype(np.int64) >> np.arange(11, -1, -1) & 1
    return np.packbits(bits.reshape(len(rows), -1).astype(np.uint8), axis=1).tobytes()


def gif(
    indices: np.ndarray, palette: np.ndarray, size: tuple[int, int], corner: tuple[int, int]
) -> bytes:
    """A GIF of (width, height) `size`, whose only frame stands at `corner`."""
    height, width = indices.shape
    head = b"GIF89a" + struct.pack("<HHBBB", *size, 0xF7, 7, 0)  # background: colour 7
    frame = b"\x2c" + struct.pack("<HHHHB", *corner, width, height, 0) + b"\x08"
    # Codes of 9 bits, never more, as the table of the compression is cleared before each value.
    codes = [code for value in indices.ravel() for code in (256, int(value))] + [257]
    bits = sum(code << 9 * i for i, code in enumerate(codes))
    data = bits.to_bytes(-(-9 * len(codes) // 8), "little")
    blocks = [data[i : i + 255] for i in range(0, len(data), 255)]
    body = b"".join(bytes([len(block)]) + block for block in blocks)
    return head + palette.astype(np.uint8).tobytes() + frame + body + b"\0;"


# ------------------------------------------------------------------------------- colour profiles


def _fixed(*values: float) -> bytes:
    """ICC's s15Fixed16 numbers."""
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _profile(space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile, version 2.4, of a display or printer."""
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    place, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        table += name + struct.pack(">II", place + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    size = place + len(body)
    head = struct.pack(">I4sI", size, bytes(4), 0x02400000) + kind + space + connection
    head += bytes(12) + b"acsp" + bytes(28) + _fixed(0.9642, 1, 0.8249)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _gamma(value: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(value * 256))


def rgb_profile(primaries: np.ndarray, gamma: float) -> bytes:
    """A profile of `primaries` (3, 3), columns the XYZ (D50) of red, green, blue, and a gamma."""
    tags = {b"wtpt": b"XYZ " + bytes(4) + _fixed(0.9642, 1, 0.8249)}
    for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries.T):
        tags[name] = b"XYZ " + bytes(4) + _fixed(*column)
    return _profile(
        b"RGB ", b"XYZ ", tags | {n: _gamma(gamma) for n in (b"rTRC", b"gTRC", b"bTRC")}
    )


def grey_profile(gamma: float) -> bytes:
    white = b"XYZ " + bytes(4) + _fixed(0.9642, 1, 0.8249)
    return _profile(b"GRAY", b"XYZ ", {b"wtpt": white, b"kTRC": _gamma(gamma)})


def cmyk_profile(corners: np.ndarray) -> bytes:
    """A profile of the Lab colours (2, 2, 2, 2, 3) of no and full cyan, magenta, yellow, black."""
    lab = np.asarray(corners, float).reshape(16, 3)
    codes = np.stack([lab[:, 0] * 2.55, lab[:, 1] + 128, lab[:, 2] + 128], axis=1).round()
    line = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table += line * 4 + codes.astype(np.uint8).tobytes() + line * 3
    white = b"XYZ " + bytes(4) + _fixed(0.9642, 1, 0.8249)
    return _profile(b"CMYK", b"Lab ", {b"wtpt": white, b"A2B0": table})
