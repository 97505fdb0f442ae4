"""Draw every metric by segment, one by one and at a glance."""

from augcam.comparison.repeats import distinct
from augcam.files.tables import read_table
from augcam.report.charts import segment_figures
from augcam.report.style import save_figures
from augcam.run.job import job

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    figures = segment_figures(
        distinct(params.models, map(read_table, files.similarity), read_table(files.equal)),
        read_table(files.summary),
        read_table(files.tests),
        params.metrics,
        params.compared,
    )
    save_figures(figures, snakemake.output, params.dpi)
