"""Count how often each pair of augmentations is among the strongest and the weakest."""

from augcam.aggregation import pair_counts
from augcam.files import read_table, write_table
from augcam.jobs import job

with job(snakemake.log[0]):
    counts = pair_counts(
        read_table(snakemake.input.maps),
        snakemake.params.augmentations,
        snakemake.params.pair_k,
    )
    write_table(counts, *snakemake.output)
