"""Draw the comparison of architectures."""

from augcam.files.tables import read_table
from augcam.names import MEASURES
from augcam.report.performance import architecture_curves, architecture_times
from augcam.report.style import save_figures
from augcam.run.job import job

with job(snakemake):
    table = read_table(snakemake.input.table)
    drawn = [(f"architectures_{m}", architecture_curves(table, m)) for m in MEASURES]
    drawn.append(("architectures_time", architecture_times(table)))
    save_figures(drawn, snakemake.output, snakemake.params.dpi)
