"""Distances: each metric between each model and each baseline, as one array for the statistics."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from augcam.entries import Metric, entries, metric_named, score_named
from augcam.names import score_and_part

Model = tuple[str, int]  # condition, starting state


class Distances(NamedTuple):
    """`values` float64 (metrics, conditions, states, baselines, images), in the metrics' own units.

    A baseline is the condition `base` at one of the states `baselines`, the reference first. NaN:
    a baseline with itself, a model that does not exist, a metric that is undefined on an image.
    """

    values: np.ndarray
    metrics: list[str]
    conditions: list[str]
    states: list[int]
    base: str
    baselines: list[int]

    @property
    def n_states(self) -> int:
        return len(self.states)

    def models_of(self, condition: str) -> int:
        """How many models of a condition have a distance from any baseline."""
        values = self.values[:, self.conditions.index(condition)]
        return int((~np.isnan(values)).any(axis=(0, 2, 3)).sum())


def collect(
    tables: Mapping[tuple[int, str, int], pd.DataFrame],
    metrics: list[str],
    conditions: list[str],
    states: list[int],
    base: str,
) -> Distances:
    """One array from the tables of `augcam.comparison.models.compare`.

    `tables`: (the baseline's state, condition, state) → table, the reference's first.
    """
    baselines = list(dict.fromkeys(baseline for baseline, _, _ in tables))
    n_images = len(next(iter(tables.values())))
    shape = (len(metrics), len(conditions), len(states), len(baselines), n_images)
    values = np.full(shape, np.nan)
    for (baseline, condition, state), table in tables.items():
        if condition in conditions and state in states:
            where = conditions.index(condition), states.index(state), baselines.index(baseline)
            values[(slice(None), *where)] = table[metrics].to_numpy().T
    return Distances(values, metrics, conditions, states, base, baselines)


def at_equality(metric: str) -> float:
    """The metric's value for two equal maps (or predictions): 0 for differences, 1 for likeness; of
    a score of one map, the value that says nothing."""
    if metric in entries(Metric):
        return float(metric_named(metric).at_equality)
    return float(score_named(score_and_part(metric)[0]).neutral)


def orientation(metric: str) -> int:
    """+1 where a larger value lies farther from the baseline, −1 where a smaller one does; of a
    score of one map +1."""
    return metric_named(metric).direction if metric in entries(Metric) else 1


def gather(
    reference: Model,
    compared: Mapping[Model, pd.DataFrame],
    further: Mapping[tuple[int, str, int], pd.DataFrame],
    metrics: list[str],
) -> Distances:
    """Distances from the tables of `augcam.comparison.models.compare`.

    `compared`: model → its table against the reference; `further`: (state of another baseline,
    condition, state) → table. Models that `compared` leaves out are left out altogether.

    States are those at which other conditions than the baseline's were trained: a reference at a
    state of its own is no state of any of them.
    """
    base, first = reference
    known = {reference, *compared}
    tables = {(first, *model): table for model, table in compared.items()}
    for (at, condition, state), table in further.items():
        baseline, model = (base, at), (condition, state)
        if known.issuperset([baseline, model]) and model != baseline:
            tables[at, condition, state] = table
    conditions = list(dict.fromkeys(condition for condition, _ in compared))
    states = list(dict.fromkeys(state for condition, state in compared if condition != base))
    return collect(tables, metrics, conditions, states, base)
