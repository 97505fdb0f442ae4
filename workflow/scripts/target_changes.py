"""Compare maps that explain the same kind of class with the baseline's."""

from augcam.files.arrays import read_arrays
from augcam.files.tables import write_table
from augcam.run.job import job
from augcam.statistics.targets import target_changes

with job(snakemake.log[0]):
    params = snakemake.params
    models = [tuple(model) for model in params.models]
    found = {model: read_arrays(path) for model, path in zip(models, snakemake.input.cams)}
    changes = target_changes(found, models[0], params.metrics, params.input_size, snakemake.threads)
    write_table(changes, *snakemake.output)
