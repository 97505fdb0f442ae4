"""Masks as networks see them, and the share of a map that lies on each part of an image."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from augcam.compare.pointing import energy_by_name, energy_inside, looked_at
from augcam.data.geometry import Fit
from augcam.data.masks import Masks, nearest, read_masks, write_masks
from augcam.errors import AugcamError
from augcam.files.arrays import write_arrays
from augcam.statistics.cues import cue_use

NAMES = ("nothing", "object", "cue")


@pytest.fixture
def masks(rng):
    return Masks(np.array([3, 5, 9]), rng.integers(3, size=(3, 12, 12), dtype=np.uint8), NAMES)


def test_the_share_is_that_of_torchs_enlarged_positive_map(rng):
    cam = rng.standard_normal((50, 7, 7)).astype(np.float32)
    inside = rng.random((50, 40, 40)) < 0.3
    maps = torch.from_numpy(cam).clamp(min=0)[:, None].double()
    large = F.interpolate(maps, (40, 40), mode="bilinear", align_corners=False)[:, 0].numpy()
    expected = (large * inside).sum((1, 2)) / large.sum((1, 2))
    np.testing.assert_allclose(energy_inside(cam, inside), expected, rtol=1e-5)


def test_shares_of_plain_cases():
    flat = np.ones((1, 4, 4), np.float32)
    half = np.zeros((1, 8, 8), bool)
    half[:, :4] = True
    assert energy_inside(flat, half) == pytest.approx(0.5)
    assert energy_inside(flat, ~half & half) == 0
    assert energy_inside(flat, half | ~half) == 1
    point = np.zeros((1, 8, 8), np.float32)
    point[0, 1, 1] = 7
    assert energy_inside(point, half) == 1
    assert energy_inside(point, ~half) == 0


def test_a_map_that_is_positive_nowhere_has_no_share(rng):
    cam = np.stack([np.zeros((4, 4)), -np.ones((4, 4)), np.ones((4, 4))]).astype(np.float32)
    found = energy_inside(cam, np.ones((3, 8, 8), bool))
    np.testing.assert_array_equal(found, [np.nan, np.nan, 1])


def test_the_sign_counts_and_the_scale_does_not(rng):
    cam = rng.standard_normal((20, 4, 4)).astype(np.float32)
    inside = rng.random((20, 16, 16)) < 0.5
    found = energy_inside(cam, inside)
    np.testing.assert_allclose(energy_inside(1e6 * cam, inside), found, rtol=1e-5)
    np.testing.assert_allclose(energy_inside(np.maximum(cam, 0), inside), found)
    assert np.nanmax(np.abs(energy_inside(-cam, inside) - found)) > 0.1


def test_shares_of_all_names_add_up_to_one(rng, masks):
    cam = rng.random((3, 4, 4)).astype(np.float32)
    shares = energy_by_name(cam, masks.image_id, masks, 24, Fit())
    assert tuple(shares) == NAMES
    np.testing.assert_allclose(sum(shares.values()), 1, rtol=1e-6)


def test_images_are_found_by_their_number(rng, masks):
    cam = rng.random((3, 4, 4)).astype(np.float32)
    whole = energy_by_name(cam, masks.image_id, masks, 24, Fit())
    turned = energy_by_name(cam[[2, 0]], masks.image_id[[2, 0]], masks, 24, Fit())
    np.testing.assert_array_equal(turned["cue"], whole["cue"][[2, 0]])
    with pytest.raises(AugcamError, match="1 of 2 images have none"):
        masks.of(np.array([3, 4]))
    with pytest.raises(AugcamError, match="1 of 1 images have none"):
        masks.of(np.array([10]))


@pytest.mark.parametrize("shape", [(12, 12), (7, 20), (33, 5), (1, 1), (100, 63)])
@pytest.mark.parametrize("size", [1, 8, 24, 64])
def test_nearest_is_pillows(rng, shape, size):
    """But for centres between two pixels, where Pillow's rounding decides."""
    mask = rng.integers(256, size=shape, dtype=np.uint8)
    expected = Image.fromarray(mask).resize((size, size), Image.Resampling.NEAREST)
    np.testing.assert_array_equal(nearest(mask, size), np.asarray(expected))


def test_a_centre_between_two_pixels_takes_the_second():
    np.testing.assert_array_equal(nearest(np.array([[0, 1], [2, 3]], np.uint8), 1), [[3]])


@pytest.mark.parametrize("how", ["crop", "pad", "squash"])
def test_masks_take_the_way_of_their_images(rng, how):
    """An image whose red channel is its mask keeps it, pixel by pixel, up to the square."""
    from augcam.data.geometry import take

    mask = rng.integers(1, 4, size=(1, 20, 30), dtype=np.uint8)
    fit = Fit(how, (0, 9, 9))
    image = take(np.repeat(mask[0, :, :, None], 3, axis=2), fit)
    size = max(image.shape[:2]) if how != "squash" else 60
    seen = Masks(np.array([0]), mask, ("nothing", "a", "b", "c")).seen(size, fit)[0]
    expected = image[..., 0] if how != "squash" else mask[0].repeat(3, 0).repeat(2, 1)
    np.testing.assert_array_equal(seen, expected)
    assert (how == "pad") == (seen == 0).any()


def test_masks_are_read_as_they_were_written(tmp_path, masks):
    write_masks(masks, tmp_path / "masks.npz")
    again = read_masks(tmp_path / "masks.npz")
    np.testing.assert_array_equal(again.mask, masks.mask)
    np.testing.assert_array_equal(again.image_id, masks.image_id)
    assert again.names == NAMES


def test_a_file_without_masks_is_named(tmp_path):
    write_arrays(tmp_path / "cams.npz", cam=np.zeros(3))
    with pytest.raises(AugcamError, match=r"cams\.npz: it holds no masks"):
        read_masks(tmp_path / "cams.npz")
    with pytest.raises(AugcamError, match=r"masks\.npz: the file is missing"):
        read_masks(tmp_path / "masks.npz")


def test_the_table_of_parts_has_means_areas_and_counts(tmp_path, rng, masks):
    cams = {("none", 1): rng.random((3, 4, 4)), ("affine", 2): rng.standard_normal((3, 4, 4))}
    cams["affine", 2][1] = -1
    paths = {model: tmp_path / f"{'-'.join(map(str, model))}.npz" for model in cams}
    for model, cam in cams.items():
        write_arrays(paths[model], cam=cam.astype(np.float32), image_id=masks.image_id)
    table = looked_at(paths, masks, 12, Fit()).set_index(["condition", "state", "part"])
    assert len(table) == 2 * len(NAMES)
    for (condition, state, part), row in table.iterrows():
        inside = masks.mask == NAMES.index(part)
        shares = energy_inside(cams[condition, state].astype(np.float32), inside)
        assert row["share"] == pytest.approx(np.nanmean(shares))
        assert row["area"] == pytest.approx(inside.mean())
        assert row["undefined"] == (condition == "affine")


def test_cue_use_counts_images_with_and_without_their_own_cue():
    labels, cues = np.array([0, 1, 2, 0, 1, 2]), np.array([0, 1, 0, 1, 2, 0])
    predicted = np.array([0, 0, 0, 0, 1, 0])
    assert cue_use(labels, predicted, cues) == {
        "n_own_cue": 2,
        "n_other_cue": 4,
        "accuracy_own_cue": 1 / 2,
        "accuracy_other_cue": 2 / 4,
        "followed": 2 / 4,
    }
    none = cue_use(labels, predicted, labels)
    assert np.isnan([none["accuracy_other_cue"], none["followed"]]).all()
