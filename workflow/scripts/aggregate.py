"""Average the similarity over starting states and correlate the augmentations."""

from augcam.comparison.repeats import distinct
from augcam.files.tables import Tables, read_table, write_tables
from augcam.paper.aggregation import aggregate
from augcam.run.job import job

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    columns = ["image_id", "degenerate_baseline", "degenerate_augmented", *params.metrics]
    paths = distinct(params.models, files.similarity, read_table(files.equal))
    tables = Tables(paths, columns)
    write_tables(aggregate(tables, params.metrics, params.augmentations), snakemake.output)
