"""Compare models with a baseline, image by image."""

from augcam.comparison.models import compare_files
from augcam.run.job import job

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    others = list(zip(files.others[::2], files.others[1::2]))
    compare_files(
        tuple(files.baseline),
        others,
        snakemake.output,
        params.similarity["metrics"],
        params.input_size,
        params.similarity["epsilon"],
        snakemake.threads,
    )
