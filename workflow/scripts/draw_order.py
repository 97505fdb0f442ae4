"""Draw the training order of one starting state, and with it which images train."""

from augcam.config.schema import Split
from augcam.data.split import order_at, refuse_to_vary
from augcam.files.arrays import write_arrays
from augcam.files.json import read_json
from augcam.files.tables import read_columns
from augcam.run.job import job

with job(snakemake):
    params = snakemake.params
    refuse_to_vary(read_json(snakemake.input.stats), params.varied)
    index = read_columns(snakemake.input.index, ["image_id", "split", "label", *params.groups])
    order = order_at(index, Split(**params.split), params.state, params.varied, params.copies)
    write_arrays(snakemake.output[0], order=order)
