"""Set augmentations against the controls, split the variance, plan starting states."""

from functools import partial

from augcam.compare.repeats import distinct, with_noise
from augcam.files.tables import read_table, write_tables
from augcam.run.job import job
from augcam.statistics.distances import gather
from augcam.statistics.effects import against_controls

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    equal = read_table(files.equal)
    read = partial(read_table, columns=params.metrics)
    compared = distinct(params.compared, map(read, files.similarity), equal)
    further = dict(zip(map(tuple, params.further), map(read, files.further)))
    distances = gather(tuple(params.reference), compared, further, params.metrics)
    controls = with_noise(params.controls, equal)
    tables = against_controls(distances, controls, **params.statistics)
    write_tables(tables, snakemake.output)
