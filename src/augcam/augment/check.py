"""Try augmentations from elsewhere, before any job, in a process of their own.

    python -m augcam.augment.check < steps.json

Reads {"size": [height, width], "conditions": {name: steps}} and prints a sentence per condition
that does not work, none where all do.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import torch

from augcam.augment.foreign import foreign
from augcam.errors import AugcamError


def faults(conditions: Mapping[str, Sequence[dict[str, Any]]], size: tuple[int, int]) -> list[str]:
    """What is wrong with steps that are not built in, tried on noise, black and white."""
    found = []
    for name, steps in conditions.items():
        for step in steps:
            try:
                _try(step, size)
            except AugcamError as error:
                found.append(f"augmentation_parameters.{name}: {error}")
                break
    return found


def _try(step: dict[str, Any], size: tuple[int, int]) -> None:
    augmentation = foreign(**step)
    apply: Callable[..., torch.Tensor] = augmentation.apply  # type: ignore[assignment]  # it has one
    rng = np.random.default_rng(0)
    noise = torch.from_numpy(rng.random((2, 3, *size), dtype=np.float32))
    images = torch.cat([noise, torch.zeros(1, 3, *size), torch.ones(1, 3, *size)])
    for _ in range(3):  # what is applied with a probability
        seed = torch.from_numpy(augmentation.draw(rng, len(images), size, {})["seed"])
        first, again = (apply(images, seed=seed) for _ in range(2))
        if not torch.equal(first, again):
            raise AugcamError(
                f"{step['use']}: it draws from a generator of its own: the same seed gives "
                "different images; use torch's, NumPy's or Python's global functions, such as "
                "torch.rand."
            )


def main() -> None:
    asked = json.load(sys.stdin)
    with redirect_stdout(sys.stderr):  # what users' files print is no fault
        found = faults(asked["conditions"], tuple(asked["size"]))
    print("\n".join(found))


if __name__ == "__main__":
    main()
