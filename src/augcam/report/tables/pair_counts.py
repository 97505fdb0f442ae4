"""How often each pair of augmentations is among the strongest and the weakest (tables 1 and 2)."""

from augcam.entries import Table


def make(correlation_maps, augmented, counted_pairs):
    from augcam.paper.aggregation import pair_counts

    return pair_counts(correlation_maps, augmented, counted_pairs)


ENTRY = Table(
    name="pair_counts",
    display_name="Strongest and weakest pairs",
    note="In how many metrics a pair of augmentations is among the strongest or weakest of the "
    "correlation map: tables 1 and 2 of the paper, complete.",
    section="pairs",
    label="tables 1, 2 (table)",
    make=make,
    needs=("correlation_maps",),
    settings=("augmented", "counted_pairs"),
)
