"""Tables 1 and 2 of the paper with what chance makes of them."""

from itertools import combinations

import numpy as np
import pandas as pd

from augcam.statistics.covariance import CHUNK, covariances, pearson, ratio, scaled
from augcam.statistics.decoupling import Correlations
from augcam.statistics.distances import Distances
from augcam.statistics.resampling import chunks, parts_of


def top_counts(r: np.ndarray, k: int) -> np.ndarray:
    """How often each pair is among the k largest: (…, metrics, pairs) → (…, pairs).

    Undefined correlations are never among them, ties go to the earlier pair. In a metric fewer
    count where k is not below half of its defined pairs, so that none is among the smallest, too;
    and none where the last of the largest equals the last of the smallest.
    """
    defined = (~np.isnan(r)).sum(axis=-1, keepdims=True)
    order = np.argsort(np.where(np.isnan(r), np.inf, -r), axis=-1, kind="stable")
    fewer = np.minimum(k, (defined - 1) // 2).clip(0)
    ranked = np.take_along_axis(r, order, axis=-1)
    ends = [np.take_along_axis(ranked, at.clip(0, r.shape[-1] - 1), axis=-1)
            for at in (fewer - 1, defined - fewer)]  # fmt: skip
    fewer = np.where(ends[0] > ends[1], fewer, 0)
    inside = np.zeros(r.shape, dtype=bool)
    np.put_along_axis(inside, order, np.arange(r.shape[-1]) < fewer, axis=-1)
    return inside.sum(axis=-2)


PAIR_COLUMNS = [
    "kind", "condition_a", "condition_b", "count", "count_decoupled", "frequency",
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
    """Tables 1 and 2 with what chance makes of them; empty where k is 0, or there is no pair.

    Returns kind (strongest, weakest), condition_a, condition_b; `count` over the metrics in
    the paper's maps and `count_decoupled` in the decoupled ones; `frequency`: the share of metrics
    in whose top k the pair is, on average over bootstrap resamples of images and states;
    `p_pair`: how often a given pair counts as many where conditions are exchangeable (labels
    permuted within each state, among conditions with models at the same states); `p_any`: how
    often any pair does, which is the honest one for a pair picked because its count is high;
    `p_null`: how often a pair with a null condition does (`null_ranks`); `p_r`: how often any
    pair's r is as extreme, averaged over the metrics that are defined for all pairs, as found and
    as permuted (NaN for none). Some pair always has high counts, so that counts alone rarely tell;
    r may.
    """
    at = [distances.conditions.index(name) for name in augmentations]
    pairs = list(combinations(range(len(at)), 2))
    if not pairs or k < 1:
        return pd.DataFrame(columns=PAIR_COLUMNS)
    first, second = np.array(at)[np.transpose(pairs)]
    paper = np.stack([maps.paper[:, first, second] for maps in found.values()], axis=1)
    decoupled = np.stack([maps.decoupled[0, first, second] for maps in found.values()])
    labels = permutations(distances, at, resamples, rng)
    null = np.stack([permuted_maps(distances, metric, at, labels) for metric in found], axis=1)
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


def permutations(
    distances: Distances, at: list[int], count: int, rng: np.random.Generator
) -> np.ndarray:
    """Random relabellings of the conditions `at` within each state, (count, conditions, states).

    A mean of fewer models is noisier: only conditions with models at the same states swap names.
    """
    there = (~np.isnan(distances.values[:, :, :, 0][:, at])).any(
        axis=(0, 3)
    )  # (conditions, states)
    labels = np.empty((count, *there.shape), dtype=np.int64)
    for states in np.unique(there, axis=0):
        alike = np.flatnonzero((there == states).all(axis=1))
        shape = (count, len(alike), there.shape[1])
        labels[:, alike] = rng.permuted(np.broadcast_to(alike[:, None], shape), axis=1)
    return labels


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


def permuted_maps(
    distances: Distances, metric: str, at: list[int], labels: np.ndarray
) -> np.ndarray:
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
        return np.stack([pearson(ratio(*parts), ones)[pairs] for parts in shuffled])
    whole = np.arange(images), np.zeros(1, int), np.ones((1, 1))
    ((covariance, _),) = covariances(values.reshape(n * states, images), *whole)
    rows = labels * states + every
    result = []
    for part in chunks(len(labels), max(1, CHUNK // (n * states) ** 2)):
        chosen = rows[part].reshape(-1, n * states)
        shuffled = covariance[0][chosen[:, :, None], chosen[:, None]]
        averaged = shuffled.reshape(-1, n, states, n, states).sum(axis=(2, 4))
        result.append(scaled(averaged, averaged)[:, *pairs])
    return np.concatenate(result)
