"""Augmentations: batched, one set of parameters an image, on the CPU or a GPU.

Every augmentation is a pair of pure functions. `draw` turns a NumPy generator into one row of
parameters an image; `apply` turns images (B, 3, H, W), float32 in [0, 1], and those rows into
images of the same kind. Random numbers are drawn on the CPU, so that every device sees the same.
Definitions follow torchvision, whose functional forms the tests compare with.

kornia offers the same operations with parameters per image, but draws them from torch's global
generator and takes two to four times as long at 32×32; torchvision draws once a batch.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

Draws = dict[str, Tensor]


Size = tuple[int, int]  # height, width


class Augmentation(NamedTuple):
    """`draw(rng, count, size, parameters) -> draws` and `apply(images, **draws) -> images`.

    The first dimension of every tensor in `draws` is the image. Where `mixes` is true, `apply`
    takes the pixels of one other image for each image as `partners` (B, 3, H, W).
    """

    draw: Callable[[np.random.Generator, int, Size, dict[str, Any]], Draws]
    apply: Callable[..., Tensor]
    mixes: bool = False


def _float(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))


def _column(values: Tensor) -> Tensor:
    """(B,) → (B, 1, 1, 1), to meet images."""
    return values[:, None, None, None]


def _draw_nothing(_rng: np.random.Generator, _count: int, _size: Size, _parameters: dict) -> Draws:
    return {}


def identity(images: Tensor) -> Tensor:
    """The control: an augmented copy that is a copy."""
    return images


def pixel_grid(size: Size, device: torch.device) -> tuple[Tensor, Tensor]:
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


def draw_affine(
    rng: np.random.Generator, count: int, size: Size, parameters: dict[str, Any]
) -> Draws:
    height, width = size
    degrees, shear = parameters["degrees"], parameters["shear"]
    limit = np.array(parameters["translate"]) * (width, height)
    return {
        "angle": _float(rng.uniform(-degrees, degrees, count)),
        "translate": _float(rng.uniform(-limit, limit, (count, 2))),
        "scale": _float(rng.uniform(*parameters["scale"], count)),
        "shear": _float(rng.uniform(-shear, shear, count)),
    }


def affine(
    images: Tensor, angle: Tensor, translate: Tensor, scale: Tensor, shear: Tensor
) -> Tensor:
    """Rotate by `angle` (B,) degrees clockwise, scale (B,), shear along x (B,) degrees, then shift.

    `translate` (B, 2): pixels along x and y. What comes from outside the image is 0.
    """
    angle, shear = torch.deg2rad(angle)[:, None, None], torch.deg2rad(shear)[:, None, None]
    scale = scale[:, None, None]
    x, y = pixel_grid(images.shape[-2:], images.device)
    x, y = x - translate[:, 0, None, None], y - translate[:, 1, None, None]
    # Inverse of rotation @ shear @ scale: where each output pixel comes from.
    cos, sin, tan = torch.cos(angle), torch.sin(angle), torch.tan(shear)
    return sample(
        images,
        ((cos - sin * tan) * x + (sin + cos * tan) * y) / scale,
        (cos * y - sin * x) / scale,
    )


def draw_randcrop(
    rng: np.random.Generator, count: int, size: Size, parameters: dict[str, Any]
) -> Draws:
    height, width = size
    area = rng.uniform(*parameters["scale"], count) * height * width
    ratio = np.exp(rng.uniform(*np.log(parameters["ratio"]), count))
    crop_width = np.clip(np.rint(np.sqrt(area * ratio)), 1, width)
    crop_height = np.clip(np.rint(np.sqrt(area / ratio)), 1, height)
    left = np.floor(rng.random(count) * (width - crop_width + 1))
    top = np.floor(rng.random(count) * (height - crop_height + 1))
    return {"box": _float(np.stack([left, top, crop_width, crop_height], axis=1))}


def randcrop(images: Tensor, box: Tensor) -> Tensor:
    """Cut `box` (B, 4: left, top, width, height in pixels) and resize it to the image's size."""
    height, width = images.shape[-2:]

    def source(start: Tensor, length: Tensor, size: int) -> Tensor:
        centre = torch.arange(size, device=images.device, dtype=torch.float32) + 0.5
        position = (centre * length / size - 0.5).clamp(min=0)
        return start + torch.minimum(position, length - 1) - (size - 1) / 2

    left, top, crop_width, crop_height = (box[:, i, None] for i in range(4))
    x = source(left, crop_width, width)[:, None, :]
    y = source(top, crop_height, height)[:, :, None]
    return sample(images, x, y)


