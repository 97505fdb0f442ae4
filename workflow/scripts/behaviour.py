"""Predictions against the baseline's, and what they have to do with the maps' change."""

from augcam.comparison.repeats import distinct
from augcam.files.tables import read_table, write_tables
from augcam.run.job import job
from augcam.statistics.behaviour import predicted_otherwise

with job(snakemake):
    files, params, equal = snakemake.input, snakemake.params, read_table(snakemake.input.equal)
    predictions = distinct(params.models, map(read_table, files.predictions), equal)
    similarity = distinct(params.compared, map(read_table, files.similarity), equal)
    reference = next(iter(predictions))
    tables = predicted_otherwise(predictions, similarity, reference, params.metrics)
    write_tables(tables, snakemake.output)
