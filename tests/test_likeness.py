"""Correlation maps, pair tables, clusters and model space against numpy, scipy and brute force."""

from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import cophenet, fcluster, linkage
from scipy.spatial.distance import pdist, squareform
from test_statistics import simulated

from augcam.comparison.maps import Maps, to_maps, upsample
from augcam.comparison.moments import Bilinear
from augcam.entries import metric_named
from augcam.files.tables import write_table
from augcam.names import PAIR_METRICS
from augcam.paper.aggregation import correlation_maps, pair_counts, similarity_mean
from augcam.statistics.clusters import (
    CONSENSUS,
    LINKAGE,
    clades,
    consensus,
    cophenetic_correlation,
    redundant_groups,
    suggested_clusters,
    tree_table,
    trees,
    with_consensus,
)
from augcam.statistics.conclusions import conclude
from augcam.statistics.decoupling import correlations, draw_weights, map_table, ragged_maps
from augcam.statistics.distances import Distances
from augcam.statistics.effects import effects, variance_split
from augcam.statistics.modelspace import (
    between_conditions,
    condition_replicates,
    condition_table,
    matrix,
    pair_frame,
    pair_sums,
    permanova,
    positions,
    scaling,
    separation,
)
from augcam.statistics.pairs import PAIR_COLUMNS, pair_table, permuted_maps, top_counts
from augcam.statistics.planning import plan
from augcam.statistics.resampling import group_images

AUGMENTATIONS = ["affine", "cutmix", "elastic"]


def maps_of(d, resamples=20, seed=0):
    weights = draw_weights(d, resamples, np.random.default_rng(seed))
    return {metric: correlations(d, metric, weights) for metric in d.metrics}


# ----------------------------------------------------------------------------- correlation maps


def first_half(d):
    """The tables of the first half of the report: correlation maps and counts of pairs."""
    tables = {}
    for c, condition in enumerate(d.conditions):
        for s, state in enumerate(d.states):
            values = d.values[:, c, s, 0]
            if not np.isnan(values).all():
                frame = pd.DataFrame(values.T, columns=d.metrics)
                frame.insert(0, "image_id", range(len(frame)))
                tables[condition, state] = frame
    return correlation_maps(similarity_mean(tables, d.metrics), d.metrics)


@pytest.mark.parametrize("undefined", [0, 0.03, 0.3])
def test_the_papers_analysis_is_that_of_the_first_half(undefined):
    d = simulated(images=200)
    d.values[np.random.default_rng(5).random(d.values.shape) < undefined] = np.nan
    expected = first_half(d)
    found = maps_of(d)
    table = map_table(found, d)
    both = expected.merge(
        table[table["kind"] == "paper"],
        on=["metric", "condition_a", "condition_b"],
        suffixes=("", "_ours"),
    )
    assert len(both) == len(expected)
    np.testing.assert_allclose(both["r"], both["r_ours"], atol=1e-12)
    assert (both["n_images"] == both["n_images_ours"]).all()
    counts = pair_counts(expected, AUGMENTATIONS, 1)
    pairs = pair_table(d, found, AUGMENTATIONS, 1, 20, np.random.default_rng(0))
    ours = pairs.loc[pairs["count"] > 0, counts.columns]
    pd.testing.assert_frame_equal(ours.reset_index(drop=True), counts)


def test_undefined_values_are_permuted_and_resampled_as_they_are_analysed():
    """Both ways to the paper's map agree where all values are defined; by hand where not."""
    d = simulated(images=60)
    weights = draw_weights(d, 20, np.random.default_rng(0))
    direct = ragged_maps(d.values[0, :, :, 0], weights, slice(None))
    np.testing.assert_allclose(direct, correlations(d, "mad", weights).paper, atol=1e-12)
    d.values[0, 0, 1, 0, :9] = np.nan
    labels = np.array([[[0, 1, 2], [1, 0, 1], [2, 2, 0]]])
    r = permuted_maps(d, "mad", [0, 1, 2], labels)
    values = d.values[0, :3, :, 0]
    rows = [np.nanmean([values[labels[0, c, s], s] for s in range(3)], axis=0) for c in range(3)]
    np.testing.assert_allclose(r[0], np.corrcoef(rows)[np.triu_indices(3, 1)], atol=1e-12)


