"""Dose and response: does what an augmentation does grow with its strength?

The unit is the model: all strengths and starting states of a sweep together, so that its noise is
estimated from many more models than any single comparison has.
"""

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from augcam.comparison.defined import mean_of_defined, variance_of_defined
from augcam.statistics.distances import Distances, orientation
from augcam.statistics.resampling import holm, t_interval

GROWS, FALLS = "grows", "falls"

ACCURACY = "accuracy"

_EXACT = 300_000  # up to so many rearrangements all are tried, beyond them as many random ones


class Sweep(NamedTuple):
    """Conditions that differ in the strength of one thing, the weakest first; `values`: of the
    parameter `key`."""

    name: str
    title: str
    key: str
    conditions: list[str]
    values: list[Any]

    @property
    def positions(self) -> np.ndarray:
        """Strength from 0, the first value, to 1, the last; places where values are no numbers or
        neither grow nor fall throughout."""
        places = np.arange(len(self.values)) / (len(self.values) - 1)
        if not all(isinstance(value, int | float) for value in self.values):
            return places
        values = np.array(self.values, dtype=np.float64)
        steps = np.diff(values)
        if not ((steps > 0).all() or (steps < 0).all()):
            return places
        return (values - values[0]) / (values[-1] - values[0])


def dose_response(
    distances: Distances,
    performance: pd.DataFrame | None,
    sweeps: Sequence[Sweep],
    controls: Sequence[str],
    alpha: float,
    seed: int = 0,
) -> dict[str, pd.DataFrame]:
    """The tables of this step, by name.

    `performance`: condition, state, accuracy of every model; None: no trend of these.

    `doses`: one row per metric (and accuracy), sweep, condition and state, controls included with
    an empty `sweep`: `value` and `position` (see `Sweep`) of the strength, and `mean`, the model's
    mean over images and baselines.

    `trends`: one row per sweep and metric: the `parameter` that varies; `slope`, what the mean
    changes by from the weakest to the strongest value along a straight line, with `low`, `high`;
    `tau` (Kendall's, mean over states); `p`; `p_holm` over all rows; `verdict`: the distance from
    the baseline, or accuracy, grows or falls, or it cannot be told.
    """
    rng = np.random.default_rng(seed)
    responses = responses_of(distances, performance)
    doses, rows = [], []
    for metric, table in responses.items():
        doses += [("", metric, c, "", np.nan, s, table.mean.get((c, s))) for c in controls
                  for s in distances.states if (c, s) in table.mean]  # fmt: skip
        for sweep in sweeps:
            x = sweep.positions
            keys = [[(c, s) for s in distances.states] for c in sweep.conditions]
            y = np.array([[table.mean.get(key, np.nan) for key in row] for row in keys])
            doses += [
                (sweep.name, metric, c, str(v), position, s, y[k, i])
                for k, (c, v, position) in enumerate(zip(sweep.conditions, sweep.values, x))
                for i, s in enumerate(distances.states)
                if not np.isnan(y[k, i])
            ]
            images = [table.images.get(c) for c in sweep.conditions]
            rows.append(_trend(sweep, metric, x, y, images, alpha, rng))
    columns = ["sweep", "metric", "condition", "value", "position", "state", "mean"]
    trends = pd.DataFrame(rows, columns=TREND_COLUMNS)
    trends["p_holm"] = holm(trends["p"].to_numpy(dtype=np.float64))
    trends["verdict"] = [_verdict(row, alpha) for row in trends.itertuples(index=False)]
    return {"doses": pd.DataFrame(doses, columns=columns), "trends": trends}


TREND_COLUMNS = [
    "sweep", "metric", "n_models", "n_states", "parameter", "weakest", "strongest",
    "slope", "low", "high", "tau", "p", "p_holm", "verdict",
]  # fmt: skip


class Response(NamedTuple):
    """Of one metric: each model's mean by (condition, state); of each condition the values per
    image (N,), mean over states and baselines."""

    mean: Mapping[tuple[str, int], float]
    images: Mapping[str, np.ndarray]


def responses_of(distances: Distances, performance: pd.DataFrame | None) -> dict[str, Response]:
    """What each model answers, by metric, and its accuracy where `performance` has it."""
    found = {}
    for metric, values in zip(distances.metrics, distances.values):
        per_image = mean_of_defined(values, axis=2)  # (conditions, states, images)
        means = mean_of_defined(per_image, axis=2)
        found[metric] = Response(
            {
                (condition, state): means[c, s]
                for c, condition in enumerate(distances.conditions)
                for s, state in enumerate(distances.states)
                if not np.isnan(means[c, s])
            },
            dict(zip(distances.conditions, mean_of_defined(per_image, axis=1))),
        )
    if performance is not None:
        models = zip(performance["condition"], performance["state"])
        found[ACCURACY] = Response(dict(zip(models, performance["accuracy"])), {})
    return found


