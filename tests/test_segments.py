"""Segments against scipy and counting by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kruskal, rankdata

from augcam.comparison.explained import SEGMENTS
from augcam.paper.segments import by_condition, segment_summary, segment_tests, segment_values


def table(seed, segments=SEGMENTS, count=80):
    rng = np.random.default_rng(seed)
    values = rng.random((count, 2)).round(2)
    values[:3, 1] = np.nan
    frame = pd.DataFrame(values, columns=["mad", "pearson"])
    return frame.assign(segment=rng.choice(segments, count))


TABLES = {("affine", 1): table(1), ("affine", 2): table(2), ("cutmix", 1): table(3, SEGMENTS[:2])}


def test_every_value_is_in_one_segment():
    summary = segment_summary(TABLES, ["mad", "pearson"])
    assert len(summary) == 2 * 2 * 4
    totals = summary.groupby(["condition", "metric"])[["n", "n_excluded"]].sum()
    assert totals.loc[("affine", "mad")].tolist() == [160, 0]
    assert totals.loc[("affine", "pearson")].tolist() == [154, 6]
    pooled = pd.concat([TABLES["affine", 1], TABLES["affine", 2]])
    row = summary.query("condition == 'affine' and metric == 'mad' and segment == 'both_wrong'")
    values = pooled.loc[pooled["segment"] == "both_wrong", "mad"]
    assert row["median"].item() == np.median(values)
    assert row["q1"].item() == np.percentile(values, 25)
    empty = summary.query("condition == 'cutmix' and segment == 'both_wrong'")
    assert (empty["n"] == 0).all() and empty["median"].isna().all()


def test_the_test_is_scipys_and_the_effect_a_share_of_variance():
    tests = segment_tests(TABLES, ["mad", "pearson"])
    assert len(tests) == 3 * 2
    known = TABLES["affine", 2].dropna()
    groups = [known.loc[known["segment"] == s, "pearson"] for s in SEGMENTS]
    h, p = kruskal(*groups)
    row = tests.query("condition == 'affine' and state == 2 and metric == 'pearson'").iloc[0]
    assert (row["h"], row["p"], row["n"]) == (pytest.approx(h), pytest.approx(p), 77)
    # Epsilon squared is η² of the ranks: between segments / total sum of squares.
    ranks = pd.Series(rankdata(known["pearson"]), index=known.index)
    means = ranks.groupby(known["segment"]).transform("mean")
    share = ((means - ranks.mean()) ** 2).sum() / ((ranks - ranks.mean()) ** 2).sum()
    assert row["epsilon_squared"] == pytest.approx(share)


@pytest.mark.parametrize(
    "change", [{"segment": "both_right"}, {"mad": 0.5}, {"mad": np.nan}], ids=str
)
def test_nothing_to_test_is_undefined(change):
    tests = segment_tests({("affine", 1): table(1).assign(**change)}, ["mad"])
    assert tests[["h", "p", "epsilon_squared"]].isna().all(axis=None)


def test_values_are_the_defined_ones_of_each_segment():
    ((name, pooled), _) = by_condition(TABLES)
    values = segment_values(pooled, "pearson")
    assert name == "affine"
    assert list(values) == list(SEGMENTS)
    assert sum(map(len, values.values())) == 154
    ((_, pooled),) = by_condition({("cutmix", 1): TABLES["cutmix", 1]})
    assert [len(v) > 0 for v in segment_values(pooled, "mad").values()] == [
        True,
        True,
        False,
        False,
    ]
