"""CutMix: a patch of another training image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from augcam.config.fields import Factor, Section
from augcam.entries import Augmentation

if TYPE_CHECKING:
    from torch import Tensor


class CutmixParameters(Section):
    alpha: Factor = 1.0
    """The pasted share of the image is `max_area` × Beta(alpha, alpha)."""
    max_area: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Largest pasted share; 1 is Yun et al. 2019, 0.5 leaves the label's image the larger part."""
    label: Literal["source", "mixed"] = "source"
    """`source`: the first image's label (section 2.2); `mixed`: both, by area (Yun et al. 2019)."""


def draw(rng, count, size, parameters):
    import numpy as np

    height, width = size
    alpha = parameters["alpha"]
    side = np.sqrt(parameters["max_area"] * rng.beta(alpha, alpha, count))
    x, y = rng.integers(width, size=count), rng.integers(height, size=count)
    half_width, half_height = (0.5 * side * width).astype(int), (0.5 * side * height).astype(int)
    box = [
        np.maximum(x - half_width, 0),
        np.maximum(y - half_height, 0),
        np.minimum(x + half_width, width),
        np.minimum(y + half_height, height),
    ]
    return {"box": np.stack(box, axis=1)}


def apply(images: Tensor, partners: Tensor, box: Tensor) -> Tensor:
    """Paste `box` (B, 4: left, top, right, bottom, the latter two excluded; int64) of partners."""
    import torch

    from augcam.augment.pixels import inside

    return torch.where(inside(box, images.shape[-2:]), partners, images)


def label_share(drawn, size, parameters) -> Tensor | None:
    """The pasted share of the image where labels are mixed."""
    return pasted_share(drawn["box"], size) if parameters["label"] == "mixed" else None


def pasted_share(box: Tensor, size: tuple[int, int]) -> Tensor:
    """Share (B,) of the image that `box` covers, in [0, 1]."""
    return (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]) / (size[0] * size[1])


ENTRY = Augmentation(
    name="cutmix",
    display_name="CutMix",
    colour="#88CCEE",
    reference="Yun et al. 2019",
    parameters=CutmixParameters,
    draw=draw,
    apply=apply,
    mixes=True,
    label_share=label_share,
)
