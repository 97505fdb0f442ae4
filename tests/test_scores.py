"""Scores of maps against scikit-learn, scipy, numpy and plain loops, also on nasty maps."""

import warnings

import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score

from augcam.comparison.rawmaps import RawMaps
from augcam.comparison.scores.pointing import TOLERANCE
from augcam.comparison.scoring import areas, parts_of, score_files, score_maps
from augcam.config.messages import parse_config
from augcam.data.geometry import Fit
from augcam.data.masks import Masks
from augcam.entries import Metric, Score, entries, score_named
from augcam.errors import AugcamError
from augcam.files.arrays import write_arrays
from augcam.files.tables import read_table, write_columns
from augcam.names import MAP_SCORES, MASK_SCORES, display_name, of_part, score_and_part

SIZE = 24
EVERY = [name for name, score in entries(Score).items() if score.needs != "network"]


def enlarged(cam, size=SIZE):
    """The positive part of a raw map (h, w) at the input's resolution, from torch, float64."""
    positive = torch.from_numpy(np.maximum(cam, 0))[None, None]
    return F.interpolate(positive, (size, size), mode="bilinear", align_corners=False)[0, 0].numpy()


def reference(name, cam, inside):
    """The score of one raw map (h, w), by its definition, pixel by pixel or from other people's
    code; `inside` bool (SIZE, SIZE)."""
    if name == "negative":
        whole = np.abs(cam.astype(np.float64)).sum()
        return np.abs(cam[cam < 0].astype(np.float64)).sum() / whole if whole else np.nan
    x = RawMaps(cam[None], SIZE).positive[0].astype(np.float64)
    np.testing.assert_allclose(x, enlarged(cam), rtol=1e-5, atol=1e-6 * max(x.max(), 1e-30))
    if not x.sum():
        return np.nan
    if score_named(name).undefined_on_constant and np.ptp(x) == 0:
        return np.nan
    share = x / x.sum()
    if name == "spread":
        return np.exp(scipy.stats.entropy(x.ravel())) / x.size
    if name == "gini":  # the mean absolute difference of two pixels over twice the mean
        flat = share.ravel()
        return np.abs(flat[:, None] - flat).mean() / (2 * flat.mean())
    if name == "centre_distance":
        middle = (SIZE - 1) / 2
        y, z = scipy.ndimage.center_of_mass(share)
        return np.hypot(y - middle, z - middle) / np.hypot(SIZE / 2, SIZE / 2)
    if name == "border":
        return sum(share[y, z] for y in range(SIZE) for z in range(SIZE)
                   if min(y, z, SIZE - 1 - y, SIZE - 1 - z) < SIZE // 8)  # fmt: skip
    if not inside.any():
        return np.nan
    if name == "inside":
        return share[inside].sum()
    if name in ("pointing", "pointing_near"):
        away = scipy.ndimage.distance_transform_edt(~inside)
        radius = TOLERANCE * SIZE if name == "pointing_near" else 0
        return (away[x == x.max()] <= radius).mean()
    if name == "auc":
        return roc_auc_score(inside.ravel(), x.ravel()) if not inside.all() else np.nan
    assert name == "top_area"
    area = int(inside.sum())
    if area == x.size:
        return 1.0
    threshold = np.sort(x.ravel())[-area]
    higher, equal = x > threshold, x == threshold
    hits = (higher & inside).sum() + (area - higher.sum()) * inside[equal].mean()
    return hits / (2 * area - hits)


def maps_and_masks(seed=0):
    """Raw maps of every kind that goes wrong somewhere, each with every kind of mask."""
    rng = np.random.default_rng(seed)
    point, corner = np.zeros((2, 6, 6))
    point[2, 3], corner[0, 0] = 7, 1
    maps = [
        *rng.standard_normal((6, 6, 6)),
        np.round(rng.standard_normal((6, 6))),
        rng.random((6, 6)),
        np.zeros((6, 6)),
        -rng.random((6, 6)),
        np.full((6, 6), 3.0),
        point,
        corner,
        1e-30 * rng.random((6, 6)),
        1e30 * rng.standard_normal((6, 6)),
        1e-42 * rng.random((6, 6)),
        -point,
    ]
    y, x = np.mgrid[:SIZE, :SIZE]
    masks = [
        (y > 5) & (y < 15) & (x > 8) & (x < 20),
        rng.random((SIZE, SIZE)) < 0.3,
        np.zeros((SIZE, SIZE), bool),
        np.ones((SIZE, SIZE), bool),
        (y == 9) & (x == 13),
    ]
    pairs = [(cam, mask) for cam in maps for mask in masks]
    return (np.stack([pair[i] for pair in pairs]) for i in (0, 1))


@pytest.mark.parametrize("name", EVERY)
def test_scores_are_those_of_the_definition(name):
    cams, masks = maps_and_masks()
    cams = cams.astype(np.float32)
    (found,) = score_maps(cams, SIZE, [name], {"object": masks}).values()
    assert found.dtype == np.float64
    expected = [reference(name, cam, inside) for cam, inside in zip(cams, masks)]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6, equal_nan=True)
    assert 0 < np.isnan(found).sum() < len(found)  # some are degenerate, and none of these is 0
    low, high = score_named(name).range
    assert (found[~np.isnan(found)] >= low).all() and (found[~np.isnan(found)] <= high).all()


