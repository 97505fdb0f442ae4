"""Charts of similarity: distributions, correlations, pairs, segments."""

from collections.abc import Iterator, Mapping
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from augcam.comparison.explained import SEGMENTS
from augcam.entries import metric_named
from augcam.names import NAMES, condition_name, metric_name
from augcam.paper.segments import by_condition, segment_values
from augcam.report.style import (
    EQUAL_TO_BASELINE,
    SMALL,
    colour,
    heat_map,
    name_conditions,
    nothing_to_show,
    styled,
    width_for,
)

MEDIAN = {"color": "black", "lw": 1.4}


OUTLIERS = {"marker": ".", "ms": 2, "alpha": 0.3, "mec": "none", "mfc": "#444444"}


def similarity_figures(
    mean: pd.DataFrame,
    maps: pd.DataFrame,
    metrics: list[str],
    conditions: list[str],
    outliers: bool,
) -> Iterator[tuple[str, Figure]]:
    """(name, figure) of every metric's boxplots and correlation map, of the conditions that
    `mean` (similarity_mean) has; `maps`: correlation_maps."""
    shown = [c for c in conditions if c in set(mean["condition"])]
    for metric in metrics:
        yield f"boxplot_{metric}", metric_boxplot(mean, metric, shown, outliers)
        yield f"correlation_map_{metric}", correlation_map(maps, metric, shown)
        if metric_named(metric).linear_below is not None:
            linear = metric_boxplot(mean, metric, shown, outliers, linear=True)
            yield f"boxplot_{metric}_linear", linear


@styled
def metric_boxplot(
    mean: pd.DataFrame,
    metric: str,
    conditions: list[str],
    outliers: bool = True,
    linear: bool = False,
) -> Figure:
    """Distribution over test images of one metric, averaged over states, by condition.

    `mean`: image_id, condition, `metric`; figures 18 to 32 (even numbers) of the paper. Under
    each name: the images drawn and, where there are any, those without a value. A scale that is
    logarithmic is linear with `linear`.
    """
    columns = [mean.loc[mean["condition"] == c, metric] for c in conditions]
    values = [column.dropna().to_numpy() for column in columns]
    notes = [
        f"n = {len(v)}" + (f"\n{len(c) - len(v)} excluded" if len(v) < len(c) else "")
        for v, c in zip(values, columns)
    ]
    figure, axes = plt.subplots(figsize=(width_for(conditions), 4.4))
    boxes = _boxes(axes, values, range(len(values)), outliers, width=0.5)
    for box, condition in zip(boxes, conditions):
        box.set(facecolor=colour(condition), alpha=0.75)
    if len(conditions) <= 12:
        for x, v in enumerate(values):
            if len(v):
                axes.annotate(
                    f"{np.median(v):.3f}",
                    (x + 0.25, np.median(v)),
                    fontsize=7,
                    va="center",
                    xytext=(2, 0),
                    textcoords="offset points",
                )
    axes.set_title(f"{metric_name(metric)}, each test image against the baseline")
    label_values(axes, metric, linear)
    name_conditions(axes, conditions, notes)
    return figure


def _boxes(axes: Axes, values: list[np.ndarray], positions, outliers: bool, width: float) -> list:
    """Draw boxes (quartiles, whiskers at 1.5 box heights); return them for colouring."""
    drawn = axes.boxplot(
        values,
        positions=list(positions),
        widths=width,
        patch_artist=True,
        showfliers=outliers,
        medianprops=MEDIAN,
        flierprops=OUTLIERS,
        boxprops={"edgecolor": "black", "linewidth": 0.8},
    )
    # A vector outline of each outlier would make files of many megabytes.
    for points in drawn["fliers"]:
        points.set_rasterized(True)
    return drawn["boxes"]


def scale_values(axes: Axes, metric: str) -> bool:
    """Give the y axis the metric's scale. Returns whether that is logarithmic."""
    linear_below = metric_named(metric).linear_below
    if linear_below is not None:
        axes.set_yscale("symlog", linthresh=linear_below)
    return linear_below is not None


def label_values(axes: Axes, metric: str, linear: bool = False) -> None:
    """Scale and label the y axis; `linear`: also where the metric's own scale is logarithmic."""
    note = ""
    if linear:
        note = " (linear scale)"
    elif scale_values(axes, metric):
        note = " (symmetric log scale)"
    axes.set_ylabel(f"{metric_name(metric)}{note}")


@styled
def correlation_map(maps: pd.DataFrame, metric: str, conditions: list[str]) -> Figure:
    """Heat map of one metric's correlations between conditions, the same scale for every metric.

    `maps`: the table of `augcam.paper.aggregation.correlation_maps`; figures 19 to 33 (odd ones).
    """
    rows = maps[maps["metric"] == metric]
    square = rows.pivot(index="condition_a", columns="condition_b", values="r")
    square = square.loc[conditions, conditions].to_numpy()
    crowded = len(conditions) > 12
    size = max(5.0, (0.5 if crowded else 0.62) * len(conditions))
    figure, axes = plt.subplots(figsize=(size + 0.9, size))
    fontsize = 7 if crowded else SMALL
    image = heat_map(axes, square, conditions, "RdBu_r", -1, 1, fontsize=fontsize, rotation=90)
    excluded = rows["n_images"].max() - rows["n_images"].min()
    note = f" ({rows['n_images'].min()} to {rows['n_images'].max()} images)" if excluded else ""
    axes.set_title(f"{metric_name(metric)}{note}")
    figure.colorbar(image, ax=axes, shrink=0.8, label="Pearson's r over test images")
    return figure


