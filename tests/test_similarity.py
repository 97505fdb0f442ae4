"""Metrics against scipy, scikit-learn, numpy and pytorch-grad-cam, also on nasty maps."""

import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pytorch_grad_cam.utils.image import scale_cam_image
from sklearn.metrics import jaccard_score, mean_absolute_error, mean_squared_error

from augcam.comparison import maps
from augcam.comparison.explained import Explained, explained_blocks, read_explained, segments
from augcam.comparison.maps import Maps, even_chunks, to_maps, upsample
from augcam.comparison.metrics.class_kld import class_kld
from augcam.comparison.models import compare, compare_files
from augcam.entries import Metric, entries, metric_named
from augcam.errors import AugcamError
from augcam.files.arrays import write_arrays
from augcam.files.tables import write_table

EPSILON = 2.220446049250313e-16
NAMES = ["mad", "msd", "pearson", "spearman", "overlap_20", "overlap_10", "overlap_5"]
SIZE = 24


def raw_maps(kind, count=12, side=6, seed=0):
    """Raw CAMs of one kind, with their pitfalls: ties, sparse maps, constants, tiny ranges."""
    rng = np.random.default_rng(seed)
    maps = rng.standard_normal((count, side, side)).astype(np.float32)
    if kind == "ties":
        maps = np.round(maps)
    elif kind == "sparse":
        maps[maps < 1.5] = 0
        maps[:, 0, 0] = 1
    elif kind == "tiny":
        maps = 1 + maps * np.float32(1e-6)
    elif kind == "positive":
        maps = np.abs(maps)
    return maps


KINDS = ["random", "ties", "sparse", "tiny", "positive"]


def reference(name, p, q):
    """The metric for two maps (pixels,), from other people's code."""
    if name == "mad":
        return mean_absolute_error(p.astype(np.float64), q.astype(np.float64))
    if name == "msd":
        return mean_squared_error(p.astype(np.float64), q.astype(np.float64))
    if name in ("pearson", "spearman"):
        function = scipy.stats.pearsonr if name == "pearson" else scipy.stats.spearmanr
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(p.astype(np.float64), q.astype(np.float64)).statistic
    percentile = 100 - int(name.removeprefix("overlap_"))
    return jaccard_score(p >= np.percentile(p, percentile), q >= np.percentile(q, percentile))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind_p", KINDS)
@pytest.mark.parametrize("kind_q", KINDS)
def test_metric_agrees_with_reference(name, kind_p, kind_q):
    p, q = (to_maps(raw_maps(k, seed=s), SIZE) for s, k in enumerate((kind_p, kind_q)))
    ours = metric_named(name).function(Maps(p), Maps(q))
    theirs = [reference(name, a.ravel(), b.ravel()) for a, b in zip(p, q)]
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("size", [6, 7, 24, 224])
def test_maps_are_those_of_pytorch_grad_cam(size):
    cam = raw_maps("random")
    ours = to_maps(cam, size)
    # BaseCAM.compute_cam_per_layer, then aggregate_multi_layers.
    theirs = scale_cam_image(scale_cam_image(np.maximum(cam, 0), (size, size)))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("side,size", [(7, 224), (8, 32), (6, 24), (4, 4), (13, 100), (10, 7)])
def test_upsampling_is_torchs(side, size):
    cam = raw_maps("random", side=side)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(cam)[:, None], (size, size), mode="bilinear", align_corners=False
    )[:, 0]
    np.testing.assert_allclose(upsample(cam, size), theirs, rtol=0, atol=1e-6)


def test_upsampling_keeps_equal_values_equal():
    # Ranks and thresholds depend on exact ties.
    constant = np.full((2, 7, 7), np.float32(0.1))
    assert len(np.unique(upsample(constant, 224))) == 1
    row = np.zeros((1, 7, 7), dtype=np.float32)
    row[0, 0] = 0.3
    assert len(np.unique(upsample(row, 224)[0, 0])) == 1