def draw_elastic(
    rng: np.random.Generator, count: int, size: Size, parameters: dict[str, Any]
) -> Draws:
    height, width = size
    noise = _float(rng.uniform(-1, 1, (count, 2, height, width)))
    smooth_y = gaussian_matrix(height, parameters["sigma"])
    smooth_x = gaussian_matrix(width, parameters["sigma"])
    # In torchvision alpha / size is in half image widths, hence alpha / 2 in pixels.
    return {"displacement": smooth_y @ noise @ smooth_x.T * (parameters["alpha"] / 2)}


@cache
def gaussian_matrix(size: int, sigma: float) -> Tensor:
    """(size, size): Gaussian smoothing of a signal mirrored at its ends, as a matrix.

    As `scipy.ndimage.gaussian_filter1d(..., mode="mirror", truncate=4)`, whose import would take
    longer than all of an epoch's draws.
    """
    radius = int(4 * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    period = max(2 * size - 2, 1)
    source = (np.arange(size)[:, None] + offsets) % period  # (size, 2·radius + 1)
    matrix = np.zeros((size, size))
    rows = np.broadcast_to(np.arange(size)[:, None], source.shape)
    np.add.at(matrix, (rows, np.minimum(source, period - source)), weights / weights.sum())
    return _float(matrix)


def elastic(images: Tensor, displacement: Tensor) -> Tensor:
    """Move every pixel by `displacement` (B, 2: x and y, H, W), in pixels."""
    x, y = pixel_grid(images.shape[-2:], images.device)
    return sample(images, x + displacement[:, 0], y + displacement[:, 1])


def draw_colorjitter(
    rng: np.random.Generator, count: int, _size: Size, parameters: dict[str, Any]
) -> Draws:
    def factor(spread: float) -> Tensor:
        return _float(rng.uniform(1 - spread, 1 + spread, count))

    return {
        "brightness": factor(parameters["brightness"]),
        "contrast": factor(parameters["contrast"]),
        "saturation": factor(parameters["saturation"]),
        "hue": _float(rng.uniform(-parameters["hue"], parameters["hue"], count)),
    }


def colorjitter(
    images: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor, hue: Tensor
) -> Tensor:
    """Brightness, contrast, saturation (factors, 1 = unchanged) and hue (turns), in this order."""
    images = (images * _column(brightness)).clamp(0, 1)
    mean = grey(images).mean(dim=(1, 2, 3), keepdim=True)
    images = torch.lerp(mean, images, _column(contrast)).clamp(0, 1)
    images = torch.lerp(grey(images), images, _column(saturation)).clamp(0, 1)
    return shift_hue(images, hue)


def grey(images: Tensor) -> Tensor:
    """Luminance (B, 1, H, W) by ITU-R 601, as Pillow and torchvision."""
    red, green, blue = images.unbind(1)
    return (0.2989 * red + 0.587 * green + 0.114 * blue)[:, None]


def shift_hue(images: Tensor, hue: Tensor) -> Tensor:
    """Turn the hue of images by `hue` (B,), in turns of the colour circle.

    Value V and chroma C stay; each channel follows V − C·max(0, min(1, k, 4 − k)) with
    k = (n + hue·6) mod 6 and n = 5, 3, 1 for red, green, blue (the closed form of HSV → RGB).
    """
    red, green, blue = images.unbind(1)
    value, minimum = images.amax(1), images.amin(1)
    chroma = value - minimum
    safe = torch.where(chroma > 0, chroma, 1)
    sector = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    sector = sector + 6 * hue[:, None, None]
    channels = []
    for offset in (5, 3, 1):
        k = torch.remainder(sector + offset, 6)
        channels.append(value - chroma * torch.minimum(k, 4 - k).clamp(0, 1))
    return torch.stack(channels, dim=1)


def equalize(images: Tensor) -> Tensor:
    """Equalise the histogram of every channel, on 256 levels, as Pillow and torchvision."""
    count, channels, height, width = images.shape
    levels = (images * 255).round().to(torch.int64).reshape(count * channels, height * width)
    histogram = torch.zeros(count * channels, 256, dtype=torch.int64, device=images.device)
    histogram.scatter_add_(1, levels, torch.ones_like(levels))
    cumulative = histogram.cumsum(1)
    # The brightest occurring level does not count towards the step between two levels.
    brightest = histogram.gather(1, levels.amax(1, keepdim=True))
    step = (height * width - brightest) // 255
    before = F.pad(cumulative, (1, 0))[:, :-1]
    table = ((before + step // 2) // step.clamp(min=1)).clamp(0, 255)
    table = torch.where(step == 0, torch.arange(256, device=images.device), table)
    return (table.gather(1, levels).to(images.dtype) / 255).reshape(images.shape)


def draw_gaussblur(
    rng: np.random.Generator, count: int, _size: Size, parameters: dict[str, Any]
) -> Draws:
    radius = parameters["kernel_size"] // 2
    sigma = rng.uniform(*parameters["sigma"], (count, 1))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return {"kernel": _float(kernel / kernel.sum(axis=1, keepdims=True))}


def gaussblur(images: Tensor, kernel: Tensor) -> Tensor:
    """Convolve rows and columns with `kernel` (B, K), K odd; images are reflected at the border."""
    size = kernel.shape[1]
    radius = size // 2
    height, width = images.shape[-2:]
    rows = _reflected(images, 2, radius)
    images = sum(_column(kernel[:, i]) * rows[:, :, i : i + height] for i in range(size))
    columns = _reflected(images, 3, radius)
    return sum(_column(kernel[:, i]) * columns[:, :, :, i : i + width] for i in range(size))


def _reflected(images: Tensor, dim: int, radius: int) -> Tensor:
    """Images extended along `dim` by mirroring, also where `radius` exceeds the image."""
    size = images.shape[dim]
    index = torch.arange(-radius, size + radius, device=images.device)
    period = max(2 * size - 2, 1)
    index = torch.remainder(index, period)
    return images.index_select(dim, torch.minimum(index, period - index) if size > 1 else index * 0)


def draw_cutmix(
    rng: np.random.Generator, count: int, size: Size, parameters: dict[str, Any]
) -> Draws:
    height, width = size
    alpha = parameters["alpha"]
    side = np.sqrt(parameters["max_area"] * rng.beta(alpha, alpha, count))
    x, y = rng.integers(width, size=count), rng.integers(height, size=count)
    half_width, half_height = (0.5 * side * width).astype(int), (0.5 * side * height).astype(int)
    box = [
        np.maximum(x - half_width, 0),
        np.maximum(y - half_height, 0),
        np.minimum(x + half_width, width),
        np.minimum(y + half_height, height),
    ]
    return {"box": torch.from_numpy(np.stack(box, axis=1))}


def cutmix(images: Tensor, partners: Tensor, box: Tensor) -> Tensor:
    """Paste `box` (B, 4: left, top, right, bottom, the latter two excluded; int64) of partners."""
    height, width = images.shape[-2:]
    x = torch.arange(width, device=images.device)
    y = torch.arange(height, device=images.device)
    left, top, right, bottom = (box[:, i, None] for i in range(4))
    inside_x = (x >= left) & (x < right)
    inside_y = (y >= top) & (y < bottom)
    inside = inside_y[:, :, None] & inside_x[:, None, :]
    return torch.where(inside[:, None], partners, images)


def pasted_share(box: Tensor, size: Size) -> Tensor:
    """Share (B,) of the image that CutMix's `box` covers, in [0, 1]."""
    return (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]) / (size[0] * size[1])


AUGMENTATIONS: dict[str, Augmentation] = {
    "identity": Augmentation(_draw_nothing, identity),
    "affine": Augmentation(draw_affine, affine),
    "cutmix": Augmentation(draw_cutmix, cutmix, mixes=True),
    "colorjitter": Augmentation(draw_colorjitter, colorjitter),
    "elastic": Augmentation(draw_elastic, elastic),
    "equalize": Augmentation(_draw_nothing, equalize),
    "gaussblur": Augmentation(draw_gaussblur, gaussblur),
    "randcrop": Augmentation(draw_randcrop, randcrop),
}
"""By the name used in the config; the condition `none` has no copies, hence no entry."""


def generator(state: int, epoch: int, batch: int) -> np.random.Generator:
    """The generator of all draws of one batch: a function of its arguments alone, so that neither
    resuming nor the number of workers changes a draw."""
    return np.random.default_rng([_AUGMENTATION_STREAM, state, epoch, batch])


_AUGMENTATION_STREAM = (
    1  # keeps these numbers apart from those of dropout, which use the same state
)
