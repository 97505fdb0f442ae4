"""Figures: one visual language for all of them."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from augcam.config import CONTROLS
from augcam.files import atomic

NAMES = {
    "affine": "Affine",
    "cutmix": "CutMix",
    "colorjitter": "Colour jitter",
    "elastic": "Elastic",
    "equalize": "Equalise",
    "gaussblur": "Gaussian blur",
    "randcrop": "Random crop",
    "none": "None",
    "identity": "Identity",
    "accuracy": "Accuracy",
    "precision": "Precision (macro)",
    "recall": "Recall (macro)",
    "f1": "F1 score (macro)",
    "mad": "Mean absolute difference",
    "msd": "Mean squared difference",
    "pearson": "Pearson correlation",
    "spearman": "Spearman correlation",
    "class_kld": "Class-prediction KLD",
}
"""Names for people, by the names used in files."""

# Paul Tol's "muted" scheme: distinct for every kind of colour vision, and in print.
COLOURS = {
    "affine": "#332288",
    "cutmix": "#88CCEE",
    "colorjitter": "#44AA99",
    "elastic": "#117733",
    "equalize": "#DDCC77",
    "gaussblur": "#CC6677",
    "randcrop": "#AA4499",
    "none": "#777777",
    "identity": "#BBBBBB",
}

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#E5E5E5",
    "figure.constrained_layout.use": True,
    "pdf.fonttype": 42,
}


def display_name(name: str) -> str:
    """The name for people of a condition, measure or metric."""
    if name.startswith("overlap_"):
        return f"Overlap rate, top {name.removeprefix('overlap_')} %"
    return NAMES.get(name, name)


def save(figure: Figure, *paths: str | Path, dpi: int) -> None:
    """Write `figure` to each path in the format of its suffix, and close it."""
    for path in map(Path, paths):
        metadata = {"CreationDate": None} if path.suffix == ".pdf" else None
        with atomic(path) as temporary:
            figure.savefig(temporary, dpi=dpi, metadata=metadata)
    plt.close(figure)


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Have `draw` use the common style."""

    @wraps(draw)
    def wrapper(*args, **kwargs) -> Figure:
        with plt.rc_context(STYLE):
            return draw(*args, **kwargs)

    return wrapper


@styled
def performance_bars(
    table: pd.DataFrame, measure: str, conditions: list[str], reference: tuple[str, int]
) -> Figure:
    """Bars of the mean over states, a point for every model, a line at the baseline.

    `table`: condition, state, `measure`; figures 14 to 17 of the paper.
    """
    figure, axes = plt.subplots(figsize=(max(6.5, 0.95 * len(conditions)), 4))
    values = {c: table.loc[table["condition"] == c, measure].to_numpy() for c in conditions}
    is_reference = (table["condition"] == reference[0]) & (table["state"] == reference[1])
    baseline = table.loc[is_reference, measure].item()
    everything = np.append(np.concatenate(list(values.values())), baseline)
    for x, condition in enumerate(conditions):
        mean = values[condition].mean()
        axes.bar(x, mean, width=0.7, color=COLOURS.get(condition), alpha=0.75)
        spread = (
            np.linspace(-0.15, 0.15, len(values[condition])) if len(values[condition]) > 1 else 0
        )
        axes.plot(x + spread, values[condition], "o", ms=4, mfc="white", mec="black", mew=0.8)
        axes.annotate(
            f"{mean:.3f}",
            (x, max(mean, values[condition].max())),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            fontsize=8.5,
        )
    axes.axhline(baseline, color="black", ls="--", lw=1)
    axes.annotate(
        f"baseline {baseline:.3f}",
        (1, baseline),
        xycoords=("axes fraction", "data"),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
    )
    margin = max(0.02, 0.35 * np.ptp(everything))
    bottom = max(0, everything.min() - margin)
    axes.set_ylim(bottom, everything.max() + margin)
    axes.set_yticks([tick for tick in axes.get_yticks() if bottom <= tick <= 1])
    axes.set_ylabel(display_name(measure) + (" (axis does not start at 0)" if bottom else ""))
    _name_conditions(axes, conditions)
    axes.set_title(f"{display_name(measure)} on the test images")
    return figure


