"""LayerCAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod

if TYPE_CHECKING:
    from torch import Tensor


def layercam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Positive gradient × activation, pixel by pixel (eq. 6)."""
    return (gradients.clamp(min=0) * activations).sum(1)


ENTRY = CamMethod(
    name="layercam",
    display_name="LayerCAM",
    reference="Jiang et al. 2021",
    function=layercam,
)
