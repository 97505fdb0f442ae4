"""Draw whether the answer holds in further views."""

from augcam.files.tables import read_table
from augcam.report.style import save_figures
from augcam.report.views import view_figures
from augcam.run.job import job

with job(snakemake):
    params, files = snakemake.params, snakemake.input
    drawn = view_figures(*map(read_table, files.tables), read_table(files.equal), params.controls)
    save_figures(drawn, snakemake.output, params.dpi)