@given(
    arrays(np.float32, (6, 6), elements=st.floats(-100, 100, width=32, allow_subnormal=False)),
    arrays(bool, (SIZE, SIZE)),
    st.sampled_from(EVERY),
)
@settings(max_examples=200, deadline=None)
def test_scores_are_those_of_the_definition_on_anything(cam, inside, name):
    (found,) = score_maps(cam[None], SIZE, [name], {"a": inside[None]}).values()
    expected = reference(name, cam, inside)
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_has_no_score_and_touches_no_neighbour(rng, name, bad):
    cams = rng.standard_normal((5, 6, 6)).astype(np.float32)
    masks = {"object": rng.random((5, SIZE, SIZE)) < 0.4}
    (alone,) = score_maps(cams, SIZE, [name], masks).values()
    cams[2, 1, 1] = bad
    (found,) = score_maps(cams, SIZE, [name], masks).values()
    assert np.isnan(found[2])
    np.testing.assert_array_equal(np.delete(found, 2), np.delete(alone, 2))


@pytest.mark.parametrize("name", EVERY)
def test_properties_that_a_score_declares(rng, name):
    score = score_named(name)
    inside = {"a": np.zeros((3, SIZE, SIZE), bool)}
    inside["a"][:, :6] = True
    nowhere, flat = np.zeros((3, 4, 4)), np.full((3, 4, 4), 2.0)
    (of_nothing,) = score_maps(nowhere, SIZE, [name], inside).values()
    (of_flat,) = score_maps(flat, SIZE, [name], inside).values()
    (of_negative,) = score_maps(-flat, SIZE, [name], inside).values()
    assert np.isnan(of_nothing).all()
    assert np.isnan(of_flat).all() == score.undefined_on_constant
    assert np.isnan(of_negative).all() == (not score.signed)
    cams = rng.standard_normal((50, 4, 4))
    masks = {"a": rng.random((50, SIZE, SIZE)) < 0.4}
    (found,) = score_maps(cams, SIZE, [name], masks).values()
    (scaled,) = score_maps(1024 * cams, SIZE, [name], masks).values()
    np.testing.assert_allclose(scaled, found, rtol=1e-12)  # no score depends on a map's scale
    assert score.range[0] <= score.neutral <= score.range[1]
    assert ("{part}" in score.higher and "{part}" in score.lower) == (score.needs == "masks")


def test_plain_cases():
    flat, point, corner = np.ones((4, 4)), np.zeros((8, 8)), np.zeros((8, 8))
    point[3, 4], corner[0, 0] = 7, 1
    half = np.zeros((1, 8, 8), bool)
    half[:, :4] = True

    def of(cam, name, mask=half):
        (found,) = score_maps(cam[None], 8, [name], {"a": mask}).values()
        return found[0]

    assert of(flat, "spread") == pytest.approx(1)
    assert of(point, "spread") == pytest.approx(1 / 64)
    assert of(flat, "gini") == pytest.approx(0, abs=1e-12)
    assert of(point, "gini") == pytest.approx(63 / 64)
    assert of(flat, "centre_distance") == pytest.approx(0, abs=1e-12)
    assert of(corner, "centre_distance") == pytest.approx(7 / 8)
    assert of(flat, "border") == pytest.approx(1 - 36 / 64)
    assert of(corner, "border") == 1
    assert of(-point, "negative") == 1
    assert of(flat, "inside") == pytest.approx(0.5)
    assert of(point, "inside") == of(point, "pointing") == 1
    assert of(point, "inside", ~half) == of(point, "pointing", ~half) == 0
    assert of(np.arange(64.0)[::-1].reshape(8, 8), "top_area") == 1
    assert of(np.arange(64.0).reshape(8, 8), "top_area") == 0
    assert of(np.arange(64.0).reshape(8, 8), "auc") == 0


def test_the_tolerance_is_fifteen_pixels_of_224(rng):
    cam, mask = np.zeros((1, 224, 224), np.float32), np.zeros((1, 224, 224), bool)
    cam[0, 100, 100] = 1
    for column, near in ((115, 1), (116, 0)):
        mask[:] = False
        mask[0, 100, column] = True
        found = score_maps(cam, 224, ["pointing", "pointing_near"], {"a": mask})
        assert found["pointing@a"] == 0 and found["pointing_near@a"] == near


def test_the_share_inside_of_all_parts_is_one(rng):
    cam = rng.random((3, 4, 4))
    label = rng.integers(3, size=(3, SIZE, SIZE))
    parts = {str(value): label == value for value in range(3)}
    shares = score_maps(cam, SIZE, ["inside"], parts)
    assert list(shares) == ["inside@0", "inside@1", "inside@2"]
    np.testing.assert_allclose(sum(shares.values()), 1, rtol=1e-6)


