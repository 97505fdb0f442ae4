"""JSON files with a checksum of what they hold."""

import json
from pathlib import Path

from augcam.files.atomic import atomic, reading
from augcam.files.checksums import compare_checksums, digest


def write_json(value: dict, path: str | Path) -> None:
    """Write `value` as indented JSON with its checksum, atomically."""
    text = json.dumps(value | {"sha256": _json_digest(value)}, indent=2, sort_keys=True)
    with atomic(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | Path) -> dict:
    """Read what `write_json` wrote. Raises AugcamError naming a missing or damaged file."""
    with reading(path):
        value = json.loads(Path(path).read_text(encoding="utf-8"))
        compare_checksums(value.pop("sha256", None), _json_digest(value))
        return value


def _json_digest(value: dict) -> str:
    value = json.loads(json.dumps(value))  # as it is read: every key is text
    return digest([json.dumps(value, sort_keys=True).encode()])
