"""Draw boxplots and correlation maps of all metrics."""

from augcam.files.tables import read_table
from augcam.report.charts import similarity_figures
from augcam.report.style import save_figures
from augcam.run.job import job

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    figures = similarity_figures(
        read_table(files.mean),
        read_table(files.maps),
        params.metrics,
        params.compared,
        params.figures["outliers"],
    )
    save_figures(figures, snakemake.output, params.figures["dpi"])
