"""Effects, variance, planning, nulls and behaviour against scipy, statsmodels and brute force."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import cohen_kappa_score
from statsmodels.formula.api import ols
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import FTestAnovaPower, TTestIndPower

from augcam.comparison.explained import Explained
from augcam.comparison.models import compare
from augcam.comparison.nulls import null_levels, other_images
from augcam.entries import Metric, entries
from augcam.statistics.behaviour import behaviour, class_changes, error_consistency, jensen_shannon
from augcam.statistics.distances import Distances, at_equality, collect, gather, orientation
from augcam.statistics.effects import effects, variance_split
from augcam.statistics.paired import pooled_noise, two_level_se
from augcam.statistics.planning import plan, power, states_needed
from augcam.statistics.resampling import (
    group_images,
    holm,
    image_weights,
    interval,
    sign_flip,
    state_weights,
    weights_in_parts,
)

CONDITIONS = ["affine", "cutmix", "elastic", "none", "identity"]


def simulated(states=3, images=60, shift=0.0, seed=0, conditions=CONDITIONS, undefined=False):
    """Additive distances: image + baseline + model + noise; `none` models are the baselines."""
    rng = np.random.default_rng(seed)
    c, s, n = len(conditions), states, images
    own = rng.standard_normal((2, c, s, 1, 1)) * 0.1
    values = 5 + rng.standard_normal((2, 1, 1, 1, n)) + rng.standard_normal((2, 1, 1, s, n))
    values = values + own + 0.5 * rng.standard_normal((2, c, s, s, n))
    values[:, 0] += np.array([shift, -shift])[:, None, None, None]
    values[1] /= 20  # pearson: farther is smaller
    none = conditions.index("none")
    for a, b in product(range(s), repeat=2):
        values[:, none, a, b] = np.nan if a == b else values[:, none, min(a, b), max(a, b)]
    if undefined:
        values[1, rng.random((c, s, s, n)) < 0.05] = np.nan
    names = list(range(1, s + 1))
    return Distances(values, ["mad", "pearson"], list(conditions), names, "none", names)


# ---------------------------------------------------------------------------------------- tests


@given(st.lists(st.one_of(st.floats(0, 1), st.just(np.nan)), min_size=1, max_size=30))
@settings(deadline=None, max_examples=30)  # statsmodels collects garbage at each call
def test_holm_is_statsmodels_over_the_defined(values):
    p = np.array(values)
    ours, defined = holm(p), ~np.isnan(p)
    assert np.isnan(ours[~defined]).all()
    if defined.any():
        np.testing.assert_allclose(ours[defined], multipletests(p[defined], method="holm")[1])


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=8))
@settings(deadline=None)
def test_sign_flip_is_brute_force_and_never_below_its_smallest(values):
    x = np.array(values)
    p, smallest = sign_flip(x[None])
    means = np.array([abs(np.mean(x * s)) for s in product((1, -1), repeat=len(x))])
    assert p[0] == pytest.approx((means >= abs(x.mean()) - 1e-12).mean())
    assert p[0] >= smallest - 1e-15


def test_with_many_states_random_sign_flips_stand_for_all(rng):
    x = rng.standard_normal(16) + 0.4
    p, smallest = sign_flip(x[None])
    means = abs(np.array(list(product((1, -1), repeat=16))) @ x)
    exact = (means >= abs(x.sum()) - 1e-12).mean()
    assert p[0] == pytest.approx(exact, abs=4 * np.sqrt(exact / 2**14))
    assert smallest == 2.0**-13 <= p[0]


def test_smallest_sign_flip_p_with_three_states_is_a_quarter():
    assert sign_flip(np.array([[1.0, 2.0, 3.0]])) == (pytest.approx([0.25]), 0.25)
    exact = stats.permutation_test(
        (np.array([1.0, 2.0, -0.5, 3.0]),), np.mean, permutation_type="samples"
    )
    assert sign_flip(np.array([[1.0, 2.0, -0.5, 3.0]]))[0][0] == pytest.approx(exact.pvalue)


def test_two_level_standard_error_is_that_of_crossed_random_effects():
    """s²/S from the states (images the same for all), plus what the images add."""
    rng = np.random.default_rng(1)
    states, images = 4, 400
    values = rng.standard_normal((1, states, 1)) + 3 * rng.standard_normal((1, 1, images))
    se = two_level_se(values, 20_000, rng)[0]
    by_state, by_image = values[0].mean(axis=1), values[0].mean(axis=0)
    expected = by_state.var(ddof=1) / states + by_image.var() / images
    assert se**2 == pytest.approx(expected, rel=0.1)
    assert np.isnan(two_level_se(values[:, :1], 100, rng)[0])


@pytest.mark.parametrize("states", [3, 4, 7])
def test_state_weights_give_an_unbiased_variance_of_the_mean(states):
    rng = np.random.default_rng(0)
    weights = state_weights((200_000,), states, rng)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    x = rng.standard_normal(states)
    assert (weights @ x).var() == pytest.approx(x.var(ddof=1) / states, rel=0.03)


def test_fewer_than_three_states_are_not_resampled():
    assert (state_weights((5,), 2, np.random.default_rng(0)) == 0.5).all()
    low, high = interval(np.zeros((10, 2)), 2, 0.05)
    assert np.isnan(low).all() and np.isnan(high).all()


@pytest.mark.parametrize("by_image,by_state,both", [(1, 0, 0), (0, 0, 5), (0.3, 0.3, 3)])
def test_intervals_have_the_variance_of_their_parts(by_image, by_state, both):
    """The mean of crossed random effects: each part counts once, and states cost t's freedom."""
    rng, states, images = np.random.default_rng(0), 4, 80
    hits, halves = [], []
    for _ in range(150):
        x = by_image * rng.standard_normal((1, images)) + both * rng.standard_normal((4, images))
        x = x + by_state * rng.standard_normal((states, 1))
        of_images = weights_in_parts(image_weights(400, images, rng), 1, of_images=True)
        of_states = weights_in_parts(state_weights((400,), states, rng), 0.25, of_images=False)
        order, _ = group_images(images, rng)
        means = np.einsum("rs,sn,rn->r", of_states, x[:, order], of_images, optimize=True)
        low, high = interval((means / of_images.sum(axis=1))[:, None], states, 0.05)
        hits.append(low[0] <= 0 <= high[0])
        halves.append((high[0] - low[0]) / 2)
    assert 0.9 <= np.mean(hits) <= 0.995
    error = np.sqrt(by_image**2 / images + by_state**2 / states + both**2 / images / states)
    widest = stats.t.ppf(0.975, states - 1) if by_state else 1.3 * 1.96
    assert 1.7 * error < np.mean(halves) < 1.1 * widest * error


