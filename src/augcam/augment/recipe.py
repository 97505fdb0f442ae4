"""What is done to the copies of a condition: steps, one after another."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from augcam.augment.draws import draw
from augcam.augment.foreign import foreign
from augcam.data.images import send
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
        self.steps = [_step(**step) for step in steps]
        self.has_copies = all(step.augmentation.copies for step in self.steps)
        self.mixes = any(step.augmentation.mixes for step in self.steps)

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
        shown = Shown(images, labels)
        for place, step in enumerate(self.steps):
            augmentation, parameters = step
            if augmentation.apply is None:
                continue
            size = (images.shape[-2], images.shape[-1])
            drawn = draw(augmentation, rng, len(images), size, parameters)
            drawn = {name: send(value, images.device) for name, value in drawn.items()}
            targets = shown.targets
            if augmentation.mixes:
                pixels, classes = partners(rng)
                before = _without_mixing(self.steps[:place])
                drawn["partners"] = before(pixels, classes, num_classes, rng, partners).images
                share = augmentation.label_share(drawn, size, parameters)
                targets = _mixed(labels, classes, share, num_classes)
            shown = Shown(augmentation.apply(shown.images, **drawn), targets)
        return shown


def _step(use: str, **parameters: Any) -> Step:
    if "." in use or ":" in use:
        return Step(foreign(use, **parameters), {})
    return Step(augmentation_named(use), parameters)


def _without_mixing(steps: list[Step]) -> Recipe:
    recipe = Recipe([])
    recipe.steps = steps
    return recipe


def _mixed(labels: Tensor, others: Tensor, share: Tensor | None, num_classes: int) -> Tensor:
    """Class probabilities of images that hold `share` (B,) of another one; labels where None."""
    if share is None:
        return labels
    part = share.float()[:, None]
    hot = F.one_hot(torch.stack([labels, others]), num_classes).float()
    return (1 - part) * hot[0] + part * hot[1]
