"""Correlation maps without the shared baseline, and their intervals.

The paper correlates d(A1, B) with d(A2, B) over images. Whatever is odd about B enters both and
correlates them, even where no augmentation does anything. Here d(A1, B1) meets d(A2, B2) with
B1 ≠ B2, averaged over pairs of baselines. Everything is a linear function of one matrix: the
covariances, over images, of the distances of every (condition, state, baseline).
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from augcam.statistics.covariance import covariances, pearson, ratio, scaled
from augcam.statistics.distances import Distances
from augcam.statistics.resampling import (
    IMAGE_GROUPS,
    group_images,
    image_weights,
    interval,
    state_weights,
    weights_in_parts,
)

_PRODUCTS = 500 * 10**6  # bytes that the products of all groups of images may take


_FEWEST_GROUPS = 20  # of images, however many models there are


class Correlations(NamedTuple):
    """Correlation maps of one metric, float64 (3 · resamples + 1, conditions, conditions) each:
    the estimate and its resamples, as in `distances.parts_of`.

    paper: states averaged, then correlated, all against the reference baseline. decoupled: the same
    with different baselines and different models on the two sides; its diagonal is the reliability
    of the averaged distances. corrected: divided by the root of both reliabilities, so that noise
    of states and baselines does not lower it (Spearman 1904); 1 means that two augmentations move
    away from their baselines on the same images, as far as images differ at all.
    """

    paper: np.ndarray
    decoupled: np.ndarray
    corrected: np.ndarray


class Weights(NamedTuple):
    """Weights of one bootstrap, in rows as `distances.weights_in_parts` has them: groups of images
    (rows, G), states of each condition (rows, C, S), baselines (rows, B), which are resampled with
    the states; `order` of the images and `starts` of the groups in it."""

    order: np.ndarray
    starts: np.ndarray
    images: np.ndarray
    states: np.ndarray
    baselines: np.ndarray


def draw_weights(distances: Distances, resamples: int, rng: np.random.Generator) -> Weights:
    """Weights that resample images, the states of each condition, and baselines."""
    _, conditions, states, baselines, n_images = distances.values.shape
    # Three products of every two rows are kept for each group.
    fitting = _PRODUCTS // (3 * 8 * (conditions * states * baselines) ** 2)
    groups = min(IMAGE_GROUPS, max(_FEWEST_GROUPS, fitting))
    images = image_weights(resamples, n_images, rng, groups)
    of_states = state_weights((resamples, conditions), states, rng)
    of_baselines = state_weights((resamples,), baselines, rng)
    return Weights(
        *group_images(n_images, rng, groups),
        weights_in_parts(images, 1, of_images=True),
        weights_in_parts(of_states, 1 / states, of_images=False),
        weights_in_parts(of_baselines, 1 / baselines, of_images=False),
    )


def correlations(distances: Distances, metric: str, weights: Weights) -> Correlations:
    """The three correlation maps of `metric` for every row of `weights`; NaN where undefined."""
    values = distances.values[distances.metrics.index(metric)]
    conditions, states, baselines, _ = values.shape
    rows = conditions * states * baselines
    condition, state, baseline = (
        index.ravel() for index in np.indices((conditions, states, baselines))
    )
    # Number every model, and every baseline by the model that it is.
    model = condition * states + state
    base_model = np.array([_model_number(distances, b) for b in distances.baselines])[baseline]
    present = ~np.isnan(values).all(axis=3).ravel()
    both = present[:, None] & present
    apart = both & (baseline[:, None] != baseline) & (model[:, None] != model)
    apart &= (model[:, None] != base_model) & (base_model[:, None] != model)
    shared = both & (baseline[:, None] == baseline)
    reference = shared & (baseline[:, None] == 0) & (baseline == 0)
    ragged = _is_ragged(values[:, :, 0])

    def averaged(covariance: np.ndarray, weight: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Weighted means of the covariances that `mask` admits, by pair of conditions."""
        weight = weight * mask
        shape = (len(weight), conditions, states * baselines, conditions, states * baselines)
        total = (covariance * weight).reshape(shape).sum(axis=(2, 4))
        norm = weight.reshape(shape).sum(axis=(2, 4))
        with np.errstate(divide="ignore", invalid="ignore"):
            return total / norm

    parts = []
    for covariance, part in covariances(
        values.reshape(rows, -1), weights.order, weights.starts, weights.images
    ):
        of_state = weights.states[part].repeat(baselines, axis=2).reshape(-1, rows)
        of_baseline = weights.baselines[part][:, baseline]
        by_state = of_state[:, :, None] * of_state[:, None]
        if ragged:
            paper = ragged_maps(values[:, :, 0], weights, part)
        else:
            paper = averaged(covariance, by_state, reference)
            paper = scaled(paper, paper)
        # One baseline each on both sides of a variance, two different ones of a covariance.
        spread = averaged(covariance, by_state * of_baseline[:, None], shared)
        signal = averaged(
            covariance, by_state * of_baseline[:, :, None] * of_baseline[:, None], apart
        )
        parts.append((paper, scaled(signal, spread), scaled(signal, signal)))
    return Correlations(*map(np.concatenate, zip(*parts)))


