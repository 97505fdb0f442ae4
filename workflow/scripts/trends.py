"""Set distances and accuracies against the strengths of sweeps."""

from functools import partial

from augcam.compare.repeats import distinct
from augcam.files.tables import read_table, write_tables
from augcam.run.job import job
from augcam.statistics.distances import gather
from augcam.statistics.trends import Sweep, dose_response

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    read = partial(read_table, columns=params.metrics)
    compared = distinct(params.compared, map(read, files.similarity), read_table(files.equal))
    further = dict(zip(map(tuple, params.further), map(read, files.further)))
    distances = gather(tuple(params.reference), compared, further, params.metrics)
    sweeps = [Sweep(**sweep) for sweep in params.sweeps]
    performance = read_table(files.performance)
    tables = dose_response(distances, performance, sweeps, params.controls, **params.statistics)
    write_tables(tables, snakemake.output)
