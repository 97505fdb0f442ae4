"""Say in sentences what the tables show."""

from pathlib import Path

from augcam.files.tables import read_table, write_table
from augcam.run.job import job
from augcam.statistics.conclusions import conclude
from augcam.statistics.warnings import with_warnings

with job(snakemake.log[0]):
    params = snakemake.params
    tables = {Path(path).stem: read_table(path) for path in snakemake.input.tables}
    findings = with_warnings(
        read_table(snakemake.input.warnings),
        lambda: conclude(
            tables,
            params.augmentations,
            params.controls,
            params.base,
            params.n_states,
            **params.statistics,
        ),
    )
    write_table(findings, *snakemake.output)
