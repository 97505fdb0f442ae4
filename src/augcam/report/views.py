"""The figure "Does it hold?": the order of conditions in every view, and which are farther."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from augcam.names import MAIN, STEP_CONTROL, display_name
from augcam.report.structure import SLANTED
from augcam.report.style import SMALL, colour, grid, legend, nothing_to_show, styled
from augcam.statistics.effects import YES
from augcam.statistics.views import FARTHER


def view_figures(
    holds: pd.DataFrame,
    effects: pd.DataFrame,
    view_effects: pd.DataFrame,
    equal: pd.DataFrame,
    controls: list[str],
) -> Iterator[tuple[str, Figure]]:
    """Every figure of this module with its name; tables by their names in `tables/`."""
    tested = [name for name in controls if name not in set(equal["condition"])]
    fair = STEP_CONTROL if STEP_CONTROL in tested else next(iter(tested), None)
    yield "holds", order_lines(holds, farther(effects, view_effects, fair))


def farther(
    effects: pd.DataFrame, view_effects: pd.DataFrame, control: str | None
) -> set[tuple[str, str, str]]:
    """(view, metric, condition) of all that is shown to be farther than `control`."""
    every = pd.concat([effects.assign(view=MAIN), view_effects])
    shown = every[(every["control"] == control) & (every["farther_than_control"] == YES)]
    return set(shown[["view", "metric", "condition"]].itertuples(index=False, name=None))


@styled
def order_lines(holds: pd.DataFrame, shown: set[tuple[str, str, str]]) -> Figure:
    """One panel per metric: conditions by their distance from the baseline, the farthest on top, in
    the main view and then in all others, each with its τ. Filled: in `shown`."""
    metrics = list(dict.fromkeys(holds.loc[holds["n_conditions"] > 1, "metric"]))
    if not metrics:
        return nothing_to_show("An order takes two conditions or more, with a value in every view.")
    views = list(dict.fromkeys(holds["view"]))
    columns = 2 if len(views) < 8 else 1
    longest = max(len(name) for name in views) / 12
    most = int(holds["n_conditions"].max())
    size = 1.6 + 0.75 * (len(views) + 1), 1.2 + 0.26 * most + 0.35 * longest
    figure, panels = grid(len(metrics), *size, columns=columns)
    for panel, metric in zip(panels, metrics):
        _panel(panel, holds[holds["metric"] == metric].set_index("view"), shown)
        panel.set_title(display_name(metric))
    legend(figure, panels, 5)
    return figure


def _panel(panel: Axes, rows: pd.DataFrame, shown: set[tuple[str, str, str]]) -> None:
    metric = rows["metric"].iloc[0]
    # A view of other images has a main order of its own; the first row's is of the most.
    widest = rows.sort_values("n_images", ascending=False, kind="stable").iloc[0]
    orders = {MAIN: widest["order_main"]} | dict(rows["order"])
    names = [order.split(FARTHER) if order else [] for order in orders.values()]
    for condition in names[0]:
        places = [of.index(condition) + 1 if condition in of else np.nan for of in names]
        ink = colour(condition)
        panel.plot(places, color=ink, lw=1.4, alpha=0.8)
        for x, (view, place) in enumerate(zip(orders, places)):
            face = ink if (view, metric, condition) in shown else "white"
            panel.plot(x, place, "o", ms=6.5, mfc=face, mec=ink, mew=1.4)
        panel.plot([], [], "o-", color=ink, label=display_name(condition))
    labels = [MAIN, *(f"{view}\nτ {_number(row['tau'])}" for view, row in rows.iterrows())]
    panel.set_xticks(range(len(labels)), labels, **(SLANTED | {"fontsize": SMALL}))
    panel.set_xlim(-0.4, len(labels) - 0.6)
    panel.set_ylim(len(names[0]) + 0.6, 0.4)
    panel.set_yticks([1, len(names[0])], ["farthest", "nearest"], fontsize=SMALL)
    panel.grid(False)


def _number(tau: float) -> str:
    return "–" if np.isnan(tau) else f"{tau:.2f}".replace("-", "−")
