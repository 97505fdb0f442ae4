"""Figures of scores: what maps say by themselves, and which way they move against the controls."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from augcam.entries import score_named
from augcam.names import display_name, of_part
from augcam.report.doses import dose_response
from augcam.report.statistics import variance_bars
from augcam.report.structure import SLANTED
from augcam.report.style import (
    SMALL,
    colour,
    grid,
    mark_controls,
    name_conditions,
    nothing_to_show,
    styled,
)
from augcam.statistics.scores import HIGHER, LOWER


def score_figures(
    tables: Mapping[str, pd.DataFrame], conditions: list[str], controls: list[str]
) -> Iterator[tuple[str, Figure]]:
    """Every figure of this module with its name; `tables`: those of
    `augcam.statistics.scores.score_statistics`, `equal_models`, and `mask_parts` where there are
    masks; `conditions`: all that were trained, in their order."""
    tables = {name: with_names(table) for name, table in tables.items()}
    yield "scores", levels(tables["scores"], tables.get("mask_parts"), conditions)
    equal = set(tables["equal_models"]["condition"])
    for control in controls:
        if control in equal:
            reason = f"All models of '{display_name(control)}' are equal: nothing to test against."
            yield f"score_effects_{control}", nothing_to_show(reason)
        else:
            yield f"score_effects_{control}", forest(tables["score_effects"], control)
    names = list(dict.fromkeys(tables["scores"]["metric"]))
    yield "score_variance_split", variance_bars(tables["score_variance_split"], names)
    trends = tables.get("score_trends")
    for sweep in [] if trends is None else dict.fromkeys(trends["sweep"]):
        yield f"dose_response_scores_{sweep}", dose_response(tables["score_doses"], trends, sweep)


def with_names(table: pd.DataFrame) -> pd.DataFrame:
    """A table with `metric`, the name of score and part together, for what draws distances, too."""
    if "score" not in table:
        return table
    names = [of_part(*pair) for pair in zip(table["score"], table["part"])]
    return table.assign(metric=names)


@styled
def levels(scores: pd.DataFrame, parts: pd.DataFrame | None, conditions: list[str]) -> Figure:
    """Each model's mean of each score, by condition; dashed: the area of the part, which a map that
    is the same everywhere has on it."""
    names = list(dict.fromkeys(scores["metric"]))
    shown = [c for c in conditions if c in set(scores["condition"])]
    figure, panels = grid(len(names), 3.4, 2.9)
    area = {} if parts is None else dict(zip(parts["part"], parts["area"]))
    for panel, name in zip(panels, names):
        rows = scores[scores["metric"] == name]
        for place, condition in enumerate(shown):
            values = rows.loc[rows["condition"] == condition, "mean"].dropna()
            ink = colour(condition)
            panel.plot(np.full(len(values), place), values, "o", ms=4, color=ink, alpha=0.7)
            if len(values):
                ends = place - 0.3, place + 0.3
                panel.hlines(values.mean(), *ends, color=ink, lw=2)
        score, part = rows[["score", "part"]].iloc[0]
        if score_named(score).of_area and part in area:
            panel.axhline(area[part], color="black", lw=0.9, ls="--")
        panel.set_title(display_name(name))
        name_conditions(panel, shown, **SLANTED)
        panel.set_xlim(-0.5, len(shown) - 0.5)
    return figure


@styled
def forest(effects: pd.DataFrame, control: str) -> Figure:
    """How much higher or lower each score is than the control's, in its own units.

    Thick: interval with the noise pooled over conditions; thin: from the condition's own states.
    Filled: higher or lower, after Holm's correction.
    """
    rows = effects[effects["control"] == control]
    if rows.empty:
        return nothing_to_show(f"No second model beside '{control}': nothing to compare with.")
    names, scores = (list(dict.fromkeys(rows[key])) for key in ("condition", "metric"))
    figure, panels = grid(len(scores), 3.2, 0.32 * len(names) + 1.2)
    for number, (panel, score) in enumerate(zip(panels, scores)):
        part = rows[rows["metric"] == score].set_index("condition").loc[names]
        for y, (name, row) in enumerate(part.iterrows()):
            ink = colour(str(name))
            panel.plot(row[["low", "high"]], [y, y], color=ink, lw=1)
            panel.plot(
                row[["pooled_low", "pooled_high"]], [y, y], color=ink, lw=3.5,
                solid_capstyle="butt",
            )  # fmt: skip
            face = ink if row["verdict"] in (HIGHER, LOWER) else "white"
            panel.plot(row["difference"], y, "o", ms=6, mfc=face, mec="black", mew=0.9)
        panel.axvline(0, color="black", lw=0.9)
        panel.set_title(display_name(score))
        labels = [display_name(name) for name in names] if number % 4 == 0 else [""] * len(names)
        panel.set_yticks(range(len(names)), labels, fontsize=SMALL)
        mark_controls(panel.get_yticklabels(), names)
        panel.set_ylim(len(names) - 0.5, -0.5)
        panel.grid(True, axis="x")
        panel.grid(False, axis="y")
        wide = np.abs(part[["pooled_low", "pooled_high"]].to_numpy())
        if np.isfinite(wide).any() and np.nanmax(wide) > 0:  # thin lines may leave the picture
            panel.set_xlim(*(1.8 * np.nanmax(wide) * np.array([-1, 1])))
    figure.supxlabel(f"higher than '{display_name(control)}'", fontsize=10)
    return figure
