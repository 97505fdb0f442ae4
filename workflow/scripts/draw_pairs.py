"""Draw how often each pair is among the strongest and weakest."""

from augcam.figures import pair_bars
from augcam.files import read_table
from augcam.jobs import job
from augcam.style import save_figures

with job(snakemake.log[0]):
    params = snakemake.params
    figure = pair_bars(read_table(snakemake.input.counts), params.pair_k, params.metrics)
    save_figures([("pair_counts", figure)], snakemake.output, params.dpi)
