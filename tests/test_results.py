"""Results in a notebook: what is loaded is what the files hold, by names that people use."""

import numpy as np
import pytest
from runs import small_config

import augcam
from augcam.comparison.maps import to_maps
from augcam.errors import AugcamError
from augcam.files.tables import read_table


@pytest.fixture
def run(invented_run):
    return augcam.load(invented_run)


def test_tables_are_data_frames_by_name(run):
    assert run.tables["effects"].equals(read_table(run.folder / "tables/effects.parquet"))
    assert "effects" in run.tables and "effect" not in run.tables
    assert len(run.tables) == len(list(run.tables)) > 10
    with pytest.raises(AugcamError, match=r"no such table; the run has .*conclusions"):
        run.tables["effect"]


def test_models_and_views_are_those_of_the_run(run):
    config = small_config()
    assert run.models == config.models and run.baseline == config.reference
    assert run.views == ["main"] and run.input_size == 16


def test_views_are_those_of_the_config_with_their_grids_and_images(viewed_run):
    (viewed_run / "explanations/gone/none/1").mkdir(parents=True)  # of a view that is no more
    run = augcam.load(viewed_run)
    assert run.views == ["main", "early", "some"]
    assert run.maps("affine", 2, "early").shape == (60, 8, 8)
    few = run.explained("affine", 2, "some")
    assert few["cam"].shape == (20, 4, 4) and few["method"] == "hirescam"
    image = int(few["image_id"][3])
    np.testing.assert_array_equal(run.map_of(image, "affine", 2, "some"), few["cam"][3])
    assert len(run.distances("affine", 2, "some")) == 20
    assert len(run.predictions("affine", 2)) == 60


def test_maps_by_model_and_by_image(run):
    maps = run.maps("affine", 2)
    assert maps.shape == (60, 4, 4) and maps.dtype == np.float32
    np.testing.assert_array_equal(run.maps("affine", 2, size=16), to_maps(maps, 16))
    np.testing.assert_array_equal(run.map_of(run.image_id[7], "affine", 2), maps[7])
    assert list(run.predictions("affine", 2)["image_id"]) == list(run.image_id)
    assert "mad" in run.distances("affine", 2)


def test_images_masks_and_overlays_are_pictures(run):
    image = run.image(3)
    assert image.shape == (8, 8, 3) and image.dtype == np.uint8
    mask = run.mask(3)
    assert mask.shape == (16, 16) and run.masks.names[mask[8, 8]] == "object" and mask[0, 0] == 0
    shown = run.overlay(image, run.map_of(3, "affine", 1), size=64)
    assert shown.shape == (64, 64, 3) and shown.dtype == np.uint8


@pytest.mark.parametrize(
    "ask,message",
    [
        (lambda run: run.maps("afine", 1), "no model \\('afine', 1\\); the run has .*affine"),
        (lambda run: run.maps("affine", 1, "early"), "no view 'early'; the run has main"),
        (lambda run: run.map_of(99, "affine", 1), "image 99: 'affine', state 1, was not explained"),
        (lambda run: run.image(99), "image 99: ids are 0 to 59"),
        (lambda run: run.mask(99), "image 99: it has no mask"),
        (lambda run: run.scores("affine", 1), "scores/main/affine/1.parquet: the file is missing"),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(run, ask, message):
    with pytest.raises(AugcamError, match=message):
        ask(run)
