"""Figures of the report's second half: effects, correlations without a shared baseline, clusters,
models, variance, planning."""

from collections.abc import Iterator, Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from augcam.clusters import CONSENSUS
from augcam.contents import display_name
from augcam.distances import at_equality, orientation
from augcam.style import (
    KLD_LINEAR_BELOW,
    SMALL,
    colour,
    mark_controls,
    name_conditions,
    name_square,
    nothing_to_show,
    styled,
)

KIND_TITLES = {
    "paper": "One baseline (the paper's map)",
    "decoupled": "Different baselines",
    "corrected": "Different baselines,\ncorrected for noise",
    "models": "Distance between models",
}
SLANTED = {"rotation": 45, "ha": "right", "rotation_mode": "anchor", "fontsize": 7}
TARGET_STYLES = {
    "predicted": ("o", "#332288", "each its own prediction"),
    "label": ("^", "#DDAA33", "all the true label"),
    "baseline": ("s", "#CC3311", "all the baseline's prediction"),
}
NULL_STYLES = {
    "other_image": ("-", "maps of two different images"),
    "same_class": ("--", "… predicted as the same class"),
    "mean_map": ("-.", "a map against the model's mean map"),
    "random_map": (":", "a map against a random map"),
}


def draw_all(
    tables: Mapping[str, pd.DataFrame],
    metrics: list[str],
    conditions: list[str],
    compared: list[str],
    controls: list[str],
    power: float,
) -> Iterator[tuple[str, Figure]]:
    """Every figure of this module with its name, one by one.

    `tables`: by name, as in `tables/`, target_changes only if it is wanted; `conditions`: all;
    `compared`: those with a distance from the baseline.
    """
    yield (
        "null_levels",
        null_levels(tables["similarity_summary"], tables["null_levels"], metrics, compared),
    )
    for control in controls:
        yield f"effects_{control}", forest(tables["effects"], control, metrics)
    yield "variance_split", variance_bars(tables["variance_split"], metrics)
    if "target_changes" in tables:
        yield "target_changes", target_lines(tables["target_changes"], compared)
    for metric in metrics:
        yield f"decoupled_{metric}", three_maps(tables["decoupled_maps"], metric, compared)
    yield "clusters", dendrograms(pd.concat([tables["correlation_trees"], tables["model_trees"]]))
    yield "model_map", model_map(tables["model_positions"], conditions)
    yield "condition_similarity", condition_maps(tables["condition_similarity"], conditions)
    yield "planning", states_needed(tables["planning"], metrics, power)


def _grid(count: int, width: float, height: float, columns: int = 4) -> tuple[Figure, list[Axes]]:
    """`count` panels of `width` × `height` inches, at most `columns` side by side."""
    columns = min(columns, count)
    rows = -(-count // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(width * columns, height * rows), squeeze=False
    )
    panels = list(grid.ravel())
    for panel in panels[count:]:
        panel.set_axis_off()
    return figure, panels[:count]


def _legend(figure: Figure, panels: list[Axes], columns: int) -> None:
    """One legend below the figure: every entry of any panel, once."""
    shown = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels()):
            shown.setdefault(label, handle)
    if shown:
        figure.legend(
            shown.values(), shown, loc="outside lower center", ncols=columns, fontsize=SMALL
        )


@styled
def null_levels(
    summary: pd.DataFrame, nulls: pd.DataFrame, metrics: list[str], conditions: list[str]
) -> Figure:
    """Boxes of each metric by condition (quartiles and range within 1.5 boxes), with lines at the
    medians of what has nothing in common. `summary`: tables/similarity_summary."""
    figure, panels = _grid(len(metrics), 3.6, 3.1)
    for panel, metric in zip(panels, metrics):
        rows = summary[summary["metric"] == metric].set_index("augmentation").loc[conditions]
        boxes = [
            {
                "med": row["median"],
                "q1": row["q1"],
                "q3": row["q3"],
                "whislo": max(row["min"], row["q1"] - 1.5 * (row["q3"] - row["q1"])),
                "whishi": min(row["max"], row["q3"] + 1.5 * (row["q3"] - row["q1"])),
            }
            for row in rows.to_dict("records")
        ]
        drawn = panel.bxp(
            boxes,
            positions=range(len(conditions)),
            widths=0.6,
            showfliers=False,
            patch_artist=True,
            medianprops={"color": "black"},
        )
        for box, condition in zip(drawn["boxes"], conditions):
            box.set(facecolor=colour(condition), alpha=0.75, linewidth=0.7)
        for row in nulls[nulls["metric"] == metric].itertuples():
            line, label = NULL_STYLES[row.null]
            panel.axhline(row.median, color="#CC3311", ls=line, lw=1.2, label=label)
        panel.set_title(display_name(metric))
        name_conditions(panel, conditions, **SLANTED)
        if metric == "class_kld":
            panel.set_yscale("symlog", linthresh=KLD_LINEAR_BELOW)
            panel.set_ylim(bottom=0)
    _legend(figure, panels, 4)
    return figure


