"""Eigen-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod

if TYPE_CHECKING:
    from torch import Tensor


def eigencam(activations: Tensor) -> Tensor:
    """First principal component of activations, towards their mean over channels."""
    from augcam.explanation.projections import first_component, towards

    return towards(first_component(activations), activations.mean(1))


ENTRY = CamMethod(
    name="eigencam",
    display_name="Eigen-CAM",
    reference="Muhammad and Yeasin 2020",
    function=eigencam,
    needs="activations",
    class_dependent=False,
)
