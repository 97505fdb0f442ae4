"""Set distances and accuracies against the strengths of sweeps."""

from augcam.files.tables import read_table, write_tables
from augcam.run.job import job
from augcam.statistics.reading import read_distances
from augcam.statistics.trends import Sweep, dose_response

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    distances = read_distances(files, params, read_table(files.equal))
    sweeps = [Sweep(**sweep) for sweep in params.sweeps]
    performance = read_table(files.performance)
    tables = dose_response(distances, performance, sweeps, params.controls, **params.statistics)
    write_tables(tables, snakemake.output)
