"""Draw the images at the extremes of each metric, with the maps of all models."""

from augcam.comparison.explained import read_explained
from augcam.comparison.repeats import distinct
from augcam.data.geometry import Fit
from augcam.files.arrays import read_array
from augcam.files.checksums import verify
from augcam.files.json import read_json
from augcam.files.tables import read_table
from augcam.report.extremes import extreme_figures
from augcam.report.style import save_figures
from augcam.run.job import job

with job(snakemake):
    params, files = snakemake.params, snakemake.input
    stats, equal = read_json(files.stats), read_table(files.equal)
    verify(files.images, stats["checksums"]["images.npy"])
    explained = map(read_explained, files.cams, files.predictions)
    figures = extreme_figures(
        read_table(files.extremes),
        params.metrics,
        distinct(params.models, explained, equal),
        distinct(params.models[1:], map(read_table, files.similarity), equal),
        read_table(files.mean),
        read_array(files.images, mmap="r"),
        read_table(files.index),
        Fit(**stats["fit"]),
    )
    save_figures(figures, snakemake.output, params.dpi)
