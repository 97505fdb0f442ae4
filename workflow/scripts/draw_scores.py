"""Draw what maps say by themselves: scores by condition, and effects on them."""

from pathlib import Path

from augcam.files.tables import read_table
from augcam.report.scores import score_figures
from augcam.report.style import save_figures
from augcam.run.job import job

with job(snakemake):
    params = snakemake.params
    tables = {Path(path).stem: read_table(path) for path in snakemake.input.tables}
    drawn = score_figures(tables, params.conditions, params.controls)
    save_figures(drawn, snakemake.output, params.dpi)