@styled
def forest(effects: pd.DataFrame, control: str, metrics: list[str]) -> Figure:
    """How much farther from the baseline than the control, in per cent of the control's distance.

    Thick: interval with the noise pooled over conditions; thin: from the condition's own states.
    Filled: farther_than_control is yes.
    """
    rows = effects[effects["control"] == control]
    if rows.empty:
        return nothing_to_show(f"No second model of '{control}': nothing to compare with.")
    names = list(dict.fromkeys(rows["augmentation"]))
    figure, panels = _grid(len(metrics), 3.2, 0.32 * len(names) + 1.2)
    for number, (panel, metric) in enumerate(zip(panels, metrics)):
        part = rows[rows["metric"] == metric].set_index("augmentation").loc[names]
        away = np.abs(part["control_mean"] - at_equality(metric)).to_numpy()
        scale = 100 * orientation(metric) / np.where(away > 0, away, np.nan)
        for y, (name, row) in enumerate(part.iterrows()):
            ends = scale[y] * np.array([row["low"], row["high"]])
            pooled = scale[y] * np.array([row["pooled_low"], row["pooled_high"]])
            ink = colour(name)
            panel.plot(ends, [y, y], color=ink, lw=1)
            panel.plot(pooled, [y, y], color=ink, lw=3.5, solid_capstyle="butt")
            face = ink if row["farther_than_control"] == "yes" else "white"
            value = scale[y] * row["difference"]
            panel.plot(value, y, "o", ms=6, mfc=face, mec="black", mew=0.9)
        panel.axvline(0, color="black", lw=0.9)
        panel.set_title(display_name(metric))
        labels = [display_name(name) for name in names] if number % 4 == 0 else [""] * len(names)
        panel.set_yticks(range(len(names)), labels, fontsize=SMALL)
        mark_controls(panel.get_yticklabels(), names)
        panel.set_ylim(len(names) - 0.5, -0.5)
        panel.grid(True, axis="x")
        panel.grid(False, axis="y")
        wide = np.abs(scale[:, None] * part[["pooled_low", "pooled_high"]].to_numpy())
        if np.isfinite(wide).any():  # the thin lines of few states may leave the picture
            panel.set_xlim(*(1.8 * np.nanmax(wide) * np.array([-1, 1])))
    figure.supxlabel(
        f"farther from the baseline than '{display_name(control)}', % of its own distance",
        fontsize=10,
    )
    return figure


@styled
def variance_bars(split: pd.DataFrame, metrics: list[str]) -> Figure:
    """Shares of the variance of a per-image value, one bar a metric. `split`: variance_split."""
    if split.empty:
        return nothing_to_show(
            "The variance can be split with two conditions and two states at least."
        )
    table = split.pivot(index="metric", columns="component", values="share")
    components = list(dict.fromkeys(split["component"]))
    table = table.loc[[m for m in metrics if m in table.index], components]
    inks = ["#BBBBBB", "#CC3311", "#EE7733", "#0077BB", "#DDAA33", "#AAAA00", "#EEEEEE"]
    figure, axes = plt.subplots(figsize=(8.5, 0.42 * len(table) + 1.6))
    left = np.zeros(len(table))
    for component, ink in zip(components, inks):
        values = 100 * table[component].to_numpy()
        axes.barh(range(len(table)), values, left=left, color=ink, label=component, height=0.7)
        left += values
    p = split.drop_duplicates("metric").set_index("metric")["p_condition"]
    for y, metric in enumerate(table.index):
        share = 100 * table.loc[metric, "condition"]
        axes.text(
            101, y, f"condition {share:.1f} %, p = {p[metric]:.2g}", va="center", fontsize=SMALL
        )
    axes.set_yticks(range(len(table)), [display_name(m) for m in table.index], fontsize=SMALL)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("% of the variance of one image's value")
    axes.grid(False)
    figure.legend(loc="outside lower center", ncols=4, fontsize=SMALL)
    return figure


