"""One table of what the maps of every view make of random weights."""

import pandas as pd

from augcam.files.tables import read_table, write_table
from augcam.run.job import job

with job(snakemake):
    tables = map(read_table, snakemake.input.views)
    write_table(pd.concat(tables, ignore_index=True), *snakemake.output)
