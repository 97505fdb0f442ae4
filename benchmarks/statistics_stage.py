"""Time of the statistics stage at the paper's size, on synthetic distances and maps.

    PYTHONPATH=src python benchmarks/statistics_stage.py [images] [resamples]

10,000 images, 27 models (seven augmentations and two controls at three states), 8 metrics, three
baselines, 2,000 resamples. The comparisons of maps that come before are timed elsewhere.
"""

import sys
import time
from collections.abc import Callable

import numpy as np

from augcam.config.schema import Statistics
from augcam.names import PAPER_AUGMENTATIONS, PAPER_METRICS
from augcam.statistics.clusters import suggested_clusters, trees, with_consensus
from augcam.statistics.decoupling import correlations, draw_weights, map_table
from augcam.statistics.distances import Distances
from augcam.statistics.effects import effects, variance_split
from augcam.statistics.modelspace import (
    condition_replicates,
    condition_table,
    distance,
    pair_sums,
    positions,
    separation,
)
from augcam.statistics.pairs import pair_table
from augcam.statistics.planning import plan
from augcam.statistics.resampling import group_images

CONDITIONS = [*PAPER_AUGMENTATIONS, "none", "identity"]


def synthetic(images: int, rng: np.random.Generator) -> Distances:
    """Distances with parts of image, baseline and model; 2 % undefined correlations."""
    shape = (len(PAPER_METRICS), len(CONDITIONS), 3, 3, images)
    values = 5 + rng.standard_normal((len(PAPER_METRICS), 1, 1, 1, images))
    values = values + rng.standard_normal((len(PAPER_METRICS), 1, 1, 3, images))
    values = values + 0.5 * rng.standard_normal(shape)
    for state in range(3):
        values[:, CONDITIONS.index("none"), state, state] = np.nan
    for metric in ("pearson", "spearman"):
        values[PAPER_METRICS.index(metric)][rng.random(shape[1:]) < 0.02] = np.nan
    return Distances(values, list(PAPER_METRICS), CONDITIONS, [1, 2, 3], "none", [1, 2, 3])


def main(images: int = 10_000, resamples: int = 2000) -> None:
    rng = np.random.default_rng(0)
    d = synthetic(images, rng)
    cams = rng.standard_normal((27, images, 7, 7), dtype=np.float32)
    models = [(condition, state) for condition in CONDITIONS for state in d.states]
    controls = ["none", "identity"]
    suggested = Statistics().clusters
    total = 0.0

    def timed(name: str, step: Callable):
        nonlocal total
        start = time.perf_counter()
        result = step()
        seconds = time.perf_counter() - start
        total += seconds
        print(f"{name:<40}{seconds:8.2f} s", flush=True)
        return result

    timed("effects", lambda: effects(d, controls, resamples))
    timed("variance split", lambda: variance_split(d))
    timed("planning", lambda: plan(d, controls))
    weights = draw_weights(d, resamples, rng)
    found = timed(
        "correlation maps", lambda: {m: correlations(d, m, weights) for m in PAPER_METRICS}
    )
    timed("their intervals", lambda: map_table(found, d))
    timed("pair tables", lambda: pair_table(d, found, list(PAPER_AUGMENTATIONS), 4, resamples, rng))
    at = [i for i, c in enumerate(CONDITIONS) if c != "none"]
    likeness = with_consensus(found, at)
    apart = {key: 1 - r for key, r in likeness.items()}
    timed("trees", lambda: trees(apart, at, [CONDITIONS[i] for i in at]))
    timed(
        "suggested clusters",
        lambda: suggested_clusters(
            likeness, CONDITIONS, list(PAPER_AUGMENTATIONS), suggested, 3, 0.05
        ),
    )
    sums = timed("all pairs of models", lambda: pair_sums(cams, 224, *group_images(images, rng)))
    replicates, names = timed(
        "conditions, resampled", lambda: condition_replicates(sums, models, images, resamples, rng)
    )
    timed("their table", lambda: condition_table(replicates, names, models, 0.05))
    between = {("models", m): distance(values, m) for m, values in replicates.items()}
    timed("trees of models", lambda: trees(between, list(range(len(names))), names))
    timed("separation", lambda: separation(sums, models, controls, resamples, rng))
    timed("map of models", lambda: positions(sums, models))
    print(f"{'total':<40}{total:8.2f} s ({images} images, {resamples} resamples)")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
