"""The strongest and weakest pairs of augmentations as bars."""

from augcam.entries import Figure


def draw(pair_counts, counted_pairs, metrics):
    from augcam.report.charts import pair_bars

    return pair_bars(pair_counts, counted_pairs, len(metrics))


ENTRY = Figure(
    name="pair_counts",
    display_name="Strongest and weakest pairs",
    caption="""
In how many metrics each pair of augmentations is among the strongest or weakest of the correlation
map (tables 1 and 2 of the paper).

**How to read it.** Each side adds up to *k* times the number of metrics, or less where correlations
are undefined. *k* is below half of the pairs, so that no pair is both. The metrics measure nearly
the same thing (three overlap rates, two differences, two correlations): a high count is less
evidence than it looks.
""",
    section="pairs",
    label="tables 1, 2 (figure)",
    draw=draw,
    needs=("pair_counts",),
    settings=("counted_pairs", "similarity.metrics"),
)
