"""Correlation maps without a shared baseline, pair tables with their chance, clusters."""

import numpy as np

from augcam.files.tables import write_table
from augcam.run.job import job
from augcam.statistics.clusters import suggested_clusters, trees, with_consensus
from augcam.statistics.decoupling import correlations, draw_weights, map_table, pair_table
from augcam.statistics.distances import read_distances

with job(snakemake.log[0]):
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    options = params.statistics
    rng = np.random.default_rng(options["seed"])
    distances = read_distances(
        tuple(params.reference),
        {tuple(model): path for model, path in zip(params.compared, files.similarity)},
        {tuple(key): path for key, path in zip(params.further, files.further)},
        params.metrics,
    )
    weights = draw_weights(distances, options["resamples"], rng)
    found = {metric: correlations(distances, metric, weights) for metric in distances.metrics}
    write_table(map_table(found, distances, options["alpha"]), *output.decoupled_maps)
    pairs = pair_table(
        distances, found, params.augmentations, params.pair_k, options["resamples"], rng
    )
    write_table(pairs, *output.pair_significance)
    names = [c for c in distances.conditions if c != distances.base]
    at = [distances.conditions.index(name) for name in names]
    likeness = with_consensus(found, at)
    grown = trees({key: 1 - r for key, r in likeness.items()}, at, names)
    write_table(grown, *output.correlation_trees)
    tested = suggested_clusters(
        likeness,
        distances.conditions,
        params.augmentations,
        options["clusters"],
        distances.n_states,
        options["alpha"],
    )
    write_table(tested, *output.suggested_clusters)
