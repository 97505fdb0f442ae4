"""KPCA-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod

if TYPE_CHECKING:
    from torch import Tensor


def kpcacam(activations: Tensor) -> Tensor:
    """First component of a kernel PCA with a sigmoid kernel, towards the mean over channels."""
    from augcam.explanation.projections import first_kernel_component, towards

    return towards(first_kernel_component(activations), activations.mean(1))


ENTRY = CamMethod(
    name="kpcacam",
    display_name="KPCA-CAM",
    reference="Karmani et al. 2024",
    function=kpcacam,
    needs="activations",
    class_dependent=False,
)
