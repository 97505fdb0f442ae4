"""Resampling and tests: images and starting states drawn again, signs flipped, intervals."""

from collections.abc import Iterator
from itertools import product

import numpy as np

IMAGE_GROUPS = 200  # images are resampled in at most this many random groups, for speed


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


_EXACT_STATES = 14  # up to here all sign flips are tried, beyond as many random ones


def sign_flip(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two-sided sign-flip test of mean 0 over the last axis: p, and the smallest that it can be.

    Exact where the values (..., S) are symmetric around 0 under the null hypothesis, as differences
    of exchangeable models are. Undefined states (NaN) count for nothing; p is NaN where there is no
    other. The smallest reachable p is 2 / 2^S: 0.25 for three states.
    """
    count, defined = values.shape[-1], (~np.isnan(values)).sum(axis=-1)
    if count <= _EXACT_STATES:
        signs = np.array(list(product((1, -1), repeat=count)), dtype=np.float64)
    else:
        rng = np.random.default_rng(0)
        signs = rng.choice((1.0, -1.0), (2**_EXACT_STATES, count))
        signs[0] = 1
    # A state of 0 doubles every flip, and so leaves the shares as they are.
    flipped = np.abs(np.nan_to_num(values) @ signs.T)
    observed = flipped[..., :1]
    p = (flipped >= observed * (1 - 1e-12)).mean(axis=-1)
    smallest = np.minimum(1, 2.0 ** (1 - np.minimum(defined, _EXACT_STATES)))
    return np.where(defined > 0, p, np.nan), smallest


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's (1979) adjusted p-values of one family (K,); NaN stays NaN and counts for nothing."""
    adjusted = np.full(len(p), np.nan)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * factors))
    return adjusted


def t_interval(
    estimate: np.ndarray, se: np.ndarray, df: np.ndarray, alpha: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Low, high and two-sided p (against 0) by Student's t with `df` degrees of freedom, (K,) each;
    NaN for none."""
    from scipy import stats

    df = np.where(df < 1, np.nan, df)
    half = stats.t.ppf(1 - alpha / 2, df) * se
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stats.t.sf(np.abs(estimate) / se, df)
    return estimate - half, estimate + half, p
