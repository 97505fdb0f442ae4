"""How much of a map lies on the object: the energy-based pointing game (Wang et al. 2020)."""

import numpy as np

from augcam.compare.maps import even_chunks, upsample
from augcam.data.geometry import Fit
from augcam.data.masks import Masks


def energy_inside(cam: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The share of each map's positive part that lies inside: float64 (N,), in [0, 1].

    `cam` (N, h, w): raw maps, of which the positive part is enlarged as all maps are; `inside` bool
    (N, size, size). NaN where a map is positive nowhere. Score-CAM's paper (arXiv 1910.01279,
    section 4.3), which normalises maps by their maximum, as the share does not change by that.
    """
    size = inside.shape[-1]
    shares = np.full(len(cam), np.nan)
    for rows in even_chunks(len(cam), size, threads=1):
        maps = upsample(np.maximum(cam[rows].astype(np.float32), 0), size)
        whole = maps.sum(axis=(1, 2), dtype=np.float64)
        part = maps.sum(axis=(1, 2), where=inside[rows], dtype=np.float64)
        positive = whole > 0
        shares[rows][positive] = part[positive] / whole[positive]
    return shares


def energy_by_name(
    cam: np.ndarray, image_id: np.ndarray, masks: Masks, size: int, fit: Fit
) -> dict[str, np.ndarray]:
    """`energy_inside` of what each name of `masks` stands for, by name; together they are 1.

    `cam` (N, h, w): raw maps of the images `image_id` (N,), of networks that see them at `size` ×
    `size`, with `fit` left to do (`stats.json`). Raises AugcamError where an image has no mask.
    """
    seen = masks.of(image_id).seen(size, fit)
    return {name: energy_inside(cam, seen == value) for value, name in enumerate(masks.names)}
