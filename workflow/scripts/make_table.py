"""Make one of the tables that are made from others."""

from augcam.entries import table_named
from augcam.files.tables import read_table, write_table
from augcam.run.job import job

with job(snakemake):
    tables = map(read_table, snakemake.input.tables)
    made = table_named(snakemake.params.name).make(*tables, **snakemake.params.settings)
    write_table(made, *snakemake.output)
