"""Grad-CAM++."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod

if TYPE_CHECKING:
    from torch import Tensor


def gradcam_plus_plus(activations: Tensor, gradients: Tensor) -> Tensor:
    """Positive gradients weighted by pixel (eq. 19)."""
    import torch

    squared, total = gradients**2, activations.sum(dim=(2, 3), keepdim=True)
    alpha = squared / (2 * squared + total * squared * gradients + 1e-6)
    alpha = torch.where(gradients != 0, alpha, 0)
    weights = (gradients.clamp(min=0) * alpha).sum(dim=(2, 3), keepdim=True)
    return (weights * activations).sum(1)


ENTRY = CamMethod(
    name="gradcam++",
    display_name="Grad-CAM++",
    reference="Chattopadhay et al. 2018",
    function=gradcam_plus_plus,
)
