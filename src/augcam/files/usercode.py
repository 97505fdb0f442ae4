"""What a config names of a library (`<module>.<name>`) or a user's file (`<file>.py:<name>`)."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from augcam.config.suggestions import suggestion
from augcam.errors import AugcamError


def named(use: str) -> Callable[..., Any]:
    """The class or function that `use` names.

    Raises AugcamError where the file or module is missing, cannot be imported, or has no such name.
    """
    where, separator, name = use.rpartition(":")
    if not separator:
        where, _, name = use.rpartition(".")
    try:
        module = _module_of(where) if separator else importlib.import_module(where)
    except AugcamError:
        raise
    except (Exception, SystemExit) as error:  # whatever a user's file does
        raise AugcamError(
            f"{use}: {where} cannot be imported ({type(error).__name__}: {one_line(error)})."
        ) from error
    found = getattr(module, name, None)
    if not callable(found):
        own = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        defined = [n for n in own if getattr(module, n).__module__ == module.__name__]
        raise AugcamError(
            f"{use}: {where} has no class or function '{name}'{suggestion(name, defined or own)}"
        )
    return found


@cache
def _module_of(file: str) -> Any:
    """A user's file as a module; its folder is searched for what it imports."""
    path = Path(file)
    if not path.is_file():
        raise AugcamError(f"{file}: there is no such file (looked for from {Path.cwd()}).")
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise AugcamError(f"{file}: a file of Python is needed, ending in .py.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def one_line(error: BaseException) -> str:
    """The first sentence of an error, on one line, without a full stop."""
    text = " ".join(str(error).split()) or type(error).__name__
    return (text if len(text) <= 200 else f"{text[:197]}...").rstrip(".")
