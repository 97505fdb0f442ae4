"""Correlation maps without a shared baseline, pair tables with their chance, clusters."""

from functools import partial

from augcam.compare.repeats import distinct
from augcam.files.tables import read_table, write_tables
from augcam.run.job import job
from augcam.statistics.decoupled import decouple
from augcam.statistics.distances import gather

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    read = partial(read_table, columns=params.metrics)
    compared = distinct(params.compared, map(read, files.similarity), read_table(files.equal))
    further = dict(zip(map(tuple, params.further), map(read, files.further)))
    distances = gather(tuple(params.reference), compared, further, params.metrics)
    tables = decouple(distances, params.augmentations, params.pair_k, **params.statistics)
    write_tables(tables, snakemake.output)
