"""Draw the performance of all models."""

from augcam.files.tables import read_table
from augcam.names import MEASURES
from augcam.report.performance import performance_bars
from augcam.report.style import save_figures
from augcam.run.job import job

with job(snakemake.log[0]):
    params = snakemake.params
    table = read_table(snakemake.input.table)
    save_figures(
        (
            (f"performance_{m}", performance_bars(table, m, params.conditions, params.reference))
            for m in MEASURES
        ),
        snakemake.output,
        params.dpi,
    )
