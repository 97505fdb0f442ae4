"""Networks of a user's own, good and bad, for the tests."""

import torch
from torch import nn


class Net(nn.Module):
    """Two convolutions; the layer to explain is `body.3`."""

    def __init__(self, num_classes, width=4):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width))
        self.body = nn.Sequential(
            nn.ReLU(), nn.Conv2d(width, width, 3, 2, 1), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.head = nn.Linear(width, num_classes)

    def forward(self, images):
        return self.head(self.body(self.stem(images)).mean((2, 3)))


class Tokens(nn.Module):
    """A transformer of one layer, for inputs of one size, that pools its class token."""

    def __init__(self, num_classes, input_size):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.position = nn.Parameter(torch.randn(1, (input_size // 4) ** 2 + 1, 8))
        self.norm1 = nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm2 = nn.LayerNorm(8)
        self.head = nn.Linear(8, num_classes)

    def forward(self, images):
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(images), -1, -1), tokens], 1) + self.position
        seen = self.norm1(tokens)
        tokens = tokens + self.attention(seen, seen, seen)[0]
        return self.head(self.norm2(tokens)[:, 0])


class Tuple(Net):
    def forward(self, images):
        return super().forward(images), images


class Dictionary(Net):
    def forward(self, images):
        return {"logits": super().forward(images)}


class NotANumber(Net):
    """In evaluation mode alone, where the rehearsal of training does not see it."""

    def forward(self, images):
        return super().forward(images) / (1.0 if self.training else 0.0) * 0.0


class OneSize(Net):
    """A classifier of flattened 16×16 maps."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.head = nn.Linear(4 * 16 * 16, num_classes)

    def forward(self, images):
        return self.head(self.body(self.stem(images)).flatten(1))


class NormalisedHead(Net):
    """Batch normalisation after pooling, which takes no batch of one."""

    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.norm = nn.BatchNorm1d(4)

    def forward(self, images):
        return self.head(self.norm(self.body(self.stem(images)).mean((2, 3))))


def no_module(num_classes):
    return lambda images: images


def wrong_count(num_classes):
    return Net(num_classes + 1)


def small_vgg(num_classes):
    """A VGG with few channels: what follows its last map is no pooling with one linear layer."""
    from torchvision.models.vgg import make_layers

    features = make_layers([16, "M", 24, "M", 32, "M", 40, 40, "M"])
    head = nn.Linear(40 * 16, 64), nn.ReLU(True), nn.Dropout(), nn.Linear(64, num_classes)
    return nn.Sequential(features, nn.AdaptiveAvgPool2d(4), nn.Flatten(), *head)
