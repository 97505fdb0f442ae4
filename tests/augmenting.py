"""Images, and augmentations as a training applies them to a batch."""

import numpy as np
import torch

from augcam.augment.draws import draw
from augcam.config.choices import AUGMENTATIONS
from augcam.config.conditions import built_in_step
from augcam.entries import augmentation_named

PARAMETERS = {name: built_in_step(name) for name in AUGMENTATIONS}


def pictures(count, size, seed=0):
    """Smooth random images on 256 levels, so that interpolation has something to follow."""
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.random((count, 3, 5, 5), dtype=np.float32))
    smooth = torch.nn.functional.interpolate(coarse, size, mode="bilinear", align_corners=False)
    return (smooth * 255).round() / 255


def nasty(size):
    """Images (7, 3, H, W) on 256 levels: noise, constants, extremes, one pixel apart."""
    height, width = size
    noise = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (2, 3, height, width)))
    noise = noise.to(torch.float32) / 255
    board = (torch.arange(height)[:, None] + torch.arange(width)) % 2
    point = torch.zeros(3, height, width)
    point[0, height // 2, width // 2] = 1
    flat = [torch.full((3, height, width), value) for value in (77 / 255, 0.0, 1.0)]
    return torch.stack([*noise, *flat, board.expand(3, -1, -1).float(), point])


def drawn(name, count, size, seed=0, parameters=None):
    """What `name` draws for images of this size; `parameters`: all, or those that differ."""
    rng = np.random.default_rng(seed)
    values = PARAMETERS[name] | (parameters or {})
    return draw(augmentation_named(name), rng, count, size, values)


def applied(name, images, draws, **partners):
    """`images` (B, 3, H, W) after the augmentation, with what was drawn for it."""
    if augmentation_named(name).mixes and not partners:
        partners = {"partners": images.flip(0)}
    return augmentation_named(name).apply(images, **draws, **partners)


def augmented(name, images, seed=0, parameters=None):
    draws = drawn(name, len(images), tuple(images.shape[-2:]), seed, parameters)
    return applied(name, images, draws)