def _is_ragged(values: np.ndarray) -> bool:
    """Is any of the models (…, N) undefined on some images only? If not, the averaged vectors are
    linear in them, and their correlations follow from the models' covariances."""
    undefined = np.isnan(values)
    return bool((undefined.any(axis=-1) & ~undefined.all(axis=-1)).any())


def ragged_maps(values: np.ndarray, weights: Weights, part: slice) -> np.ndarray:
    """The paper's map, (r, conditions, conditions), of the resamples `part`: (conditions, states,
    N) with undefined values, averaged image by image over the states that have one."""
    values = values[..., weights.order]
    sizes = np.diff([*weights.starts, values.shape[-1]])
    defined, known = ~np.isnan(values), np.nan_to_num(values)
    defined = defined.astype(np.float64)
    result = []
    for states, images in zip(weights.states[part], weights.images[part]):
        total, weight = ((states[:, None] @ x)[:, 0] for x in (known, defined))
        result.append(pearson(ratio(total, weight), np.repeat(images, sizes)))
    return np.stack(result)


def _model_number(distances: Distances, baseline: int) -> int:
    if distances.base not in distances.conditions or baseline not in distances.states:
        return -1 - baseline
    at = distances.conditions.index(distances.base)
    return at * distances.n_states + distances.states.index(baseline)


def map_table(
    found: dict[str, Correlations], distances: Distances, alpha: float = 0.05
) -> pd.DataFrame:
    """The maps as a table: metric, kind, condition_a, condition_b, r, low, high, n_images
    (on which both have a value: of the reference baseline for `paper`, of any one for the others).

    Intervals are cut at ±1, except those of `corrected`, whose estimates can exceed 1. A condition
    with one model has none.
    """
    rows = []
    models = np.array([distances.models_of(condition) for condition in distances.conditions])
    n_states = np.where(np.minimum.outer(models, models) > 1, distances.n_states, 1)
    for metric, maps in found.items():
        values = distances.values[distances.metrics.index(metric)]
        of_any = _common_images(values)
        counts = {"paper": _common_images(values[:, :, :1])}
        for kind, replicates in zip(Correlations._fields, maps):
            n_images = counts.get(kind, of_any)
            low, high = interval(replicates, n_states, alpha)
            if kind != "corrected":
                low, high = np.clip(low, -1, 1), np.clip(high, -1, 1)
            for (i, a), (j, b) in _ordered_pairs(distances.conditions):
                ends = (
                    (np.nan, np.nan) if i == j and kind != "decoupled" else (low[i, j], high[i, j])
                )
                rows.append((metric, kind, a, b, replicates[0, i, j], *ends, n_images[i, j]))
    columns = [
        "metric", "kind", "condition_a", "condition_b", "r", "low", "high", "n_images"
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _common_images(values: np.ndarray) -> np.ndarray:
    """(C, S, B, N) → (C, C): images on which both conditions have a value in some comparison."""
    known = (~np.isnan(values)).any(axis=(1, 2)).astype(np.int64)
    return known @ known.T


def _ordered_pairs(names: list[str]):
    return [(a, b) for a in enumerate(names) for b in enumerate(names)]
