"""Correlation maps without a shared baseline, pair tables with their chance, clusters."""

from augcam.files.tables import read_table, write_tables
from augcam.run.job import job
from augcam.statistics.decoupled import decouple
from augcam.statistics.reading import read_distances

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    distances = read_distances(files, params, read_table(files.equal))
    tables = decouple(distances, params.augmentations, params.pair_k, **params.statistics)
    write_tables(tables, snakemake.output)
