"""Compare every model with every other: distances, groups, a map, trees."""

from augcam.comparison.repeats import distinct
from augcam.files.arrays import read_arrays
from augcam.files.tables import read_table, write_tables
from augcam.run.job import job
from augcam.statistics.modelspace import model_space

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    found = distinct(params.models, map(read_arrays, files.cams), read_table(files.equal))
    tables = model_space(
        found, params.augmentations, params.controls, params.input_size, **params.statistics
    )
    write_tables(tables, snakemake.output)
