"""CAM methods: how activations and gradients become a map."""

from collections.abc import Callable

import torch
from torch import Tensor

CamMethod = Callable[[Tensor, Tensor], Tensor]
"""(activations, gradients), both (B, C, h, w) → raw map (B, h, w), signed."""


def gradcam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM: channels weighted by their mean gradient (Selvaraju et al. 2017, eq. 1 and 2)."""
    weights = gradients.mean(dim=(2, 3), keepdim=True)
    return (weights * activations).sum(1)


def gradcam_plus_plus(activations: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM++: positive gradients weighted by pixel (Chattopadhay et al. 2018, eq. 19)."""
    squared, total = gradients**2, activations.sum(dim=(2, 3), keepdim=True)
    alpha = squared / (2 * squared + total * squared * gradients + 1e-6)
    alpha = torch.where(gradients != 0, alpha, 0)
    weights = (gradients.clamp(min=0) * alpha).sum(dim=(2, 3), keepdim=True)
    return (weights * activations).sum(1)


def xgradcam(activations: Tensor, gradients: Tensor) -> Tensor:
    """XGrad-CAM: gradients averaged by share of activation (Fu et al. 2020, eq. 7)."""
    total = activations.sum(dim=(2, 3), keepdim=True)
    weights = (gradients * activations / (total + 1e-7)).sum(dim=(2, 3), keepdim=True)
    return (weights * activations).sum(1)


def hirescam(activations: Tensor, gradients: Tensor) -> Tensor:
    """HiResCAM: gradient × activation, pixel by pixel (Draelos and Carin 2020)."""
    return (gradients * activations).sum(1)


def layercam(activations: Tensor, gradients: Tensor) -> Tensor:
    """LayerCAM: positive gradient × activation, pixel by pixel (Jiang et al. 2021, eq. 6)."""
    return (gradients.clamp(min=0) * activations).sum(1)


CAM_METHODS: dict[str, CamMethod] = {
    "gradcam": gradcam,
    "gradcam++": gradcam_plus_plus,
    "xgradcam": xgradcam,
    "hirescam": hirescam,
    "layercam": layercam,
}
"""By the name used in the config (`cam.method`)."""
