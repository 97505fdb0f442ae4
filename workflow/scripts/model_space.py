"""Compare every model with every other: distances, groups, a map, trees."""

import numpy as np
import pandas as pd

from augcam import modelspace
from augcam.clusters import tree_table
from augcam.distances import group_images
from augcam.files import read_arrays, write_table
from augcam.jobs import job

with job(snakemake.log[0]):
    params, output, options = snakemake.params, snakemake.output, snakemake.params.statistics
    rng = np.random.default_rng(options["seed"])
    models = [tuple(model) for model in params.models]
    found = {model: read_arrays(path) for model, path in zip(models, snakemake.input.cams)}
    cams = modelspace.stack_cams(found)
    n_images = cams.shape[1]
    sums = modelspace.pair_sums(cams, params.input_size, *group_images(n_images, rng))
    write_table(modelspace.pair_frame(sums, models), *output.model_pairs)
    between, trees = [], []
    for metric in modelspace.PAIR_METRICS:
        replicates, names = modelspace.condition_replicates(
            sums, metric, models, n_images, options["resamples"], rng
        )
        n_states = min(sum(c == name for c, _ in models) for name in names)
        between.append(
            modelspace.condition_table(replicates, names, metric, n_states, options["alpha"])
        )
        squared = modelspace.squared_distance(replicates, metric)
        trees.append(tree_table(np.sqrt(squared.clip(0)), names, "models", metric))
    write_table(pd.concat(between, ignore_index=True), *output.condition_similarity)
    write_table(pd.concat(trees, ignore_index=True), *output.model_trees)
    separation = modelspace.separation(sums, models, params.controls, options["resamples"], rng)
    write_table(separation, *output.separation)
    write_table(modelspace.positions(sums, models), *output.model_positions)
