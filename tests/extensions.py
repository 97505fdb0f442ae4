"""The files that docs/extending.md adds to the project."""

import re
from pathlib import Path

from conftest import ROOT

_BLOCK = re.compile(r"^```python\n# (src/\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILES = dict(_BLOCK.findall((ROOT / "docs" / "extending.md").read_text(encoding="utf-8")))
"""Path in the project → content."""


def add(project: Path, *paths: str) -> None:
    """Write these of the files (all, if none is named) into a copy of the project."""
    for path in paths or FILES:
        (project / path).write_text(FILES[path], encoding="utf-8")
