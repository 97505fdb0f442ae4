"""Charts of performance: of every model, and of the compared architectures."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from augcam.comparison.repeats import distinct
from augcam.names import MEASURES, NAMES, network_name
from augcam.report.colours import FURTHER
from augcam.report.style import (
    SMALL,
    colour,
    name_conditions,
    styled,
    width_for,
)


def performance_figures(
    table: pd.DataFrame, equal: pd.DataFrame, conditions: list[str], reference: tuple[str, int]
) -> Iterator[tuple[str, Figure]]:
    """(name, figure) of every measure; `table`: performance, `equal`: equal_models."""
    models = list(zip(table["condition"], table["state"]))
    once = table.iloc[list(distinct(models, range(len(models)), equal).values())]
    for measure in MEASURES:
        yield f"performance_{measure}", performance_bars(once, measure, conditions, reference)


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
    axes.set_ylabel(NAMES[measure] + (" (axis does not start at 0)" if bottom else ""))
    name_conditions(axes, conditions)
    axes.set_title(f"{NAMES[measure]} on the test images")
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
        shade = FURTHER[i % len(FURTHER)]
        label = f"{network_name(name)} (best {rows[measure].max():.3f})"
        axes.plot(rows["epoch"], rows[measure], "o-", ms=4, lw=1.6, color=shade, label=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("Epoch")
    axes.set_ylabel(NAMES[measure])
    axes.set_title(f"{NAMES[measure]} on the test images, no augmentation")
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
    shades = [FURTHER[i % len(FURTHER)] for i in y]
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
    axes.set_yticks(y, [network_name(name) for name in totals.index])
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel(f"{unit} for {table['epoch'].max()} epochs")
    axes.set_title("Training time")
    axes.grid(False, axis="y")
    axes.grid(True, axis="x")
    return figure
