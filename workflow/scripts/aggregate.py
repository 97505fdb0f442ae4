"""Average the similarity over starting states and correlate the augmentations."""

from augcam.files.tables import Tables, write_table
from augcam.paper import aggregation
from augcam.run.job import job

with job(snakemake.log[0]):
    metrics, output = snakemake.params.metrics, snakemake.output
    models = [tuple(model) for model in snakemake.params.models]
    columns = ["image_id", "degenerate_baseline", "degenerate_augmented", *metrics]
    tables = Tables(dict(zip(models, snakemake.input.similarity)), columns)
    mean = aggregation.similarity_mean(tables, metrics)
    write_table(mean, *output.similarity_mean)
    write_table(aggregation.similarity_summary(mean, metrics), *output.similarity_summary)
    write_table(aggregation.excluded_values(tables, metrics), *output.excluded_values)
    write_table(aggregation.correlation_maps(mean, metrics), *output.correlation_maps)
    extremes = aggregation.extreme_images(mean, metrics, snakemake.params.augmentations)
    write_table(extremes, *output.extreme_images)
