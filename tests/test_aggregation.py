"""Performance and aggregation against scikit-learn, numpy and counting by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import classification_report

from augcam.paper.aggregation import (
    correlation_maps,
    excluded_values,
    extreme_images,
    pair_counts,
    similarity_mean,
    similarity_summary,
)
from augcam.train.measures import performance

METRICS = ["mad", "pearson"]


def table(seed, count=50, undefined=0):
    rng = np.random.default_rng(seed)
    values = rng.random((count, 2))
    values[:undefined, 1] = np.nan
    frame = pd.DataFrame(values, columns=METRICS)
    frame.insert(0, "image_id", np.arange(100, 100 + count))
    frame["degenerate_baseline"] = np.arange(count) < undefined
    frame["degenerate_augmented"] = False
    return frame


TABLES = {
    ("affine", 1): table(1),
    ("affine", 2): table(2, undefined=3),
    ("cutmix", 1): table(3, undefined=2),
    ("cutmix", 2): table(4, undefined=1),
    ("none", 2): table(5),
}


def test_mean_over_states():
    mean = similarity_mean(TABLES, METRICS)
    assert list(mean.columns) == ["image_id", "condition", *METRICS]
    affine = mean[mean["condition"] == "affine"]
    states = np.stack([TABLES["affine", s][METRICS] for s in (1, 2)])
    np.testing.assert_allclose(affine[METRICS], np.nanmean(states, axis=0), rtol=1e-15)
    # Undefined in both states: undefined. Undefined in one: the other's value.
    cutmix = mean[mean["condition"] == "cutmix"]["pearson"].to_numpy()
    assert np.isnan(cutmix[0])
    assert cutmix[1] == TABLES["cutmix", 2]["pearson"][1]
    none = mean[mean["condition"] == "none"]
    np.testing.assert_array_equal(none[METRICS], TABLES["none", 2][METRICS])


def test_excluded_values_are_counted():
    counts = excluded_values(TABLES, METRICS).set_index(["condition", "state", "metric"])
    assert counts.loc[("affine", 2, "pearson"), "n_excluded"] == 3
    assert counts.loc[("affine", 2, "mad"), "n_excluded"] == 0
    assert counts.loc[("affine", 2, "mad"), "n_degenerate_baseline"] == 3
    assert counts["n_images"].eq(50).all()


def test_summary_is_what_numpy_says():
    mean = similarity_mean(TABLES, METRICS)
    summary = similarity_summary(mean, METRICS).set_index(["condition", "metric"])
    values = mean.loc[mean["condition"] == "cutmix", "pearson"].dropna()
    row = summary.loc[("cutmix", "pearson")]
    assert (row["n_images"], row["n_excluded"]) == (49, 1)
    expected = np.percentile(values, [0, 25, 50, 75, 100])
    np.testing.assert_allclose(row[["min", "q1", "median", "q3", "max"]].astype(float), expected)


def test_correlation_maps_are_numpys_over_shared_images():
    mean = similarity_mean(TABLES, METRICS)
    maps = correlation_maps(mean, METRICS).set_index(["metric", "condition_a", "condition_b"])
    wide = mean.pivot(index="image_id", columns="condition", values="pearson").dropna()
    row = maps.loc[("pearson", "affine", "cutmix")]
    assert row["n_images"] == 49
    assert row["r"] == pytest.approx(np.corrcoef(wide["affine"], wide["cutmix"])[0, 1], abs=1e-12)
    assert maps.loc[("mad", "none", "none"), "r"] == pytest.approx(1)
    assert len(maps) == 2 * 3 * 3


def test_a_metric_without_spread_has_no_correlation():
    constant = {model: frame.assign(mad=0.5) for model, frame in TABLES.items()}
    maps = correlation_maps(similarity_mean(constant, METRICS), METRICS)
    assert maps[maps["metric"] == "mad"]["r"].isna().all()
    assert pair_counts(maps[maps["metric"] == "mad"], ["affine", "cutmix"], 4).empty


def maps_table(names, metrics, seed):
    rng = np.random.default_rng(seed)
    rows = []
    for metric in metrics:
        r = np.corrcoef(rng.standard_normal((len(names), 30)))
        rows += [
            (metric, a, b, r[i, j], 30) for i, a in enumerate(names) for j, b in enumerate(names)
        ]
    return pd.DataFrame(rows, columns=["metric", "condition_a", "condition_b", "r", "n_images"])


def test_pair_counts_by_hand():
    names = ["a", "b", "c", "identity"]
    maps = maps_table(names, ["m1", "m2"], 0)
    value = {("a", "b"): 0.9, ("a", "c"): 0.5, ("b", "c"): 0.1}
    for (x, y), r in value.items():
        for pair in ((x, y), (y, x)):
            chosen = (maps["condition_a"] == pair[0]) & (maps["condition_b"] == pair[1])
            maps.loc[chosen, "r"] = r
    counts = pair_counts(maps, ["a", "b", "c"], 1)
    assert counts.to_numpy().tolist() == [["strongest", "a", "b", 2], ["weakest", "b", "c", 2]]
    # Of three pairs no two can be the strongest and two others the weakest.
    pd.testing.assert_frame_equal(pair_counts(maps, ["a", "b", "c"], 2), counts)
    four = pair_counts(maps, names, 2)
    assert four.groupby("kind")["count"].sum().to_dict() == {"strongest": 4, "weakest": 4}


@given(st.integers(2, 9), st.integers(1, 8), st.integers(1, 10), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_each_kind_of_pair_sums_to_k_times_metrics(n_names, n_metrics, k, seed):
    names = [f"a{i}" for i in range(n_names)]
    metrics = [f"m{i}" for i in range(n_metrics)]
    counts = pair_counts(maps_table(names, metrics, seed), names, k)
    expected = min(k, (n_names * (n_names - 1) // 2 - 1) // 2) * n_metrics
    kinds = {"strongest": expected, "weakest": expected} if expected else {}
    assert counts.groupby("kind")["count"].sum().to_dict() == kinds
    assert counts.groupby(["condition_a", "condition_b"])["count"].sum().le(n_metrics).all()


def test_pairs_that_are_all_alike_are_neither_strong_nor_weak():
    maps = maps_table(list("abcd"), ["m1"], 0).assign(r=1.0)
    assert pair_counts(maps, list("abcd"), 2).empty
    maps.loc[(maps["condition_a"] == "a") & (maps["condition_b"] == "b"), "r"] = 0.5
    assert pair_counts(maps, list("abcd"), 1)["kind"].tolist() == ["strongest", "weakest"]


@pytest.mark.parametrize("predicts_all", [True, False])
def test_performance_is_scikit_learns_report(predicts_all):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 200)
    predicted = np.where(rng.random(200) < 0.6, labels, rng.integers(0, 5, 200))
    if not predicts_all:
        predicted[predicted == 3] = 0
    ours = performance(labels, predicted, 5)
    report = classification_report(labels, predicted, output_dict=True, zero_division=0)
    macro = report["macro avg"]
    expected = [report["accuracy"], macro["precision"], macro["recall"], macro["f1-score"]]
    assert list(ours.values()) == pytest.approx(expected, abs=1e-12)


def test_extreme_images_over_augmentations():
    values = {
        "affine": [0.1, 0.5, 0.9, np.nan],
        "cutmix": [0.9, 0.5, 0.8, 1.0],
        "none": [9, 9, 9, 9],
    }
    mean = pd.concat(
        pd.DataFrame({"image_id": [4, 5, 6, 7], "condition": name, "mad": column})
        for name, column in values.items()
    )
    found = extreme_images(mean, ["mad"], ["affine", "cutmix"]).set_index("extreme")
    # Image 7 lacks a value, and `none` is a control: neither counts.
    assert found["image_id"].to_dict() == {"highest_mean": 6, "highest_std": 4, "lowest_mean": 4}
    assert found.loc["highest_mean", "mean"] == pytest.approx(0.85)
    assert found.loc["highest_std", "std"] == pytest.approx(np.std([0.1, 0.9], ddof=1))
