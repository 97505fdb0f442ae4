"""Model space: every model compared with every other, without a baseline.

Metrics that follow from the moments of two maps compare all pairs of models in seconds, without one
large map (`augcam.comparison.moments`).
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from augcam.comparison.moments import Grids, Moments
from augcam.entries import metric_named
from augcam.errors import AugcamError
from augcam.names import PAIR_METRICS
from augcam.statistics.clusters import suggested_clusters, trees
from augcam.statistics.distances import Model
from augcam.statistics.resampling import (
    group_images,
    image_weights,
    interval,
    state_weights,
    weights_in_parts,
)

NO_DISTANCE = 1e-12  # rounding, of squared distances of order 1


def model_space(
    found: dict[Model, dict[str, np.ndarray]],
    augmentations: list[str],
    controls: list[str],
    input_size: int,
    resamples: int,
    seed: int,
    alpha: float,
    clusters: list[list[str]],
) -> dict[str, pd.DataFrame]:
    """The tables of this step, by name.

    `found`: model → image_id and cam, (N, h, w); `clusters`: groups of augmentations to test.
    """
    rng, models = np.random.default_rng(seed), list(found)
    cams = cams_of(found)
    n_images = len(cams[0])
    sums = pair_sums(cams, input_size, *group_images(n_images, rng))
    replicates, names = condition_replicates(sums, models, n_images, resamples, rng)
    apart = {("models", m): distance(values, m) for m, values in replicates.items()}
    n_states = min(sum(c == name for c, _ in models) for name in augmentations)
    nearness = {key: -values for key, values in apart.items()}
    return {
        "model_pairs": pair_frame(sums, models),
        "condition_similarity": condition_table(replicates, names, models, alpha),
        "model_trees": trees(apart, list(range(len(names))), names),
        "suggested_model_clusters": suggested_clusters(
            nearness, names, augmentations, clusters, n_states, alpha
        ),
        "separation": separation(sums, models, controls, resamples, rng),
        "model_positions": positions(sums, models),
    }


def pair_sums(
    cams: Sequence[np.ndarray], size: int, order: np.ndarray, starts: np.ndarray
) -> dict[str, np.ndarray]:
    """Sums over each group of images of each of `PAIR_METRICS` between every two models.

    `cams` float32 (N, h, w) of each model, raw; `order` (N,) and `starts` (G,) from `group_images`.
    Returns by metric the sums, and by n_<metric> the images that count, (G, models, models) each.
    A value that is undefined is left out.
    """
    grids = Grids([cam.shape[1:] for cam in cams], size)
    metrics = {m: between for m in PAIR_METRICS if (between := metric_named(m).between)}
    result: dict[str, list[np.ndarray]] = {}
    for start, end in zip(starts, [*starts[1:], len(order)]):
        moments = Moments.of([cam[order[start:end]] for cam in cams], grids)
        for metric, between in metrics.items():
            values = between(moments)
            defined = ~np.isnan(values)
            result.setdefault(metric, []).append(np.where(defined, values, 0).sum(axis=0))
            counts = defined.sum(axis=0).astype(np.float64)
            result.setdefault(f"n_{metric}", []).append(counts)
    return {name: np.stack(parts) for name, parts in result.items()}


def cams_of(found: dict[Model, dict[str, np.ndarray]]) -> list[np.ndarray]:
    """CAMs of all models, (N, h, w) each. Raises AugcamError where their images differ."""
    first = next(iter(found.values()))
    for (condition, state), arrays in found.items():
        if not np.array_equal(arrays["image_id"], first["image_id"]):
            raise AugcamError(
                f"{condition}, state {state}: its images are not those of the other models; "
                "explain all models anew."
            )
    return [arrays["cam"] for arrays in found.values()]


def matrix(sums: dict[str, np.ndarray], metric: str, weights: np.ndarray | None = None):
    """Mean of `metric` over images: (models, models), or one for each row of `weights` (R, G)."""
    total, number = sums[metric], sums[f"n_{metric}"]
    if weights is None:
        total, number = total.sum(axis=0), number.sum(axis=0)
    else:
        total, number = (np.tensordot(weights, part, axes=1) for part in (total, number))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(number > 0, total / number, np.nan)


def squared_distance(values: np.ndarray, metric: str) -> np.ndarray:
    """A mean squared difference is a squared Euclidean distance; so is 1 − r, of standardised maps
    (up to 2)."""
    return values if metric_named(metric).at_equality == 0 else 1 - values


def distance(values: np.ndarray, metric: str) -> np.ndarray:
    """The root of `squared_distance`, not below 0."""
    return np.sqrt(np.clip(squared_distance(values, metric), 0, None))


def pair_frame(sums: dict[str, np.ndarray], models: list[Model]) -> pd.DataFrame:
    """metric, condition_a, state_a, condition_b, state_b, value, n_images of every two models."""
    rows = []
    for metric in PAIR_METRICS:
        values, numbers = matrix(sums, metric), sums[f"n_{metric}"].sum(axis=0)
        rows += [
            (metric, *models[i], *models[j], values[i, j], int(numbers[i, j]))
            for i, j in combinations(range(len(models)), 2)
        ]
    names = ["metric", "condition_a", "state_a", "condition_b", "state_b", "value", "n_images"]
    return pd.DataFrame(rows, columns=names)


def between_conditions(
    values: np.ndarray, models: list[Model], weights: dict[str, np.ndarray] | None = None
) -> tuple[np.ndarray, list[str]]:
    """Means over pairs of different models, (…, C, C), and the conditions.

    `values` (…, models, models); `weights`: condition → weights (R, S) of its states. The diagonal
    is the mean within a condition, NaN where it has one model only.
    """
    names = list(dict.fromkeys(condition for condition, _ in models))
    member = np.array([[condition == name for condition, _ in models] for name in names], float)
    if weights is not None:
        shape = (len(next(iter(weights.values()))), len(names), len(models))
        member = np.broadcast_to(member, shape).copy()
        for c, name in enumerate(names):
            member[:, c, member[0, c] > 0] = weights[name]
    apart = ~np.eye(len(models), dtype=bool)
    with np.errstate(invalid="ignore", divide="ignore"):
        total = member @ np.where(apart, values, 0) @ member.swapaxes(-1, -2)
        norm = member @ apart.astype(float) @ member.swapaxes(-1, -2)
        return np.where(norm > 0, total / norm, np.nan), names


def condition_replicates(
    sums: dict[str, np.ndarray],
    models: list[Model],
    n_images: int,
    resamples: int,
    rng: np.random.Generator,
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Metric → means between conditions, (3 · resamples + 1, C, C): the estimate and resamples of
    images and of the states of each condition, as in `distances.parts_of`; and the conditions."""
    names = list(dict.fromkeys(condition for condition, _ in models))
    of_images = weights_in_parts(image_weights(resamples, n_images, rng), 1, of_images=True)
    of_states = {}
    for name in names:
        count = sum(c == name for c, _ in models)
        drawn = state_weights((resamples,), count, rng)
        of_states[name] = weights_in_parts(drawn, 1 / count, of_images=False)
    result = {}
    for metric in PAIR_METRICS:
        result[metric], _ = between_conditions(matrix(sums, metric, of_images), models, of_states)
    return result, names


