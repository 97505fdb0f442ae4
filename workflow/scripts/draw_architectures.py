"""Draw the comparison of architectures."""

from augcam import figures
from augcam.config import MEASURES
from augcam.files import read_table
from augcam.jobs import job
from augcam.style import save_figures

with job(snakemake.log[0]):
    table = read_table(snakemake.input.table)
    drawn = [(f"architectures_{m}", figures.architecture_curves(table, m)) for m in MEASURES]
    drawn.append(("architectures_time", figures.architecture_times(table)))
    save_figures(drawn, snakemake.output, snakemake.params.dpi)
