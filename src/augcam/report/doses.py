"""Figures of dose and response: what grows with the strength of an augmentation."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from augcam.names import condition_name, display_name
from augcam.report.style import SMALL, colour, grid, legend, styled
from augcam.statistics.trends import ACCURACY


@styled
def dose_response(doses: pd.DataFrame, trends: pd.DataFrame, sweep: str) -> Figure:
    """Each model's mean of each metric against the strength, controls as bands.

    `doses`, `trends`: the tables of `augcam.statistics.trends.dose_response`. A band reaches from
    the smallest to the largest model of a control; its line is their mean.
    """
    of_sweep = doses[doses["sweep"] == sweep]
    of_controls = doses[doses["sweep"] == ""]
    found = trends[trends["sweep"] == sweep].set_index("metric")
    metrics = list(dict.fromkeys(of_sweep["metric"]))
    figure, panels = grid(len(metrics), 3.4, 2.9)
    for panel, metric in zip(panels, metrics):
        _bands(panel, of_controls[of_controls["metric"] == metric])
        _models(panel, of_sweep[of_sweep["metric"] == metric])
        row = found.loc[metric]
        name = "Accuracy" if metric == ACCURACY else display_name(metric)
        said = row["verdict"].split(" with ")[0]
        p = "" if np.isnan(row["p_holm"]) else f", p {row['p_holm']:.2g}"
        panel.text(0.02, 1.0, f"{said}{p}", transform=panel.transAxes, va="bottom", fontsize=SMALL)
        panel.set_title(name, pad=16)
        panel.set_xlabel(row["parameter"], fontsize=SMALL)
        panel.grid(True, axis="y")
    figure.suptitle(condition_name(sweep), x=0.01, ha="left", fontweight="bold")
    legend(figure, panels, 4)
    return figure


def _bands(panel: Axes, controls: pd.DataFrame) -> None:
    for condition, rows in controls.groupby("condition", sort=False):
        ink = colour(str(condition))
        panel.axhspan(rows["mean"].min(), rows["mean"].max(), color=ink, alpha=0.25, lw=0)
        label = condition_name(str(condition))
        panel.axhline(rows["mean"].mean(), color=ink, lw=1.2, ls="--", label=label)


def _models(panel: Axes, rows: pd.DataFrame) -> None:
    means = rows.groupby("position")["mean"].mean()
    panel.plot(means.index, means, color="#332288", lw=1.2, label="mean over starting states")
    for number, (_, of_state) in enumerate(rows.groupby("state")):
        label = "one model" if number == 0 else None
        panel.plot(
            of_state["position"],
            of_state["mean"],
            "o",
            ms=4,
            color="#332288",
            alpha=0.6,
            label=label,
        )
    ticks = rows.drop_duplicates("position")
    panel.set_xticks(ticks["position"], ticks["value"], fontsize=SMALL)
    panel.set_xlim(-0.06, 1.06)
