"""Dose and response: trends of models over the strengths of a sweep."""

from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from augcam.statistics.distances import Distances
from augcam.statistics.trends import (
    FALLS,
    GROWS,
    Sweep,
    dose_response,
    kendall,
    rearranged,
    straight_line,
)

DEGREES = Sweep("turned", "Turned", "degrees", ["t_5", "t_15", "t_30", "t_60"], [5, 15, 30, 60])


def rng(seed=0):
    return np.random.default_rng(seed)


def with_states(x, y):
    """Least squares with a column per state, as a textbook has it."""
    rows = [(k, s) for k in range(len(x)) for s in range(y.shape[1]) if not np.isnan(y[k, s])]
    design = np.array([[x[k], *(s == t for t in range(y.shape[1]))] for k, s in rows], dtype=float)
    target = np.array([y[k, s] for k, s in rows])
    beta, _, rank, _ = np.linalg.lstsq(design, target, rcond=None)
    rest = target - design @ beta
    df = len(target) - rank
    cov = np.linalg.pinv(design.T @ design)
    return beta[0], (rest**2).sum() / df, df, 1 / cov[0, 0]


@pytest.mark.parametrize("missing", [[], [(0, 0)], [(1, 2), (3, 0)]])
def test_the_line_is_that_of_least_squares_with_a_level_per_state(missing):
    x, y = DEGREES.positions, rng().normal(size=(4, 3))
    for place in missing:
        y[place] = np.nan
    np.testing.assert_allclose(straight_line(x, y), with_states(x, y))


def test_with_one_state_the_line_is_scipys():
    x, y = np.array([0, 0.3, 1.0]), rng().normal(size=(3, 1))
    found = stats.linregress(x, y[:, 0])
    slope, noise, df, spread = straight_line(x, y)
    assert slope == pytest.approx(found.slope)
    assert np.sqrt(noise / spread) == pytest.approx(found.stderr)
    assert df == 1


@pytest.mark.parametrize("shape", [(3, 1), (3, 2), (4, 2)])
def test_p_is_the_share_of_all_rearrangements(shape):
    x, y = np.linspace(0, 1, shape[0]) ** 2, rng(shape[1]).normal(size=shape)
    orders = list(permutations(range(shape[0])))
    slopes = [
        sum((x - x.mean()) @ y[list(order), s] for s, order in enumerate(chosen))
        for chosen in product(orders, repeat=shape[1])
    ]
    observed = sum((x - x.mean()) @ y[:, s] for s in range(shape[1]))
    expected = np.mean(np.abs(slopes) >= abs(observed) - 1e-12)
    assert rearranged(x, y, rng()) == pytest.approx(expected)


def test_many_rearrangements_are_drawn():
    x, y = np.linspace(0, 1, 8), rng(3).normal(size=(8, 4))
    exact = np.linspace(0, 1, 4)
    assert 0.0 < rearranged(x, y, rng()) <= 1
    assert rearranged(x, y + 9 * x[:, None], rng()) < 1e-4
    assert rearranged(exact, np.repeat([[0.0], [1], [2], [3]], 3, 1), rng()) == 2 / 24**3


def test_without_an_effect_p_is_uniform_and_intervals_cover():
    x, random, found, covered = DEGREES.positions, rng(1), [], 0
    for _ in range(1000):
        y = random.standard_t(3, size=(4, 3)) + 3 * random.normal(size=3)  # heavy tails, levels
        found.append(rearranged(x, y, random))
        slope, noise, df, spread = straight_line(x, y)
        covered += abs(slope) < stats.t.ppf(0.975, df) * np.sqrt(noise / spread)
    assert 0.03 < np.mean(np.array(found) <= 0.05) < 0.07
    assert 0.93 < covered / 1000 < 0.975


def test_tau_is_kendalls():
    x, y = DEGREES.positions, rng().normal(size=(4, 2))
    expected = np.mean([stats.kendalltau(x, column).statistic for column in y.T])
    assert kendall(x, y) == pytest.approx(expected)
    assert np.isnan(kendall(x, np.ones((4, 2))))


