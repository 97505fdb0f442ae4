"""Set augmentations against the controls, split the variance, plan starting states."""

from augcam.comparison.repeats import with_noise
from augcam.files.tables import read_table, write_tables
from augcam.run.job import job
from augcam.statistics.effects import against_controls
from augcam.statistics.reading import read_distances

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    equal = read_table(files.equal)
    distances = read_distances(files, params, equal)
    controls = with_noise(params.controls, equal)
    tables = against_controls(distances, controls, **params.statistics)
    write_tables(tables, snakemake.output)
