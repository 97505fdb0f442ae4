"""Summarise and test every metric by which of the two models is right."""

from augcam.files.tables import read_table, write_table
from augcam.paper.segments import segment_summary, segment_tests
from augcam.run.job import job

with job(snakemake.log[0]):
    metrics, output = snakemake.params.metrics, snakemake.output
    models = [tuple(model) for model in snakemake.params.models]
    tables = {model: read_table(path) for model, path in zip(models, snakemake.input.similarity)}
    write_table(segment_summary(tables, metrics), *output.segment_summary)
    write_table(segment_tests(tables, metrics), *output.segment_tests)
