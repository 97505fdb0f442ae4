"""Gaussian noise of random strength, independent per pixel and channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.config.fields import LevelRange, Section
from augcam.entries import Augmentation

if TYPE_CHECKING:
    from torch import Tensor


class NoiseParameters(Section):
    std: LevelRange = (0.0, 0.1)
    """Range of the standard deviation, where black is 0 and white is 1; one number is a fixed
    one."""


def draw(rng, count, size, parameters):
    import numpy as np

    std = rng.uniform(*parameters["std"], (count, 1, 1, 1)).astype(np.float32)
    return {"noise": std * rng.standard_normal((count, 3, *size), dtype=np.float32)}


def apply(images: Tensor, noise: Tensor) -> Tensor:
    """Add `noise` (B, 3, H, W), and cut off what leaves [0, 1]."""
    return (images + noise).clamp(0, 1)


ENTRY = Augmentation(
    name="noise",
    display_name="Gaussian noise",
    reference="torchvision's GaussianNoise",
    parameters=NoiseParameters,
    fixed=lambda parameters: not any(parameters["std"]),
    draw=draw,
    apply=apply,
)