@pytest.mark.parametrize("value", [0.0, 3.0, -2.0])
def test_constant_maps(value):
    constant = to_maps(np.full((1, 5, 5), value, dtype=np.float32), SIZE)
    other = to_maps(raw_maps("random", 1, 5), SIZE)
    assert not constant.any()
    p, q = Maps(constant), Maps(other)
    for name in ("pearson", "spearman"):
        assert np.isnan(metric_named(name).function(p, q))
        assert np.isnan(metric_named(name).function(q, p))
        assert np.isnan(metric_named(name).function(p, p))
    assert metric_named("overlap_20").function(p, p) == 1
    assert metric_named("mad").function(p, q) == pytest.approx(other.mean(dtype=np.float64))
    assert p.degenerate(20)
    assert not q.degenerate(20)


def test_a_constant_map_does_not_touch_its_neighbours():
    # scipy's spearmanr(axis=1) gives one NaN for the whole batch here.
    cam = raw_maps("random")
    alone = metric_named("spearman").function(
        Maps(to_maps(cam[1:], SIZE)), Maps(to_maps(cam[:-1], SIZE))
    )
    cam_with = np.concatenate([np.zeros_like(cam[:1]), cam[1:]])
    other = np.concatenate([cam[:1], cam[:-1]])
    together = metric_named("spearman").function(
        Maps(to_maps(cam_with, SIZE)), Maps(to_maps(other, SIZE))
    )
    assert np.isnan(together[0])
    np.testing.assert_array_equal(together[1:], alone)


def test_a_map_whose_percentile_is_zero_selects_everything_and_is_flagged():
    cam = np.zeros((1, 8, 8), dtype=np.float32)
    cam[0, 2, 2] = 1
    maps = Maps(to_maps(cam, 8))
    assert maps.degenerate(5)
    assert metric_named("overlap_5").function(maps, maps) == 1


EVERY = [m.name for m in entries(Metric).values() if not m.family or m.name in NAMES]


@pytest.mark.parametrize("name", EVERY)
class TestDeclaredProperties:
    """Every metric says what holds for it; here it is held against it."""

    def values(self, name):
        """Two maps or logits, and the metric as a function of them."""
        metric = metric_named(name)
        if metric.needs == "logits":
            p, q = np.random.default_rng(0).normal(size=(2, 40, 10)).astype(np.float32)
            return p, q, metric, partial(metric.function, epsilon=EPSILON)
        p, q = (Maps.of(raw_maps("random", 40, seed=seed), SIZE) for seed in (0, 1))
        return p, q, metric, metric.function

    def test_range(self, name):
        p, q, metric, function = self.values(name)
        values = function(p, q)
        assert values.dtype == np.float64
        assert values.shape == (40,)
        assert (values >= metric.range[0]).all()
        assert (values <= metric.range[1]).all()

    def test_symmetry(self, name):
        p, q, metric, function = self.values(name)
        assert metric.symmetric == np.allclose(function(p, q), function(q, p))

    def test_value_at_equality(self, name):
        p, _, metric, function = self.values(name)
        np.testing.assert_allclose(function(p, p), metric.at_equality, atol=1e-12)

    def test_constant_maps(self, name):
        p, _, metric, function = self.values(name)
        if metric.needs == "maps":
            flat = Maps.of(np.zeros((len(p.values), 6, 6), dtype=np.float32), SIZE)
            assert np.isnan(function(p, flat)).all() == metric.undefined_on_constant

    def test_direction(self, name):
        p, q, metric, function = self.values(name)
        assert (metric.direction * (function(p, q) - function(p, p)) >= -1e-12).all()


@given(
    arrays(np.float32, (2, 5, 5), elements=st.floats(-100, 100, width=32)),
    st.sampled_from(NAMES),
)
@settings(max_examples=200, deadline=None)
def test_metrics_agree_with_references_on_anything(cams, name):
    p, q = to_maps(cams, 10)
    ours = metric_named(name).function(Maps(p[None]), Maps(q[None]))[0]
    constant = p.max() == p.min() or q.max() == q.min()
    if constant and metric_named(name).undefined_on_constant:
        assert np.isnan(ours)
    else:
        np.testing.assert_allclose(ours, reference(name, p.ravel(), q.ravel()), atol=1e-7)


