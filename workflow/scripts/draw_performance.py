"""Draw the performance of all models."""

from augcam.files.tables import read_table
from augcam.report.performance import performance_figures
from augcam.report.style import save_figures
from augcam.run.job import job

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    tables = read_table(files.table), read_table(files.equal)
    figures = performance_figures(*tables, params.conditions, tuple(params.reference))
    save_figures(figures, snakemake.output, params.dpi)
