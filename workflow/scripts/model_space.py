"""Compare every model with every other: distances, groups, a map, trees."""

import numpy as np

from augcam.files.arrays import read_arrays
from augcam.files.tables import write_table
from augcam.run.job import job
from augcam.statistics import modelspace
from augcam.statistics.clusters import suggested_clusters, trees
from augcam.statistics.resampling import group_images

with job(snakemake.log[0]):
    params, output, options = snakemake.params, snakemake.output, snakemake.params.statistics
    rng = np.random.default_rng(options["seed"])
    models = [tuple(model) for model in params.models]
    found = {model: read_arrays(path) for model, path in zip(models, snakemake.input.cams)}
    cams = modelspace.stack_cams(found)
    n_images = cams.shape[1]
    sums = modelspace.pair_sums(cams, params.input_size, *group_images(n_images, rng))
    write_table(modelspace.pair_frame(sums, models), *output.model_pairs)
    replicates, names = modelspace.condition_replicates(
        sums, models, n_images, options["resamples"], rng
    )
    between = modelspace.condition_table(replicates, names, models, options["alpha"])
    write_table(between, *output.condition_similarity)
    apart = {("models", m): modelspace.distance(values, m) for m, values in replicates.items()}
    write_table(trees(apart, list(range(len(names))), names), *output.model_trees)
    n_states = min(sum(c == name for c, _ in models) for name in params.augmentations)
    tested = suggested_clusters(
        {key: -values for key, values in apart.items()},
        names,
        params.augmentations,
        options["clusters"],
        n_states,
        options["alpha"],
    )
    write_table(tested, *output.suggested_model_clusters)
    separation = modelspace.separation(sums, models, params.controls, options["resamples"], rng)
    write_table(separation, *output.separation)
    write_table(modelspace.positions(sums, models), *output.model_positions)