@styled
def target_lines(changes: pd.DataFrame, conditions: list[str]) -> Figure:
    """Each metric by condition where models explain their own predictions, and where all explain
    the same kind of class. `changes`: target_changes."""
    mean = changes.groupby(["metric", "target", "augmentation"])["mean"].mean()
    metrics = list(dict.fromkeys(changes["metric"]))
    if not metrics:
        return nothing_to_show("Metrics of maps are needed: class predictions explain nothing.")
    figure, panels = _grid(len(metrics), 3.6, 3.1)
    for panel, metric in zip(panels, metrics):
        for shift, (target, (marker, ink, label)) in zip((-0.2, 0, 0.2), TARGET_STYLES.items()):
            values = mean[metric, target].reindex(conditions)
            places = np.arange(len(conditions)) + shift
            panel.plot(places, values, marker, ms=4.5, color=ink, label=label)
        panel.set_title(display_name(metric))
        name_conditions(panel, conditions, **SLANTED)
    _legend(figure, panels, 3)
    return figure


def _heat(
    axes: Axes,
    square: np.ndarray,
    names: list[str],
    cmap: str,
    low: float,
    high: float,
    digits: int = 2,
):
    """A square of numbers with names, controls set apart."""
    image = axes.imshow(square, cmap=cmap, vmin=low, vmax=high)
    rgba = image.cmap(image.norm(square))
    dark = rgba[..., :3] @ [0.299, 0.587, 0.114] < 0.5
    for (y, x), value in np.ndenumerate(square):
        text = "–" if np.isnan(value) else f"{value:.{digits}f}"
        ink = "white" if dark[y, x] and not np.isnan(value) else "black"
        axes.text(x, y, text, ha="center", va="center", fontsize=7, color=ink)
    name_square(axes, names, rotation=40, ha="right")
    return image


@styled
def three_maps(maps: pd.DataFrame, metric: str, conditions: list[str]) -> Figure:
    """The paper's correlation map beside those without a shared baseline.

    `maps`: decoupled_maps. The diagonal of the second is the reliability.
    """
    size = 0.5 * len(conditions) + 1.6
    figure, panels = plt.subplots(1, 3, figsize=(3 * size + 1.2, size + 0.6), squeeze=False)
    for number, (panel, kind) in enumerate(zip(panels[0], ("paper", "decoupled", "corrected"))):
        rows = maps[(maps["metric"] == metric) & (maps["kind"] == kind)]
        square = rows.pivot(index="augmentation_a", columns="augmentation_b", values="r")
        square = square.loc[conditions, conditions].to_numpy()
        image = _heat(panel, square, conditions, "RdBu_r", -1, 1)
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
    wanted += [("models", "msd"), ("models", "pearson")]
    parts = [
        (source, metric, part)
        for source, metric in wanted
        if len(part := trees[(trees["source"] == source) & (trees["metric"] == metric)])
    ]
    if not parts:
        return nothing_to_show("Trees need three conditions with defined distances.")
    leaves = parts[0][2]["n_members"].max()
    figure, panels = _grid(len(parts), 4.3, 0.33 * leaves + 1.6, columns=3)
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
    members = [frozenset(text.split(" + ")) for text in nodes["members"]]
    heights = dict(zip(members, nodes["height"]))
    support = dict(zip(members, nodes["support"]))
    order: list[str] = []
    first, last = nodes["height"].min(), nodes["height"].max()
    room = (last - first) or last or 1.0
    start = max(0.0, first - room / 4)

    def children(node: frozenset) -> list[frozenset]:
        inside = [m for m in members if m < node]
        largest = [m for m in inside if not any(m < other for other in inside)]
        alone = node.difference(*largest)
        return [*sorted(largest, key=len), *(frozenset([leaf]) for leaf in sorted(alone))]

    def place(node: frozenset) -> tuple[float, float]:
        """Draw what lies below `node`; its height and position."""
        if len(node) == 1:
            order.extend(node)
            return start, len(order) - 1.0
        placed = [place(child) for child in children(node)]
        x, positions = heights[node], [y for _, y in placed]
        for height, y in placed:
            axes.plot([height, x], [y, y], color="#333333", lw=1.2)
        axes.plot([x, x], [min(positions), max(positions)], color="#333333", lw=1.2)
        middle = float(np.mean(positions))
        if not np.isnan(support[node]):
            axes.text(
                x, middle, f"{100 * support[node]:.0f}", ha="center", va="center", fontsize=7,
                color="#CC3311", zorder=3, bbox={"facecolor": "white", "lw": 0, "pad": 0.6},
            )  # fmt: skip
        return x, middle

    place(members[-1])
    axes.set_yticks(range(len(order)), [display_name(name) for name in order], fontsize=SMALL)
    mark_controls(axes.get_yticklabels(), order)
    axes.set_xlim(start, last + room / 12)
    axes.grid(False)
    axes.tick_params(axis="y", length=0)


