"""Read a data set into the store of the experiment: images, split, training order, statistics."""

from pathlib import Path

from augcam.config.schema import Dataset, Split
from augcam.data.store import prepare
from augcam.run.job import job

with job(snakemake) as announce:
    prepare(
        Dataset(**snakemake.params.dataset),
        Split(**snakemake.params.split),
        images_path=snakemake.output.images,
        index_path=snakemake.output.index,
        order_path=snakemake.output.order,
        stats_path=snakemake.output.stats,
        report_path=snakemake.output.report,
        notes_path=snakemake.output.notes,
        masks_path=snakemake.output.get("masks"),
        broken_path=Path(snakemake.log[0]).with_name("broken_images.csv"),
        how=snakemake.params.fit,
        copies=snakemake.params.copies,
        announce=announce,
    )
