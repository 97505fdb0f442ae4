"""Segments: does it matter which of the two models is right (appendix C of the paper)?

The values of a segment are those of every (image, starting state) in it: a model of one state may
be right where that of another is wrong.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from augcam.comparison.explained import SEGMENTS

Model = tuple[str, int]  # condition, starting state


def by_segment(tables: Mapping[Model, pd.DataFrame], metrics: list[str]) -> dict[str, pd.DataFrame]:
    """The tables of this step, by name, from those of `augcam.comparison.models.compare`."""
    return {
        "segment_summary": segment_summary(tables, metrics),
        "segment_tests": segment_tests(tables, metrics),
    }


def segment_summary(tables: Mapping[Model, pd.DataFrame], metrics: list[str]) -> pd.DataFrame:
    """Size, quartiles and mean of every condition, metric and segment, over images and states.

    `tables`: (condition, state) → the table of `augcam.comparison.models.compare`. Returns
    condition, metric, segment, n (values), n_excluded (undefined), mean, q1, median, q3; NaN
    where a segment has no value.
    """
    rows = []
    for condition, pooled in by_condition(tables):
        for metric in metrics:
            for segment in SEGMENTS:
                values = pooled.loc[pooled["segment"] == segment, metric]
                q1, median, q3 = values.quantile([0.25, 0.5, 0.75])
                rows.append(
                    {
                        "condition": condition,
                        "metric": metric,
                        "segment": segment,
                        "n": int(values.notna().sum()),
                        "n_excluded": int(values.isna().sum()),
                        "mean": values.mean(),
                        "q1": q1,
                        "median": median,
                        "q3": q3,
                    }
                )
    return pd.DataFrame(rows)


def segment_tests(tables: Mapping[Model, pd.DataFrame], metrics: list[str]) -> pd.DataFrame:
    """Kruskal–Wallis test of whether the segments of one model differ in a metric.

    One test a model, as values of one image under several states are not independent. Returns
    condition, state, metric, n, segments (with a value), h, p, and the effect epsilon_squared =
    h / (n − 1) in [0, 1], the share of the ranks' variance that the segment explains (Tomczak and
    Tomczak 2014). NaN where fewer than two segments have values, or all values are equal.
    """
    from scipy.stats import kruskal

    rows = []
    for (condition, state), table in tables.items():
        for metric in metrics:
            known = table[table[metric].notna()]
            groups = [group[metric].to_numpy() for _, group in known.groupby("segment")]
            h, p = np.nan, np.nan
            if len(groups) > 1 and known[metric].nunique() > 1:
                h, p = kruskal(*groups)
            rows.append(
                {
                    "condition": condition,
                    "state": state,
                    "metric": metric,
                    "n": len(known),
                    "segments": len(groups),
                    "h": h,
                    "p": p,
                    "epsilon_squared": h / (len(known) - 1) if len(known) > 1 else np.nan,
                }
            )
    return pd.DataFrame(rows)


def by_condition(tables: Mapping[Model, pd.DataFrame]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each condition with the rows of all its states."""
    for condition in dict.fromkeys(condition for condition, _ in tables):
        yield condition, pd.concat([t for (c, _), t in tables.items() if c == condition])


def segment_values(pooled: pd.DataFrame, metric: str) -> dict[str, np.ndarray]:
    """Segment → the defined values of `metric` in it."""
    groups = pooled[["segment", metric]].dropna().groupby("segment")[metric]
    values = {segment: group.to_numpy() for segment, group in groups}
    return {segment: values.get(segment, np.empty(0)) for segment in SEGMENTS}
