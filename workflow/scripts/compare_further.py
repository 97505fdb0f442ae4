"""Compare every model with a further baseline, image by image."""

from augcam.distances import compare_all
from augcam.files import write_table
from augcam.jobs import job
from augcam.similarity import read_explained

with job(snakemake.log[0]):
    files, params, similarity = snakemake.input, snakemake.params, snakemake.params.similarity
    models = {
        tuple(model): read_explained(*paths)
        for model, *paths in zip(params.models, files.cams, files.predictions)
    }
    baseline = models.pop((params.base, int(snakemake.wildcards.baseline)))
    table = compare_all(
        baseline, models, similarity["metrics"], params.input_size, similarity["epsilon"]
    )
    write_table(table, snakemake.output[0])
