"""Does the answer hold? Orders and verdicts of simulated views, against independent numbers."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from test_statistics import simulated

from augcam.config.messages import parse_config
from augcam.errors import AugcamError
from augcam.report.catalogue import figures, tables
from augcam.report.views import farther, order_lines, view_figures
from augcam.statistics.decoupling import draw_weights
from augcam.statistics.effects import effects
from augcam.statistics.sentences import views
from augcam.statistics.views import (
    COLUMNS,
    against_main,
    by_view,
    condition_means,
    counted_with,
    holds,
    kendall,
    on_images,
    orders,
    rows_of,
    target_orders,
    verdicts,
)

OPEN = "cannot be told with 3 states"


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=9))
@settings(deadline=None)
def test_kendall_is_scipys_also_with_ties(pairs):
    x, y = (np.array(values, dtype=float) for values in zip(*pairs))
    expected = stats.kendalltau(x, y)[0]
    (ours,) = kendall(x[None], y[None])
    assert ours == pytest.approx(expected, nan_ok=True)


def test_nothing_is_ordered_by_fewer_than_two():
    assert np.isnan(kendall(np.zeros((3, 1)), np.zeros((3, 1)))).all()
    assert np.isnan(kendall(np.zeros((3, 0)), np.zeros((3, 0)))).all()


@pytest.mark.parametrize("undefined", [False, True])
def test_means_are_numpys_of_what_is_defined(undefined):
    d = simulated(states=3, images=31, undefined=undefined)
    weights = draw_weights(d, 4, np.random.default_rng(0))
    for metric in (0, 1):
        found = condition_means(d.values[metric], weights)
        assert found.shape == (13, len(d.conditions))
        of_models = np.ma.masked_invalid(d.values[metric]).mean(axis=-1)
        np.testing.assert_allclose(found[0], of_models.mean(axis=2).mean(axis=1), rtol=1e-12)
    # A resample with each image, state and baseline as often as its weights say.
    row, values = 1, d.values[0]
    groups = np.split(values[..., weights.order], weights.starts[1:], axis=-1)
    images = np.repeat(weights.images[row], [g.shape[-1] for g in groups])
    shown = values[..., weights.order]
    means = np.ma.average(
        np.ma.masked_invalid(shown), axis=-1, weights=np.broadcast_to(images, shown.shape)
    )
    of_models = np.ma.average(
        means, axis=2, weights=np.broadcast_to(weights.baselines[row], means.shape)
    )
    expected = np.ma.average(of_models, axis=1, weights=weights.states[row])
    np.testing.assert_allclose(condition_means(values, weights)[row], expected, rtol=1e-10)


def test_the_same_view_has_the_same_order_and_the_reverse_the_reverse():
    d = simulated(states=3, shift=3.0)
    same = orders(d, d, 50).set_index("metric")
    assert (same[["tau", "tau_low", "tau_high"]] == 1).all(axis=None)
    assert (same["order"] == same["order_main"]).all()
    assert same.loc["mad", "order"].split(" > ")[0] == d.conditions[0]  # it was moved away
    assert same.loc["pearson", "order"].split(" > ")[0] == d.conditions[0]  # less alike: farther
    turned = orders(d, d._replace(values=-d.values), 50)
    assert (turned["tau"] == -1).all()
    assert (turned["n_conditions"] == len(d.conditions)).all() and (turned["n_images"] == 60).all()


def test_views_that_share_noise_alone_have_wide_intervals_that_end_at_one():
    main, view = simulated(states=3, seed=1), simulated(states=3, seed=2)
    table = orders(main, view, 200)
    assert (table["tau_low"] < table["tau"]).all() and (table["tau_high"] > table["tau"]).all()
    assert table["tau_low"].min() >= -1 and table["tau_high"].max() <= 1
    assert (table["tau_high"] - table["tau_low"] > 0.3).all()
    assert orders(simulated(states=2), simulated(states=2, seed=3), 50)["tau_low"].isna().all()


def test_the_interval_covers_the_true_order():
    """Views with their own order and noise, which they share in part; more simulations are in
    benchmarks/calibration.py."""
    from benchmarks.calibration import views_with_orders

    hits = []
    for seed in range(40):
        main, view, truth = views_with_orders(np.random.default_rng(seed), 3, 0.05)
        row = orders(main, view, 100, seed).iloc[0]
        hits.append(row["tau_low"] - 1e-9 <= truth <= row["tau_high"] + 1e-9)
    assert np.mean(hits) >= 0.85  # .95 ± .034


def test_a_condition_with_one_model_or_without_a_value_is_left_out_and_named():
    d = simulated(states=3)
    d.values[:, 1, 1:] = np.nan  # one model
    view = simulated(states=3, seed=4)
    view.values[1, 2] = np.nan  # no value of the second metric
    table = orders(d, view, 50).set_index("metric")
    assert table.loc["mad", "left_out"] == d.conditions[1]
    assert table.loc["pearson", "left_out"] == ", ".join(d.conditions[1:3])
    assert d.conditions[1] not in table.loc["mad", "order"]
    assert table["n_conditions"].tolist() == [len(d.conditions) - 1, len(d.conditions) - 2]
    view.values[1] = np.nan
    nothing = orders(d, view, 50).set_index("metric").loc["pearson"]
    assert np.isnan(nothing["tau"]) and nothing["order"] == "" and nothing["n_images"] == 0


def test_effects_of_a_view_are_effects():
    main, view = simulated(states=3), simulated(states=3, shift=2.0, seed=5)
    table, held = against_main(main, view, ["none", "identity"], 100)
    expected = effects(view, ["none", "identity"], 100)
    pd.testing.assert_frame_equal(table, expected)
    before = effects(main, ["none", "identity"], 100)
    pd.testing.assert_frame_equal(
        held.iloc[:, -6:], verdicts(before, expected).iloc[:, 1:], check_dtype=False
    )


def effect(condition, verdict, control="none", metric="mad"):
    columns = ("condition", "farther_than_control", "control", "metric")
    return dict(zip(columns, (condition, verdict, control, metric))) | {"difference": 0.1}


def test_verdicts_are_counted_by_what_becomes_of_them():
    was = ["yes", "yes", "yes", "no", OPEN, OPEN, "no"]
    is_ = ["yes", "no", OPEN, "yes", "yes", "cannot be told with 2 states", OPEN]
    names = [f"c{i}" for i in range(len(was))]
    main, view = (
        pd.DataFrame([effect(name, v) for name, v in zip(names, told)]) for told in (was, is_)
    )
    row = verdicts(main, view).iloc[0]
    assert row[["verdicts", "agree", "contrary", "gained", "lost"]].tolist() == [7, 2, 2, 1, 2]
    assert row["changes"].startswith("c1 against none: yes → no; c2 against none: yes → cannot be")
    # What has no value in one of them is no verdict.
    view.loc[0, "difference"] = np.nan
    assert verdicts(main, view).loc[0, "verdicts"] == 6
    other = pd.DataFrame([effect("c0", "yes", metric="msd")])
    assert verdicts(main, other)["verdicts"].tolist() == [0, 0]


# ------------------------------------------------------------------------------------- the table

VIEW = {"method": "gradcam", "layer": "l3", "target": "predicted", "images": None, "seed": 0}
DESCRIBED = {
    "main": VIEW,
    "hires": VIEW | {"method": "hirescam"},
    "layer": VIEW | {"method": "layercam"},
    "some": VIEW | {"images": 9},
    "early": VIEW | {"layer": "l2"},
    "early_hires": VIEW | {"layer": "l2", "method": "hirescam"},
    "label": VIEW | {"target": "label"},
}


def same(methods, pooled_linear, nonnegative):
    """Of a layer that is pooled and read linearly, and of others."""
    alike = {"hirescam": "gradcam"} if pooled_linear else {}
    return {name: alike.get(name, name) for name in methods}


def test_views_that_are_one_on_this_network_count_once():
    pooled = {
        name: view | {"pooled_linear": view["layer"] == "l3"} for name, view in DESCRIBED.items()
    }
    assert counted_with(pooled, same) == {"hires": "main", "some": "main"}
    assert counted_with(DESCRIBED, same) == {"some": "main"}


def target_table(**means):
    """target_changes of mad: target → mean of each condition, at two states."""
    rows = [
        (condition, state, "mad", target, 50, mean + 0.001 * state, 0.0)
        for target, of in means.items()
        for condition, mean in of.items()
        for state in (1, 2)
    ]
    columns = ["condition", "state", "metric", "target", "n_images", "mean", "share_of_change"]
    return pd.DataFrame(rows, columns=columns)


TARGETS = target_table(
    predicted={"a": 0.3, "b": 0.2, "c": 0.1},
    label={"a": 0.1, "b": 0.2, "c": 0.3},
    baseline={"a": 0.3, "b": 0.1, "c": 0.2},
)


def test_targets_are_orders_without_intervals():
    table = target_orders(TARGETS, "predicted").set_index("target")
    assert table["tau"].round(3).to_dict() == {"label": -1.0, "baseline": 0.333}
    assert table.loc["label", ["order", "order_main"]].tolist() == ["c > b > a", "a > b > c"]
    assert table[["tau_low", "tau_high"]].isna().all(axis=None)
    assert target_orders(TARGETS, "label").set_index("target").loc["baseline", "tau"] == (
        pytest.approx(-1 / 3)
    )
    one = TARGETS[(TARGETS["condition"] != "c") | (TARGETS["state"] == 1)]
    assert set(target_orders(one, "predicted")["left_out"]) == {"c"}


@pytest.fixture(scope="module")
def table():
    main = simulated(states=3, shift=2.0)
    held = {}
    for number, name in enumerate(list(DESCRIBED)[1:]):
        view = simulated(states=3, shift=2.0, seed=number)
        rows = np.arange(0, 60, 5) if name == "some" else np.arange(60)
        _, held[name] = against_main(on_images(main, rows), on_images(view, rows), ["none"], 100)
    pooled = {name: view | {"pooled_linear": True} for name, view in DESCRIBED.items()}
    return holds(pooled, held, same, TARGETS)


def test_the_table_has_a_row_for_every_view_and_target_and_metric(table):
    assert list(table.columns) == COLUMNS
    counts = table.groupby("view", sort=False).size().to_dict()
    assert counts == dict.fromkeys(list(DESCRIBED)[1:], 2) | {
        "target label": 1,
        "target baseline": 1,
    }
    by_view = table.drop_duplicates("view").set_index("view")
    shared = by_view.loc[by_view["same_as"] != "", "same_as"].to_dict()
    expected = {"hires": "main", "some": "main", "early_hires": "early", "target label": "label"}
    assert shared == expected
    assert by_view.loc["some", "n_images"] == 12
    assert by_view.loc["target baseline", ["kind", "target", "verdicts"]].tolist() == [
        "target", "baseline", 0
    ]  # fmt: skip
    assert by_view.loc["early", "verdicts"] == 4  # all conditions but none


def test_the_conclusion_counts_what_the_table_says(table):
    ((topic, text),) = views(table)
    once = table[table["same_as"] == ""]
    assert topic == "does it hold"
    mad = once[once["metric"] == "mad"]
    pearson = once[once["metric"] == "pearson"]
    rows = pearson if "Pearson" in text.split(":")[0] else mad
    assert f"of {len(rows)} further views is {rows['tau'].min():.2f} (" in text
    total = once[["verdicts", "agree", "contrary"]].sum()
    assert f"of {total['verdicts']} verdicts, in all metrics, {total['agree']} agree" in text
    assert text.endswith(
        "hires as main, some as main, early_hires as early, target label as label."
    )
    assert list(views(None)) == [] == list(views(table[:0]))
    unordered = table.assign(tau=np.nan)
    assert "No order of conditions can be compared" in next(views(unordered))[1]


def test_files_stand_view_by_view_and_images_are_found_by_their_ids():
    assert by_view(["a", "b", "c", "d"], ["x", "y"]) == {"x": ["a", "b"], "y": ["c", "d"]}
    assert by_view([], ["x", "y"]) == {"x": [], "y": []}
    every = np.array([4, 7, 9, 12])
    np.testing.assert_array_equal(rows_of(np.array([7, 12]), every), [1, 3])
    for wrong in ([12, 7], [7, 13]):
        with pytest.raises(AugcamError, match="explained other images than the main one"):
            rows_of(np.array(wrong), every)


# -------------------------------------------------------------------------------------- the report


def test_the_figure_has_a_line_for_every_condition_and_fills_what_is_farther(table):
    shown = {("main", "mad", "affine"), ("early", "mad", "affine")}
    figure = order_lines(table, shown)
    panel = figure.axes[0]
    labels = [label.get_text() for label in panel.get_xticklabels()]
    assert labels[0] == "main" and labels[1].startswith("hires\nτ ") and len(labels) == 9
    filled = [
        line for line in panel.lines
        if line.get_marker() == "o" and len(line.get_xdata()) == 1 and line.get_mfc() != "white"
    ]  # fmt: skip
    assert sorted(int(line.get_xdata()[0]) for line in filled) == [0, labels.index(
        next(label for label in labels if label.startswith("early\n"))
    )]  # fmt: skip
    plt.close("all")


def test_the_fair_control_says_what_is_filled_and_nothing_is_where_none_has_noise(table):
    rows = [effect("affine", "yes", "none"), effect("cutmix", "yes", "identity")]
    found = pd.DataFrame(rows)
    of_view = found.assign(view="early")
    assert farther(found, of_view, "identity") == {
        ("main", "mad", "cutmix"), ("early", "mad", "cutmix")
    }  # fmt: skip
    assert farther(found, of_view, None) == set()
    equal = pd.DataFrame({"condition": ["identity"], "state": [2], "equal_to": [1]})
    ((name, figure),) = view_figures(table, found, of_view, equal, ["none", "identity"])
    assert name == "holds" and figure.axes
    ((_, figure),) = view_figures(table.assign(n_conditions=1), found, of_view, equal, [])
    assert not figure.axes
    plt.close("all")


def test_a_run_with_views_has_a_section_for_them_and_others_do_not():
    values = {"views": {"early": {"layer": "a"}}}
    for config, there in ((parse_config(values), True), (parse_config({}), False)):
        assert ("holds" in [item.name for item in figures(config)]) == there
        names = {item.name for item in tables(config)}
        assert ({"holds", "view_effects", "view_score_effects"} <= names) == there
    names = {item.name for item in tables(parse_config(values | {"scores": []}))}
    assert "view_effects" in names and "view_score_effects" not in names
