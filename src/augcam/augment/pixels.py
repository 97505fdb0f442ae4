"""What augmentations share: coordinates, sampling, luminance, mirrored borders.

Definitions follow torchvision, whose functional forms the tests compare with. kornia offers the
same operations with parameters per image, but draws them from torch's global generator and takes
two to four times as long at 32×32; torchvision draws once per batch.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def column(values: Tensor) -> Tensor:
    """(B,) → (B, 1, 1, 1), to meet images."""
    return values[:, None, None, None]


def pixel_grid(size: Sequence[int], device: torch.device) -> tuple[Tensor, Tensor]:
    """x (1, 1, W) and y (1, H, 1): coordinates of the pixels' centres from the image's centre."""
    height, width = size
    x = torch.arange(width, device=device, dtype=torch.float32) - (width - 1) / 2
    y = torch.arange(height, device=device, dtype=torch.float32) - (height - 1) / 2
    return x[None, None, :], y[None, :, None]


def sample(images: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Bilinear samples of images at x, y (B, H, W), in pixels from the centre; 0 outside."""
    height, width = images.shape[-2:]
    grid = torch.stack(torch.broadcast_tensors(x * (2 / width), y * (2 / height)), dim=-1)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def inside(box: Tensor, size: Sequence[int]) -> Tensor:
    """Which pixels (B, 1, H, W) lie in `box` (B, 4: left, top, right, bottom, the latter two
    excluded), bool."""
    height, width = size
    x = torch.arange(width, device=box.device)
    y = torch.arange(height, device=box.device)
    left, top, right, bottom = (box[:, i, None] for i in range(4))
    inside_x = (x >= left) & (x < right)
    inside_y = (y >= top) & (y < bottom)
    return (inside_y[:, :, None] & inside_x[:, None, :])[:, None]


def grey(images: Tensor) -> Tensor:
    """Luminance (B, 1, H, W) by ITU-R 601, as Pillow and torchvision."""
    red, green, blue = images.unbind(1)
    return (0.2989 * red + 0.587 * green + 0.114 * blue)[:, None]