@styled
def model_map(positions: pd.DataFrame, conditions: list[str]) -> Figure:
    """All models in two dimensions, so that near ones have similar maps. A cross: the mean."""
    metrics = list(dict.fromkeys(positions["metric"]))
    if not metrics:
        return nothing_to_show("A map needs three models with defined distances.")
    figure, panels = _grid(len(metrics), 5.2, 4.8, columns=2)
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
    _legend(figure, panels, 5)
    return figure


@styled
def condition_maps(similarity: pd.DataFrame, conditions: list[str]) -> Figure:
    """Mean difference (left) and correlation (right) of maps between models of two conditions; on
    the diagonal within a condition."""
    size = 0.5 * len(conditions) + 1.8
    figure, panels = plt.subplots(1, 2, figsize=(2 * size + 2, size + 0.4), squeeze=False)
    for panel, metric in zip(panels[0], ("msd", "pearson")):
        rows = similarity[similarity["metric"] == metric]
        square = rows.pivot(index="condition_a", columns="condition_b", values="value")
        square = square.reindex(index=conditions, columns=conditions)
        square = square.fillna(square.T).to_numpy()
        image = _heat(
            panel,
            square,
            conditions,
            "viridis_r" if metric == "msd" else "viridis",
            np.nanmin(square),
            np.nanmax(square),
            digits=3 if metric == "msd" else 2,
        )
        panel.set_title(display_name(metric))
        figure.colorbar(image, ax=panel, shrink=0.75)
    return figure


@styled
def states_needed(planning: pd.DataFrame, metrics: list[str], power: float) -> Figure:
    """Starting states needed against the size of the shift, one line a metric."""
    if planning.empty:
        return nothing_to_show("Planning needs a control and two starting states at least.")
    controls = list(dict.fromkeys(planning["control"]))
    figure, panels = _grid(len(controls), 4.8, 4.0, columns=2)
    inks = plt.get_cmap("viridis")(np.linspace(0, 0.9, len(metrics)))
    for panel, control in zip(panels, controls):
        for metric, ink in zip(metrics, inks):
            rows = planning[(planning["control"] == control) & (planning["metric"] == metric)]
            rows = rows[rows["states"] > 0]
            panel.plot(
                100 * rows["shift"],
                rows["states"],
                "o-",
                ms=3,
                color=ink,
                label=display_name(metric),
            )
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_xticks([2, 5, 10, 20, 50, 100], ["2", "5", "10", "20", "50", "100"])
        panel.set_yticks([2, 3, 5, 10, 30, 100, 300], ["2", "3", "5", "10", "30", "100", "300"])
        panel.minorticks_off()
        panel.set_xlabel(f"shift, % of the distance of '{display_name(control)}'")
        panel.set_ylabel(f"starting states for {100 * power:.0f} % power")
        panel.grid(True, axis="both")
    _legend(figure, panels, 4)
    return figure
