"""torchvision's classifiers, changed where training or explaining them needs it."""

from collections import OrderedDict
from typing import Any, cast

import torch
from torch import Tensor, nn

Size = tuple[int, int]


def torchvision_network(architecture: str, num_classes: int, **arguments: Any) -> nn.Module:
    """A classifier of torchvision by its name there, with random weights.

    `input_size`, in pixels, goes to those that are built for one: vision transformers and MaxViT.
    """
    from torchvision.models import DenseNet, get_model

    size = arguments.pop("input_size", None)
    defaults: dict[str, Any] = {}
    if size is not None:
        is_vit = architecture.startswith("vit")
        defaults = {"image_size": size} if is_vit else {"input_size": (size, size)}
    if architecture in ("googlenet", "inception_v3"):  # otherwise several outputs in training
        defaults = {"aux_logits": False, "init_weights": True}
    model = get_model(architecture, weights=None, num_classes=num_classes, **defaults | arguments)
    pooling = getattr(model, "avgpool", None)
    if isinstance(pooling, nn.AdaptiveAvgPool2d) and pooling.output_size not in (1, (1, 1)):
        model.avgpool = RepeatablePool(pooling.output_size)  # AlexNet, VGG
    return with_visible_relu(model) if isinstance(model, DenseNet) else model


def with_visible_relu(model: Any) -> nn.Module:
    """DenseNet with its last ReLU as a layer; names of weights and results stay the same.

    torchvision applies it as an in-place function after `features`, where no hook sees it and where
    it overwrites what a hook has kept.
    """
    return nn.Sequential(
        OrderedDict(
            features=nn.Sequential(OrderedDict(model.features.named_children(), relu5=nn.ReLU())),
            avgpool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            classifier=model.classifier,
        )
    )


class RepeatablePool(nn.AdaptiveAvgPool2d):
    """Adaptive pooling of which the gradient repeats bit by bit on a GPU, too.

    torch's own adds it up there in any order wherever the output is larger than 1×1, and refuses
    to do so in deterministic mode.
    """

    def forward(self, x: Tensor) -> Tensor:
        return (
            pooled_by_products(x, cast(Size, self.output_size)) if x.is_cuda else super().forward(x)
        )


def pooled_by_products(x: Tensor, size: Size) -> Tensor:
    """Adaptive average pooling (B, C, H, W) → (B, C, *size) as two matrix products."""
    rows, columns = (pooling_matrix(n, m, x) for n, m in zip(x.shape[-2:], size))
    return rows @ x @ columns.T


def pooling_matrix(size: int, bins: int, like: Tensor) -> Tensor:
    """(bins, size): each row averages one bin, from ⌊i·size/bins⌋ to ⌈(i + 1)·size/bins⌉."""
    # Made where it is used, from nothing but kernels: a CUDA graph can record that.
    position = torch.arange(size, device=like.device)
    number = torch.arange(bins, device=like.device)[:, None]
    start, end = number * size // bins, ((number + 1) * size + bins - 1) // bins
    inside = ((position >= start) & (position < end)).to(like.dtype)
    return inside / inside.sum(1, keepdim=True)
