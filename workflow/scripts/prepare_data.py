"""Read a data set into the store of the experiment: images, split, training order, statistics."""

from augcam.config.schema import Dataset, Split
from augcam.data.store import prepare
from augcam.run.job import job

with job(snakemake.log[0]):
    prepare(
        Dataset(**snakemake.params.dataset),
        Split(**snakemake.params.split),
        images_path=snakemake.output.images,
        index_path=snakemake.output.index,
        order_path=snakemake.output.order,
        stats_path=snakemake.output.stats,
    )
