"""Saliency."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from augcam.explanation.subject import Explain, Subject


def saliency(subject: Subject) -> AbstractContextManager[Explain]:
    """|Gradient| of the logit at each pixel; never negative."""
    from augcam.explanation.through_captum import saliency

    return saliency(subject)


ENTRY = CamMethod(
    name="captum.Saliency",
    display_name="Saliency",
    reference="Simonyan et al. 2014",
    function=saliency,
    needs="model",
    extra="captum",
    passes=lambda channels, cells: 3,
)
