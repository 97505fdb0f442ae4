"""Draw the images at the extremes of each metric, with the maps of all models."""

from augcam.compare.explained import read_explained
from augcam.data.geometry import Fit
from augcam.files.arrays import read_array
from augcam.files.checksums import verify
from augcam.files.json import read_json
from augcam.files.tables import read_table
from augcam.report.extremes import extreme_figures
from augcam.report.style import save_figures
from augcam.run.job import job

with job(snakemake.log[0]):
    params, files = snakemake.params, snakemake.input
    stats = read_json(files.stats)
    verify(files.images, stats["checksums"]["images.npy"])
    models = [tuple(model) for model in params.models]
    explained = map(read_explained, files.cams, files.predictions)
    figures = extreme_figures(
        read_table(files.extremes),
        params.metrics,
        dict(zip(models, explained)),
        dict(zip(models[1:], map(read_table, files.similarity))),
        read_table(files.mean),
        read_array(files.images, mmap="r"),
        read_table(files.index),
        Fit(**stats["fit"]),
    )
    save_figures(figures, snakemake.output, params.dpi)
