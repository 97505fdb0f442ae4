"""Draw the performance of all models."""

from augcam.config import MEASURES
from augcam.figures import performance_bars
from augcam.files import read_table
from augcam.jobs import job
from augcam.style import save_figures

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