def test_a_metric_that_is_undefined_everywhere_is_undefined():
    d = simulated()
    d.values[1] = np.nan
    found = maps_of(d)
    assert all(np.isnan(maps).all() for maps in found["pearson"])
    pairs = pair_table(d, found, AUGMENTATIONS, 1, 50, np.random.default_rng(0))
    one = d._replace(values=d.values[:1], metrics=["mad"])
    alone = pair_table(one, {"mad": found["mad"]}, AUGMENTATIONS, 1, 50, np.random.default_rng(0))
    pd.testing.assert_series_equal(pairs["p_r"], alone["p_r"])
    assert pairs["p_r"].notna().all()
    nothing = pair_table(
        d._replace(values=d.values[1:], metrics=["pearson"]),
        {"pearson": found["pearson"]}, AUGMENTATIONS, 1, 50, np.random.default_rng(0),
    )  # fmt: skip
    assert nothing["p_r"].isna().all() and not nothing["count"].any()


def test_one_augmentation_has_no_pairs(tmp_path):
    d = simulated(conditions=["affine", "none", "identity"])
    table = pair_table(d, maps_of(d), ["affine"], 4, 50, np.random.default_rng(0))
    write_table(table, tmp_path / "pairs.parquet")
    assert table.empty and "count" in table


def test_pairs_are_ranked_among_those_with_a_condition_that_does_nothing():
    rng = np.random.default_rng(0)
    names = ["affine", "cutmix", "elastic", "equalize", "identity", "none"]
    values = rng.standard_normal((4, 6, 3, 2, 300))
    values[:, :2] += 3 * rng.standard_normal(300)
    d = Distances(values, list("abcd"), names, [1, 2, 3], "none", [9, 1])
    table = pair_table(d, maps_of(d), names[:4], 1, 50, rng).set_index(PAIR_COLUMNS[:3])["p_null"]
    assert table["strongest", "affine", "cutmix"] == pytest.approx(1 / 10)  # 9 pairs with a null
    assert table["strongest", "elastic", "equalize"] == 1
    values[:, 5, 0, 0] = np.nan  # `none` at the reference's own state
    values[:, 4, 1, 0] = np.nan
    assert pair_table(d, maps_of(d), names[:4], 1, 50, rng)["p_null"].isna().all()


def test_many_models_get_fewer_groups_of_images():
    values = np.random.default_rng(0).standard_normal((1, 9, 6, 6, 300))
    names = [f"c{i}" for i in range(9)]
    d = Distances(values, ["mad"], names, list(range(6)), "none", list(range(6)))
    weights = draw_weights(d, 30, np.random.default_rng(0))
    assert 20 <= weights.images.shape[1] < 200
    assert 3 * 8 * weights.images.shape[1] * (9 * 6 * 6) ** 2 <= 500 * 10**6
    assert correlations(d, "mad", weights).decoupled.shape == (91, 9, 9)


