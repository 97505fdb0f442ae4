"""Building networks: torchvision's classifiers, and the CIFAR networks that it lacks."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augcam.errors import AugcamError


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut without parameters (He et al. 2016, 4.2, option A)."""

    def __init__(self, channels_in: int, channels: int, stride: int, drop_probability: float):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride = stride
        self.padding = channels - channels_in
        self.drop_probability = drop_probability

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x[:, :, :: self.stride, :: self.stride]
        if self.padding:
            shortcut = F.pad(shortcut, (0, 0, 0, 0, 0, self.padding))
        residual = F.relu(self.bn1(self.conv1(x)))
        residual = self.bn2(self.conv2(residual))
        if self.training and self.drop_probability > 0:
            keep = 1 - self.drop_probability
            mask = torch.empty(len(x), 1, 1, 1, device=x.device).bernoulli_(keep)
            residual = residual * (mask / keep)
        return F.relu(residual + shortcut)


class ResNetCifar(nn.Module):
    """The CIFAR ResNet of He et al. 2016, section 4.2: 6·n + 2 layers, 16, 32 and 64 channels.

    `dropout` (before the classifier) and `stochastic_depth_prob` (of the last block, growing
    linearly with depth, as in torchvision's EfficientNet) are 0 in the original.
    """

    def __init__(
        self,
        blocks: int,
        num_classes: int,
        dropout: float = 0.0,
        stochastic_depth_prob: float = 0.0,
    ):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
        )
        channels_in = 16
        for stage, channels in enumerate((16, 32, 64)):
            layers = []
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                depth = (stage * blocks + block + 1) / (3 * blocks)
                layers.append(
                    ResidualBlock(channels_in, channels, stride, stochastic_depth_prob * depth)
                )
                channels_in = channels
            self.add_module(f"layer{stage + 1}", nn.Sequential(*layers))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(64, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer3(self.layer2(self.layer1(self.stem(x))))
        return self.fc(self.dropout(self.avgpool(x).flatten(1)))


OWN_ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    f"resnet{6 * blocks + 2}": partial(ResNetCifar, blocks) for blocks in (3, 5, 7, 9)
}


def build(architecture: str, num_classes: int, arguments: dict[str, Any], seed: int) -> nn.Module:
    """Build a network with weights drawn from `seed` (float32, on the CPU, in training mode).

    `arguments` go to the architecture's builder. Raises AugcamError where the builder refuses them.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            if architecture in OWN_ARCHITECTURES:
                return OWN_ARCHITECTURES[architecture](num_classes=num_classes, **arguments)
            return _torchvision(architecture, num_classes, arguments)
        except (TypeError, ValueError) as error:
            raise AugcamError(
                f"architecture_arguments.{architecture}: {arguments} is refused by the "
                f"architecture's builder ({error})."
            ) from error


def _torchvision(architecture: str, num_classes: int, arguments: dict[str, Any]) -> nn.Module:
    from torchvision.models import DenseNet, get_model

    defaults: dict[str, Any] = {}
    if architecture in ("googlenet", "inception_v3"):  # otherwise several outputs in training
        defaults = {"aux_logits": False, "init_weights": True}
    model = get_model(architecture, weights=None, num_classes=num_classes, **defaults | arguments)
    pooling = getattr(model, "avgpool", None)
    if isinstance(pooling, nn.AdaptiveAvgPool2d) and pooling.output_size not in (1, (1, 1)):
        model.avgpool = RepeatablePool(pooling.output_size)  # AlexNet, VGG
    return _with_visible_relu(model) if isinstance(model, DenseNet) else model


def _with_visible_relu(model: nn.Module) -> nn.Module:
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
        return pooled_by_products(x, self.output_size) if x.is_cuda else super().forward(x)


def pooled_by_products(x: Tensor, size: tuple[int, int]) -> Tensor:
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


def has_random_layers(model: nn.Module) -> bool:
    """Whether training this network draws random numbers (dropout, stochastic depth)."""
    rates = ("p", "drop_probability")
    return any(
        isinstance(getattr(module, rate, None), float) and getattr(module, rate) > 0
        for module in model.modules()
        for rate in rates
    )
