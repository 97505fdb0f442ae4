"""MixUp: the mean of two training images, and of their labels, with random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from augcam.config.fields import Section
from augcam.entries import Augmentation

if TYPE_CHECKING:
    from torch import Tensor


class MixupParameters(Section):
    alpha: Annotated[float, Field(ge=0, le=100)] = 1.0
    """The other image's share is Beta(alpha, alpha): halves where large, all or nothing where
    small; 0 mixes nothing."""


def draw(rng, count, _size, parameters):
    alpha = parameters["alpha"]
    return {"share": rng.beta(alpha, alpha, count) if alpha else rng.random(count) * 0}


def apply(images: Tensor, partners: Tensor, share: Tensor) -> Tensor:
    """Images with `share` (B,), in [0, 1], of their partners."""
    import torch

    from augcam.augment.pixels import column

    return torch.lerp(images, partners, column(share))


def label_share(drawn, _size, _parameters) -> Tensor:
    """The partner's share of the label is that of the image."""
    return drawn["share"]


ENTRY = Augmentation(
    name="mixup",
    display_name="MixUp",
    reference="Zhang et al. 2018",
    parameters=MixupParameters,
    fixed=lambda parameters: not parameters["alpha"],
    draw=draw,
    apply=apply,
    mixes=True,
    label_share=label_share,
)
