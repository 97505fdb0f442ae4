"""HiResCAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod

if TYPE_CHECKING:
    from torch import Tensor


def hirescam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Gradient × activation, pixel by pixel."""
    return (gradients * activations).sum(1)


ENTRY = CamMethod(
    name="hirescam",
    display_name="HiResCAM",
    reference="Draelos and Carin 2020",
    function=hirescam,
    equal_if_pooled_linear="gradcam",
)