def condition_table(
    found: dict[str, np.ndarray], names: list[str], models: list[Model], alpha: float
) -> pd.DataFrame:
    """metric, condition_a, condition_b (the same: within the condition), value, low, high.

    An interval has the degrees of freedom of the condition with fewer states.
    """
    rows = []
    sizes = np.array([sum(c == name for c, _ in models) for name in names])
    for metric, replicates in found.items():
        low, high = interval(replicates, np.minimum(sizes[:, None], sizes), alpha)
        rows += [
            (metric, names[i], names[j], replicates[0, i, j], low[i, j], high[i, j])
            for i in range(len(names))
            for j in range(i, len(names))
        ]
    columns = ["metric", "condition_a", "condition_b", "value", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def permanova(
    squared: np.ndarray, labels: np.ndarray, permutations: int, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Do models of one condition lie closer together? Anderson's (2001) PERMANOVA.

    `squared` (models, models): squared distances; `labels` (models,): integers. Returns pseudo-F,
    p, and the smallest p that relabelling so few models can reach (groups of equal size may swap
    their names). Two groups are tried in all ways to form them, where these are not more than
    `permutations`; else as many random ones.
    """
    from math import comb, factorial, prod

    n, groups = len(labels), np.unique(labels)
    sizes = np.array([(labels == g).sum() for g in groups])
    equal = np.unique(sizes, return_counts=True)[1].tolist()
    alike = prod(map(factorial, equal)) * prod(map(factorial, sizes.tolist())) / factorial(n)
    total = squared[np.triu_indices(n, 1)].sum() / n

    def statistic(assignments: np.ndarray) -> np.ndarray:
        within = np.zeros(len(assignments))
        for group, size in zip(groups, sizes):
            inside = (assignments == group).astype(float)
            within += np.einsum("ri,ij,rj->r", inside, squared, inside, optimize=True) / (2 * size)
        with np.errstate(divide="ignore", invalid="ignore"):
            return ((total - within) / (len(groups) - 1)) / (within / (n - len(groups)))

    observed = statistic(labels[None])[0]
    if len(groups) == 2 and comb(n, int(sizes[0])) <= permutations:
        chosen = np.array(list(combinations(range(n), int(sizes[0]))))
        every = np.full((len(chosen), n), groups[1])
        np.put_along_axis(every, chosen, groups[0], axis=1)
        p = (statistic(every) >= observed * (1 - 1e-12)).mean()
        return observed, p, alike
    shuffled = rng.permuted(np.broadcast_to(labels, (permutations, n)), axis=1)
    p = (1 + (statistic(shuffled) >= observed * (1 - 1e-12)).sum()) / (1 + permutations)
    return observed, p, max(1 / (1 + permutations), alike)


def separation(
    sums: dict[str, np.ndarray],
    models: list[Model],
    controls: list[str],
    permutations: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Do conditions differ as groups of models, all together and each against each control?

    Returns metric, `conditions` compared, n_models, within and between (mean values over pairs of
    models of one condition, of two), pseudo_f, p, smallest_p. Conditions with one model are left
    out, and sets of models that are all alike.
    """
    names = list(dict.fromkeys(c for c, _ in models))
    names = [name for name in names if sum(c == name for c, _ in models) > 1]
    sets = [names] + [[name, c] for c in controls for name in names if c in names and name != c]
    rows = []
    for metric in PAIR_METRICS:
        values = matrix(sums, metric)
        for chosen in sets:
            at = [i for i, (c, _) in enumerate(models) if c in chosen]
            labels = np.array([chosen.index(models[i][0]) for i in at])
            if len(chosen) < 2 or np.isnan(values[np.ix_(at, at)]).any():
                continue
            part = values[np.ix_(at, at)]
            squared = squared_distance(part, metric)
            if np.ptp(squared) <= NO_DISTANCE:
                continue  # all alike: no group is closer than another
            upper = np.triu(np.ones_like(part, dtype=bool), 1)
            same = labels[:, None] == labels
            f, p, smallest = permanova(squared, labels, permutations, rng)
            title = "all" if chosen is names else " and ".join(chosen)
            within, between = part[upper & same].mean(), part[upper & ~same].mean()
            rows.append((metric, title, len(at), within, between, f, p, smallest))
    columns = [
        "metric", "conditions", "n_models", "within", "between", "pseudo_f", "p", "smallest_p"
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def scaling(distance: np.ndarray) -> tuple[np.ndarray, float]:
    """Metric multidimensional scaling to two dimensions: positions (models, 2), Kruskal's stress-1.

    Classical scaling, improved by SMACOF (de Leeuw 1977) until the stress stands still. Stress is
    the root of the misfit's share: below 0.1 is good, above 0.2 poor (Kruskal 1964).
    """
    from scipy.spatial.distance import pdist, squareform
    from sklearn.manifold import smacof

    centre = np.eye(len(distance)) - 1 / len(distance)
    values, vectors = np.linalg.eigh(-0.5 * centre @ distance**2 @ centre)
    start = vectors[:, -2:] * np.sqrt(values[-2:].clip(0))
    options = {"n_init": 1, "max_iter": 1000, "eps": 1e-9, "normalized_stress": False}
    x, _ = smacof(distance, n_components=2, init=start, **options)
    x = x - x.mean(axis=0)
    # Axes of the largest spread first, and signs fixed, so that the picture is always the same.
    _, _, axes = np.linalg.svd(x, full_matrices=False)
    x = x @ axes.T
    gaps, wanted = pdist(x), squareform(distance, checks=False)
    stress = float(np.sqrt(((gaps - wanted) ** 2).sum() / max((gaps**2).sum(), 1e-300)))
    return x * np.where(x[np.abs(x).argmax(axis=0), [0, 1]] < 0, -1, 1), stress


def positions(sums: dict[str, np.ndarray], models: list[Model]) -> pd.DataFrame:
    """metric, condition, state, x, y, stress: a two-dimensional map of all models; none of a metric
    in which fewer than three have a place, or all are alike."""
    parts = []
    for metric in PAIR_METRICS:
        squared = squared_distance(matrix(sums, metric), metric)
        kept = [i for i in range(len(models)) if not np.isnan(np.delete(squared[i], i)).all()]
        squared = squared[np.ix_(kept, kept)]
        np.fill_diagonal(squared, 0)
        if np.isnan(squared).any() or len(kept) < 3 or squared.max() <= NO_DISTANCE:
            continue
        where, stress = scaling(np.sqrt(squared.clip(0)))
        frame = pd.DataFrame([models[i] for i in kept], columns=["condition", "state"])
        frame.insert(0, "metric", metric)
        parts.append(frame.assign(x=where[:, 0], y=where[:, 1], stress=stress))
    columns = ["metric", "condition", "state", "x", "y", "stress"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
