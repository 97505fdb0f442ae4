"""Which modules a script uses: what it imports from the library, and what these import in turn.

Found by reading, so that the Snakefile can name them as inputs without importing torch.
"""

import ast
from functools import cache
from pathlib import Path

LIBRARY = Path(__file__).parents[1]
INFRASTRUCTURE = ("errors", "names", "config", "files", "run")
"""What every step uses and what changes no result: editing it reruns nothing."""


def closure(*scripts: str | Path) -> list[Path]:
    """The modules of the library that `scripts` use, sorted, without the infrastructure.

    Imports within functions count; what is imported by a name made at run time does not.
    """
    found: set[Path] = set()
    ahead = [Path(script) for script in scripts]
    while ahead:
        new = imported(ahead.pop()) - found
        found |= new
        ahead += new
    return sorted(found)


@cache
def imported(path: Path) -> frozenset[Path]:
    """The modules of the library that one file imports itself."""
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(filter(None, map(_module, names)))


def _module(name: str) -> Path | None:
    """The file of a module of the library; None for other names, packages and infrastructure."""
    top, *parts = name.split(".")
    path = LIBRARY.joinpath(*parts).with_suffix(".py")
    if top != "augcam" or not parts or parts[0] in INFRASTRUCTURE:
        return None
    return path if path.is_file() else None
