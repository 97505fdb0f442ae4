"""Figures of the report's second half: effects, correlations without a shared baseline, clusters,
models, variance, planning."""

from collections.abc import Iterator, Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from augcam.names import display_name
from augcam.report.charts import scale_values
from augcam.report.doses import dose_response
from augcam.report.sanity import randomisation
from augcam.report.structure import (
    SLANTED,
    condition_maps,
    dendrograms,
    model_map,
    three_maps,
)
from augcam.report.style import (
    SMALL,
    colour,
    grid,
    legend,
    mark_controls,
    name_conditions,
    nothing_to_show,
    styled,
)
from augcam.statistics.distances import at_equality, orientation

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

    `tables`: by name, as in `tables/`, target_changes and sanity only if they are wanted;
    `conditions`: all; `compared`: those with a distance from the baseline, if their models do not
    equal it.
    """
    compared = [c for c in compared if c in set(tables["similarity_summary"]["condition"])]
    equal = set(tables["equal_models"]["condition"])
    yield (
        "null_levels",
        null_levels(tables["similarity_summary"], tables["null_levels"], metrics, compared),
    )
    if "sanity" in tables:
        yield "sanity", randomisation(tables["sanity"])
    for control in controls:
        if control in equal:
            reason = f"All models of '{display_name(control)}' are equal: nothing to test against."
            yield f"effects_{control}", nothing_to_show(reason)
        else:
            yield f"effects_{control}", forest(tables["effects"], control, metrics)
    yield "variance_split", variance_bars(tables["variance_split"], metrics)
    for sweep in dict.fromkeys(tables["trends"]["sweep"]) if "trends" in tables else ():
        yield f"dose_response_{sweep}", dose_response(tables["doses"], tables["trends"], sweep)
    if "target_changes" in tables:
        yield "target_changes", target_lines(tables["target_changes"], compared)
    for metric in metrics:
        yield f"decoupled_{metric}", three_maps(tables["decoupled_maps"], metric, compared)
    yield "clusters", dendrograms(pd.concat([tables["correlation_trees"], tables["model_trees"]]))
    yield "model_map", model_map(tables["model_positions"], conditions)
    yield "condition_similarity", condition_maps(tables["condition_similarity"], conditions)
    yield "planning", states_needed(tables["planning"], metrics, power)


@styled
def null_levels(
    summary: pd.DataFrame, nulls: pd.DataFrame, metrics: list[str], conditions: list[str]
) -> Figure:
    """Boxes of each metric by condition (quartiles and range within 1.5 boxes), with lines at the
    medians of what has nothing in common. `summary`: tables/similarity_summary."""
    figure, panels = grid(len(metrics), 3.6, 3.1)
    for panel, metric in zip(panels, metrics):
        rows = summary[summary["metric"] == metric].set_index("condition").loc[conditions]
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
        if scale_values(panel, metric):
            panel.set_ylim(bottom=0)
    legend(figure, panels, 4)
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
    names = list(dict.fromkeys(rows["condition"]))
    figure, panels = grid(len(metrics), 3.2, 0.32 * len(names) + 1.2)
    for number, (panel, metric) in enumerate(zip(panels, metrics)):
        part = rows[rows["metric"] == metric].set_index("condition").loc[names]
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
    mean = changes.groupby(["metric", "target", "condition"])["mean"].mean()
    metrics = list(dict.fromkeys(changes["metric"]))
    if not metrics:
        return nothing_to_show("Metrics of maps are needed: class predictions explain nothing.")
    figure, panels = grid(len(metrics), 3.6, 3.1)
    for panel, metric in zip(panels, metrics):
        for shift, (target, (marker, ink, label)) in zip((-0.2, 0, 0.2), TARGET_STYLES.items()):
            values = mean[metric, target].reindex(conditions)
            places = np.arange(len(conditions)) + shift
            panel.plot(places, values, marker, ms=4.5, color=ink, label=label)
        panel.set_title(display_name(metric))
        name_conditions(panel, conditions, **SLANTED)
    legend(figure, panels, 3)
    return figure


@styled
def states_needed(planning: pd.DataFrame, metrics: list[str], power: float) -> Figure:
    """Starting states needed against the size of the shift, one line a metric."""
    if planning.empty:
        return nothing_to_show("Planning needs a control and two starting states at least.")
    controls = list(dict.fromkeys(planning["control"]))
    figure, panels = grid(len(controls), 4.8, 4.0, columns=2)
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
    legend(figure, panels, 4)
    return figure
