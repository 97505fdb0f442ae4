"""FullGrad."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from augcam.explanation.subject import Explain, Subject


def fullgrad(subject: Subject) -> AbstractContextManager[Explain]:
    """|Input × gradient| and |bias × gradient| of all layers, each scaled to [0, 1], added up."""
    from augcam.explanation.through_gradcam import full_grad

    return full_grad(subject)


ENTRY = CamMethod(
    name="fullgrad",
    display_name="FullGrad",
    reference="Srinivas and Fleuret 2019",
    function=fullgrad,
    needs="model",
    passes=lambda channels, cells: 3,
)
