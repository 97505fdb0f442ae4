"""A network of one's own: `model: {architecture: examples/my_model.py:Net}`.

It takes the number of classes, and what `architecture_arguments` gives it; where it has a parameter
`input_size`, the side of its inputs in pixels, too. From images (N, 3, s, s) it makes logits (N,
classes). The layer to explain is found: here `features.2`, the last map before pooling.
"""

from torch import Tensor, nn


def block(channels_in: int, channels: int) -> nn.Sequential:
    convolution = nn.Conv2d(channels_in, channels, 3, stride=2, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels), nn.ReLU())


class Net(nn.Module):
    def __init__(self, num_classes: int, width: int = 16):
        super().__init__()
        self.features = nn.Sequential(
            block(3, width), block(width, 2 * width), block(2 * width, 4 * width)
        )
        self.head = nn.Linear(4 * width, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images).mean((2, 3)))
