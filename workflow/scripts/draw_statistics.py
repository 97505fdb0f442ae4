"""Draw the figures of the report's second half."""

from pathlib import Path

from augcam.figures_statistics import draw_all
from augcam.files import read_table
from augcam.jobs import job
from augcam.style import save_figures

with job(snakemake.log[0]):
    params = snakemake.params
    tables = {Path(path).stem: read_table(path) for path in snakemake.input.tables}
    drawn = draw_all(
        tables, params.metrics, params.conditions, params.compared, params.controls, params.power
    )
    save_figures(drawn, [*snakemake.output.png, *snakemake.output.pdf], params.dpi)
