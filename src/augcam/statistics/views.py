"""Does the answer hold? Orders of conditions, and verdicts, in further views against the main one.

All views are of the same networks. So each resample draws the same images, states and baselines for
both views that are compared, and what differs between them is the view alone: a view of a sample of
images is set against the main view of these images.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from augcam.entries import metric_named
from augcam.errors import AugcamError
from augcam.names import MAIN
from augcam.statistics.decoupling import Weights, draw_weights
from augcam.statistics.distances import Distances, orientation
from augcam.statistics.effects import NO, YES, effects
from augcam.statistics.resampling import chunks, interval

OPEN = "cannot be told"

FARTHER = " > "
"""Between the conditions of an order, the farthest first."""

ORDER_COLUMNS = [
    "metric", "n_conditions", "left_out", "n_images", "tau", "tau_low", "tau_high", "order",
    "order_main",
]  # fmt: skip

VERDICT_COLUMNS = ["verdicts", "agree", "contrary", "gained", "lost", "changes"]

COLUMNS = [
    "view", "kind", "method", "layer", "target", "same_as", *ORDER_COLUMNS, *VERDICT_COLUMNS,
]  # fmt: skip

_ROWS = 500  # resamples at once


def against_main(
    main: Distances,
    view: Distances,
    controls: list[str],
    resamples: int = 2000,
    seed: int = 0,
    alpha: float = 0.05,
    smallest_effect: float = 0.1,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Of one view, the table of effects as `augcam.statistics.effects.effects` has it, and what of
    the main view's answer holds: `orders` and `verdicts`, one row a metric.

    Both distances are of the same models and images. Metrics of predictions, which are the same in
    every view, count in the corrections of p as they do in the main view, and are left out.
    """
    tables = [effects(d, controls, resamples, seed, alpha, smallest_effect) for d in (main, view)]
    tables = [table[table["metric"].isin(of_maps(view.metrics))] for table in tables]
    held = orders(main, view, resamples, seed, alpha).merge(verdicts(*tables), on="metric")
    return tables[1].reset_index(drop=True), held


def of_maps(metrics: Iterable[str]) -> list[str]:
    """The metrics that compare maps."""
    return [metric for metric in metrics if metric_named(metric).needs == "maps"]


def by_view(files: Sequence[str], views: Sequence[str]) -> dict[str, Sequence[str]]:
    """Files that stand view by view, as many of each, by view."""
    count = len(files) // len(views)
    return {view: files[i * count : (i + 1) * count] for i, view in enumerate(views)}


def rows_of(ids: np.ndarray, every: np.ndarray) -> np.ndarray:
    """Where the images `ids` of a view stand among `every` one of the main view's, in this order.

    Raises AugcamError where they are no part of them, in their order.
    """
    rows = np.flatnonzero(np.isin(every, ids))
    if not np.array_equal(every[rows], ids):
        raise AugcamError("a view has explained other images than the main one; explain both anew.")
    return rows


def on_images(distances: Distances, rows: np.ndarray) -> Distances:
    """Distances of the images `rows` alone."""
    return distances._replace(values=distances.values[..., rows])


# ------------------------------------------------------------------------------------- the order


def orders(
    main: Distances, view: Distances, resamples: int = 2000, seed: int = 0, alpha: float = 0.05
) -> pd.DataFrame:
    """The order of conditions by their mean distance from the baseline, in both views.

    One row a metric of maps: `tau`, Kendall's τ-b of both orders, 1 where they are the same, with
    an interval from resampled images, states and baselines (`augcam.statistics.resampling`, cut at
    ±1; none for fewer than three states); `order` and `order_main`, the farthest condition first;
    n_conditions in them, and those `left_out`: with one model where others have several, as nobody
    knows how far another training of them would lie, or without a value. n_images with a value.
    """
    weights = draw_weights(main, resamples, np.random.default_rng(seed))
    several = min(2, main.n_states)
    rows = []
    for metric in of_maps(main.metrics):
        at = main.metrics.index(metric)
        means = [condition_means(d.values[at], weights) for d in (main, view)]
        ordered = [
            all(map(np.isfinite, (of[0, c] for of in means))) and main.models_of(name) >= several
            for c, name in enumerate(main.conditions)
        ]
        names = [name for name, kept in zip(main.conditions, ordered) if kept]
        means = [orientation(metric) * of[:, ordered] for of in means]
        taus = kendall(*means)
        low, high = np.clip(interval(taus, main.n_states, alpha), -1, 1)
        of_main, own = (_in_order(names, of[0]) for of in means)
        left_out = [name for name in main.conditions if name not in names]
        n_images = int((~np.isnan(view.values[at])).any(axis=(0, 1, 2)).sum())
        counts = len(names), ", ".join(left_out), n_images
        rows.append((metric, *counts, taus[0], low, high, own, of_main))
    return pd.DataFrame(rows, columns=ORDER_COLUMNS)