@given(st.integers(1, 1000), st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_groups_hold_every_image_once(count, seed):
    order, starts = group_images(count, np.random.default_rng(seed))
    assert sorted(order) == list(range(count))
    sizes = np.diff([*starts, count])
    assert sizes.min() >= 1 and np.ptp(sizes) <= 1


# -------------------------------------------------------------------------------------- effects


def test_effects_by_hand():
    d = simulated(undefined=True)
    table = effects(d, ["none", "identity"], resamples=100).set_index(
        ["control", "condition", "metric"]
    )
    for control, metric in product(("none", "identity"), ("mad", "pearson")):
        m, a, c = d.metrics.index(metric), 1, d.conditions.index(control)
        by_state = []
        for s in range(3):
            gaps = d.values[m, a, s] - d.values[m, c, s]  # (baselines, images)
            with np.errstate(invalid="ignore"):
                by_image = [np.mean(g[~np.isnan(g)]) if (~np.isnan(g)).any() else np.nan
                            for g in gaps.T]  # fmt: skip
            by_state.append(np.nanmean(by_image))
        row = table.loc[(control, "cutmix", metric)]
        assert row["difference"] == pytest.approx(np.mean(by_state), abs=1e-12)
        assert row["n_states"] == 3
        assert row["low"] < row["difference"] < row["high"]
        assert row["p_sign_flip"] >= row["smallest_p_sign_flip"] == 0.25


def test_superiority_is_the_share_of_images_that_are_farther():
    d = simulated(states=3, images=50)
    table = effects(d, ["identity"], resamples=100).set_index(["condition", "metric"])
    a, c = d.conditions.index("elastic"), d.conditions.index("identity")
    farther = (d.values[0, a] > d.values[0, c]).mean()
    assert table.loc[("elastic", "mad"), "superiority"] == pytest.approx(farther)
    farther = (d.values[1, a] < d.values[1, c]).mean()  # correlation: less alike is farther
    assert table.loc[("elastic", "pearson"), "superiority"] == pytest.approx(farther)


def test_pooled_test_is_the_anova_contrast():
    """With one image, the pooled test is the t-test with the mean square within conditions."""
    d = simulated(images=1)
    d = d._replace(values=np.repeat(d.values, 2, axis=4))
    table = effects(d, ["identity"], resamples=100).set_index(["condition", "metric"])
    by_model = np.nanmean(d.values[0], axis=(2, 3))
    groups = [by_model[i] for i, c in enumerate(d.conditions) if c != "none"]
    y = np.concatenate(groups)
    x = np.kron(np.eye(4), np.ones((3, 1)))
    contrast = sm.OLS(y, x).fit().t_test([1, 0, 0, -1])
    assert table.loc[("affine", "mad"), "p"] == pytest.approx(float(contrast.pvalue), rel=1e-9)
    low, high = contrast.conf_int()[0]
    assert table.loc[("affine", "mad"), ["pooled_low", "pooled_high"]].tolist() == pytest.approx(
        [low, high]
    )
    assert pooled_noise(d)[1].tolist() == [8, 8]


def test_a_large_effect_is_found_and_a_tiny_one_is_told_apart_from_none():
    d = simulated(states=6, shift=2.0, images=400)
    table = effects(d, ["none", "identity"], resamples=100)
    verdict = table.set_index(["control", "condition", "metric"])["farther_than_control"]
    for control in ("none", "identity"):
        assert verdict[control, "affine", "mad"] == verdict[control, "affine", "pearson"] == "yes"
        assert (verdict[control].loc[["cutmix", "elastic"]] != "yes").all()
    assert (verdict == "no").any()
    nearer = effects(simulated(states=6, shift=-2.0), ["identity"], resamples=100)
    assert "yes" not in set(nearer["farther_than_control"])


def test_what_few_models_cannot_tell_is_said():
    d = simulated(states=2)
    assert effects(d, ["identity"])["farther_than_control"].isin(
        ["yes", "no", "cannot be told with 2 states"]
    ).all()  # fmt: skip
    one = simulated(states=1)
    table = effects(one, ["none", "identity"])
    assert set(table["control"]) == {"identity"}  # `none` at one state is the baseline itself
    assert set(table["farther_than_control"]) == {"cannot be told with 1 state"}
    assert table[["low", "high", "pooled_low", "p", "p_holm"]].isna().all(axis=None)
    assert effects(d, []).empty


def test_a_reference_at_a_state_of_its_own_is_no_state_of_the_others():
    rng = np.random.default_rng(0)

    def table():
        return pd.DataFrame({"mad": rng.random(30)})

    compared = [(c, s) for c in ("affine", "cutmix", "none") for s in (1, 2, 3)]
    models = [("none", 9), *compared]
    d = gather(
        ("none", 9),
        {model: table() for model in compared},
        {(b, *model): table() for b in (1, 2, 3) for model in models},
        ["mad"],
    )
    assert d.states == [1, 2, 3] and d.baselines == [9, 1, 2, 3]
    assert pooled_noise(d)[1].tolist() == [2 * 2]
    table = effects(d, ["none"], resamples=100)
    assert table["p"].notna().all() and set(table["n_states"]) == {3}
    assert len(variance_split(d)) and len(plan(d, ["none"]))


def test_a_model_without_a_value_takes_nothing_from_the_others():
    whole = simulated(images=40)
    values = whole.values.copy()
    values[1, 1, 2] = np.nan  # pearson of cutmix, state 3
    d = whole._replace(values=values)
    noise, df = pooled_noise(d)
    assert df.tolist() == [8, 7]
    by_model = [np.nanmean(values[1, c, : 3 - (c == 1)], axis=(1, 2)) for c in (0, 1, 2, 4)]
    squares = sum(((x - x.mean()) ** 2).sum() for x in by_model)
    assert noise[1] == pytest.approx(squares / 7)
    table = effects(d, ["identity"], 100).set_index(["metric", "condition"])
    assert table["p"].notna().all()
    assert table.loc[("pearson", "cutmix"), "n_states"] == 2
    assert table.loc[("pearson", "cutmix"), "smallest_p_sign_flip"] == 0.5
    assert table.loc[("pearson", "affine"), "n_states"] == 3
    two = d._replace(values=values[:, :, :2], states=[1, 2])
    again = effects(two, ["identity"], 100).set_index(["metric", "condition"])
    for column in ("difference", "mean", "control_mean", "superiority", "p_sign_flip"):
        both = [frame.loc[("pearson", "cutmix"), column] for frame in (table, again)]
        assert both[0] == pytest.approx(both[1])
    assert table[["low", "high"]].notna().all(axis=None)
    assert set(variance_split(d)["metric"]) == {"mad", "pearson"}
    assert set(plan(d, ["identity"])["metric"]) == {"mad", "pearson"}


def test_an_undefined_state_is_no_evidence():
    """With one baseline, `none` lacks the baseline's own state."""
    d = simulated()
    d = d._replace(values=d.values[:, :, :, :1], baselines=[1])
    row = effects(d, ["identity"], 100).set_index(["metric", "condition"]).loc[("mad", "none")]
    assert row["n_states"] == 2 and row["p_sign_flip"] >= row["smallest_p_sign_flip"] == 0.5
    assert row[["difference", "low", "pooled_low", "p"]].notna().all()
    p, smallest = sign_flip(np.array([[np.nan, 1.0, 2.0], [np.nan] * 3]))
    assert p[0] == 0.5 and np.isnan(p[1]) and smallest.tolist() == [0.5, 1]


def test_images_without_a_value_do_not_narrow_the_interval():
    """Undefined images are no replicates: the interval is that of the defined ones alone."""
    d = simulated(images=80)
    undefined = d.values.copy()
    undefined[..., 20:] = np.nan
    few = effects(d._replace(values=d.values[..., :20]), ["identity"], 100)
    padded = effects(d._replace(values=undefined), ["identity"], 100)
    columns = ["n_images", "pooled_low", "pooled_high", "p"]
    pd.testing.assert_frame_equal(few[columns], padded[columns])


def test_the_pooled_test_rejects_at_its_rate_where_nothing_differs():
    rejected, tests = 0, 0
    for seed in range(60):
        table = effects(simulated(images=30, seed=seed), ["identity"], resamples=10)
        p = table.loc[table["condition"] != "none", "p"]
        rejected, tests = rejected + (p < 0.05).sum(), tests + len(p)
    # Six tests a run, of which those of a metric share one control: as if 60 × 2 independent ones.
    low, high = stats.binom.interval(0.999, 120, 0.05)
    assert low <= rejected / tests * 120 <= high


def test_the_pooled_test_finds_what_was_planted_and_nothing_else():
    found, others = 0, 0
    for seed in range(30):
        table = effects(simulated(images=30, seed=seed, shift=0.6), ["identity"], resamples=10)
        yes = table["farther_than_control"] == "yes"
        found += (yes & (table["condition"] == "affine") & (table["metric"] == "mad")).any()
        others += (yes & (table["condition"] != "affine")).any()
    assert found >= 24 and others <= 5


def test_every_metric_has_an_orientation():
    assert orientation("class_kld") == orientation("mad") == orientation("msd") == 1
    assert orientation("pearson") == orientation("overlap_20") == -1
    assert all(at_equality(metric) in (0, 1) for metric in entries(Metric))


# ------------------------------------------------------------------------------ variance, planning


def test_variance_split_is_statsmodels_anova():
    d = simulated(images=12)
    table = variance_split(d).set_index(["metric", "component"])
    names = [i for i, c in enumerate(d.conditions) if c != "none"]
    y = d.values[0, :, :, 0][names]
    c, s, n = y.shape
    index = np.indices(y.shape).reshape(3, -1)
    frame = pd.DataFrame(dict(zip("csi", index)) | {"y": y.ravel()})
    fit = ols("y ~ C(c)*C(s) + C(c)*C(i) + C(s)*C(i)", frame).fit()
    anova = sm.stats.anova_lm(fit)
    ms = anova["mean_sq"]
    e = ms["Residual"]
    expected = {
        "residual": e,
        "condition × state": (ms["C(c):C(s)"] - e) / n,
        "image × condition": (ms["C(c):C(i)"] - e) / s,
        "image": (ms["C(i)"] - ms["C(c):C(i)"] - ms["C(s):C(i)"] + e) / (c * s),
    }
    for name, value in expected.items():
        assert table.loc[("mad", name), "variance"] == pytest.approx(max(value, 0), rel=1e-8)
    assert table.loc["mad", "share"].sum() == pytest.approx(1)


def test_variance_split_finds_its_parts():
    rng = np.random.default_rng(0)
    shape = (1, 12, 10, 1, 300)
    parts = {"image": (0, 2, 3), "condition": (0, 4), "condition × state": (0,)}
    sizes = {"image": (1, 1, 1, 1, 300), "condition": (1, 12, 1, 1, 1),
             "condition × state": (1, 12, 10, 1, 1)}  # fmt: skip
    values = rng.standard_normal(shape)
    for name in parts:
        values = values + 2 * rng.standard_normal(sizes[name])
    names = [f"c{i}" for i in range(12)]
    d = Distances(values, ["mad"], names, list(range(10)), "none", [0])
    found = variance_split(d).set_index("component")["variance"]
    assert found["residual"] == pytest.approx(1, rel=0.05)
    assert found["image"] == pytest.approx(4, rel=0.25)
    assert found["condition × state"] == pytest.approx(4, rel=0.4)
    assert found["condition"] > 1
    assert variance_split(d._replace(values=values[:, :1], conditions=names[:1])).empty


@pytest.mark.parametrize("states,groups,shift", [(3, 2, 1.0), (8, 2, 0.7), (5, 2, 2.0)])
def test_power_is_statsmodels(states, groups, shift):
    ours = power(shift, np.array(states), groups, 0.05)
    assert ours == pytest.approx(TTestIndPower().power(shift, states, 0.05), abs=1e-9)
    anova = FTestAnovaPower().power(shift / 2, groups * states, 0.05, k_groups=groups)
    assert ours == pytest.approx(anova, abs=1e-6)


def test_states_needed_reach_the_power_and_one_fewer_do_not():
    for shift in (0.3, 1.0, 3.0):
        needed = states_needed(shift, 8, 0.8, 0.05)
        assert power(shift, np.array(needed), 8, 0.05) >= 0.8
        assert needed == 2 or power(shift, np.array(needed - 1), 8, 0.05) < 0.8
    # Where nothing is left of the tail, scipy says NaN (seen at 8 groups and two states).
    assert (power(np.linspace(8, 400, 2000), np.array(2), 8, 0.05) > 0.8).all()
    assert states_needed(39.64, 8, 0.8, 0.05) == 2
    assert states_needed(0.001, 8, 0.8, 0.05) == states_needed(0, 8, 0.8, 0.05) == -1


def test_plan_needs_fewer_states_for_larger_shifts():
    table = plan(simulated(), ["none", "identity"])
    for _, rows in table.groupby(["control", "metric"]):
        assert rows["states"].is_monotonic_decreasing
        assert (rows["states_holm"] >= rows["states"]).all()
    assert plan(simulated(states=1), ["identity"]).empty


# ---------------------------------------------------------------------------- nulls and behaviour


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.integers(0, 5))
@settings(deadline=None)
def test_other_images_are_others_of_the_same_label(labels, seed):
    labels = np.array(labels)
    partner = other_images(labels, len(labels), np.random.default_rng(seed))
    for image, other in enumerate(partner):
        if other < 0:
            assert (labels == labels[image]).sum() == 1
        else:
            assert other != image and labels[other] == labels[image]
    assert len(set(partner[partner >= 0])) == (partner >= 0).sum()


