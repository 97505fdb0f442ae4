"""Null levels: a metric between maps that have nothing, or only the centre, in common."""

import numpy as np
import pandas as pd

from augcam.comparison.explained import Explained
from augcam.comparison.maps import normalise
from augcam.comparison.models import compare
from augcam.entries import metric_named

NULLS = ("other_image", "same_class", "mean_map", "random_map")


def other_images(labels: np.ndarray | None, count: int, rng: np.random.Generator) -> np.ndarray:
    """For each of `count` images another one, at random; with `labels`, another of the same label.

    Images without any other of their label are given −1.
    """
    labels = np.zeros(count, dtype=np.int64) if labels is None else labels
    partner = np.full(count, -1)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        if len(members) > 1:
            partner[members] = np.roll(members, 1)  # a random cycle: nobody meets itself
    return partner


def stand_ins(
    model: Explained, rng: np.random.Generator
) -> dict[str, tuple[np.ndarray, Explained]]:
    """What each null compares `model` with: null → (images that have one, their stand-ins).

    other_image: the model's map of another image; same_class: of another image for which it
    predicts the same class; mean_map: the mean of its normalised maps, the same for every image
    (the centre prior); random_map: independent noise at the CAM's own resolution.
    """
    count = len(model.image_id)
    predicted = model.logits.argmax(axis=1)
    every = np.arange(count)
    mean = normalise(np.maximum(model.cam, 0)).mean(axis=0)
    noise = rng.random(model.cam.shape, dtype=np.float32)
    found = {}
    for name, labels in (("other_image", None), ("same_class", predicted)):
        partner = other_images(labels, count, rng)
        images = np.flatnonzero(partner >= 0)
        rows = partner[images]
        found[name] = images, model._replace(cam=model.cam[rows], logits=model.logits[rows])
    found["mean_map"] = every, model._replace(cam=np.broadcast_to(mean, model.cam.shape))
    found["random_map"] = every, model._replace(cam=noise)
    return found


def null_levels(
    model: Explained,
    metrics: list[str],
    size: int,
    epsilon: float,
    limit: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """The distribution of each metric under each null, for at most `limit` images of `model`.

    Returns null, metric, n_images (with a value), n_excluded, mean, q1, median, q3. The mean and
    the random map say nothing about predictions: metrics of these have the first two nulls only.
    """
    chosen = np.sort(rng.permutation(len(model.image_id))[:limit])
    model = Explained(*(array[chosen] for array in model))
    rows = []
    for null, (images, stand_in) in stand_ins(model, rng).items():
        left = Explained(*(array[images] for array in model))
        right = stand_in._replace(image_id=left.image_id, right=left.right)
        with_logits = null in ("other_image", "same_class")
        wanted = [m for m in metrics if with_logits or metric_named(m).needs == "maps"]
        if not len(images) or not wanted:
            continue
        (table,) = compare(left, [right], wanted, size, epsilon)
        for metric in wanted:
            values = table[metric].dropna()
            quartiles = values.quantile([0.25, 0.5, 0.75]) if len(values) else [np.nan] * 3
            counts = len(values), len(table) - len(values)
            rows.append((null, metric, *counts, values.mean(), *quartiles))
    columns = ["null", "metric", "n_images", "n_excluded", "mean", "q1", "median", "q3"]
    return pd.DataFrame(rows, columns=columns)
