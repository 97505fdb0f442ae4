"""Charts of the tables: performance, similarity, correlation, pairs, segments, architectures."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from augcam.compare.models import SEGMENTS
from augcam.names import display_name
from augcam.report.style import (
    FURTHER_COLOURS,
    KLD_LINEAR_BELOW,
    SMALL,
    colour,
    name_conditions,
    name_square,
    styled,
    width_for,
)

MEDIAN = {"color": "black", "lw": 1.4}


OUTLIERS = {"marker": ".", "ms": 2, "alpha": 0.3, "mec": "none", "mfc": "#444444"}


@styled
def performance_bars(
    table: pd.DataFrame, measure: str, conditions: list[str], reference: tuple[str, int]
) -> Figure:
    """Bars of the mean over states, a point for every model, a line at the baseline.

    `table`: condition, state, `measure`; figures 14 to 17 of the paper.
    """
    figure, axes = plt.subplots(figsize=(width_for(conditions), 4))
    values = {c: table.loc[table["condition"] == c, measure].to_numpy() for c in conditions}
    is_reference = (table["condition"] == reference[0]) & (table["state"] == reference[1])
    baseline = table.loc[is_reference, measure].item()
    everything = np.append(np.concatenate(list(values.values())), baseline)
    for x, condition in enumerate(conditions):
        mean = values[condition].mean()
        axes.bar(x, mean, width=0.7, color=colour(condition), alpha=0.75)
        spread = (
            np.linspace(-0.15, 0.15, len(values[condition])) if len(values[condition]) > 1 else 0
        )
        axes.plot(x + spread, values[condition], "o", ms=4, mfc="white", mec="black", mew=0.8)
        axes.annotate(
            f"{mean:.3f}" if len(conditions) <= 12 else f"{mean:.2f}".removeprefix("0"),
            (x, max(mean, values[condition].max())),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            fontsize=SMALL,
        )
    axes.axhline(baseline, color="black", ls="--", lw=1)
    axes.annotate(
        f"baseline {baseline:.3f}",
        (1, baseline),
        xycoords=("axes fraction", "data"),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=SMALL,
    )
    margin = max(0.02, 0.35 * np.ptp(everything))
    bottom = max(0, everything.min() - margin)
    axes.set_ylim(bottom, everything.max() + margin)
    axes.set_yticks([tick for tick in axes.get_yticks() if bottom <= tick <= 1])
    axes.set_ylabel(display_name(measure) + (" (axis does not start at 0)" if bottom else ""))
    name_conditions(axes, conditions)
    axes.set_title(f"{display_name(measure)} on the test images")
    return figure


@styled
def metric_boxplot(
    mean: pd.DataFrame,
    metric: str,
    conditions: list[str],
    outliers: bool = True,
    linear: bool = False,
) -> Figure:
    """Distribution over test images of one metric, averaged over states, by condition.

    `mean`: image_id, augmentation, `metric`; figures 18 to 32 (even numbers) of the paper. Under
    each name: the images drawn and, where there are any, those without a value. The scale of the
    class-prediction KLD is logarithmic unless `linear`.
    """
    columns = [mean.loc[mean["augmentation"] == c, metric] for c in conditions]
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
    axes.set_ylabel(display_name(metric))
    axes.set_title(f"{display_name(metric)}, each test image against the baseline")
    if metric == "class_kld":
        _scale_kld(axes, linear)
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


def _scale_kld(axes: Axes, linear: bool) -> None:
    name = display_name("class_kld")
    if linear:
        axes.set_ylabel(f"{name} (linear scale)")
    else:
        axes.set_yscale("symlog", linthresh=KLD_LINEAR_BELOW)
        axes.set_ylabel(f"{name} (symmetric log scale)")


@styled
def correlation_map(maps: pd.DataFrame, metric: str, conditions: list[str]) -> Figure:
    """Heat map of one metric's correlations between conditions, the same scale for every metric.

    `maps`: the table of `augcam.aggregation.correlation_maps`; figures 19 to 33 (odd numbers).
    """
    rows = maps[maps["metric"] == metric]
    square = rows.pivot(index="augmentation_a", columns="augmentation_b", values="r")
    square = square.loc[conditions, conditions].to_numpy()
    crowded = len(conditions) > 12
    size = max(5.0, (0.5 if crowded else 0.62) * len(conditions))
    figure, axes = plt.subplots(figsize=(size + 0.9, size))
    image = axes.imshow(square, cmap="RdBu_r", vmin=-1, vmax=1)
    for (y, x), r in np.ndenumerate(square):
        text = "–" if np.isnan(r) else f"{r:.2f}"
        shade = "white" if abs(r) > 0.7 else "black"
        axes.text(x, y, text, ha="center", va="center", fontsize=7 if crowded else SMALL, c=shade)
    name_square(axes, conditions, rotation=90)
    excluded = rows["n_images"].max() - rows["n_images"].min()
    note = f" ({rows['n_images'].min()} to {rows['n_images'].max()} images)" if excluded else ""
    axes.set_title(f"{display_name(metric)}{note}")
    figure.colorbar(image, ax=axes, shrink=0.8, label="Pearson's r over test images")
    return figure


@styled
def pair_bars(counts: pd.DataFrame, k: int, metrics: int) -> Figure:
    """How often each pair is among the `k` strongest and weakest (tables 1 and 2 of the paper).

    `counts`: the table of `augcam.aggregation.pair_counts`; `metrics`: number of metrics counted.
    """
    kinds = ("strongest", "weakest")
    rows = max(1, counts.groupby("kind").size().max() if len(counts) else 1)
    figure, panels = plt.subplots(1, 2, figsize=(10.5, 1.3 + 0.28 * rows), sharex=True)
    for axes, kind, shade in zip(panels, kinds, ("#B2182B", "#2166AC")):
        group = counts[counts["kind"] == kind]
        y = np.arange(len(group))
        pairs = group[["augmentation_a", "augmentation_b"]].itertuples(index=False)
        axes.barh(y, group["count"], height=0.7, color=shade, alpha=0.75)
        axes.set_yticks(y, [" – ".join(map(display_name, pair)) for pair in pairs], fontsize=SMALL)
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


@styled
def architecture_curves(table: pd.DataFrame, measure: str) -> Figure:
    """One measure on the test images after each epoch, a line for each architecture (figs 9 to 12).

    `table`: architecture, epoch, `measure`.
    """
    names = list(dict.fromkeys(table["architecture"]))
    figure, axes = plt.subplots(figsize=(7, 4))
    for i, name in enumerate(names):
        rows = table[table["architecture"] == name]
        shade = FURTHER_COLOURS[i % len(FURTHER_COLOURS)]
        label = f"{display_name(name)} (best {rows[measure].max():.3f})"
        axes.plot(rows["epoch"], rows[measure], "o-", ms=4, lw=1.6, color=shade, label=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("Epoch")
    axes.set_ylabel(display_name(measure))
    axes.set_title(f"{display_name(measure)} on the test images, no augmentation")
    figure.legend(loc="outside right upper", frameon=False, fontsize=SMALL)
    return figure


@styled
def architecture_times(table: pd.DataFrame) -> Figure:
    """Time that each architecture took to train, without validation and testing (figure 13).

    `table`: architecture, epoch, seconds.
    """
    totals = table.groupby("architecture", sort=False)["seconds"].sum()
    unit, seconds = next(
        (unit, size) for unit, size in (("hours", 3600), ("minutes", 60), ("seconds", 1))
        if totals.max() >= 2 * size or size == 1
    )  # fmt: skip
    figure, axes = plt.subplots(figsize=(6.5, 1.2 + 0.45 * len(totals)))
    y = np.arange(len(totals))
    shades = [FURTHER_COLOURS[i % len(FURTHER_COLOURS)] for i in y]
    axes.barh(y, totals / seconds, height=0.6, color=shades, alpha=0.85)
    for at, value in zip(y, totals / seconds):
        axes.annotate(
            f"{value:.1f}",
            (value, at),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
        )
    axes.set_yticks(y, [display_name(name) for name in totals.index])
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel(f"{unit} for {table['epoch'].max()} epochs")
    axes.set_title("Training time")
    axes.grid(False, axis="y")
    axes.grid(True, axis="x")
    return figure


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
    axes.set_ylabel(display_name(metric), fontsize=9)
    if metric == "class_kld":
        _scale_kld(axes, linear=False)
    axes.set_title(display_name(condition))
    return figure


def _two_lines(segment: str) -> str:
    first, _, rest = display_name(segment).partition(" ")
    return f"{first}\n{rest}"


@styled
def segments_overview(
    summary: pd.DataFrame, tests: pd.DataFrame, metrics: list[str], conditions: list[str]
) -> Figure:
    """Median and quartiles of every metric, condition and segment, with the effect of segments.

    `summary`, `tests`: the tables of `augcam.segments`. One panel a metric; the number under each
    condition is ε², the share of the ranks' variance that the segment explains (mean over states).
    """
    columns = 2
    rows = -(-len(metrics) // columns)
    width = max(6.0, 0.78 * len(conditions)) * columns
    figure, panels = plt.subplots(rows, columns, figsize=(width, 2.9 * rows), squeeze=False)
    summary = summary.set_index(["metric", "augmentation", "segment"])
    effects = tests.groupby(["metric", "augmentation"])["epsilon_squared"].mean()
    offsets = np.linspace(-0.27, 0.27, len(SEGMENTS))
    for axes, metric in zip(panels.flat, metrics):
        for segment, offset in zip(SEGMENTS, offsets):
            part = summary.loc[[(metric, c, segment) for c in conditions]]
            x = np.arange(len(conditions)) + offset
            axes.vlines(x, part["q1"], part["q3"], color=colour(segment), lw=4, alpha=0.45)
            axes.plot(x, part["median"], "o", ms=4.5, color=colour(segment))
        if metric == "class_kld":
            axes.set_yscale("symlog", linthresh=KLD_LINEAR_BELOW)
        notes = [f"ε² {effects.get((metric, c), np.nan):.2f}" for c in conditions]
        name_conditions(axes, conditions, notes)
        axes.set_title(display_name(metric))
    for axes in list(panels.flat)[len(metrics) :]:
        axes.set_visible(False)
    handles = [
        plt.Line2D([], [], color=colour(s), marker="o", lw=4, label=display_name(s))
        for s in SEGMENTS
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False)
    return figure
