"""Input × gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from augcam.explanation.subject import Explain, Subject


def input_x_gradient(subject: Subject) -> AbstractContextManager[Explain]:
    """Pixel × gradient of the logit there."""
    from augcam.explanation.through_captum import input_x_gradient

    return input_x_gradient(subject)


ENTRY = CamMethod(
    name="captum.InputXGradient",
    display_name="Input × gradient",
    reference="Shrikumar et al. 2016",
    function=input_x_gradient,
    needs="model",
    extra="captum",
    passes=lambda channels, cells: 3,
)
