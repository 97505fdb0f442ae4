"""Draw how often each pair is among the strongest and weakest."""

from augcam.files.tables import read_table
from augcam.report.charts import pair_bars
from augcam.report.style import save_figures
from augcam.run.job import job

with job(snakemake.log[0]):
    params = snakemake.params
    figure = pair_bars(read_table(snakemake.input.counts), params.pair_k, params.metrics)
    save_figures([("pair_counts", figure)], snakemake.output, params.dpi)