@pytest.mark.parametrize(
    "values,expected",
    [
        ([5, 15, 30, 55], [0, 0.2, 0.5, 1]),
        ([3, 2, 0], [0, 1 / 3, 1]),
        ([1, 3, 2], [0, 0.5, 1]),
        (["low", "high"], [0, 1]),
        ([[0.9, 1.1], [0.5, 1.5], [0.1, 2]], [0, 0.5, 1]),
    ],
)
def test_positions_follow_values_where_these_are_in_order(values, expected):
    sweep = Sweep("s", "s", "k", [f"s_{i}" for i in range(len(values))], values)
    np.testing.assert_allclose(sweep.positions, expected)


def invented(slope, metrics=("mad", "pearson"), n_states=3, noise=1.0, images=40):
    """Distances of a sweep whose strength shifts all images of a model by `slope`."""
    random = rng(5)
    conditions = [*DEGREES.conditions, "none", "identity"]
    strength = np.array([*DEGREES.positions, 0, 0])
    shape = (len(metrics), len(conditions), n_states)
    models = noise * random.normal(size=shape) + slope * strength[:, None]
    values = models[..., None, None] + random.normal(size=(*shape, 1, images))
    values[:, conditions.index("none"), 0] = np.nan  # the baseline itself
    states = list(range(1, n_states + 1))
    performance = pd.DataFrame(
        [(c, s, 0.5 + 0.1 * x) for c, x in zip(conditions, strength) for s in states],
        columns=["condition", "state", "accuracy"],
    )
    return Distances(values, list(metrics), conditions, states, "none", [1]), performance


def tables(slope, **options):
    return dose_response(*invented(slope, **options), [DEGREES], ["none", "identity"], 0.05)


def test_a_planted_trend_is_found_and_its_direction_is_the_metrics_own():
    trends = tables(6.0)["trends"].set_index("metric")
    assert trends.loc["mad", "verdict"] == GROWS
    assert trends.loc["pearson", "verdict"] == FALLS  # more alike: nearer to the baseline
    assert trends.loc["accuracy", "verdict"] == GROWS
    assert (trends["low"] < trends["slope"]).all() and (trends["slope"] < trends["high"]).all()
    assert trends.loc["mad", "low"] < 6 < trends.loc["mad", "high"]
    assert set(trends["n_models"]) == {12}


def test_without_a_trend_nothing_is_told():
    trends = tables(0.0)["trends"].set_index("metric").drop("accuracy")
    assert set(trends["verdict"]) == {"cannot be told with 12 models"}


def test_doses_hold_every_model_and_the_controls():
    doses = tables(1.0)["doses"]
    counts = doses[doses["metric"] == "mad"].groupby(["sweep", "condition"]).size()
    assert counts["", "none"] == 2 and counts["", "identity"] == 3
    assert all(counts["turned", condition] == 3 for condition in DEGREES.conditions)
    row = doses[(doses["condition"] == "t_30") & (doses["metric"] == "accuracy")].iloc[0]
    assert (row["value"], row["position"]) == ("30", pytest.approx(25 / 55))


@pytest.mark.parametrize("options", [{"n_states": 1}, {"images": 1}, {"noise": 0.0}])
def test_degenerate_runs_give_tables(options):
    found = tables(0.0, **options)
    assert len(found["trends"]) == 3
    assert found["trends"]["verdict"].notna().all()


def test_undefined_metrics_and_missing_models_count_for_nothing():
    distances, performance = invented(4.0)
    distances.values[0] = np.nan
    distances.values[1, 2, 1] = np.nan
    found = dose_response(distances, performance, [DEGREES], ["none", "identity"], 0.05)["trends"]
    by_metric = found.set_index("metric")
    assert by_metric.loc["mad", "n_models"] == 0 and np.isnan(by_metric.loc["mad", "p"])
    assert by_metric.loc["mad", "verdict"] == "cannot be told with 0 models"
    assert by_metric.loc["pearson", "n_models"] == 11