@styled
def pair_bars(counts: pd.DataFrame, k: int, metrics: int) -> Figure:
    """How often each pair is among the `k` strongest and weakest (tables 1 and 2 of the paper).

    `counts`: the table of `augcam.paper.aggregation.pair_counts`; `metrics`: how many are counted.
    """
    if counts.empty:
        return nothing_to_show(
            "No pair is strongest or weakest: that takes three pairs whose correlations differ."
        )
    kinds = ("strongest", "weakest")
    rows = max(1, counts.groupby("kind").size().max())
    figure, panels = plt.subplots(1, 2, figsize=(10.5, 1.3 + 0.28 * rows), sharex=True)
    for axes, kind, shade in zip(panels, kinds, ("#B2182B", "#2166AC")):
        group = counts[counts["kind"] == kind]
        y = np.arange(len(group))
        pairs = group[["condition_a", "condition_b"]].itertuples(index=False)
        axes.barh(y, group["count"], height=0.7, color=shade, alpha=0.75)
        axes.set_yticks(
            y, [" – ".join(map(condition_name, pair)) for pair in pairs], fontsize=SMALL
        )
        for at, count in zip(y, group["count"]):
            axes.text(count + 0.1, at, str(count), va="center", fontsize=SMALL)
        axes.set_ylim(rows - 0.4, -0.6)
        axes.set_xlim(0, metrics + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel(f"metrics, of {metrics}")
        axes.set_title(f"Among the {k} {kind} of a map")
        axes.grid(False, axis="y")
        axes.grid(True, axis="x")
        axes.tick_params(axis="y", length=0)
    return figure


def segment_figures(
    tables: Mapping[tuple[str, int], pd.DataFrame],
    summary: pd.DataFrame,
    tests: pd.DataFrame,
    metrics: list[str],
    conditions: list[str],
) -> Iterator[tuple[str, Figure]]:
    """(name, figure) of every metric and condition, and of all at a glance.

    `tables`: (condition, state) → its table of `augcam.comparison.models.compare`.
    """
    pooled = dict(by_condition(tables))
    yield "segments_overview", segments_overview(summary, tests, metrics, list(pooled))
    for condition, metric in product(conditions, metrics):
        name = f"segments_{metric}_{condition}"
        if condition in pooled:
            values = segment_values(pooled[condition], metric)
            yield name, segment_boxplot(values, metric, condition)
        else:
            yield name, nothing_to_show(f"{condition_name(condition)}: {EQUAL_TO_BASELINE}")


@styled
def segment_boxplot(values: dict[str, np.ndarray], metric: str, condition: str) -> Figure:
    """One metric of one condition, by which of the two models is right (figures 50 to 56).

    `values`: segment → values of every image and state in it, without the undefined.
    """
    figure, axes = plt.subplots(figsize=(4.8, 3.2))
    boxes = _boxes(axes, list(values.values()), range(len(values)), outliers=False, width=0.55)
    for box, segment in zip(boxes, values):
        box.set(facecolor=colour(segment), alpha=0.8)
    labels = [f"{_two_lines(name)}\nn = {len(v)}" for name, v in values.items()]
    axes.set_xticks(range(len(values)), labels, fontsize=8)
    axes.tick_params(axis="x", length=0)
    label_values(axes, metric)
    axes.yaxis.label.set_fontsize(9)
    axes.set_title(condition_name(condition))
    return figure


def _two_lines(segment: str) -> str:
    first, _, rest = NAMES[segment].partition(" ")
    return f"{first}\n{rest}"


@styled
def segments_overview(
    summary: pd.DataFrame, tests: pd.DataFrame, metrics: list[str], conditions: list[str]
) -> Figure:
    """Median and quartiles of every metric, condition and segment, with the effect of segments.

    `summary`, `tests`: the tables of `augcam.paper.segments`. One panel a metric; the number under
    each condition is ε², the share of the ranks' variance that the segment explains (mean over
    states).
    """
    columns = 2
    rows = -(-len(metrics) // columns)
    width = max(6.0, 0.78 * len(conditions)) * columns
    figure, panels = plt.subplots(rows, columns, figsize=(width, 2.9 * rows), squeeze=False)
    summary = summary.set_index(["metric", "condition", "segment"])
    effects = tests.groupby(["metric", "condition"])["epsilon_squared"].mean()
    offsets = np.linspace(-0.27, 0.27, len(SEGMENTS))
    for axes, metric in zip(panels.flat, metrics):
        for segment, offset in zip(SEGMENTS, offsets):
            part = summary.loc[[(metric, c, segment) for c in conditions]]
            x = np.arange(len(conditions)) + offset
            axes.vlines(x, part["q1"], part["q3"], color=colour(segment), lw=4, alpha=0.45)
            axes.plot(x, part["median"], "o", ms=4.5, color=colour(segment))
        scale_values(axes, metric)
        notes = [f"ε² {effects.get((metric, c), np.nan):.2f}" for c in conditions]
        name_conditions(axes, conditions, notes)
        axes.set_title(metric_name(metric))
    for axes in list(panels.flat)[len(metrics) :]:
        axes.set_visible(False)
    handles = [
        plt.Line2D([], [], color=colour(s), marker="o", lw=4, label=NAMES[s]) for s in SEGMENTS
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False)
    return figure
