"""Compare maps that explain the same kind of class with the baseline's."""

from augcam.comparison.repeats import distinct
from augcam.files.arrays import read_arrays
from augcam.files.tables import read_table, write_table
from augcam.run.job import job
from augcam.statistics.targets import target_changes

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    found = distinct(params.models, map(read_arrays, files.cams), read_table(files.equal))
    reference = next(iter(found))
    changes = target_changes(found, reference, params.metrics, params.input_size, snakemake.threads)
    write_table(changes, *snakemake.output)
