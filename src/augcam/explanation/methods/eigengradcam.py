"""Eigen-Grad-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod

if TYPE_CHECKING:
    from torch import Tensor


def eigengradcam(activations: Tensor, gradients: Tensor) -> Tensor:
    """First principal component of gradient × activation, towards their mean over channels."""
    from augcam.explanation.projections import first_component, towards

    weighted = gradients * activations
    return towards(first_component(weighted), weighted.mean(1))


ENTRY = CamMethod(
    name="eigengradcam",
    display_name="Eigen-Grad-CAM",
    reference="pytorch-grad-cam's EigenGradCAM, after Muhammad and Yeasin 2020",
    function=eigengradcam,
)