# --------------------------------------------------------------------------------- inner loops


def nasty_maps(pixels=300):
    """Maps in [0, 1] on which sorting, ties and thresholds go wrong if they can."""
    rng = np.random.default_rng(0)
    random = rng.random(pixels)
    one_hot, half = np.zeros(pixels), np.zeros(pixels)
    one_hot[pixels // 3] = 1
    half[pixels // 2 :] = 1
    neighbours = np.float32(0.5) + np.arange(pixels) * np.spacing(np.float32(0.5))
    maps = {
        "random": random,
        "zeros": np.zeros(pixels),
        "ones": np.ones(pixels),
        "one_hot": one_hot,
        "half": half,
        "few_values": np.round(random * 4) / 4,
        "mostly_zero": np.where(random < 0.9, 0, random),
        "neighbouring_floats": rng.permutation(neighbours),
        "subnormal": random * 1e-40,
        "all_magnitudes": 10.0 ** (-44 * random),
        "negative_zero": np.where(random < 0.5, -0.0, np.where(random < 0.7, 0.0, random)),
        "ascending": np.linspace(0, 1, pixels),
        "descending": np.linspace(1, 0, pixels),
    }
    return {name: values.astype(np.float32) for name, values in maps.items()}


NASTY = nasty_maps()


@pytest.mark.parametrize("kind", NASTY)
def test_ranks_order_and_thresholds_are_scipys_and_numpys(kind):
    values = NASTY[kind]
    maps = Maps(np.stack([values, values[::-1]]))
    np.testing.assert_array_equal(maps.ranks, 2 * scipy.stats.rankdata(maps.values, axis=1))
    for top in (1, 5, 10, 20, 50, 99):
        expected = np.percentile(maps.values, 100 - top, axis=1)
        np.testing.assert_array_equal(maps.threshold(top), expected)
    assert maps.constant.all() == (np.ptp(values) == 0)


@pytest.mark.parametrize("name", [*NAMES, "overlap_1", "overlap_50", "overlap_99"])
@pytest.mark.parametrize("kind_p", NASTY)
def test_metric_agrees_with_reference_on_nasty_maps(name, kind_p):
    kinds = [kind for kind in NASTY if kind != "zeros"]
    p, q = np.stack([NASTY[kind_p]] * len(kinds)), np.stack([NASTY[kind] for kind in kinds])
    ours = metric_named(name).function(Maps(p), Maps(q))
    constant = (np.ptp(p, axis=1) == 0) | (np.ptp(q, axis=1) == 0)
    for mine, a, b, is_constant in zip(ours, p, q, constant):
        if is_constant and metric_named(name).undefined_on_constant:
            assert np.isnan(mine)
        else:
            assert mine == pytest.approx(reference(name, a, b), abs=1e-9)


@pytest.mark.parametrize("size", [1, 2, 3, 17, 224, 300])
def test_ranks_at_any_size(size, rng):
    maps = Maps(to_maps(rng.standard_normal((3, 7, 7)).astype(np.float32), size))
    np.testing.assert_array_equal(maps.ranks, 2 * scipy.stats.rankdata(maps.values, axis=1))


@pytest.mark.parametrize("kind", [*KINDS, "zeros"])
@pytest.mark.parametrize("side,size", [(7, 224), (8, 32), (6, 24), (4, 4), (10, 7), (5, 300)])
def test_distinct_pixels_stand_for_all(kind, side, size):
    cams = [
        np.zeros((3, side, side), np.float32) if kind == "zeros" else raw_maps(kind, 3, side, seed)
        for seed in (0, 1)
    ]
    short = [Maps.of(cam, size) for cam in cams]
    whole = [Maps(to_maps(cam, size)) for cam in cams]
    for a, b in zip(short, whole):
        assert a.distinct.shape[1] <= b.distinct.shape[1] == size**2
        np.testing.assert_array_equal(a.values, b.values)
        np.testing.assert_array_equal(a.ranks[:, a.places], b.ranks)
        for top in (1, 5, 20, 50, 99):
            np.testing.assert_array_equal(a.threshold(top), b.threshold(top))
    for metric in (metric_named(name).function for name in NAMES):
        np.testing.assert_allclose(metric(*short), metric(*whole), atol=1e-12, equal_nan=True)


@pytest.mark.parametrize("value", [np.nan, -0.1, 1.5, np.inf])
def test_maps_that_are_not_within_their_range_are_refused(value):
    maps = np.zeros((2, 4, 4), dtype=np.float32)
    maps[1, 2, 3] = value
    with pytest.raises(ValueError, match="from 0 to 1"):
        Maps(maps)


def test_a_metric_may_be_any_function_of_two_chunks_of_maps(monkeypatch):
    def largest_difference(p: Maps, q: Maps) -> np.ndarray:
        return np.abs(p.values - q.values).max(axis=1)

    metric = Metric(
        name="largest_difference",
        display_name="Largest difference",
        definition="max of \\|P − Q\\|",
        function=largest_difference,
        range=(0, 1),
        at_equality=0,
        section="difference",
    )
    monkeypatch.setitem(entries(Metric), metric.name, metric)
    p, q = explained(1), explained(2)
    (table,) = compare(p, [q], ["largest_difference"], SIZE, EPSILON)
    expected = np.abs(to_maps(p.cam, SIZE) - to_maps(q.cam, SIZE)).max(axis=(1, 2))
    np.testing.assert_array_equal(table["largest_difference"], expected)


# ------------------------------------------------------------------------------------------ KLD


def test_class_kld_is_the_papers_formula():
    rng = np.random.default_rng(0)
    p, q = rng.normal(size=(2, 50, 10)).astype(np.float32)
    softmax = [scipy.special.softmax(x.astype(np.float64), axis=1) for x in (p, q)]
    theirs = (softmax[1] * np.log(EPSILON + softmax[1] / softmax[0])).sum(axis=1)
    np.testing.assert_allclose(class_kld(p, q, EPSILON), theirs, rtol=1e-12)
    entropy = scipy.stats.entropy(softmax[1], softmax[0], axis=1)
    np.testing.assert_allclose(class_kld(p, q, EPSILON), entropy, rtol=1e-9)


def test_class_kld_of_equal_predictions_is_zero():
    logits = np.random.default_rng(0).normal(size=(5, 10))
    np.testing.assert_allclose(class_kld(logits, logits, EPSILON), 0, atol=1e-14)


def test_class_kld_stays_finite_where_a_probability_vanishes():
    p = np.array([[2000.0, 0.0, 0.0]])
    q = np.array([[0.0, 2000.0, -2000.0]])
    value = class_kld(p, q, EPSILON)
    assert np.isfinite(value).all()
    np.testing.assert_allclose(value, 2000)


# ----------------------------------------------------------------------------------- comparison


def explained(seed, count=30, side=6, right=None):
    rng = np.random.default_rng(seed)
    right = rng.random(count) < 0.5 if right is None else right
    return Explained(
        np.arange(count), raw_maps("random", count, side, seed), rng.normal(size=(count, 10)), right
    )


def test_compare_does_not_depend_on_chunks(monkeypatch):
    p, q = explained(1), explained(2)
    metrics = [*NAMES, "class_kld"]
    (whole,) = compare(p, [q], metrics, SIZE, EPSILON)
    monkeypatch.setattr(maps, "_CHUNK_PIXELS", 7 * SIZE**2)
    for threads in (1, 3):
        (chunked,) = compare(p, [q], metrics, SIZE, EPSILON, threads)
        pd.testing.assert_frame_equal(whole, chunked, check_exact=True)
    assert list(whole.columns) == [
        "image_id", "segment", "degenerate_baseline", "degenerate_augmented", *metrics
    ]  # fmt: skip
    assert (whole[metrics].dtypes == np.float64).all()


@given(st.integers(0, 500), st.sampled_from([7, 32, 224, 4096]), st.integers(1, 9))
def test_chunks_cover_all_maps_in_order_and_are_no_larger_than_they_may(count, size, threads):
    chunks = even_chunks(count, size, threads)
    assert [i for chunk in chunks for i in range(count)[chunk]] == list(range(count))
    lengths = [chunk.stop - chunk.start for chunk in chunks]
    assert max(lengths, default=0) <= max(1, maps._CHUNK_PIXELS // size**2)
    assert len(chunks) % threads == 0 or len(chunks) == count
    assert max(lengths, default=0) - min(lengths, default=0) <= 1


def save(folder, name, model, images=None):
    """Write `model` as the stage before does; `images`: those to keep."""
    keep = slice(None) if images is None else images
    cams, predictions = folder / f"{name}.npz", folder / f"{name}.parquet"
    write_arrays(cams, cam=model.cam[keep], image_id=model.image_id[keep], layer="layer")
    head = {"image_id": model.image_id, "label": 1, "predicted": np.where(model.right, 1, 0)}
    logits = {f"logit_{i}": column for i, column in enumerate(model.logits.T)}
    write_table(pd.DataFrame(head | logits)[keep], predictions)
    return cams, predictions


def test_several_models_from_files_block_by_block_are_each_compared_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(explained_blocks, "__defaults__", (7,))
    metrics = [*NAMES, "class_kld"]
    baseline, *others = (explained(seed) for seed in range(4))
    paths = [save(tmp_path, i, model) for i, model in enumerate((baseline, *others))]
    outputs = [tmp_path / "out" / f"{i}.parquet" for i in range(3)]
    compare_files(paths[0], paths[1:], outputs, metrics, SIZE, EPSILON, threads=2)
    for other, output in zip(others, outputs):
        (alone,) = compare(baseline, [other], metrics, SIZE, EPSILON)
        pd.testing.assert_frame_equal(pd.read_parquet(output), alone, check_exact=True)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [p.name for p in outputs]


@pytest.mark.parametrize("images", [slice(0, 20), slice(5, 30)])
def test_models_of_other_images_are_refused_and_nothing_is_written(tmp_path, images):
    p = save(tmp_path, "p", explained(1))
    q = save(tmp_path, "q", explained(2), images)
    with pytest.raises(AugcamError, match="different images"):
        compare_files(p, [q], [tmp_path / "out.parquet"], NAMES, SIZE, EPSILON)
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(tmp_path, value):
    model = explained(1)
    model.cam[17, 2, 2] = value
    with pytest.raises(AugcamError, match=r"p\.npz: it holds values that are no finite numbers"):
        read_explained(*save(tmp_path, "p", model))


def test_segments():
    baseline, other = np.array([True, True, False, False]), np.array([True, False, True, False])
    assert segments(baseline, other).tolist() == [
        "both_right",
        "only_baseline",
        "only_augmented",
        "both_wrong",
    ]


def test_models_must_have_explained_the_same_images():
    p, q = explained(1), explained(2)
    with pytest.raises(AugcamError, match="different images"):
        compare(p, [q._replace(image_id=q.image_id + 1)], NAMES, SIZE, EPSILON)


def test_explanations_of_other_images_are_refused(tmp_path):
    write_arrays(tmp_path / "cams.npz", cam=raw_maps("random", 3), image_id=np.arange(3))
    predictions = pd.DataFrame({"image_id": [0, 1, 3], "label": 0, "predicted": 0, "logit_0": 1.0})
    write_table(predictions, tmp_path / "predictions.parquet")
    with pytest.raises(AugcamError, match=r"predictions\.parquet: its images are not those"):
        read_explained(tmp_path / "cams.npz", tmp_path / "predictions.parquet")
