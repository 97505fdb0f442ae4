"""Feature explanation method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod

if TYPE_CHECKING:
    from torch import Tensor


def fem(activations: Tensor) -> Tensor:
    """Channels weighted by the share of their cells above mean + 2 deviations."""
    cells = (2, 3)
    mean = activations.mean(cells, keepdim=True)
    deviation = activations.std(cells, correction=0, keepdim=True)
    strong = (activations > mean + 2 * deviation).to(activations.dtype)
    return (strong.mean(cells, keepdim=True) * activations).sum(1)


ENTRY = CamMethod(
    name="fem",
    display_name="FEM",
    reference="Fuad et al. 2020",
    function=fem,
    needs="activations",
    class_dependent=False,
)
