"""How much of a map lies on the object: the energy-based pointing game (Wang et al. 2020)."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from augcam.compare.maps import even_chunks, upsample
from augcam.data.geometry import Fit
from augcam.data.masks import Masks
from augcam.files.arrays import read_arrays

if TYPE_CHECKING:
    import pandas as pd


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
    inside = parts_of(masks, image_id, size, fit)
    return {name: energy_inside(cam, pixels) for name, pixels in inside.items()}


def parts_of(masks: Masks, image_id: np.ndarray, size: int, fit: Fit) -> dict[str, np.ndarray]:
    """Which pixels of images show what each name of `masks` stands for, bool (N, size, size), by
    name; arguments as for `energy_by_name`."""
    seen = masks.of(image_id).seen(size, fit)
    return {name: seen == value for value, name in enumerate(masks.names)}


def looked_at(
    cams: Mapping[tuple[str, int], str | Path], masks: Masks, size: int, fit: Fit
) -> "pd.DataFrame":
    """How much of each model's maps lies on each part of the images, from the paths of `cams.npz`.

    One row per model and name of `masks`: condition, state, part, `share` (mean over images),
    `undefined` (images whose map is positive nowhere, which do not count), and `area`, the share of
    a map that is the same everywhere. `size` and `fit` as for `energy_by_name`.
    """
    import pandas as pd

    rows, ids, inside = [], np.empty(0, dtype=np.int64), {}
    for (condition, state), path in cams.items():
        arrays = read_arrays(path)
        if not np.array_equal(ids, arrays["image_id"]):  # models have the same test images
            ids = arrays["image_id"]
            inside = parts_of(masks, ids, size, fit)
        for part, pixels in inside.items():
            share = energy_inside(arrays["cam"], pixels)
            undefined = np.isnan(share)
            mean = share[~undefined].mean() if not undefined.all() else np.nan
            row = {
                "share": mean,
                "area": pixels.mean(axis=(1, 2)).mean(),
                "undefined": int(undefined.sum()),
            }
            rows.append({"condition": condition, "state": state, "part": part} | row)
    return pd.DataFrame(rows)
