"""Correlation maps without the shared baseline, their intervals, and honest tables of pairs.

The paper correlates d(A1, B) with d(A2, B) over images. Whatever is odd about B enters both and
correlates them, even where no augmentation does anything. Here d(A1, B1) meets d(A2, B2) with
B1 ≠ B2, averaged over pairs of baselines. Everything is a linear function of one matrix: the
covariances, over images, of the distances of every (condition, state, baseline).
"""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from augcam.statistics.distances import Distances
from augcam.statistics.resampling import (
    IMAGE_GROUPS,
    chunks,
    group_images,
    image_weights,
    interval,
    parts_of,
    state_weights,
    weights_in_parts,
)

_CHUNK = 2 * 10**6  # numbers in the matrices of the resamples that are worked on at a time


_PRODUCTS = 500 * 10**6  # bytes that the products of all groups of images may take


_FEWEST_GROUPS = 20  # of images, however many models there are


_NO_VARIANCE = 1e-18  # rounding, of values of order 1


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
    for covariance, part in _covariances(values.reshape(rows, -1), weights):
        of_state = weights.states[part].repeat(baselines, axis=2).reshape(-1, rows)
        of_baseline = weights.baselines[part][:, baseline]
        by_state = of_state[:, :, None] * of_state[:, None]
        if ragged:
            paper = _ragged_maps(values[:, :, 0], weights, part)
        else:
            paper = averaged(covariance, by_state, reference)
            paper = _scaled(paper, paper)
        # One baseline each on both sides of a variance, two different ones of a covariance.
        spread = averaged(covariance, by_state * of_baseline[:, None], shared)
        signal = averaged(
            covariance, by_state * of_baseline[:, :, None] * of_baseline[:, None], apart
        )
        parts.append((paper, _scaled(signal, spread), _scaled(signal, signal)))
    return Correlations(*map(np.concatenate, zip(*parts)))


def _is_ragged(values: np.ndarray) -> bool:
    """Is any of the models (…, N) undefined on some images only? If not, the averaged vectors are
    linear in them, and their correlations follow from the models' covariances."""
    undefined = np.isnan(values)
    return bool((undefined.any(axis=-1) & ~undefined.all(axis=-1)).any())


def _ragged_maps(values: np.ndarray, weights: Weights, part: slice) -> np.ndarray:
    """The paper's map, (r, conditions, conditions), of the resamples `part`: (conditions, states,
    N) with undefined values, averaged image by image over the states that have one."""
    values = values[..., weights.order]
    sizes = np.diff([*weights.starts, values.shape[-1]])
    defined, known = ~np.isnan(values), np.nan_to_num(values)
    defined = defined.astype(np.float64)
    result = []
    for states, images in zip(weights.states[part], weights.images[part]):
        total, weight = ((states[:, None] @ x)[:, 0] for x in (known, defined))
        result.append(_pearson(_ratio(total, weight), np.repeat(images, sizes)))
    return np.stack(result)


