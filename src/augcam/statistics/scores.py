"""Which way maps move: scores of single maps, with the statistics of distances.

A score needs no baseline, so that every model has one, the baseline's too: conditions are set
against a control at the same state and image, the unit of replication is the starting state.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from augcam.comparison.explained import segments
from augcam.comparison.repeats import with_noise
from augcam.names import score_and_part
from augcam.paper.segments import by_segment
from augcam.statistics.distances import Distances, Model, at_equality
from augcam.statistics.effects import NO, cannot_be_told, effects, variance_split
from augcam.statistics.trends import Sweep, dose_response

HIGHER, LOWER = "higher", "lower"

_HEAD = ["image_id", "right"]  # of every table, before its scores

NO_BASE = ""
"""In place of the condition that distances start from: of scores no condition is left out."""


def score_statistics(
    tables: Mapping[Model, pd.DataFrame],
    reference: Model,
    controls: Sequence[str],
    equal: pd.DataFrame,
    sweeps: Sequence[Sweep],
    resamples: int,
    seed: int,
    alpha: float,
    smallest_effect: float,
    sampled: Mapping[Model, pd.DataFrame] | None = None,
) -> dict[str, pd.DataFrame]:
    """The tables of this step, by name, from those of `augcam.comparison.scoring.score_files`.

    `tables`: (condition, state) → image_id, right, and every score, of models that differ;
    `reference`: the baseline, for the segments; `equal`: the table `equal_models`; `sampled`: of
    the same models, image_id and the scores of a sample of the images (that of
    `augcam.comparison.faithfulness.faithfulness_of_file`), where there are some.

    `scores`: of each model the mean of each score, n_images (with a value) and n_undefined, and,
    where there is a sample, n_not_sampled; `score_effects`: see `score_effects`;
    `score_variance_split`: as of distances, over all conditions; `score_segments`,
    `score_segment_tests`: as of distances; with sweeps `score_doses` and `score_trends`. In all of
    them `score` and `part` stand for `metric`.
    """
    tested = with_noise(controls, equal)
    values, parts = gathered(tables, sampled)
    found = scores_and_effects(
        values,
        parts,
        tested,
        resamples=resamples,
        seed=seed,
        alpha=alpha,
        smallest_effect=smallest_effect,
    )
    found["score_variance_split"] = variance_split(values)
    segmented = [by_segment(with_segments(part, reference), _scores_in(part)) for part in parts]
    for name in segmented[0]:
        table = pd.concat([of[name] for of in segmented], ignore_index=True)
        found[f"score_{'segments' if name == 'segment_summary' else 'segment_tests'}"] = table
    if sweeps:
        trends = dose_response(values, None, sweeps, tested, alpha, seed)
        found |= {f"score_{name}": table for name, table in trends.items()}
    return {name: with_parts(table) for name, table in found.items()}


def gathered(
    tables: Mapping[Model, pd.DataFrame], sampled: Mapping[Model, pd.DataFrame] | None = None
) -> tuple[Distances, list[Mapping[Model, pd.DataFrame]]]:
    """The scores of one view as one array, those of the sample among them (NaN elsewhere), and the
    tables of all images and of the sample apart; arguments as of `score_statistics`."""
    if not sampled:
        return collected(tables, _scores_in(tables)), [tables]
    of_sample = {m: tables[m][_HEAD].merge(sampled[m], on="image_id") for m in tables}
    both = {m: tables[m].merge(sampled[m], how="left", on="image_id") for m in tables}
    return collected(both, _scores_in(both)), [tables, of_sample]


def scores_and_effects(
    scores: Distances,
    parts: Sequence[Mapping[Model, pd.DataFrame]],
    controls: Sequence[str],
    **options: Any,
) -> dict[str, pd.DataFrame]:
    """The tables `scores` and `score_effects` of one view, see `score_statistics`, from what
    `gathered` gives; `controls` and `options`: as of `score_effects`."""
    tested = score_effects(scores, controls, **options)
    return {"scores": with_parts(summary(parts)), "score_effects": with_parts(tested)}


def _scores_in(tables: Mapping[Model, pd.DataFrame]) -> list[str]:
    return [name for name in next(iter(tables.values())) if name not in _HEAD]


def with_segments(
    tables: Mapping[Model, pd.DataFrame], reference: Model
) -> dict[Model, pd.DataFrame]:
    """The tables of all models but `reference`, with a column `segment`: which of both is right."""
    right = tables[reference]["right"].to_numpy(dtype=bool)
    return {
        model: table.assign(segment=segments(right, table["right"].to_numpy(dtype=bool)))
        for model, table in tables.items()
        if model != reference
    }


def with_parts(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose column `metric` becomes two, `score` and `part` (empty where it needs none)."""
    if "metric" not in table:
        return table
    at = list(table).index("metric")
    pairs = [score_and_part(name) for name in table["metric"]]
    table = table.drop(columns="metric")
    for shift, name in enumerate(("score", "part")):
        table.insert(at + shift, name, pd.Series([p[shift] for p in pairs], table.index, object))
    return table


def collected(tables: Mapping[Model, pd.DataFrame], names: list[str]) -> Distances:
    """Scores as one array for the statistics, with nothing in the place of baselines."""
    conditions = list(dict.fromkeys(condition for condition, _ in tables))
    states = list(dict.fromkeys(state for _, state in tables))
    n_images = len(next(iter(tables.values())))
    values = np.full((len(names), len(conditions), len(states), 1, n_images), np.nan)
    for (condition, state), table in tables.items():
        at = conditions.index(condition), states.index(state)
        values[(slice(None), *at, 0)] = table[names].to_numpy().T
    return Distances(values, names, conditions, states, NO_BASE, [0])


def summary(parts: Sequence[Mapping[Model, pd.DataFrame]]) -> pd.DataFrame:
    """Of each model and score: mean over images, how many have a value, how many have none, and, if
    there is a second of `parts`, scores of a sample, how many images of the first it leaves out."""
    rows = []
    for tables in parts:
        for (condition, state), table in tables.items():
            left_out = len(parts[0][condition, state]) - len(table)
            for name, values in table[_scores_in(tables)].items():
                counts = int(values.notna().sum()), int(values.isna().sum()), left_out
                rows.append((condition, state, name, values.mean(), *counts))
    columns = ["condition", "state", "metric", "mean", "n_images", "n_undefined", "n_not_sampled"]
    return pd.DataFrame(rows, columns=columns)[columns if len(parts) > 1 else columns[:-1]]


def score_effects(
    scores: Distances,
    controls: Sequence[str],
    resamples: int,
    seed: int,
    alpha: float,
    smallest_effect: float,
) -> pd.DataFrame:
    """The effect of every condition on every score, against each of `controls`: columns as those of
    `augcam.statistics.effects.effects`, with `verdict` in the place of the last one:

    - higher, lower: p_holm < alpha;
    - no: the pooled interval lies within ± `smallest_effect` × what the control's mean differs from
      the value that says nothing (0; .5 for an AUC);
    - cannot be told with S states: neither.
    """
    table = effects(scores, list(controls), resamples, seed, alpha, smallest_effect, judge)
    return table.rename(columns={"farther_than_control": "verdict"})


def judge(row, alpha: float, smallest_effect: float) -> str:
    """Whether a score is higher or lower than the control's; `row`: of `effects`."""
    if row.p_holm < alpha:
        return HIGHER if row.difference > 0 else LOWER
    margin = smallest_effect * abs(row.control_mean - at_equality(row.metric))
    if -margin < row.pooled_low and row.pooled_high < margin:
        return NO
    return cannot_be_told(row.n_states)
