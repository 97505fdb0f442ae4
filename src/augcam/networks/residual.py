"""The CIFAR networks that torchvision lacks."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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

    layer1: nn.Sequential
    layer2: nn.Sequential
    layer3: nn.Sequential

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
