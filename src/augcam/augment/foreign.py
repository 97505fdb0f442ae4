"""Augmentations from elsewhere: classes of a library, classes and functions of a user's file.

Each takes an image (3, H, W), float32 in [0, 1], on the CPU, and returns one like it; where it is
`batched`, a batch (n, 3, H, W). Before each call the global generators of torch, NumPy and Python
are seeded with a number drawn for this image, and afterwards they are as before: neither resuming,
nor threads, nor the device change what is drawn.
"""

import importlib
import importlib.util
import inspect
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from augcam.config.suggestions import suggestion
from augcam.entries import Augmentation
from augcam.errors import AugcamError


def foreign(use: str, batched: bool = False, **arguments: Any) -> Augmentation:
    """What `use` names, as an augmentation: `<module>.<name>` or `<file>.py:<name>`.

    Raises AugcamError where it cannot be imported or does not take its arguments.
    """
    transform = _made(use, _found(use), arguments)
    by_batch = batched or bool(getattr(transform, "batched", False))

    def apply(images: Tensor, seed: Tensor) -> Tensor:
        originals = images.cpu()
        if by_batch:
            changed = _called(use, transform, originals, int(seed[0]))
        else:
            pairs = zip(originals, seed.tolist())
            changed = torch.stack([_called(use, transform, image, s) for image, s in pairs])
        return changed.to(images.device)

    return Augmentation(name=use, display_name=use, draw=_draw_seeds, apply=apply)


def _draw_seeds(rng, count, _size, _parameters):
    return {"seed": rng.integers(2**63, size=count)}


def _found(use: str) -> Callable[..., Any]:
    """The class or function that `use` names."""
    where, separator, name = use.rpartition(":")
    if not separator:
        where, _, name = use.rpartition(".")
    try:
        module = _module_of(where) if separator else importlib.import_module(where)
    except AugcamError:
        raise
    except (Exception, SystemExit) as error:  # whatever a user's file does
        raise AugcamError(
            f"{use}: {where} cannot be imported ({type(error).__name__}: {_line(error)})."
        ) from error
    found = getattr(module, name, None)
    if not callable(found):
        own = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        named = [n for n in own if getattr(module, n).__module__ == module.__name__]
        raise AugcamError(
            f"{use}: {where} has no class or function '{name}'{suggestion(name, named or own)}"
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


def _made(use: str, found: Callable, arguments: Mapping[str, Any]) -> Callable[[Tensor], Any]:
    """An object of a class; a function with its arguments filled in."""
    try:
        if inspect.isclass(found):
            made = found(**arguments)
            if not callable(made):
                raise TypeError("its objects cannot be called with an image")
            return made
        inspect.signature(found).bind(torch.zeros(3, 1, 1), **arguments)
    except Exception as error:  # whatever it raises
        raise AugcamError(f"{use}: it does not take these parameters ({_line(error)}).") from error
    made = partial(found, **arguments)
    made.batched = getattr(found, "batched", False)  # type: ignore[attr-defined]
    return made


def _called(use: str, transform: Callable[[Tensor], Any], images: Tensor, seed: int) -> Tensor:
    """`transform` of an image or batch with all generators seeded.

    Raises AugcamError where it fails, or returns what is no image of the same shape.
    """
    with seeded(seed), torch.no_grad():
        try:
            changed = transform(images.clone())
        except Exception as error:  # whatever it raises
            raise AugcamError(
                f"{use}: it fails on an image of shape {tuple(images.shape)}, a float32 tensor in "
                f"[0, 1] ({type(error).__name__}: {_line(error)})."
            ) from error
    if not isinstance(changed, Tensor):
        raise AugcamError(
            f"{use}: it must return a tensor like the one that it gets, not "
            f"{type(changed).__module__}.{type(changed).__name__}."
        )
    if changed.shape != images.shape:
        raise AugcamError(
            f"{use}: it must return an image of the same shape, {tuple(images.shape)}, not "
            f"{tuple(changed.shape)}."
        )
    if not changed.dtype.is_floating_point:
        raise AugcamError(f"{use}: it must return float32 in [0, 1], not {changed.dtype}.")
    changed = changed.detach().to("cpu", torch.float32)
    if not bool(torch.isfinite(changed).all()):
        raise AugcamError(f"{use}: it returns values that are no finite numbers (NaN or infinite).")
    low, high = changed.min().item(), changed.max().item()
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise AugcamError(
            f"{use}: it must return values in [0, 1], not {low:.4g} to {high:.4g}; scale or clamp "
            "them."
        )
    return changed.as_subclass(Tensor).clamp(0, 1)


_ROUNDING = 1e-4
"""How far values may leave [0, 1], and are cut off: interpolation and colour spaces round."""


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """All global generators seeded with `seed` (below 2⁶³), and put back afterwards."""
    # NumPy's global generator is what libraries and users draw from.
    before = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])  # noqa: NPY002


def _line(error: BaseException) -> str:
    """The first sentence of an error, on one line, without a full stop."""
    text = " ".join(str(error).split()) or type(error).__name__
    return (text if len(text) <= 200 else f"{text[:197]}...").rstrip(".")
