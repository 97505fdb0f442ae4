"""Figures of structure: correlation maps without the shared baseline, trees, model space."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import dendrogram

from augcam.entries import metric_named
from augcam.names import PAIR_METRICS, display_name
from augcam.report.style import (
    SMALL,
    colour,
    grid,
    heat_map,
    legend,
    mark_controls,
    nothing_to_show,
    styled,
)
from augcam.statistics.clusters import CONSENSUS, LINKAGE

KIND_TITLES = {
    "paper": "One baseline (the paper's map)",
    "decoupled": "Different baselines",
    "corrected": "Different baselines,\ncorrected for noise",
    "models": "Distance between models",
}


SLANTED: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor", "fontsize": 7}


@styled
def three_maps(maps: pd.DataFrame, metric: str, conditions: list[str]) -> Figure:
    """The paper's correlation map beside those without a shared baseline.

    `maps`: decoupled_maps. The diagonal of the second is the reliability.
    """
    size = 0.5 * len(conditions) + 1.6
    figure, panels = plt.subplots(1, 3, figsize=(3 * size + 1.2, size + 0.6), squeeze=False)
    for number, (panel, kind) in enumerate(zip(panels[0], ("paper", "decoupled", "corrected"))):
        rows = maps[(maps["metric"] == metric) & (maps["kind"] == kind)]
        square = rows.pivot(index="condition_a", columns="condition_b", values="r")
        square = square.loc[conditions, conditions].to_numpy()
        image = heat_map(panel, square, conditions, "RdBu_r", -1, 1)
        panel.set_title(KIND_TITLES[kind])
        if number:
            panel.set_yticklabels([])
    figure.suptitle(display_name(metric), x=0.01, ha="left", fontweight="bold")
    figure.colorbar(image, ax=panels[0], shrink=0.75, label="correlation over test images")
    return figure


@styled
def dendrograms(trees: pd.DataFrame) -> Figure:
    """Average-linkage trees with the support of each node in per cent of the resamples."""
    wanted = [("paper", CONSENSUS), ("decoupled", CONSENSUS), ("corrected", CONSENSUS)]
    wanted += [("models", metric) for metric in PAIR_METRICS]
    parts = [
        (source, metric, part)
        for source, metric in wanted
        if len(part := trees[(trees["source"] == source) & (trees["metric"] == metric)])
    ]
    if not parts:
        return nothing_to_show("Trees need three conditions with defined distances.")
    leaves = parts[0][2]["n_members"].max()
    figure, panels = grid(len(parts), 4.3, 0.33 * leaves + 1.6, columns=3)
    for panel, (source, metric, part) in zip(panels, parts):
        _tree(panel, part)
        title = KIND_TITLES[source].replace("\n", " ")
        note = _metrics_of(part) if metric == CONSENSUS else display_name(metric)
        fit = part["cophenetic"].iloc[0]
        panel.set_title(f"{title}\n{note}, cophenetic r {fit:.2f}", fontsize=9)
        panel.set_xlabel("distance" if source == "models" else "1 − r", fontsize=SMALL)
    return figure


def _metrics_of(consensus: pd.DataFrame) -> str:
    left_out = [display_name(m) for m in consensus["left_out"].iloc[0].split(" + ") if m]
    return f"all metrics but {', '.join(left_out)}" if left_out else "all metrics"


def _tree(axes: Axes, nodes: pd.DataFrame) -> None:
    """One tree, leaves on the left; `nodes`: rows of tables/…_trees in the order of joining.

    The axis begins just below the first node, so that nodes stand apart; the support is written on
    its node, with the lines covered.
    """
    names = nodes["members"].iloc[-1].split(" + ")
    # The colour of each link is, here, the number of its node.
    # Beside a table without trees, as of one augmentation, numbers are held as objects.
    tree = nodes[LINKAGE].astype(float)
    links = dendrogram(tree, labels=names, no_plot=True, link_color_func=str)
    support = dict(zip(nodes["node"] + len(names), nodes["support"]))
    first, last = nodes["height"].min(), nodes["height"].max()
    room = (last - first) or last or 1.0
    start = max(0.0, first - room / 4)
    for y, x, node in zip(links["icoord"], links["dcoord"], links["color_list"]):
        axes.plot(np.maximum(x, start), y, color="#333333", lw=1.2)
        if not np.isnan(share := support[int(node)]):
            axes.text(
                x[1], (y[1] + y[2]) / 2, f"{100 * share:.0f}", ha="center", va="center", fontsize=7,
                color="#CC3311", zorder=3, bbox={"facecolor": "white", "lw": 0, "pad": 0.6},
            )  # fmt: skip
    order = links["ivl"]
    axes.set_yticks(
        [10 * i + 5 for i in range(len(order))],  # where scipy puts the leaves
        [display_name(name) for name in order],
        fontsize=SMALL,
    )
    mark_controls(axes.get_yticklabels(), order)
    axes.set_xlim(start, last + room / 12)
    axes.grid(False)
    axes.tick_params(axis="y", length=0)


@styled
def model_map(positions: pd.DataFrame, conditions: list[str]) -> Figure:
    """All models in two dimensions, so that near ones have similar maps. A cross: the mean."""
    metrics = list(dict.fromkeys(positions["metric"]))
    if not metrics:
        return nothing_to_show("A map needs three models whose distances are defined and differ.")
    figure, panels = grid(len(metrics), 5.2, 4.8, columns=2)
    for panel, metric in zip(panels, metrics):
        rows = positions[positions["metric"] == metric]
        for condition in conditions:
            part = rows[rows["condition"] == condition]
            if part.empty:
                continue
            middle = part[["x", "y"]].mean()
            for row in part.itertuples():
                panel.plot(
                    [row.x, middle["x"]], [row.y, middle["y"]], lw=0.8, color=colour(condition)
                )
            panel.scatter(
                part["x"],
                part["y"],
                color=colour(condition),
                edgecolor="black",
                linewidth=0.6,
                s=45,
                zorder=3,
                label=display_name(condition),
            )
        panel.set_title(f"{display_name(metric)}, stress {rows['stress'].iloc[0]:.2f}")
        panel.set_aspect("equal", adjustable="datalim")
        panel.set_xticks([])
        panel.set_yticks([])
        panel.spines[:].set_visible(True)
    legend(figure, panels, 5)
    return figure


@styled
def condition_maps(similarity: pd.DataFrame, conditions: list[str]) -> Figure:
    """Mean difference (left) and correlation (right) of maps between models of two conditions; on
    the diagonal within a condition."""
    size = 0.5 * len(conditions) + 1.8
    figure, panels = plt.subplots(1, 2, figsize=(2 * size + 2, size + 0.4), squeeze=False)
    for panel, metric in zip(panels[0], PAIR_METRICS):
        difference = metric_named(metric).at_equality == 0
        rows = similarity[similarity["metric"] == metric]
        square = rows.pivot(index="condition_a", columns="condition_b", values="value")
        square = square.reindex(index=conditions, columns=conditions)
        square = square.fillna(square.T).to_numpy()
        defined = square[~np.isnan(square)]
        low, high = (defined.min(), defined.max()) if len(defined) else (0, 1)
        image = heat_map(
            panel,
            square,
            conditions,
            "viridis_r" if difference else "viridis",
            low,
            high,
            digits=3 if difference else 2,
        )
        panel.set_title(display_name(metric))
        figure.colorbar(image, ax=panel, shrink=0.75)
    return figure
