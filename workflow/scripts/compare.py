"""Compare one model's maps and predictions with the baseline's, image by image."""

from augcam.files import write_table
from augcam.jobs import job
from augcam.similarity import compare, read_explained

with job(snakemake.log[0]):
    files, similarity = snakemake.input, snakemake.params.similarity
    table = compare(
        read_explained(files.baseline_cams, files.baseline_predictions),
        read_explained(files.cams, files.predictions),
        similarity["metrics"],
        snakemake.params.input_size,
        similarity["epsilon"],
    )
    write_table(table, snakemake.output[0])
