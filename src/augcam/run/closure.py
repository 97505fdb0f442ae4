"""Which modules a script uses: what it imports from the library, and what these import in turn.

Found by reading, so that the Snakefile can name them as inputs without importing torch. Entries
are imported by name at run time; here stands only which kinds of them a script looks up.
"""

import ast
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from augcam.entries import (
    Augmentation,
    CamMethod,
    DataKind,
    Figure,
    Metric,
    Network,
    Score,
    Table,
    entry_file,
)

LIBRARY = Path(__file__).parents[1]
INFRASTRUCTURE = ("errors", "entries", "names", "config", "files", "run")
"""What every step uses and what changes no result: editing it reruns nothing."""


_ENTRIES, _NAMES = "augcam.entries", "augcam.names"
LOOKED_UP = {
    DataKind: {f"{_ENTRIES}.DataKind", f"{_ENTRIES}.data_kind_named"},
    Augmentation: {f"{_ENTRIES}.Augmentation", f"{_ENTRIES}.augmentation_named",
                   f"{_NAMES}.condition_name", f"{_NAMES}.display_name"},
    Metric: {f"{_ENTRIES}.Metric", f"{_ENTRIES}.metric_named",
             f"{_NAMES}.metric_name", f"{_NAMES}.headline", f"{_NAMES}.display_name"},
    Score: {f"{_ENTRIES}.Score", f"{_ENTRIES}.score_named",
            f"{_NAMES}.score_name", f"{_NAMES}.display_name"},
    CamMethod: {f"{_ENTRIES}.CamMethod", f"{_ENTRIES}.method_named"},
    Network: {f"{_ENTRIES}.Network", f"{_ENTRIES}.network_named",
              f"{_NAMES}.network_name", f"{_NAMES}.display_name"},
    Table: {f"{_ENTRIES}.Table", f"{_ENTRIES}.table_named"},
    Figure: {f"{_ENTRIES}.Figure", f"{_ENTRIES}.figure_named"},
}  # fmt: skip
"""What a module imports that looks up entries of a kind by their names."""


_IMPORTS = re.compile(r"^[ \t]*((?:from|import)[ \t]+augcam\b[^\n(]*(?:\([^)]*\))?)", re.MULTILINE)


def closure(script: str | Path, used: Mapping[type, Iterable[str]]) -> list[Path]:
    """The modules of the library that a script uses, without the infrastructure.

    Imports within functions count. Of the kinds of entries that it looks up, those that are `used`
    (kind → names) count, with what they import in turn.
    """
    modules, kinds = _reached(Path(script))
    for kind in kinds:
        for file in {entry_file(kind, name) for name in used[kind]}:
            modules |= {file} | _reached(file)[0]
    return sorted(modules)


@cache
def _reached(path: Path) -> tuple[frozenset[Path], frozenset[type]]:
    """The modules that a file imports, directly or not, and the kinds of entries they look up."""
    modules: set[Path] = set()
    kinds: set[type] = set()
    ahead = {path}
    while ahead:
        names = imported(ahead.pop())
        kinds |= {kind for kind, functions in LOOKED_UP.items() if names & functions}
        new = set(filter(None, map(_module, names))) - modules
        modules |= new
        ahead |= new
    return frozenset(modules), frozenset(kinds)


def with_neighbours(file: str | Path) -> list[Path]:
    """A user's file, and the files of its folder that it imports, directly or not."""
    found, ahead = [], [Path(file)]
    while ahead:
        path = ahead.pop()
        found.append(path)
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError):  # said where it is used
            continue
        tops = {name.partition(".")[0] for name in _names(ast.walk(tree))}
        beside = [path.with_name(f"{top}.py") for top in sorted(tops)]
        ahead += [p for p in beside if p.is_file() and p not in [*found, *ahead]]
    return found


@cache
def imported(path: Path) -> frozenset[str]:
    """The dotted names from the library that one file imports: modules, and what is in them."""
    # To parse nothing but the lines that import is ten times as fast. (Lines of a text that is
    # code for another process count, too.)
    lines = "\n".join(_IMPORTS.findall(path.read_text(encoding="utf-8")))
    return frozenset(_names(ast.parse(lines).body))


def _names(nodes: Iterable[ast.AST]) -> set[str]:
    """The dotted names that statements import by their full names: modules, and what is in them."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def _module(name: str) -> Path | None:
    """The file of a module of the library; None for other names, packages and infrastructure."""
    top, *parts = name.split(".")
    path = LIBRARY.joinpath(*parts).with_suffix(".py")
    if top != "augcam" or not parts or parts[0] in INFRASTRUCTURE:
        return None
    return path if path.is_file() else None
