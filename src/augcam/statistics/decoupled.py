"""Everything that looks beyond the shared baseline: maps, pairs and their chance, clusters."""

import numpy as np
import pandas as pd

from augcam.statistics.clusters import suggested_clusters, trees, with_consensus
from augcam.statistics.decoupling import correlations, draw_weights, map_table
from augcam.statistics.distances import Distances
from augcam.statistics.pairs import pair_table


def decouple(
    distances: Distances,
    augmentations: list[str],
    pair_k: int,
    resamples: int,
    seed: int,
    alpha: float,
    clusters: list[list[str]],
) -> dict[str, pd.DataFrame]:
    """The tables of this step, by name; `clusters`: groups of augmentations to test."""
    rng = np.random.default_rng(seed)
    weights = draw_weights(distances, resamples, rng)
    found = {metric: correlations(distances, metric, weights) for metric in distances.metrics}
    pairs = pair_table(distances, found, augmentations, pair_k, resamples, rng)
    names = [c for c in distances.conditions if c != distances.base]
    at = [distances.conditions.index(name) for name in names]
    likeness = with_consensus(found, at)
    n_states = min(distances.models_of(name) for name in augmentations)
    return {
        "decoupled_maps": map_table(found, distances, alpha),
        "pair_significance": pairs,
        "correlation_trees": trees({key: 1 - r for key, r in likeness.items()}, at, names),
        "suggested_clusters": suggested_clusters(
            likeness, distances.conditions, augmentations, clusters, n_states, alpha
        ),
    }