def test_decoupled_entries_by_hand():
    """Mean covariance over different baselines and models, over the averaged vectors' spread."""
    d = simulated()
    maps = maps_of(d)["mad"]
    values, states = d.values[0], range(3)

    def cov(x, y):
        return np.cov(x, y, ddof=0)[0, 1]

    def signal(a, c):
        base = d.conditions.index("none")
        total = []
        for s in states:
            for t in states:
                for b in states:
                    for e in states:
                        used = {(a, s), (c, t), (base, b), (base, e)}
                        if len(used) == 4:
                            total.append(cov(values[a, s, b], values[c, t, e]))
        return np.mean(total) if total else np.nan

    def spread(a):
        return np.mean([
            cov(values[a, s, b], values[a, t, b])
            for b in states for s in states for t in states
        ])  # fmt: skip

    a, c = 0, 2
    assert maps.decoupled[0, a, c] == pytest.approx(
        signal(a, c) / np.sqrt(spread(a) * spread(c)), abs=1e-10
    )
    assert maps.decoupled[0, a, a] == pytest.approx(signal(a, a) / spread(a), abs=1e-10)
    assert maps.corrected[0, a, c] == pytest.approx(
        signal(a, c) / np.sqrt(signal(a, a) * signal(c, c)), abs=1e-10
    )
    none = d.conditions.index("none")
    assert np.isnan(maps.corrected[0, none]).all()  # three states: no two pairs without overlap
    assert not np.isnan(maps.decoupled[0, none, a])


def test_decoupling_removes_what_the_baseline_adds():
    """Only the baseline in common: the paper's map is high, the decoupled one 0."""
    rng = np.random.default_rng(0)
    names = ["affine", "cutmix", "none"]
    base = rng.standard_normal((1, 1, 1, 3, 4000))
    values = base + 0.3 * rng.standard_normal((1, 3, 3, 3, 4000))
    values[:, 2] = np.nan
    d = Distances(values, ["mad"], names, [1, 2, 3], "none", [1, 2, 3])
    maps = maps_of(d)["mad"]
    assert maps.paper[0, 0, 1] > 0.9
    assert abs(maps.decoupled[0, 0, 1]) < 0.05


def test_one_baseline_decouples_nothing_and_says_so():
    d = simulated()
    d = d._replace(values=d.values[:, :, :, :1], baselines=[1])
    maps = maps_of(d)["mad"]
    assert np.isnan(maps.decoupled).all() and np.isnan(maps.corrected).all()
    assert not np.isnan(maps.paper[0]).any()


def test_maps_are_symmetric_and_their_intervals_hold_the_estimate():
    table = map_table(maps_of(simulated(images=300), 200), simulated())
    index = ["metric", "kind", "condition_a", "condition_b"]
    r = table.set_index(index)["r"]
    turned = table.rename(columns={index[2]: index[3], index[3]: index[2]}).set_index(index)["r"]
    pd.testing.assert_series_equal(r.sort_index(), turned.sort_index(), check_exact=False)
    known = table.dropna()
    assert len(known) and ((known["low"] <= known["r"]) & (known["r"] <= known["high"])).all()


# ----------------------------------------------------------------------------------------- pairs


@given(st.integers(1, 6), st.integers(1, 5), st.integers(1, 8), st.integers(0, 99))
@settings(deadline=None)
def test_top_counts_are_those_of_the_pair_table(metrics, k, pairs_of, seed):
    names = [f"a{i}" for i in range(pairs_of + 1)]
    rng = np.random.default_rng(seed)
    r = rng.standard_normal((metrics, len(names), len(names)))
    r = r + r.transpose(0, 2, 1)
    r[rng.random(r.shape) < 0.1] = np.nan
    r = (r + r.transpose(0, 2, 1)) / 2
    rows = [(f"m{m}", a, b, r[m, i, j], 9) for m in range(metrics)
            for i, a in enumerate(names) for j, b in enumerate(names)]  # fmt: skip
    columns = ["metric", "condition_a", "condition_b", "r", "n_images"]
    expected = pair_counts(pd.DataFrame(rows, columns=columns), names, k)
    pairs = list(combinations(range(len(names)), 2))
    flat = np.stack([r[:, i, j] for i, j in pairs], axis=1)
    for kind, sign in (("strongest", 1), ("weakest", -1)):
        counts = dict(zip(((names[i], names[j]) for i, j in pairs), top_counts(sign * flat, k)))
        for row in expected[expected["kind"] == kind].itertuples():
            assert counts.pop((row.condition_a, row.condition_b)) == row.count
        assert not any(counts.values())