def _trend(sweep, metric, x, y, images, alpha, rng) -> tuple[Any, ...]:
    slope, noise, df, spread = straight_line(x, y)
    of_images = 0.0
    if all(values is not None for values in images):
        per_image = np.array(images)
        per_image = per_image[:, ~np.isnan(per_image).any(axis=0)]
        if per_image.shape[1] > 1:
            centred = x - x.mean()
            slopes = centred @ per_image / (centred**2).sum()
            of_images = float(variance_of_defined(slopes)) / (per_image.shape[1] - 1)
    se = np.sqrt(noise / spread + of_images) if spread else np.nan
    low, high, _ = t_interval(np.array([slope]), np.array([se]), np.array([df]), alpha)
    count = int((~np.isnan(y)).sum())
    states = int((~np.isnan(y)).any(axis=0).sum())
    p, tau = rearranged(x, y, rng), kendall(x, y)
    first, last = str(sweep.values[0]), str(sweep.values[-1])
    return (
        sweep.name, metric, count, states, sweep.key, first, last,
        slope, low[0], high[0], tau, p, np.nan, "",
    )  # fmt: skip


def straight_line(x: np.ndarray, y: np.ndarray) -> tuple[float, float, int, float]:
    """Least squares of y (K, S) on x (K,) with a level of its own for each of S states.

    Returns slope, the variance of the residuals, its degrees of freedom, and the sum of squares of
    x around its means. NaN in y: no such model.
    """
    known = ~np.isnan(y)
    wide = np.where(known, x[:, None], np.nan)
    x_centred = np.where(known, wide - mean_of_defined(wide, axis=0), 0.0)
    y_centred = np.where(known, y - mean_of_defined(y, axis=0), 0.0)
    spread = float((x_centred**2).sum())
    df = int(known.sum()) - int(known.any(axis=0).sum()) - 1
    if not spread:
        return np.nan, np.nan, df, 0.0
    slope = float((x_centred * y_centred).sum()) / spread
    rest = y_centred - slope * x_centred
    return slope, float((rest**2).sum()) / df if df > 0 else np.nan, df, spread


def rearranged(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> float:
    """Two-sided p of no trend: how often strengths, exchanged at random within each state, give a
    slope as steep (exact where these are few). It needs no distribution, only that strengths are
    exchangeable where nothing depends on them. NaN where nothing varies."""
    per_state = []
    for column in y.T:
        known = ~np.isnan(column)
        if known.sum() > 1:
            centred = x[known] - x[known].mean()
            own = column[known]
            count = len(own)
            orders = (
                np.array(list(permutations(range(count))))
                if count <= 6
                else np.array([np.arange(count), *(rng.permutation(count) for _ in range(5000))])
            )
            per_state.append(own[orders] @ centred)
    if not per_state or not any(np.ptp(values) > 0 for values in per_state):
        return np.nan
    observed = abs(sum(values[0] for values in per_state))
    total = np.prod([len(values) for values in per_state], dtype=np.float64)
    if total <= _EXACT:
        sums = np.zeros(1)
        for values in per_state:
            sums = (sums[:, None] + values).ravel()
    else:
        drawn = sum(rng.choice(values, _EXACT) for values in per_state)
        sums = np.append(drawn, observed)
    return float((np.abs(sums) >= observed * (1 - 1e-9)).mean())


def kendall(x: np.ndarray, y: np.ndarray) -> float:
    """Kendall's τ_b of strength and response, mean over states; NaN where nothing varies."""
    from scipy import stats

    found = []
    for column in y.T:
        known = ~np.isnan(column)
        if known.sum() > 1 and np.ptp(column[known]) > 0:
            found.append(stats.kendalltau(x[known], column[known]).statistic)
    return float(np.mean(found)) if found else np.nan


def _verdict(row, alpha: float) -> str:
    if not row.p_holm < alpha:
        return f"cannot be told with {row.n_models} model{'s' if row.n_models != 1 else ''}"
    sign = 1 if row.metric == ACCURACY else orientation(row.metric)
    return GROWS if sign * row.slope > 0 else FALLS
