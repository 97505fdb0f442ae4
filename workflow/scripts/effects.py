"""Set augmentations against the controls, split the variance, plan starting states."""

from augcam.files.tables import write_table
from augcam.run.job import job
from augcam.statistics.distances import read_distances
from augcam.statistics.effects import effects, variance_split
from augcam.statistics.planning import plan

with job(snakemake.log[0]):
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    options = dict(params.statistics)
    power = options.pop("power")
    distances = read_distances(
        tuple(params.reference),
        {tuple(model): path for model, path in zip(params.compared, files.similarity)},
        {tuple(key): path for key, path in zip(params.further, files.further)},
        params.metrics,
    )
    write_table(effects(distances, params.controls, **options), *output.effects)
    write_table(variance_split(distances), *output.variance_split)
    planned = plan(distances, params.controls, options["alpha"], power)
    write_table(planned, *output.planning)
