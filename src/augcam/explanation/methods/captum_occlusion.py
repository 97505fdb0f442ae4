"""Occlusion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from augcam.explanation.subject import Explain, Subject


def occlusion(subject: Subject) -> AbstractContextManager[Explain]:
    """What the logit loses once a cell of the image has the mean colour."""
    from augcam.explanation.through_captum import occlusion

    return occlusion(subject)


ENTRY = CamMethod(
    name="captum.Occlusion",
    display_name="Occlusion",
    reference="Zeiler and Fergus 2014",
    function=occlusion,
    needs="model",
    extra="captum",
    passes=lambda channels, cells: cells + 1,
)
