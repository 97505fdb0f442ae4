"""Shapley-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from augcam.explanation.subject import Explain, Subject


def shapleycam(subject: Subject) -> AbstractContextManager[Explain]:
    """Channels weighted by the mean of gradient − ½ Hessian × activation."""
    from augcam.explanation.through_gradcam import shapley_cam

    return shapley_cam(subject)


ENTRY = CamMethod(
    name="shapleycam",
    display_name="Shapley-CAM",
    reference="Cai 2025",
    function=shapleycam,
    needs="model",
    passes=lambda channels, cells: 1,
    equal_if_pooled_linear="gradcam",
)
