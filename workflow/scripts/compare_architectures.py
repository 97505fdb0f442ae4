"""Gather the histories of the compared architectures into one table."""

import pandas as pd

from augcam.files.tables import read_table, write_table
from augcam.run.job import job

with job(snakemake):
    histories = map(read_table, snakemake.input.histories)
    parts = dict(zip(snakemake.params.architectures, histories))
    table = pd.concat(parts, names=["architecture"]).reset_index("architecture")
    write_table(table, *snakemake.output)