def explained(seed, count=40):
    rng = np.random.default_rng(seed)
    cam = rng.standard_normal((count, 4, 4)).astype(np.float32)
    logits = rng.standard_normal((count, 3)).astype(np.float32)
    return Explained(np.arange(100, 100 + count), cam, logits, rng.random(count) < 0.5)


def test_null_levels_lie_at_no_likeness():
    metrics = ["mad", "pearson", "overlap_20", "class_kld"]
    model = explained(0, 300)
    table = null_levels(model, metrics, 16, 1e-16, 200, np.random.default_rng(0))
    level = table.set_index(["null", "metric"])
    for null in ("other_image", "same_class", "random_map"):
        assert abs(level.loc[(null, "pearson"), "mean"]) < 0.1
    assert set(table.loc[table["metric"] == "class_kld", "null"]) == {"other_image", "same_class"}
    assert (table["n_images"] + table["n_excluded"] <= 200).all()
    # The mean of identical maps is the map itself.
    alike = model._replace(cam=np.repeat(model.cam[:1], 300, axis=0))
    table = null_levels(alike, ["mad"], 16, 1e-16, 50, np.random.default_rng(0))
    mean = table.set_index("null")["mean"]
    assert mean["mean_map"] == pytest.approx(0, abs=1e-6)
    assert mean["other_image"] == 0


