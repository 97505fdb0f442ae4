"""Draw the figures of the report's second half."""

from pathlib import Path

from augcam.files.tables import read_table
from augcam.report.statistics import draw_all
from augcam.report.style import save_figures
from augcam.run.job import job

with job(snakemake):
    params = snakemake.params
    tables = {Path(path).stem: read_table(path) for path in snakemake.input.tables}
    drawn = draw_all(
        tables, params.metrics, params.conditions, params.compared, params.controls, params.power
    )
    save_figures(drawn, snakemake.output, params.dpi)
