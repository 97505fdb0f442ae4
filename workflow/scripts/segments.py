"""Summarise and test every metric by which of the two models is right."""

from augcam.comparison.repeats import distinct
from augcam.files.tables import read_table, write_tables
from augcam.paper.segments import by_segment
from augcam.run.job import job

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    tables = distinct(params.models, map(read_table, files.similarity), read_table(files.equal))
    write_tables(by_segment(tables, params.metrics), snakemake.output)
