"""Score every map of one model."""

from augcam.comparison.scoring import score_files
from augcam.data.geometry import Fit
from augcam.data.masks import read_masks
from augcam.files.json import read_json
from augcam.run.job import job

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    score_files(
        *files.explained,
        *snakemake.output,
        params.scores,
        params.input_size,
        read_masks(files.masks) if files.get("masks") else None,
        Fit(**read_json(files.stats)["fit"]),
        snakemake.threads,
    )
