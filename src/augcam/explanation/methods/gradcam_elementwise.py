"""Grad-CAM, element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod

if TYPE_CHECKING:
    from torch import Tensor


def gradcam_elementwise(activations: Tensor, gradients: Tensor) -> Tensor:
    """Gradient × activation where that is positive."""
    return (gradients * activations).clamp(min=0).sum(1)


ENTRY = CamMethod(
    name="gradcam_elementwise",
    display_name="Element-wise Grad-CAM",
    reference="pytorch-grad-cam's GradCAMElementWise",
    function=gradcam_elementwise,
    equal_if_nonnegative="layercam",
)
