"""Seg-Eigen-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod

if TYPE_CHECKING:
    from torch import Tensor


def segeigencam(activations: Tensor, gradients: Tensor) -> Tensor:
    """First principal component of |gradient| × activation; its peak is positive (eq. 13)."""
    from augcam.explanation.projections import first_component, upright

    return upright(first_component(gradients.abs() * activations))


ENTRY = CamMethod(
    name="segeigencam",
    display_name="Seg-Eigen-CAM",
    reference="Chung and Ying 2025",
    function=segeigencam,
)