def test_pair_table_tells_a_real_pair_from_chance():
    rng = np.random.default_rng(0)
    names = ["affine", "cutmix", "elastic", "equalize", "gaussblur", "randcrop"]
    values = rng.standard_normal((4, 6, 6, 2, 300))
    alike = rng.standard_normal((1, 1, 1, 1, 300))
    null = Distances(values, list("abcd"), names, list(range(6)), "none", [0, 1])
    planted = values.copy()
    planted[:, :2] += 3 * alike
    table = pair_table(null._replace(values=planted), maps_of(null._replace(values=planted)),
                       names, 1, 200, rng)  # fmt: skip
    best = table.iloc[0]
    assert (best["kind"], best["condition_a"], best["condition_b"]) == (
        "strongest", "affine", "cutmix"
    )  # fmt: skip
    assert best["count"] == 4 and best["frequency"] == 1 and best["p_r"] < 0.05
    unlike = table[(table["condition_a"] != "affine") & (table["kind"] == "strongest")]
    assert (unlike["p_r"] > 0.05).all()
    assert (table["p_pair"] <= table["p_any"] + 1e-9).all()
    assert table.groupby("kind")["count"].sum().tolist() == [4, 4]


# -------------------------------------------------------------------------------------- clusters


def test_clades_are_scipys_clusters():
    rng = np.random.default_rng(0)
    distance = squareform(pdist(rng.standard_normal((8, 3))))
    tree = linkage(squareform(distance), "average")
    nodes = clades(tree)
    table = tree_table(distance[None], list("abcdefgh"), "models", "msd")
    np.testing.assert_array_equal(table[LINKAGE], tree)
    for count in range(1, 8):
        groups = fcluster(tree, count, "maxclust")
        for group in set(groups):
            members = frozenset(np.flatnonzero(groups == group))
            assert len(members) == 1 or members in nodes
    fit = np.corrcoef(cophenet(tree), squareform(distance))[0, 1]
    assert cophenetic_correlation(distance) == pytest.approx(fit)


def test_support_is_the_share_of_resamples_with_the_node():
    def square(ab, others):
        d = np.full((4, 4), float(others))
        d[0, 1] = d[1, 0] = ab
        return d

    together = [square(1, 2), square(1, 2), square(5, 2)]
    alone = 6 * [square(5, 2)]  # of images, of states: no support
    replicates = np.stack([square(1, 2), *together, *alone])
    replicates[:, 2, 3] = replicates[:, 3, 2] = 1.5
    table = tree_table(replicates, list("wxyz"), "s", "m").set_index("members")
    assert table.loc["w + x", "support"] == pytest.approx(2 / 3)
    assert table.loc["y + z", "support"] == 1
    assert np.isnan(table.loc["w + x + y + z", "support"])
    assert tree_table(np.full((4, 4, 4), np.nan), list("wxyz"), "s", "m").empty


def test_redundant_metrics_count_once():
    metrics = ["mad", "msd", "pearson", "spearman", "overlap_20", "overlap_5", "class_kld"]
    assert [len(g) for g in redundant_groups(metrics)] == [2, 2, 2, 1]
    found = {m: np.array(float(i)) for i, m in enumerate(metrics)}
    assert consensus(found) == pytest.approx((0.5 + 2.5 + 4.5 + 6) / 4)


def test_suggested_clusters_by_hand():
    names = ["affine", "cutmix", "elastic", "gaussblur"]
    r = np.eye(4) * 0 + 0.2
    r[0, 1] = r[1, 0] = 0.8
    likeness = {("paper", "mad"): np.repeat(r[None], 7, axis=0)}
    table = suggested_clusters(
        likeness, names, names, [["affine", "cutmix", "equalize"], ["elastic"], names], 3, 0.05
    )
    assert table["cluster"].tolist() == ["affine + cutmix", "elastic"]
    first, second = table.to_dict("records")
    assert first["margin"] == pytest.approx(0.6) and first["low"] == pytest.approx(0.6)
    # The other two leave the same pair among "the others", but their own r is only .2.
    assert first["p"] == pytest.approx(1 / 6) and first["smallest_p"] == pytest.approx(1 / 6)
    assert second["margin"] == pytest.approx((0.8 + 0.2 + 0.2) / 3 - 0.2)
    assert second["p"] == pytest.approx(2 / 4)


