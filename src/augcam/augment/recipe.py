"""What is done to the copies of a condition: steps, one after another."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from augcam.augment.draws import draw
from augcam.augment.foreign import foreign
from augcam.data.pixels import send
from augcam.entries import Augmentation, augmentation_named


class Step(NamedTuple):
    augmentation: Augmentation
    parameters: dict[str, Any]


class Shown(NamedTuple):
    """`images` (B, 3, H, W) float32 in [0, 1], and `targets` of the loss: classes (B,), or where
    labels are mixed their probabilities (B, C)."""

    images: Tensor
    targets: Tensor


class Recipe:
    """The augmentations that a condition consists of.

    `steps` as `augcam.config.conditions.Step`: built-ins by name, others by their paths; one that
    mixes images comes last. `has_copies`: whether anything but originals is shown; `mixes`: whether
    images meet others.
    """

    def __init__(self, steps: Sequence[dict[str, Any]]):
        every = [_step(**step) for step in steps]
        self.has_copies = all(step.augmentation.copies for step in every)
        self._plain = [step for step in every if not step.augmentation.mixes]
        self._mixing = next((step for step in every if step.augmentation.mixes), None)
        self.mixes = self._mixing is not None

    def __call__(
        self,
        images: Tensor,
        labels: Tensor,
        num_classes: int,
        rng: np.random.Generator,
        partners: Callable[[np.random.Generator], tuple[Tensor, Tensor]],
    ) -> Shown:
        """Augment `images` of classes `labels`.

        `partners` draws another training image for each, pixels and class. It passes through the
        steps before the one that mixes, as the image itself does.
        """
        images = self._changed(images, rng)
        if self._mixing is None:
            return Shown(images, labels)
        augmentation, parameters = self._mixing
        drawn = _drawn(self._mixing, images, rng)
        pixels, classes = partners(rng)
        share = augmentation.label_share(drawn, images.shape[-2:], parameters)
        drawn["partners"] = self._changed(pixels, rng)
        mixed = _applied(self._mixing, images, drawn)
        return Shown(mixed, _mixed(labels, classes, share, num_classes))

    def _changed(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        """`images` after all steps that mix none."""
        for step in self._plain:
            images = _applied(step, images, _drawn(step, images, rng))
        return images


def _step(use: str, **parameters: Any) -> Step:
    if "." in use or ":" in use:
        return Step(foreign(use, **parameters), {})
    return Step(augmentation_named(use), parameters)


def _drawn(step: Step, images: Tensor, rng: np.random.Generator) -> dict[str, Tensor]:
    """Random parameters of a step, on the images' device."""
    size = (images.shape[-2], images.shape[-1])
    drawn = draw(step.augmentation, rng, len(images), size, step.parameters)
    return {name: send(value, images.device) for name, value in drawn.items()}


def _applied(step: Step, images: Tensor, drawn: dict[str, Tensor]) -> Tensor:
    """`images` after one step; copies stay copies where it does nothing."""
    apply = step.augmentation.apply
    return images if apply is None else apply(images, **drawn)


def _mixed(labels: Tensor, others: Tensor, share: Tensor | None, num_classes: int) -> Tensor:
    """Class probabilities of images that hold `share` (B,) of another one; labels where None."""
    if share is None:
        return labels
    part = share.float()[:, None]
    hot = F.one_hot(torch.stack([labels, others]), num_classes).float()
    return (1 - part) * hot[0] + part * hot[1]