def condition_means(values: np.ndarray, weights: Weights) -> np.ndarray:
    """Mean distances, (rows, conditions), from (conditions, states, baselines, images), for every
    row of `weights`: over images with a value, then over baselines, then over states."""
    parts = [
        np.add.reduceat(x[..., weights.order], weights.starts, axis=-1)
        for x in (np.nan_to_num(values), (~np.isnan(values)).astype(np.float64))
    ]
    found = []
    for rows in chunks(len(weights.images), _ROWS):
        sums, counts = (x @ weights.images[rows].T for x in parts)
        with np.errstate(invalid="ignore", divide="ignore"):
            of_models = _weighted(sums / counts, weights.baselines[rows].T, axis=2)
            states = np.moveaxis(weights.states[rows], 0, 2)
            found.append(_weighted(of_models, states, axis=1).T)
    return np.concatenate(found)


def _weighted(values: np.ndarray, weights: np.ndarray, axis: int) -> np.ndarray:
    """The weighted mean of what is defined."""
    weights = weights * ~np.isnan(values)
    return (np.nan_to_num(values) * weights).sum(axis) / weights.sum(axis)


def kendall(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Kendall's τ-b of each row of `x` and `y`, (rows, K) → (rows,); NaN where all of one is tied,
    or there are fewer than two."""
    first, second = np.triu_indices(x.shape[1], 1)
    signs = [np.sign(v[:, first] - v[:, second]) for v in (x, y)]
    untied = [np.abs(sign).sum(axis=1) for sign in signs]
    with np.errstate(invalid="ignore"):
        return (signs[0] * signs[1]).sum(axis=1) / np.sqrt(untied[0] * untied[1])


def _in_order(names: Sequence[str], away: np.ndarray) -> str:
    return FARTHER.join(names[i] for i in np.argsort(-away, kind="stable"))


def target_orders(changes: pd.DataFrame, main: str) -> pd.DataFrame:
    """`orders` of the two targets that the main view does not explain, from `target_changes`, with
    a column `target`; `main`: the target that it does.

    From the mean of each model, against the reference baseline alone: without intervals.
    """
    by_model = changes.groupby(["condition", "metric", "target"], sort=False)
    means = by_model["mean"].mean()
    models = changes.groupby("condition")["state"].nunique()
    several = models[models >= min(2, models.max())].index if len(models) else []
    rows = []
    for (metric, target), part in changes.groupby(["metric", "target"], sort=False):
        if target == main:
            continue
        conditions = list(dict.fromkeys(part["condition"]))
        pairs = {c: (means[c, metric, main], means[c, metric, target]) for c in conditions}
        names = [c for c in conditions if c in several and np.isfinite(pairs[c]).all()]
        away = orientation(metric) * np.array([pairs[c] for c in names]).reshape(-1, 2).T
        (tau,) = kendall(away[:1], away[1:])
        left_out = ", ".join(c for c in conditions if c not in names)
        counts = len(names), left_out, int(part["n_images"].max())
        own, of_main = _in_order(names, away[1]), _in_order(names, away[0])
        rows.append((metric, *counts, tau, np.nan, np.nan, own, of_main, target))
    return pd.DataFrame(rows, columns=[*ORDER_COLUMNS, "target"])


# ---------------------------------------------------------------------------------- the verdicts


def verdicts(main: pd.DataFrame, view: pd.DataFrame) -> pd.DataFrame:
    """How the verdicts of two tables of effects compare, one row a metric: of so many `verdicts`
    (condition and control) `agree`; `contrary`: yes here and no there; `gained`: told in this view
    alone; `lost`: told in the main one alone; and all `changes` in words."""
    keys = ["metric", "control", "condition"]
    both = main.dropna(subset="difference").merge(
        view.dropna(subset="difference"), on=keys, suffixes=("_main", "")
    )
    rows = []
    for metric in dict.fromkeys([*main["metric"], *view["metric"]]):
        of = both[both["metric"] == metric]
        before, after = (
            [_told(verdict) for verdict in of[f"farther_than_control{suffix}"]]
            for suffix in ("_main", "")
        )
        pairs = list(zip(before, after))
        names = zip(of["condition"], of["control"])
        changes = [
            f"{condition} against {control}: {was} → {is_}"
            for (condition, control), (was, is_) in zip(names, pairs)
            if was != is_
        ]
        counts = (
            len(pairs),
            sum(was == is_ for was, is_ in pairs),
            sum({was, is_} == {YES, NO} for was, is_ in pairs),
            sum(was == OPEN != is_ for was, is_ in pairs),
            sum(was != OPEN == is_ for was, is_ in pairs),
        )
        rows.append((metric, *counts, "; ".join(changes)))
    return pd.DataFrame(rows, columns=["metric", *VERDICT_COLUMNS])


def _told(verdict: str) -> str:
    return verdict if verdict in (YES, NO) else OPEN


# ------------------------------------------------------------------------------------- the table


def holds(
    described: Mapping[str, Mapping[str, Any]],
    held: Mapping[str, pd.DataFrame],
    same: Callable[..., Mapping[str, str]],
    changes: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The table `holds`, one row a view and metric, and then one a target and metric.

    `described`: what `augcam.explanation.looks.describe_views` says of each view, main among them;
    `held`: of each further view what `against_main` has found; `same`: which methods are one on a
    network (`augcam.explanation.equal.same`); `changes`: `target_changes`. `same_as`: an earlier
    view, or main, that is the same on this network: such views count once.
    """
    first = counted_with(described, same)
    tables = []
    for name, table in held.items():
        head = {"view": name, "kind": "view", "same_as": first.get(name, "")}
        tables.append(table.assign(**head, **_of(described[name])))
    if changes is not None and len(changes):
        main = described[MAIN]
        for target, table in target_orders(changes, main["target"]).groupby("target", sort=False):
            as_view = [
                name
                for name, view in described.items()
                if _of(view) == _of(main) | {"target": target} and view["images"] is None
            ]
            head = {"view": f"target {target}", "kind": "target", "same_as": (as_view or [""])[0]}
            none = dict.fromkeys(VERDICT_COLUMNS, 0) | {"changes": ""}
            tables.append(table.assign(**head, **none, **_of(main) | {"target": target}))
    whole = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)
    return whole[COLUMNS]


def _of(view: Mapping[str, Any]) -> dict[str, Any]:
    return {key: view[key] for key in ("method", "layer", "target")}


def counted_with(
    described: Mapping[str, Mapping[str, Any]], same: Callable[..., Mapping[str, str]]
) -> dict[str, str]:
    """View → the first view that gives the same maps on this network, for those that have one. A
    sample of a view's images is that view; arguments as of `holds`."""
    found: dict[str, str] = {}
    for names in _by_place(described):
        network = described[names[0]]
        known = (network.get(key, False) for key in ("pooled_linear", "nonnegative"))
        methods = same([described[name]["method"] for name in names], *known)
        first: dict[str, str] = {}
        for name in names:
            earlier = first.setdefault(methods[described[name]["method"]], name)
            if earlier != name:
                found[name] = earlier
    return found


def _by_place(described: Mapping[str, Mapping[str, Any]]) -> Iterator[list[str]]:
    """Views that explain the same layer and target, in their order."""
    places = {name: (view["layer"], view["target"]) for name, view in described.items()}
    for place in dict.fromkeys(places.values()):
        yield [name for name, at in places.items() if at == place]