def test_scores_do_not_depend_on_chunks_and_threads(rng):
    cam, size = rng.standard_normal((70, 7, 7)).astype(np.float32), 224
    parts = {"object": rng.random((70, size, size)) < 0.2}
    whole = score_maps(cam, size, EVERY, parts, threads=1)
    threaded = score_maps(cam, size, EVERY, parts, threads=3)
    alone = [score_maps(cam[i : i + 1], size, EVERY, {"object": parts["object"][i : i + 1]})
             for i in (0, 69)]  # fmt: skip
    for name, values in whole.items():
        np.testing.assert_array_equal(threaded[name], values)
        np.testing.assert_array_equal([one[name][0] for one in alone], values[[0, 69]])


# -------------------------------------------------------------------------------- files and names


@pytest.fixture
def masks(rng):
    mask = rng.integers(3, size=(3, 12, 12), dtype=np.uint8)
    return Masks(np.array([3, 5, 9]), mask, ("nothing", "object", "cue", "distractor"))


def test_scores_of_a_model_from_its_files(tmp_path, rng, masks):
    ids = np.array([3, 4, 9])  # 4 has no mask
    cam = rng.standard_normal((3, 4, 4)).astype(np.float32)
    write_arrays(tmp_path / "cams.npz", cam=cam, image_id=ids)
    seen = {"image_id": ids, "label": np.array([0, 1, 1]), "predicted": np.array([0, 0, 1])}
    write_columns(seen, tmp_path / "predictions.parquet")
    files = tmp_path / "cams.npz", tmp_path / "predictions.parquet", tmp_path / "scores.parquet"
    score_files(*files, [*MAP_SCORES, *MASK_SCORES], SIZE, masks, Fit())
    table = read_table(files[2])
    names = [*MAP_SCORES, *(f"{name}@{part}" for part in ("object", "cue") for name in MASK_SCORES)]
    assert {"image_id", "right", *names} == set(table)
    assert table["right"].tolist() == [1, 0, 1]
    assert table["inside@object"].isna().tolist() == [False, True, False]
    inside = masks.mask[[0, 2]].repeat(2, 1).repeat(2, 2) == 1
    expected = score_maps(cam[[0, 2]], SIZE, ["inside"], {"object": inside})["inside@object"]
    np.testing.assert_array_equal(table["inside@object"].dropna(), expected)
    found = areas(masks, ids, SIZE, Fit())
    assert found["part"] == ["object", "cue"] and found["n_without"] == [1, 1]
    assert found["n_images"] == [2, 2]
    assert found["area"][0] == pytest.approx((masks.mask[[0, 2]] == 1).mean())
    assert parts_of(masks, ids, SIZE, Fit())["cue"][1].sum() == 0


def test_broken_files_of_a_model_are_named(tmp_path):
    cam = np.ones((2, 4, 4), np.float32)
    files = tmp_path / "cams.npz", tmp_path / "predictions.parquet", tmp_path / "scores.parquet"
    seen = {"image_id": np.array([0, 1]), "label": np.zeros(2, int), "predicted": np.zeros(2, int)}
    write_columns(seen, files[1])
    write_arrays(files[0], cam=cam, image_id=np.array([0, 2]))
    with pytest.raises(AugcamError, match=r"predictions\.parquet: its images are not those of"):
        score_files(*files, ["spread"], SIZE)
    cam[1, 1, 1] = np.nan
    write_arrays(files[0], cam=cam, image_id=np.array([0, 1]))
    with pytest.raises(AugcamError, match=r"cams\.npz: it holds values that are no finite numbers"):
        score_files(*files, ["spread"], SIZE)
    assert not files[2].exists()


def test_names_of_scores():
    assert not {*entries(Score)} & {*entries(Metric)}
    assert not {*MAP_SCORES, *MASK_SCORES} - {*EVERY}
    assert score_and_part(of_part("inside", "a b")) == ("inside", "a b")
    assert score_and_part("spread") == ("spread", "")
    assert display_name("inside@object") == "Share inside: object"
    assert display_name("spread") == "Spread"


def test_the_config_takes_what_there_is():
    from augcam.config.checks import score_controls, scored

    plain = parse_config({})
    assert scored(plain) == list(MAP_SCORES)
    assert score_controls(plain) == ["none", "identity"]
    assert "scores" not in plain.record() and "masks" not in plain.record()["dataset"]
    composed = parse_config({"dataset": {"name": "composed"}})
    assert scored(composed) == [*MAP_SCORES, *MASK_SCORES]
    assert scored(parse_config({"scores": []})) == []
    assert parse_config({"scores": ["gini"]}).record()["scores"] == ["gini"]
    for values, said in (
        ({"scores": ["inside"]}, "scores.0: 'inside' needs masks, which this data set has not"),
        ({"scores": ["ginni"]}, "scores.0: unknown score 'ginni'; did you mean 'gini'?"),
        ({"scores": ["gini", "gini"]}, "gini is named more than once"),
    ):
        with pytest.raises(AugcamError) as error:
            parse_config(values)
        assert said in str(error.value)


def test_no_warning_says_what_nan_says_already(rng):
    cams = np.zeros((3, 4, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score_maps(cams, SIZE, EVERY, {"a": np.zeros((3, SIZE, SIZE), bool)})
