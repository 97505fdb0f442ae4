"""What each metric shows between maps that have nothing, or only the centre, in common."""

import numpy as np

from augcam.comparison.explained import read_explained
from augcam.comparison.nulls import null_levels
from augcam.files.tables import write_table
from augcam.run.job import job

with job(snakemake):
    params, similarity = snakemake.params, snakemake.params.similarity
    levels = null_levels(
        read_explained(snakemake.input.cams, snakemake.input.predictions),
        similarity["metrics"],
        params.input_size,
        similarity["epsilon"],
        params.statistics["null_images"],
        np.random.default_rng(params.statistics["seed"]),
    )
    write_table(levels, *snakemake.output)
