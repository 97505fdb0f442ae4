"""Ablation-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from torch import Tensor

    from augcam.explanation.subject import Explain, Subject


def ablationcam(subject: Subject) -> AbstractContextManager[Explain]:
    """Channels weighted by the share of the score that is lost without them (eq. 3)."""
    from augcam.explanation.through_gradcam import ablation_cam

    return ablation_cam(subject)


def without_passes(activations: Tensor, gradients: Tensor, scores: Tensor) -> Tensor:
    """What is lost without a channel is its part of the sum that a linear head makes."""
    lost = (gradients * activations).sum(dim=(2, 3)) / scores[:, None]
    return (lost[:, :, None, None] * activations).sum(1)


ENTRY = CamMethod(
    name="ablationcam",
    display_name="Ablation-CAM",
    reference="Desai and Ramaswamy 2020",
    function=ablationcam,
    needs="model",
    closed_form=without_passes,
    passes=lambda channels, cells: channels + 2,
)