@pytest.mark.parametrize("states", [1, 2, 3])
def test_the_table_of_suggested_clusters_can_be_written(tmp_path, states):
    r = np.random.default_rng(0).random((7, 4, 4))
    names = ["affine", "cutmix", "elastic", "gaussblur"]
    table = suggested_clusters({("paper", "mad"): r}, names, names, [["elastic"]], states, 0.05)
    table.to_parquet(tmp_path / "table.parquet")
    assert table["low"].isna().all() == (states < 3)


# ----------------------------------------------------------------------------------- model space


@given(st.integers(2, 9), st.integers(2, 9), st.integers(1, 6), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_the_operator_is_the_resizing(height, width, factor, seed):
    size = max(height, width) * factor + seed % 3
    x = np.random.default_rng(seed).random((3, height, width)).astype(np.float32)
    large = upsample(x, size).reshape(3, -1).astype(np.float64)
    operator, flat = Bilinear(height, width, size), x.reshape(3, -1).astype(np.float64)
    np.testing.assert_allclose(flat @ operator.mean, large.mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(flat @ operator.gram @ flat.T, large @ large.T / size**2, atol=1e-6)
    ends = flat @ operator.ends.T
    np.testing.assert_allclose(ends.min(axis=1), large.min(axis=1), atol=1e-6)
    np.testing.assert_allclose(ends.max(axis=1), large.max(axis=1), atol=1e-6)


@pytest.mark.parametrize(
    "sides,size", [(4 * [7], 224), (4 * [8], 32), (4 * [4], 18), ([7, 4, 7, 5], 28)]
)
def test_all_pairs_are_the_metrics_of_the_pipeline(sides, size):
    rng = np.random.default_rng(0)
    cams = [rng.standard_normal((12, side, side)).astype(np.float32) for side in sides]
    cams[0][3], cams[1][4] = -1, 2.0  # constant maps
    order, starts = group_images(12, rng)
    sums = pair_sums(cams, size, order, starts)
    frame = pair_frame(sums, [("a", 1), ("a", 2), ("b", 1), ("b", 2)])
    for metric in PAIR_METRICS:
        found = matrix(sums, metric)
        for i, j in combinations(range(4), 2):
            maps = [Maps(to_maps(cams[k], size)) for k in (i, j)]
            values = metric_named(metric).function(*maps)
            assert found[i, j] == pytest.approx(np.nanmean(values), abs=1e-6)
    number = frame.query("metric == 'pearson' and condition_a == 'a' and state_a == 1")["n_images"]
    assert number.tolist() == [10, 11, 11]


def random_cams(shift=0.0, seed=0, states=3, images=40):
    """Conditions a, b, c; maps of `a` moved by `shift`, alike in all its states."""
    rng = np.random.default_rng(seed)
    common, direction = rng.standard_normal((2, images, 5, 5))
    models = [(c, s) for c in "abc" for s in range(states)]
    cams = [
        common + rng.standard_normal((images, 5, 5)) + shift * direction * (c == "a")
        for c, _ in models
    ]
    return np.stack(cams).astype(np.float32), models


def test_between_conditions_by_hand():
    cams, models = random_cams()
    sums = pair_sums(cams, 20, *group_images(40, np.random.default_rng(0)))
    values = matrix(sums, "msd")
    means, names = between_conditions(values, models)
    assert names == ["a", "b", "c"]
    assert means[0, 1] == pytest.approx(values[:3, 3:6].mean())
    assert means[2, 2] == pytest.approx(values[6:, 6:][np.triu_indices(3, 1)].mean())
    replicates, _ = condition_replicates(sums, models, 40, 50, np.random.default_rng(0))
    np.testing.assert_allclose(replicates["msd"][0], means)
    table = condition_table(replicates, names, models, 0.05)
    assert ((table["low"] < table["value"]) & (table["value"] < table["high"])).all()


def test_permanova_by_enumeration():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 2))
    labels = np.array([0, 0, 0, 1, 1, 1])
    squared = squareform(pdist(x)) ** 2

    def pseudo_f(lab):
        total = squared[np.triu_indices(6, 1)].sum() / 6
        within = sum(
            squared[np.ix_(lab == g, lab == g)][np.triu_indices(3, 1)].sum() / 3 for g in (0, 1)
        )
        return (total - within) / (within / 4)

    f, p, smallest = permanova(squared, labels, 1000, rng)
    every = [pseudo_f(np.array(lab)) for lab in set(permutations(labels))]
    assert f == pytest.approx(pseudo_f(labels))
    assert p == pytest.approx(np.mean(np.array(every) >= f - 1e-9))
    assert smallest == pytest.approx(0.1)


