"""Integrated gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from augcam.explanation.subject import Explain, Subject


STEPS = 32
"""Points of the line; a gradient down to the pixels is taken at each."""


def integrated_gradients(subject: Subject) -> AbstractContextManager[Explain]:
    """Pixel × mean gradient along the line from the mean colour to the image."""
    from augcam.explanation.through_captum import integrated_gradients

    return integrated_gradients(subject, STEPS)


ENTRY = CamMethod(
    name="captum.IntegratedGradients",
    display_name="Integrated gradients",
    reference="Sundararajan et al. 2017",
    function=integrated_gradients,
    needs="model",
    extra="captum",
    passes=lambda channels, cells: 3 * STEPS,
)
