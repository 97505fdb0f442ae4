"""Say in sentences what the tables show."""

from pathlib import Path

from augcam.conclusions import conclude
from augcam.files import read_table, write_table
from augcam.jobs import job

with job(snakemake.log[0]):
    params = snakemake.params
    tables = {Path(path).stem: read_table(path) for path in snakemake.input.tables}
    findings = conclude(
        tables,
        params.augmentations,
        params.controls,
        params.base,
        params.n_states,
        **params.statistics,
    )
    write_table(findings, *snakemake.output)
