"""Distances: each metric between each model and each baseline, as one array for the statistics."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from augcam.files import read_table
from augcam.similarity import MAP_METRICS

Model = tuple[str, int]  # condition, starting state

IMAGE_GROUPS = 200  # images are resampled in at most this many random groups, for speed


class Distances(NamedTuple):
    """`values` float64 (metrics, conditions, states, baselines, images), in the metrics' own units.

    A baseline is the condition `base` at one of the states `baselines`, the reference first. NaN:
    a baseline with itself, a model that does not exist, a metric that is undefined on an image.
    """

    values: np.ndarray
    metrics: list[str]
    conditions: list[str]
    states: list[int]
    base: str
    baselines: list[int]

    @property
    def n_states(self) -> int:
        return len(self.states)


def collect(
    tables: Mapping[tuple[int, str, int], pd.DataFrame],
    metrics: list[str],
    conditions: list[str],
    states: list[int],
    base: str,
) -> Distances:
    """One array from the tables of `augcam.similarity.compare`.

    `tables`: (the baseline's state, condition, state) → table, the reference's first.
    """
    baselines = list(dict.fromkeys(baseline for baseline, _, _ in tables))
    n_images = len(next(iter(tables.values())))
    shape = (len(metrics), len(conditions), len(states), len(baselines), n_images)
    values = np.full(shape, np.nan)
    for (baseline, condition, state), table in tables.items():
        if condition in conditions and state in states:
            where = conditions.index(condition), states.index(state), baselines.index(baseline)
            values[(slice(None), *where)] = table[metrics].to_numpy().T
    return Distances(values, metrics, conditions, states, base, baselines)


def at_equality(metric: str) -> float:
    """The metric's value for two equal maps (or predictions): 0 for differences, 1 for likeness."""
    return 0.0 if metric == "class_kld" else float(MAP_METRICS[metric].at_equality)


def orientation(metric: str) -> int:
    """+1 where a larger value lies farther from the baseline, −1 where a smaller one does."""
    return 1 if at_equality(metric) == 0 else -1


def group_images(
    n_images: int, rng: np.random.Generator, groups: int = IMAGE_GROUPS
) -> tuple[np.ndarray, np.ndarray]:
    """A random order of the images, and where in it each of at most `groups` groups starts (equal
    ones, ± 1 image)."""
    groups = min(groups, n_images)
    return rng.permutation(n_images), np.arange(groups) * n_images // groups


def image_weights(
    resamples: int, n_images: int, rng: np.random.Generator, groups: int = IMAGE_GROUPS
) -> np.ndarray:
    """How often each resample holds each group of images: float64 (resamples, groups)."""
    groups = min(groups, n_images)
    return rng.multinomial(groups, np.full(groups, 1 / groups), resamples).astype(np.float64)


def state_weights(shape: tuple[int, ...], n_states: int, rng: np.random.Generator) -> np.ndarray:
    """Random weights of the states, float64 (*shape, n_states), with the sum 1.

    The Bayesian bootstrap (Rubin 1981) with the concentration (S − 2)/S, for which the variance of
    a weighted mean of S states is s²/S without bias; the usual multinomial weights give
    (S − 1)/S of it, too little for three states. Fewer than three states get equal weights: they
    cannot be resampled.
    """
    if n_states < 3:
        return np.full((*shape, n_states), 1 / n_states)
    # Tiny gammas underflow to 0 with few states; the floor keeps every sum positive.
    gamma = rng.standard_gamma((n_states - 2) / n_states, (*shape, n_states)) + 1e-300
    return gamma / gamma.sum(axis=-1, keepdims=True)


def weights_in_parts(drawn: np.ndarray, at_rest: float, of_images: bool) -> np.ndarray:
    """Weights (3 R + 1, …) from the R that were drawn: of the sample itself; R resamples of images
    and states together, R of images alone, R of states alone. `at_rest`: where not resampled."""
    still = np.full_like(drawn, at_rest)
    alone = (drawn, still) if of_images else (still, drawn)
    return np.concatenate([still[:1], drawn, *alone])


def parts_of(replicates: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What `weights_in_parts` gave: the estimate (…), and the resamples (R, …) of images and states
    together, of images alone, of states alone."""
    return replicates[0], *np.split(replicates[1:], 3)


def interval(
    replicates: np.ndarray, n_states: int | np.ndarray, alpha: float
) -> tuple[np.ndarray, np.ndarray]:
    """Low and high from replicates (3 R + 1, …) as in `parts_of`; `n_states`: of all entries, or of
    each (…).

    What varies by image and by state together is in the variance of all three resamples; what the
    first has beyond the sum of the others is this overlap (Owen 2007), and is taken off. Student's
    t has Satterthwaite's degrees of freedom: n_states − 1 for the part of the states, many for that
    of the images. Standard errors are taken from 2.5 and 97.5 % points, so that a few wild ratios
    do not matter. NaN for fewer than three states, which cannot be resampled, and where more than
    one resample in ten is undefined.
    """
    from scipy import stats

    estimate, *resampled = parts_of(replicates)
    undefined = np.asarray(n_states) < 3
    variances = []
    for part in resampled:
        undefined = undefined | (np.isnan(part).mean(axis=0) > 0.1)
        low, high = np.quantile(np.where(np.isnan(part), estimate, part), [0.025, 0.975], axis=0)
        variances.append(((high - low) / (2 * stats.norm.ppf(0.975))) ** 2)
    both, of_images, of_states = variances
    of_states = (of_states - (both - of_images - of_states).clip(0)).clip(0)
    variance = of_images + of_states
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(of_states > 0, of_states / variance, 0)
        df = np.maximum(np.asarray(n_states) - 1, 1) / share**2
    half = np.where(undefined, np.nan, stats.t.ppf(1 - alpha / 2, df) * np.sqrt(variance))
    return estimate - half, estimate + half


def chunks(total: int, size: int) -> Iterator[slice]:
    """Slices of at most `size` that cover range(total)."""
    return (slice(start, start + size) for start in range(0, total, size))


def read_distances(
    reference: Model,
    compared: Mapping[Model, str],
    further: Mapping[tuple[int, str, int], str],
    metrics: list[str],
) -> Distances:
    """Distances from the files of `augcam.similarity.compare_files`: `compared`: model → its table
    against the reference; `further`: (state of another baseline, condition, state) → table.

    States are those at which other conditions than the baseline's were trained: a reference at a
    state of its own is no state of any of them.
    """
    base, first = reference
    files = {(first, *model): path for model, path in compared.items()}
    files |= {key: path for key, path in further.items() if key[1:] != (base, key[0])}
    tables = {key: read_table(path, metrics) for key, path in files.items()}
    conditions = list(dict.fromkeys(condition for condition, _ in compared))
    states = list(dict.fromkeys(state for condition, state in compared if condition != base))
    return collect(tables, metrics, conditions, states, base)