@given(st.integers(0, 200))
@settings(max_examples=30, deadline=None)
def test_jensen_shannon_is_scipys_and_symmetric(seed):
    rng = np.random.default_rng(seed)
    p, q = 8 * rng.standard_normal((2, 5, 4))
    ours = jensen_shannon(p, q)
    soft = [np.exp(x) / np.exp(x).sum(axis=1, keepdims=True) for x in (p, q)]
    expected = jensenshannon(*soft, base=2, axis=1) ** 2
    np.testing.assert_allclose(ours, expected, atol=1e-12)
    np.testing.assert_allclose(ours, jensen_shannon(q, p), atol=1e-15)
    np.testing.assert_allclose(jensen_shannon(p, p), 0, atol=1e-15)


def test_error_consistency_is_cohens_kappa():
    rng = np.random.default_rng(0)
    p, q = rng.random((2, 200)) < 0.6
    assert error_consistency(p, q) == pytest.approx(cohen_kappa_score(p, q))
    assert error_consistency(p, p) == pytest.approx(1)
    assert np.isnan(error_consistency(np.ones(5, bool), np.ones(5, bool)))


def predictions(model):
    frame = pd.DataFrame(model.logits, columns=[f"logit_{i}" for i in range(3)])
    frame.insert(0, "predicted", model.logits.argmax(axis=1))
    frame.insert(
        0, "label", np.where(model.right, frame["predicted"], (frame["predicted"] + 1) % 3)
    )
    return frame


