"""Count how often each pair of augmentations is among the strongest and the weakest."""

from augcam.files.tables import read_table, write_table
from augcam.paper.aggregation import pair_counts
from augcam.run.job import job

with job(snakemake.log[0]):
    counts = pair_counts(
        read_table(snakemake.input.maps),
        snakemake.params.augmentations,
        snakemake.params.pair_k,
    )
    write_table(counts, *snakemake.output)
