"""How much maps have in common with those of the same network with random weights."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from augcam.comparison.likeness import OTHER_IMAGE, RANDOM, Likeness
from augcam.comparison.maps import Maps
from augcam.comparison.metrics.spearman import spearman
from augcam.comparison.metrics.ssim import ssim
from augcam.comparison.nulls import other_images


def likeness(cam: np.ndarray, other: np.ndarray, size: int) -> Likeness:
    """Raw maps (N, h, w) compared one with one at `size`, each first scaled to [0, 1].

    NaN for maps that are the same everywhere, or no finite numbers. A metric of maps sees their
    positive part, so that values, which may be negative, are lifted to 0.
    """
    measured = []
    for of in (lambda x: x - x.min(axis=(1, 2), keepdims=True), np.abs):
        p, q = (Maps.of(of(_scaled(x)), size) for x in (cam, other))
        flat = p.constant | q.constant
        measured += [np.where(flat, np.nan, metric(p, q)) for metric in (spearman, ssim)]
    values, _, absolute, structure = measured
    return Likeness(values, absolute, structure)


def _scaled(cam: np.ndarray) -> np.ndarray:
    """Maps with a largest absolute value of 1; a random network's may be tiny. Those that are no
    finite numbers become 0, the same everywhere."""
    cam = np.where(np.isfinite(cam).all(axis=(1, 2), keepdims=True), cam, 0).astype(np.float32)
    largest = np.abs(cam).max(axis=(1, 2), keepdims=True)
    return cam / np.where(largest > 0, largest, 1)


def of_other_images(cam: np.ndarray, size: int, seed: int) -> Likeness:
    """The level of maps (N, h, w) of two different images: each with another one, at random; of a
    single image nothing."""
    partner = other_images(None, len(cam), np.random.default_rng(seed))
    there = partner >= 0
    if not there.any():  # a single image
        return Likeness(*[np.empty(0)] * 3)
    return likeness(cam[there], cam[partner[there]], size)


def sanity_table(
    view: str, method: str, other: Likeness, steps: Mapping[str, Sequence[Likeness]]
) -> pd.DataFrame:
    """One row for two different images (step 0), and one for each block that becomes random, from
    the top down: view, method, compared_with, step, layer (the block), n_images (with a value),
    n_undefined, and the means of `Likeness`.

    `steps`: block → the likeness to the trained network's maps in each draw of random weights;
    images count once for each.
    """
    rows: list[tuple[str, int, str, Sequence[Likeness]]] = [(OTHER_IMAGE, 0, "", [other])]
    rows += [(RANDOM, i, name, draws) for i, (name, draws) in enumerate(steps.items(), start=1)]
    records = []
    for what, step, layer, draws in rows:
        values = [np.concatenate(parts) for parts in zip(*draws)]
        known = ~np.isnan(values[0])
        means = [float(v[~np.isnan(v)].mean()) if (~np.isnan(v)).any() else np.nan for v in values]
        counts = int(known.sum()), int((~known).sum())
        records.append((view, method, what, step, layer, *counts, *means))
    columns = ["view", "method", "compared_with", "step", "layer", "n_images", "n_undefined"]
    return pd.DataFrame(records, columns=[*columns, *Likeness._fields])