def test_behaviour_and_class_changes_by_hand():
    models = {("none", 1): explained(0), ("affine", 1): explained(1), ("affine", 2): explained(2)}
    tables = {model: predictions(e) for model, e in models.items()}
    shown = behaviour(tables, ("none", 1)).set_index(["condition", "state"])
    differ = tables["none", 1]["predicted"] != tables["affine", 2]["predicted"]
    assert shown.loc[("affine", 2), "disagreement"] == differ.mean()
    assert shown.loc[("affine", 2), "accuracy"] == models["affine", 2].right.mean()
    similarity = {
        m: compare(models["none", 1], [e], ["mad", "pearson"], 16, 1e-16)[0]
        for m, e in models.items()
        if m[0] == "affine"
    }
    row = class_changes(similarity, tables, ("none", 1), ["mad", "class_kld"]).iloc[0]
    values = np.concatenate([similarity["affine", s]["mad"] for s in (1, 2)])
    other = np.concatenate(
        [tables["none", 1]["predicted"] != tables["affine", s]["predicted"] for s in (1, 2)]
    )
    assert row["mean_same_class"] == pytest.approx(values[~other].mean())
    assert row["mean_other_class"] == pytest.approx(values[other].mean())
    share = 1 - values[~other].mean() / values.mean()
    assert row["share_of_change"] == pytest.approx(share)


def test_distances_are_collected_where_they_belong():
    frame = pd.DataFrame({"mad": [1.0, 2.0], "pearson": [np.nan, 0.5]})
    tables = {(1, "affine", 1): frame, (1, "none", 2): 2 * frame, (2, "none", 1): 3 * frame}
    d = collect(tables, ["mad", "pearson"], ["affine", "none"], [1, 2], "none")
    assert d.values.shape == (2, 2, 2, 2, 2)
    assert d.values[0, 0, 0, 0].tolist() == [1, 2]
    assert d.values[0, 1, 1, 0].tolist() == [2, 4]
    assert d.values[0, 1, 0, 1].tolist() == [3, 6]
    assert np.isnan(d.values[0, 1, 0, 0]).all()