def _ratio(total: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Total / weight; NaN where nothing has a weight."""
    return np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0)


def _pearson(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted Pearson's r of every two of the rows (C, N), over the images that both define; NaN
    where one does not vary on them."""
    defined = (~np.isnan(rows)).astype(np.float64)
    rows = np.nan_to_num(rows - _row_means(rows)[:, None])
    weighted = rows * weights
    number = (defined * weights) @ defined.T
    number = np.where(number > 0, number, np.nan)
    mean = weighted @ defined.T / number
    variance = (weighted * rows) @ defined.T / number - mean**2
    root = np.sqrt(np.where(variance > _NO_VARIANCE, variance, np.nan))
    return (weighted @ rows.T / number - mean * mean.T) / (root * root.T)


def _model_number(distances: Distances, baseline: int) -> int:
    if distances.base not in distances.conditions or baseline not in distances.states:
        return -1 - baseline
    at = distances.conditions.index(distances.base)
    return at * distances.n_states + distances.states.index(baseline)


def _scaled(covariance: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """Covariance / √(both variances); NaN where a variance is not positive."""
    diagonal = np.diagonal(variances, axis1=1, axis2=2)
    with np.errstate(invalid="ignore"):
        root = np.sqrt(np.where(diagonal > _NO_VARIANCE, diagonal, np.nan))
    return covariance / (root[:, :, None] * root[:, None])


def _covariances(rows: np.ndarray, weights: Weights) -> Iterator[tuple[np.ndarray, slice]]:
    """Covariances of `rows` (T, N) over the images that both rows define, for resampled images.

    Yields (r, T, T) for chunks of the rows of `weights.images`, and the chunk's slice.
    """
    count, starts = len(rows), weights.starts
    rows = (rows - _row_means(rows)[:, None])[:, weights.order]
    defined = ~np.isnan(rows)
    used = np.flatnonzero(defined.any(axis=1))
    rows, defined = np.nan_to_num(rows[used]), defined[used].astype(np.float64)
    ends = [*starts[1:], rows.shape[1]]
    spans = [slice(start, end) for start, end in zip(starts, ends)]
    complete = bool(defined.all())
    products = np.stack([(rows[:, g] @ rows[:, g].T).ravel() for g in spans])
    if complete:
        sums = np.stack([rows[:, g].sum(axis=1) for g in spans])
        numbers = np.array([float(g.stop - g.start) for g in spans])
    else:
        sums = np.stack([(rows[:, g] @ defined[:, g].T).ravel() for g in spans])
        numbers = np.stack([(defined[:, g] @ defined[:, g].T).ravel() for g in spans])
    side = len(used)
    for part in chunks(len(weights.images), max(1, _CHUNK // count**2)):
        w = weights.images[part]
        product = (w @ products).reshape(len(w), side, side)
        if complete:
            number = (w @ numbers)[:, None, None]
            mean = (w @ sums)[:, :, None] / number
            covariance = product / number - mean * mean.transpose(0, 2, 1)
        else:
            number = (w @ numbers).reshape(len(w), side, side)
            number = np.where(number > 1, number, np.nan)
            mean = (w @ sums).reshape(len(w), side, side) / number
            covariance = product / number - mean * mean.transpose(0, 2, 1)
        full = np.zeros((len(w), count, count))
        full[:, used[:, None], used] = np.nan_to_num(covariance)
        yield full, part


def _row_means(rows: np.ndarray) -> np.ndarray:
    number = (~np.isnan(rows)).sum(axis=1)
    return np.nansum(rows, axis=1) / np.maximum(number, 1)


def map_table(
    found: dict[str, Correlations], distances: Distances, alpha: float = 0.05
) -> pd.DataFrame:
    """The maps as a table: metric, kind, augmentation_a, augmentation_b, r, low, high, n_images
    (on which both have a value: of the reference baseline for `paper`, of any one for the others).

    Intervals are cut at ±1, except those of `corrected`, whose estimates can exceed 1.
    """
    rows = []
    for metric, maps in found.items():
        values = distances.values[distances.metrics.index(metric)]
        of_any = _common_images(values)
        counts = {"paper": _common_images(values[:, :, :1])}
        for kind, replicates in zip(Correlations._fields, maps):
            n_images = counts.get(kind, of_any)
            low, high = interval(replicates, distances.n_states, alpha)
            if kind != "corrected":
                low, high = np.clip(low, -1, 1), np.clip(high, -1, 1)
            for (i, a), (j, b) in _ordered_pairs(distances.conditions):
                ends = (
                    (np.nan, np.nan) if i == j and kind != "decoupled" else (low[i, j], high[i, j])
                )
                rows.append((metric, kind, a, b, replicates[0, i, j], *ends, n_images[i, j]))
    columns = [
        "metric", "kind", "augmentation_a", "augmentation_b", "r", "low", "high", "n_images"
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _common_images(values: np.ndarray) -> np.ndarray:
    """(C, S, B, N) → (C, C): images on which both conditions have a value in some comparison."""
    known = (~np.isnan(values)).any(axis=(1, 2)).astype(np.int64)
    return known @ known.T


def _ordered_pairs(names: list[str]):
    return [(a, b) for a in enumerate(names) for b in enumerate(names)]


def top_counts(r: np.ndarray, k: int) -> np.ndarray:
    """How often each pair is among the k largest: (…, metrics, pairs) → (…, pairs).

    Ties go to the earlier pair; undefined correlations are never among them.
    """
    k = min(k, r.shape[-1])
    order = np.argsort(np.where(np.isnan(r), np.inf, -r), axis=-1, kind="stable")[..., :k]
    inside = np.zeros(r.shape, dtype=bool)
    np.put_along_axis(inside, order, True, axis=-1)
    return (inside & ~np.isnan(r)).sum(axis=-2)


PAIR_COLUMNS = [
    "kind", "augmentation_a", "augmentation_b", "count", "count_decoupled", "frequency",
    "p_pair", "p_any", "p_null", "p_r",
]  # fmt: skip


def pair_table(
    distances: Distances,
    found: dict[str, Correlations],
    augmentations: list[str],
    k: int,
    resamples: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Tables 1 and 2 with what chance makes of them; empty for one augmentation.

    Returns kind (strongest, weakest), augmentation_a, augmentation_b; `count` over the metrics in
    the paper's maps and `count_decoupled` in the decoupled ones; `frequency`: the share of metrics
    in whose top k the pair is, on average over bootstrap resamples of images and states;
    `p_pair`: how often a given pair counts as many where conditions are exchangeable (labels
    permuted within each state); `p_any`: how often any pair does, which is the honest one for a
    pair picked because its count is high; `p_null`: how often a pair with a null condition does
    (`null_ranks`); `p_r`: how often any pair's r is as extreme, averaged over the metrics that are
    defined for all pairs, as found and as permuted (NaN for none). Some pair always has high
    counts, so that counts alone rarely tell; r may.
    """
    at = [distances.conditions.index(name) for name in augmentations]
    pairs = list(combinations(range(len(at)), 2))
    if not pairs:
        return pd.DataFrame(columns=PAIR_COLUMNS)
    first, second = np.array(at)[np.transpose(pairs)]
    paper = np.stack([maps.paper[:, first, second] for maps in found.values()], axis=1)
    decoupled = np.stack([maps.decoupled[0, first, second] for maps in found.values()])
    shape = (resamples, len(at), distances.n_states)
    labels = rng.permuted(np.broadcast_to(np.arange(len(at))[:, None], shape), axis=1)
    null = np.stack([_permuted(distances, metric, at, labels) for metric in found], axis=1)
    usable = ~np.isnan(paper[0]).any(axis=1) & ~np.isnan(null).any(axis=(0, 2))
    rows = []
    for kind, sign in (("strongest", 1), ("weakest", -1)):
        counts = top_counts(sign * paper, k)
        _, together, *_ = parts_of(counts)
        of_decoupled = top_counts(sign * decoupled, k)
        by_chance = top_counts(sign * null, k)
        best = by_chance.max(axis=1)
        p_null = null_ranks(distances, found, at, k, sign)
        if usable.any():
            mean_r = sign * paper[0, usable].mean(axis=0)
            best_r = (sign * null[:, usable].mean(axis=1)).max(axis=1)
            p_r = [_share(best_r >= r - 1e-12) for r in mean_r]
        else:
            p_r = [np.nan] * len(pairs)
        for p, (i, j) in enumerate(pairs):
            count = counts[0, p]
            tail = (by_chance >= count).mean(), _share(best >= count), p_null[p], p_r[p]
            names = augmentations[i], augmentations[j]
            frequency = together[:, p].mean() / len(found)
            rows.append((kind, *names, count, of_decoupled[p], frequency, *tail))
    return pd.DataFrame(rows, columns=PAIR_COLUMNS).sort_values(
        ["kind", "count"], ascending=[True, False], kind="stable", ignore_index=True
    )


def _share(hits: np.ndarray) -> float:
    """The p-value of a permutation test: what was found is one of the permutations."""
    return (1 + hits.sum()) / (1 + len(hits))


def null_ranks(
    distances: Distances, found: dict[str, Correlations], at: list[int], k: int, sign: int
) -> np.ndarray:
    """Does a pair count more than pairs with a condition that does nothing? p of each pair of the
    conditions `at`, in order; NaN without null conditions.

    The table of pairs is made again with the null conditions in it: all conditions but `at` that
    have a value at every state. p is the share of the pairs with one of these (and of the pair
    itself) that count as many: a rank among 15 pairs with two null conditions and seven others.
    """
    there = ~np.isnan(distances.values[:, :, :, 0]).all(axis=3)  # (metrics, conditions, states)
    nulls = [c for c in np.flatnonzero(there.all(axis=(0, 2))) if c not in at]
    first, second = np.transpose(list(combinations([*at, *nulls], 2)))
    counts = top_counts(sign * np.stack([m.paper[0, first, second] for m in found.values()]), k)
    with_null = np.isin(first, nulls) | np.isin(second, nulls)
    if not nulls:
        return np.full(len(counts), np.nan)
    return np.array([_share(counts[with_null] >= count) for count in counts[~with_null]])


def _permuted(distances: Distances, metric: str, at: list[int], labels: np.ndarray) -> np.ndarray:
    """The paper's r of every pair, (resamples, pairs), with conditions relabelled in each state.

    `labels` (resamples, conditions, states): which of the conditions `at` gets the name of another.
    """
    values = distances.values[distances.metrics.index(metric), at, :, 0]
    n, states, images = values.shape
    pairs, every = np.triu_indices(n, 1), np.arange(states)
    if np.isnan(values).any():  # also where a model has no value at all: it moves
        defined, known = (~np.isnan(values)).astype(np.float64), np.nan_to_num(values)
        ones = np.ones(images)
        shuffled = ((x[names, every].sum(axis=1) for x in (known, defined)) for names in labels)
        return np.stack([_pearson(_ratio(*parts), ones)[pairs] for parts in shuffled])
    whole = Weights(np.arange(images), np.zeros(1, int), np.ones((1, 1)), None, None)
    ((covariance, _),) = _covariances(values.reshape(n * states, images), whole)
    rows = labels * states + every
    result = []
    for part in chunks(len(labels), max(1, _CHUNK // (n * states) ** 2)):
        chosen = rows[part].reshape(-1, n * states)
        shuffled = covariance[0][chosen[:, :, None], chosen[:, None]]
        averaged = shuffled.reshape(-1, n, states, n, states).sum(axis=(2, 4))
        result.append(_scaled(averaged, averaged)[:, *pairs])
    return np.concatenate(result)
