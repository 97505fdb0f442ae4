"""Augmentations from elsewhere: classes of a library, classes and functions of a user's file.

Each takes an image (3, H, W), float32 in [0, 1], on the CPU, and returns one like it; where it is
`batched`, a batch (n, 3, H, W). Before each call the global generators of torch, NumPy and Python
are seeded with a number drawn for this image, and afterwards they are as before: neither resuming,
nor threads, nor the device change what is drawn.
"""

import inspect
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from augcam.entries import Augmentation
from augcam.errors import AugcamError
from augcam.files.usercode import named, one_line


def foreign(use: str, batched: bool = False, **arguments: Any) -> Augmentation:
    """What `use` names, as an augmentation: `<module>.<name>` or `<file>.py:<name>`.

    Raises AugcamError where it cannot be imported or does not take its arguments.
    """
    transform = _made(use, named(use), arguments)
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
        raise AugcamError(
            f"{use}: it does not take these parameters ({one_line(error)})."
        ) from error
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
                f"[0, 1] ({type(error).__name__}: {one_line(error)})."
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