@pytest.mark.parametrize("sizes", [(2, 2, 2), (1, 1, 4), (3, 2), (3, 3), (2, 2, 1, 1)])
def test_the_smallest_p_is_that_of_all_relabellings(sizes):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    squared = squareform(pdist(rng.standard_normal((len(labels), 3)))) ** 2
    _, _, smallest = permanova(squared, labels, 9999, rng)
    every = list(permutations(labels))
    groups = [
        {frozenset(np.flatnonzero(np.array(chosen) == g)) for g in set(labels)} for chosen in every
    ]
    assert smallest == pytest.approx(groups.count(groups[0]) / len(every))
    if len(sizes) > 2:
        _, _, coarse = permanova(squared, labels, 9, rng)
        assert coarse == pytest.approx(max(smallest, 1 / 10))


def test_one_model_of_a_condition_costs_the_others_no_interval():
    """The paper's own experiment: several states of each augmentation, one of the baseline."""
    cams, models = random_cams()
    cams, models = cams[2:], models[2:]  # one model of `a`
    rng = np.random.default_rng(0)
    sums = pair_sums(cams, 20, *group_images(40, rng))
    replicates, names = condition_replicates(sums, models, 40, 50, rng)
    table = condition_table(replicates, names, models, 0.05)
    known = table["low"].notna()
    with_a = (table["condition_a"] == "a") | (table["condition_b"] == "a")
    assert (known == ~with_a).all()


def test_separation_finds_a_moved_condition():
    for shift, moved in ((0, False), (3, True)):
        cams, models = random_cams(shift)
        sums = pair_sums(cams, 20, *group_images(40, np.random.default_rng(0)))
        table = separation(sums, models, ["c"], 500, np.random.default_rng(0))
        p = table.set_index(["metric", "conditions"])["p"]
        assert (p["msd", "all"] < 0.05) == moved
        assert not moved or p["pearson", "a and c"] == pytest.approx(0.1)
    assert set(table["conditions"]) == {"all", "a and c", "b and c"}


def test_scaling_recovers_a_plane():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((9, 2))
    distance = squareform(pdist(x))
    found, stress = scaling(distance)
    assert stress < 1e-6
    np.testing.assert_allclose(squareform(pdist(found)), distance, atol=1e-6)
    _, stress = scaling(squareform(pdist(rng.standard_normal((9, 8)))))
    assert 0.01 < stress < 0.5


