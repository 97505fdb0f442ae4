"""Conditions and their controls, paired by image, state and baseline; noise between states."""

import numpy as np

from augcam.comparison.defined import mean_of_defined
from augcam.statistics.distances import Distances, orientation
from augcam.statistics.resampling import group_images, image_weights


def two_level_se(values: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Bootstrap standard error of the mean over states and images: (K, S, N) → (K,).

    States are drawn with replacement, and so are images, the same ones for every state (the
    pigeonhole bootstrap of Owen 2007). Drawing S of S states understates their variance by
    (S − 1)/S; the deviations of the states are stretched to undo this. A row's states without any
    value are left out; NaN where fewer than two have one.
    """
    present = ~np.isnan(values).all(axis=2)
    se = np.full(len(values), np.nan)
    for states in np.unique(present, axis=0):
        rows = (present == states).all(axis=1)
        if states.sum() > 1:
            se[rows] = _two_level_se(values[rows][:, states], resamples, rng)
    return se


def _two_level_se(values: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """`two_level_se` of at least two states, all with values."""
    _, n_states, n_images = values.shape
    order, starts = group_images(n_images, rng)
    values = values[..., order]
    sums = np.add.reduceat(np.nan_to_num(values), starts, axis=-1)
    counts = np.add.reduceat(~np.isnan(values), starts, axis=-1, dtype=np.float64)
    images = image_weights(resamples, n_images, rng).T
    with np.errstate(invalid="ignore"):
        means = (sums @ images) / (counts @ images)  # (K, S, resamples)
    drawn = rng.multinomial(n_states, np.full(n_states, 1 / n_states), resamples).T / n_states
    shift = np.sqrt(n_states / (n_states - 1)) * (drawn - 1 / n_states)
    return (means.mean(axis=1) + (means * shift).sum(axis=1)).std(axis=-1)


def paired_differences(
    distances: Distances, control: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Per image, each condition against `control` at the same state, averaged over baselines.

    A (state, baseline) counts where both distances exist: so `none` is compared at all states but
    the baseline's own. Returns differences, whether farther (1, 0, ties ½), the condition's and the
    control's value, each (metrics, conditions, states, images), and the conditions compared.
    """
    at = distances.conditions.index(control)
    others = [c for c in range(len(distances.conditions)) if c != at]
    signs = np.array([orientation(metric) for metric in distances.metrics])
    parts: list[list[np.ndarray]] = [[], [], [], []]
    for c in others:
        value, reference = distances.values[:, c], distances.values[:, at]
        both = ~np.isnan(value) & ~np.isnan(reference)
        difference = np.where(both, value - reference, np.nan)
        farther = (np.sign(difference) * signs[:, None, None, None] + 1) / 2
        paired = (
            difference,
            farther,
            np.where(both, value, np.nan),
            np.where(both, reference, np.nan),
        )
        for part, array in zip(parts, paired):
            part.append(mean_of_defined(array, axis=2))
    stacked = [np.stack(part, axis=1) for part in parts]
    missing = np.isnan(stacked[0]).all(axis=(0, 3))  # (conditions, states)
    known, kept = ~missing.all(axis=1), ~missing.all(axis=0)
    difference, farther, value, reference = (array[:, known][:, :, kept] for array in stacked)
    names = [distances.conditions[c] for c, there in zip(others, known) if there]
    return difference, farther, value, reference, names


def pooled_noise(distances: Distances) -> tuple[np.ndarray, np.ndarray]:
    """Variance between states of a model's mean distance, pooled over all conditions but the
    baseline's, and its degrees of freedom: (metrics,) each. Models without a value do not count;
    NaN where no condition has two with one."""
    others = [i for i, c in enumerate(distances.conditions) if c != distances.base]
    values = distances.values[:, others]
    by_model = mean_of_defined(values.reshape(*values.shape[:3], -1), axis=3)
    gaps = by_model - mean_of_defined(by_model, axis=2)[..., None]
    df = ((~np.isnan(gaps)).sum(axis=2) - 1).clip(0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nansum(gaps**2, axis=(1, 2)) / np.where(df > 0, df, np.nan), df
