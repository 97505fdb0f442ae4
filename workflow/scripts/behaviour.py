"""Predictions against the baseline's, and what they have to do with the maps' change."""

from augcam.files.tables import read_table, write_table
from augcam.run.job import job
from augcam.statistics.behaviour import behaviour, class_changes

with job(snakemake.log[0]):
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    models, compared = ([tuple(m) for m in names] for names in (params.models, params.compared))
    predictions = {model: read_table(path) for model, path in zip(models, files.predictions)}
    similarity = {model: read_table(path) for model, path in zip(compared, files.similarity)}
    reference = models[0]
    write_table(behaviour(predictions, reference), *output.behaviour)
    changes = class_changes(similarity, predictions, reference, params.metrics)
    write_table(changes, *output.class_changes)
