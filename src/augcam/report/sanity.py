"""How maps change while the network's weights become random."""

import pandas as pd
from matplotlib.figure import Figure

from augcam.comparison.likeness import OTHER_IMAGE, RANDOM, Likeness
from augcam.entries import method_named
from augcam.report.structure import SLANTED
from augcam.report.style import grid, legend, styled

STYLES = dict(
    zip(
        Likeness._fields,
        [
            ("o", "#332288", "Spearman"),
            ("s", "#CC3311", "Spearman, absolute values"),
            ("^", "#DDAA33", "SSIM, absolute values"),
        ],
    )
)
"""Marker, colour and name of each measure."""


@styled
def randomisation(table: pd.DataFrame) -> Figure:
    """Likeness to the trained network's maps against the blocks that are random, one panel a view;
    dashed: two different images. `table`: that of `augcam.comparison.sanity.sanity_table`."""
    views = list(table.groupby(["view", "method"], sort=False))
    figure, panels = grid(len(views), 6.5, 3.6)
    for panel, ((view, method), rows) in zip(panels, views):
        steps = rows[rows["compared_with"] == RANDOM].sort_values("step")
        other = rows[rows["compared_with"] == OTHER_IMAGE]
        for measure, (marker, ink, label) in STYLES.items():
            values = [1, *steps[measure]]
            panel.plot(range(len(values)), values, f"{marker}-", ms=4, color=ink, label=label)
            panel.axhline(other[measure].iloc[0], color=ink, lw=0.9, ls="--")
        names = ["none", *steps["layer"]]
        panel.set_xticks(range(len(names)), names, **SLANTED)
        panel.set_xlabel("random down to")
        panel.set_ylabel("likeness to the trained maps")
        panel.set_title(f"{method_named(method).display_name} (view '{view}')")
    legend(figure, panels, 3)
    return figure
