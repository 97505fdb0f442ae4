"""Draw one of the figures that are drawn from tables alone."""

from augcam.entries import figure_named
from augcam.files.tables import read_table
from augcam.report.style import save_figures, styled
from augcam.run.job import job

with job(snakemake):
    params = snakemake.params
    draw = styled(figure_named(params.name).draw)
    figure = draw(*map(read_table, snakemake.input.tables), **params.settings)
    save_figures([(params.name, figure)], snakemake.output, params.dpi)
