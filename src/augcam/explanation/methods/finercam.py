"""Finer-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod
from augcam.explanation.methods.gradcam import gradcam

if TYPE_CHECKING:
    from torch import Tensor


RIVALS = 3
"""How many classes the explained one is told apart from: those with the nearest logits."""


def lead(logits: Tensor, classes: Tensor) -> Tensor:
    """How far the logit of the class is ahead of its rivals', weighted by their probabilities."""
    import torch

    own = logits.gather(1, classes[:, None])
    distance = (logits - own).detach().abs().scatter(1, classes[:, None], -1)
    rivals = distance.argsort(dim=1, stable=True)[:, 1 : 1 + RIVALS]
    weights = torch.softmax(logits, 1).gather(1, rivals)
    ahead = own - logits.gather(1, rivals)
    return (weights * ahead).sum(1) / (weights.sum(1) + 1e-9)


def finercam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM of the lead over the three classes with the nearest logits."""
    return gradcam(activations, gradients)


ENTRY = CamMethod(
    name="finercam",
    display_name="Finer-CAM",
    reference="Zhang et al. 2025",
    function=finercam,
    score=lead,
)