def _name_conditions(axes: Axes, conditions: list[str], notes: list[str] | None = None) -> None:
    """Label the x axis with conditions and notes, controls in italics and set apart by a line."""
    labels = [display_name(condition).replace(" ", "\n") for condition in conditions]
    if notes:
        labels = [f"{label}\n{note}" for label, note in zip(labels, notes)]
    crowded = {"rotation": 40, "ha": "right"} if len(conditions) > 12 else {}
    axes.set_xticks(range(len(conditions)), labels, fontsize=8.5, **crowded)
    for label, condition in zip(axes.get_xticklabels(), conditions):
        label.set_style("italic" if condition in CONTROLS else "normal")
    first = next((i for i, c in enumerate(conditions) if c in CONTROLS), 0)
    if first:
        axes.axvline(first - 0.5, color="#999999", lw=0.8, ls=":")
    axes.tick_params(axis="x", length=0)
    axes.grid(False, axis="x")


@styled
def metric_boxplot(
    mean: pd.DataFrame, metric: str, conditions: list[str], outliers: bool = True
) -> Figure:
    """Distribution over test images of one metric, averaged over states, by condition.

    `mean`: image_id, augmentation, `metric`; figures 18 to 32 (even numbers) of the paper. Under
    each name: the images drawn and, where there are any, those without a value.
    """
    columns = [mean.loc[mean["augmentation"] == c, metric] for c in conditions]
    values = [column.dropna().to_numpy() for column in columns]
    notes = [
        f"n = {len(v)}" + (f"\n{len(c) - len(v)} excluded" if len(v) < len(c) else "")
        for v, c in zip(values, columns)
    ]
    figure, axes = plt.subplots(figsize=(max(6.5, 1.0 * len(conditions)), 4.4))
    boxes = axes.boxplot(
        values,
        positions=range(len(conditions)),
        widths=0.5,
        patch_artist=True,
        showfliers=outliers,
        medianprops={"color": "black", "lw": 1.4},
        flierprops={"marker": ".", "ms": 2, "alpha": 0.3, "mec": "none", "mfc": "#444444"},
    )
    for box, condition in zip(boxes["boxes"], conditions):
        box.set(facecolor=COLOURS.get(condition), alpha=0.75, edgecolor="black", linewidth=0.8)
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
        # Nearly all values lie near 0, a few are large: linear up to 0.01, logarithmic above.
        axes.set_yscale("symlog", linthresh=0.01)
        axes.set_ylabel(f"{display_name(metric)} (symmetric log scale)")
    _name_conditions(axes, conditions, notes)
    return figure


@styled
def correlation_map(maps: pd.DataFrame, metric: str, conditions: list[str]) -> Figure:
    """Heat map of one metric's correlations between conditions, the same scale for every metric.

    `maps`: the table of `augcam.aggregation.correlation_maps`; figures 19 to 33 (odd numbers).
    """
    rows = maps[maps["metric"] == metric]
    square = rows.pivot(index="augmentation_a", columns="augmentation_b", values="r")
    square = square.loc[conditions, conditions].to_numpy()
    size = max(5.0, 0.62 * len(conditions))
    figure, axes = plt.subplots(figsize=(size + 0.9, size))
    image = axes.imshow(square, cmap="RdBu_r", vmin=-1, vmax=1)
    for (y, x), r in np.ndenumerate(square):
        text = "–" if np.isnan(r) else f"{r:.2f}"
        colour = "white" if abs(r) > 0.7 else "black"
        axes.text(x, y, text, ha="center", va="center", fontsize=8.5, color=colour)
    labels = [display_name(condition) for condition in conditions]
    axes.set_xticks(range(len(conditions)), labels, rotation=40, ha="right", fontsize=8.5)
    axes.set_yticks(range(len(conditions)), labels, fontsize=8.5)
    for label, condition in zip([*axes.get_xticklabels(), *axes.get_yticklabels()], conditions * 2):
        label.set_style("italic" if condition in CONTROLS else "normal")
    first = next((i for i, c in enumerate(conditions) if c in CONTROLS), 0)
    if first:
        for line in (axes.axvline, axes.axhline):
            line(first - 0.5, color="black", lw=1.2)
    axes.grid(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    excluded = rows["n_images"].max() - rows["n_images"].min()
    note = f" ({rows['n_images'].min()} to {rows['n_images'].max()} images)" if excluded else ""
    axes.set_title(f"{display_name(metric)}{note}")
    figure.colorbar(image, ax=axes, shrink=0.8, label="Pearson's r over test images")
    return figure
