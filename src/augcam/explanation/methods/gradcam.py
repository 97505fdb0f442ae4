"""Grad-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod

if TYPE_CHECKING:
    from torch import Tensor


def gradcam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Channels weighted by their mean gradient (eq. 1 and 2)."""
    weights = gradients.mean(dim=(2, 3), keepdim=True)
    return (weights * activations).sum(1)


ENTRY = CamMethod(
    name="gradcam",
    display_name="Grad-CAM",
    reference="Selvaraju et al. 2017",
    function=gradcam,
)