def test_scaling_always_gives_the_same_picture():
    distance = squareform(pdist(np.random.default_rng(1).standard_normal((12, 6))))
    x, stress = scaling(distance)
    again, _ = scaling(distance)
    np.testing.assert_array_equal(x, again)
    gaps = squareform(pdist(x))
    assert stress == pytest.approx(np.sqrt(((gaps - distance) ** 2).sum() / (gaps**2).sum()))
    turned, _ = scaling(distance[::-1, ::-1])  # the models in another order
    np.testing.assert_allclose(turned[::-1], x, atol=1e-4)
    assert np.ptp(x[:, 0]) > np.ptp(x[:, 1])


def test_positions_hold_every_model():
    cams, models = random_cams()
    sums = pair_sums(cams, 20, *group_images(40, np.random.default_rng(0)))
    table = positions(sums, models)
    assert len(table) == 2 * len(models)
    assert table.groupby("metric")["stress"].nunique().eq(1).all()


# ----------------------------------------------------------------------------------- conclusions


def tables_of(d, controls=("none", "identity")):
    found = maps_of(d, 100)
    rng = np.random.default_rng(0)
    likeness = with_consensus(found, [d.conditions.index(a) for a in AUGMENTATIONS])
    suggested = suggested_clusters(
        likeness, d.conditions, AUGMENTATIONS, [["affine", "cutmix"]], d.n_states, 0.05
    )
    cams, models = random_cams()
    sums = pair_sums(cams, 20, *group_images(40, rng))
    none = pd.DataFrame(columns=["source", "metric", "members", "support", "left_out"])
    behaviour = [("affine", 1, 0.3, 0.2), ("none", 2, 0.25, 0.1)]
    changes = [("affine", "mad", 0.2)]
    nulls = [(null, m, 0.0) for null in ("other_image", "mean_map") for m in ("mad", "pearson")]
    return {
        "equal_models": pd.DataFrame(columns=["condition", "state", "equal_to"]),
        "effects": effects(d, list(controls), 100),
        "null_levels": pd.DataFrame(nulls, columns=["null", "metric", "mean"]),
        "variance_split": variance_split(d),
        "decoupled_maps": map_table(found, d),
        "pair_significance": pair_table(d, found, AUGMENTATIONS, 1, 100, rng),
        "separation": separation(sums, models, [], 99, rng),
        "correlation_trees": none,
        "model_trees": none,
        "suggested_clusters": suggested,
        "suggested_model_clusters": suggested.iloc[:0],
        "behaviour": pd.DataFrame(
            behaviour, columns=["condition", "state", "disagreement", "error_consistency"]
        ),
        "class_changes": pd.DataFrame(
            changes, columns=["condition", "metric", "share_of_change"]
        ),
        "planning": plan(d, list(controls)),
    }  # fmt: skip


def findings(d):
    table = conclude(
        tables_of(d), AUGMENTATIONS, ["none", "identity"], "none", d.n_states, 0.05, 0.1
    )
    return table.groupby("topic", sort=False)["finding"].agg(" ".join)


def test_conclusions_say_what_was_planted_and_what_cannot_be_told():
    text = findings(simulated(states=4, shift=3.0, images=200))
    assert "Farther from the baseline than seed noise: Affine (2 of 2 metrics)" in text["effects"]
    small = findings(simulated(states=3))
    assert "No augmentation is shown to lead farther than seed noise." in small["effects"]
    assert "sign-flip test cannot give p below 0.25" in small["size of the run"]
    assert "Affine and CutMix are a group?" in small["clusters of the paper"]
    assert not any("nan" in finding for finding in small)


def concluded(tables, n_states=3, augmentations=AUGMENTATIONS):
    table = conclude(tables, augmentations, ["none", "identity"], "none", n_states, 0.05, 0.1)
    return table.groupby("topic", sort=False)["finding"].agg(" ".join)


