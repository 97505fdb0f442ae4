"""Gradient SHAP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from augcam.explanation.subject import Explain, Subject


SAMPLES = 8
"""Random points, at each of which a gradient is taken."""


def gradient_shap(subject: Subject) -> AbstractContextManager[Explain]:
    """Mean gradient × difference at random points between random images and the image."""
    from augcam.explanation.through_captum import gradient_shap

    return gradient_shap(subject, SAMPLES)


ENTRY = CamMethod(
    name="captum.GradientShap",
    display_name="Gradient SHAP",
    reference="Lundberg and Lee 2017",
    function=gradient_shap,
    needs="model",
    extra="captum",
    passes=lambda channels, cells: 3 * SAMPLES,
)
