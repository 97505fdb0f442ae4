"""XGrad-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod

if TYPE_CHECKING:
    from torch import Tensor


def xgradcam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Gradients averaged by share of activation (eq. 7)."""
    total = activations.sum(dim=(2, 3), keepdim=True)
    weights = (gradients * activations / (total + 1e-7)).sum(dim=(2, 3), keepdim=True)
    return (weights * activations).sum(1)


ENTRY = CamMethod(
    name="xgradcam",
    display_name="XGrad-CAM",
    reference="Fu et al. 2020",
    function=xgradcam,
    equal_if_pooled_linear="gradcam",
)