def test_conclusions_name_only_what_was_measured():
    tables = tables_of(simulated())
    scale = concluded(tables)["scale"]
    assert "two different images 0.000, a map and the model's mean map 0.000" in scale
    nulls = tables["null_levels"]
    some = concluded(tables | {"null_levels": nulls[nulls["null"] == "other_image"]})["scale"]
    assert "two different images" in some and "mean map" not in some
    assert concluded(tables | {"null_levels": nulls.iloc[:0]})["scale"].endswith("on average.")
    pairs = concluded(
        tables | {"pair_significance": tables["pair_significance"].assign(p_r=np.nan)}
    )
    assert "mean r" not in pairs["pairs"] and "nan" not in pairs["pairs"]
    suggested = tables["suggested_clusters"].assign(margin=np.nan)
    assert "clusters of the paper" not in concluded(tables | {"suggested_clusters": suggested})
    tree = ["affine + cutmix", "decoupled", CONSENSUS, 0.99, "pearson"]
    columns = ["members", "source", "metric", "support", "left_out"]
    found = concluded(tables | {"correlation_trees": pd.DataFrame([tree], columns=columns)})
    assert found["clusters"] == (
        "By different baselines (without Pearson correlation: undefined), "
        "supported in 95 % of resamples: Affine and CutMix."
    )


def test_one_augmentation_gives_no_sentence_about_pairs():
    tables = tables_of(simulated())
    maps = tables["decoupled_maps"]
    for side in ("condition_a", "condition_b"):
        maps = maps[~maps[side].isin(["cutmix", "elastic"])]
    one = {"decoupled_maps": maps, "pair_significance": tables["pair_significance"].iloc[:0]}
    found = concluded(tables | one, augmentations=["affine"])
    assert "shared baseline" not in found and "pairs" not in found


def test_conclusions_say_what_explaining_the_same_class_leaves():
    tables = tables_of(simulated())
    assert "class explained" not in concluded(tables)
    means = {"predicted": 0.3, "label": 0.2, "baseline": 0.1}
    rows = [("affine", "mad", target, mean) for target, mean in means.items()]
    columns = ["condition", "metric", "target", "mean"]
    text = concluded(tables | {"target_changes": pd.DataFrame(rows, columns=columns)})
    assert "0.300 on average where every model explains its own" in text["class explained"]
    assert "0.200 where all explain the true label" in text["class explained"]


def test_conclusions_without_controls_say_that_nothing_can_be_told_apart():
    d = simulated(conditions=["affine", "cutmix", "elastic", "none"])
    d = d._replace(values=d.values[:, :, :, :1], baselines=[1])
    table = conclude(tables_of(d, []), AUGMENTATIONS, [], "none", 3, 0.05, 0.1)
    text = table.groupby("topic")["finding"].agg(" ".join)
    assert "the distance between two trainings of 'none' is unknown" in text["scale"]
    assert "cannot be told without further baselines" in text["shared baseline"]


def test_the_consensus_leaves_out_what_is_undefined_and_says_so():
    d = simulated(conditions=["affine", "cutmix", "elastic", "identity", "none"])
    d.values[1, 1] = np.nan  # pearson of cutmix
    found, at = maps_of(d), [0, 1, 2, 3]
    likeness = with_consensus(found, at)
    np.testing.assert_array_equal(likeness["paper", CONSENSUS], found["mad"].paper)
    names = [d.conditions[i] for i in at]
    table = trees({key: 1 - r for key, r in likeness.items()}, at, names)
    consensus_rows = table[table["metric"] == CONSENSUS]
    assert set(consensus_rows["source"]) == {"paper", "decoupled", "corrected"}
    assert set(consensus_rows["left_out"]) == {"pearson"}
    assert not table.loc[table["metric"] == "mad", "left_out"].any()
    d.values[0, 1] = np.nan
    assert ("paper", CONSENSUS) not in with_consensus(maps_of(d), at)


def test_consensus_stands_beside_the_metrics():
    keys = with_consensus(maps_of(simulated()), [0, 1, 2]).keys()
    assert ("decoupled", CONSENSUS) in keys and ("paper", "mad") in keys and len(keys) == 9
