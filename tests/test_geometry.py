"""How images that are not square become square: by crop, pad or squash, masks like pixels."""

import json
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from augcam.config.schema import Dataset, Split
from augcam.data.geometry import Fit, take, to_square
from augcam.data.images import ImageStore
from augcam.data.store import prepare
from augcam.errors import AugcamError

FITS = ("crop", "pad", "squash")
GROUND = (10, 200, 90)
FILES = ("images.npy", "index.parquet", "order.npy", "stats.json", "report.parquet", "notes.json")
SHAPES = [(1, 1), (8, 8), (96, 32), (32, 97), (33, 46), (2, 99), (7, 5)]  # height, width


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


# ------------------------------------------------------------------------------- on single images


@pytest.mark.parametrize("shape,size", list(product(SHAPES, [1, 5, 32, 64])))
def test_crop_resizes_the_shorter_side_and_cuts_out_the_centre(shape, size):
    image = Image.fromarray(noise(*shape))
    scale = size / min(image.size)
    width, height = (max(size, round(side * scale)) for side in image.size)
    left, top = (width - size) // 2, (height - size) // 2
    expected = image.resize((width, height), Image.Resampling.BILINEAR)
    expected = np.asarray(expected)[top : top + size, left : left + size]
    np.testing.assert_array_equal(to_square(np.asarray(image), size, Fit()), expected)


@pytest.mark.parametrize("shape,size", list(product(SHAPES, [31, 32, 64])))
def test_pad_is_pillows(shape, size):
    image = Image.fromarray(noise(*shape))
    expected = ImageOps.contain(image, (size, size), Image.Resampling.BILINEAR)
    left, top = (size - expected.width) // 2, (size - expected.height) // 2
    square = Image.new("RGB", (size, size), GROUND)
    square.paste(expected, (left, top))
    found = to_square(np.asarray(image), size, Fit("pad", GROUND))
    np.testing.assert_array_equal(found, np.asarray(square))


@pytest.mark.parametrize("shape,size", list(product(SHAPES, [1, 5, 32, 64])))
def test_squash_is_a_plain_resize(shape, size):
    image = Image.fromarray(noise(*shape))
    expected = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(to_square(np.asarray(image), size, Fit("squash")), expected)


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 600), st.sampled_from(FITS))
@settings(max_examples=300, deadline=None)
def test_the_box_of_the_resized_image_is_the_square_asked_for(height, width, size, how):
    fit = Fit(how)
    new = fit.scaled(height, width, size)
    assert fit.box(*new)[2:] == (size, size)
    assert min(new) >= 1


@pytest.mark.parametrize("how", FITS)
@pytest.mark.parametrize("shape", [(60, 90), (90, 60), (61, 88), (40, 40)])
def test_masks_follow_the_pixels(how, shape):
    """A white object on black, and its mask: they stay one on top of the other."""
    mask = np.zeros(shape, np.uint8)
    mask[shape[0] // 3 : -shape[0] // 4, shape[1] // 4 : -shape[1] // 3] = 1
    image = np.repeat(mask[..., None] * 255, 3, axis=2)
    seen = to_square(image, 48, Fit(how, (0, 0, 0)))[..., 0] > 127
    masked = to_square(mask, 48, Fit(how, 0), Image.Resampling.NEAREST)
    assert masked.shape == (48, 48) and set(np.unique(masked)) == {0, 1}
    assert (seen & (masked == 1)).sum() / (seen | (masked == 1)).sum() > 0.9
    np.testing.assert_array_equal(
        take(mask, Fit(how, 0)), take(image, Fit(how, (0, 0, 0)))[..., 0] // 255
    )


# ----------------------------------------------------------------------- on the way to the network


def store(folder, shape, how="crop", input_size=16, image_size=None, background="#0ac85a"):
    """The store of 32 noisy images of one shape, as an `ImageStore`."""
    for c in range(2):
        (folder / "photos" / str(c)).mkdir(parents=True, exist_ok=True)
        for i in range(16):
            path = folder / "photos" / str(c) / f"{i:02}.png"
            Image.fromarray(noise(*shape, seed=100 * c + i)).save(path)
    dataset = Dataset(
        name="imagefolder",
        train=str(folder / "photos"),
        image_size=image_size,
        background=background,
    )
    prepare(dataset, Split(), *(folder / name for name in FILES), how=how, say=lambda line: None)
    return ImageStore(folder, input_size, torch.device("cpu"))


def squares(images, how):
    """The reference: whole images (B, 3, H, W) on a square canvas of their longer side."""
    height, width = images.shape[-2:]
    if how == "squash" or height == width:
        return images
    if how == "crop":
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        return images[..., top : top + side, left : left + side]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    padding = (left, side - width - left, top, side - height - top)
    channels = [F.pad(images[:, c], padding, value=value / 255) for c, value in enumerate(GROUND)]
    return torch.stack(channels, dim=1)


@pytest.mark.parametrize("how", FITS)
@pytest.mark.parametrize("shape", [(12, 12), (12, 31), (30, 13)])
@pytest.mark.parametrize("input_size", [7, 12, 20, 40])
def test_inputs_show_what_was_asked_for(tmp_path, how, shape, input_size):
    images = store(tmp_path, shape, how, input_size)
    ids = images.ids("test")
    size = (input_size, input_size)
    expected = F.interpolate(squares(images.raw(ids), how), size, mode="bilinear", antialias=True)
    inputs = images.inputs(ids)
    torch.testing.assert_close(inputs, images.normalised(expected), rtol=0, atol=2e-5)
    assert inputs.is_contiguous(memory_format=torch.channels_last)
    if how == "pad" and shape != (12, 12):
        ground = images.normalised(torch.tensor(GROUND)[None, :, None, None] / 255)
        torch.testing.assert_close(inputs[:, :, :1, :1], ground.expand(len(ids), 3, 1, 1))


def test_padding_is_normalised_alike_before_and_after_the_store(tmp_path):
    """The mean is that of the squares that networks see, wherever they became square."""
    late = store(tmp_path / "late", (12, 36), "pad", 36)
    early = store(tmp_path / "early", (12, 36), "pad", 36, image_size=36)
    first = torch.tensor([0])
    assert late.pixels.take(first).shape == (1, 12, 36, 3)
    assert early.pixels.take(first).shape == (1, 36, 36, 3)
    for key in ("mean", "std"):
        np.testing.assert_allclose(late.stats[key], early.stats[key], rtol=1e-12)
    ids = late.ids("train")
    torch.testing.assert_close(late.inputs(ids), early.inputs(ids), rtol=0, atol=1e-5)
    torch.testing.assert_close(late.inputs(ids).mean((0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-4)


# ---------------------------------------------------------------------------------- what is said


def said(folder):
    return json.loads((folder / "notes.json").read_text())["notes"]


def test_an_object_at_the_edge_is_lost_by_crop_alone_and_that_is_said(tmp_path):
    """Frames of 96×32 whose left edge makes the class."""
    store(tmp_path, (32, 96))
    (note,) = said(tmp_path)
    assert (note["topic"], note["level"]) == ("geometry", "warning")
    assert note["text"] == (
        "96×32 images: cropping to the centre loses 67 % of their area; model.fit: pad or squash "
        "keeps it."
    )
    store(tmp_path, (32, 96), "pad")
    assert said(tmp_path)[0]["text"] == (
        "96×32 images: 67 % of their squares are dataset.background #0ac85a (model.fit: pad)."
    )
    store(tmp_path, (32, 96), "squash")
    assert said(tmp_path)[0]["text"] == (
        "96×32 images: up to 3:1 is squashed into a square (model.fit: squash)."
    )
    assert all(note["level"] == "note" for note in said(tmp_path))


@pytest.mark.parametrize("shape,level", [((30, 32), "note"), ((28, 32), "warning")])
def test_a_crop_that_loses_more_than_a_tenth_is_a_warning(tmp_path, shape, level):
    store(tmp_path, shape)
    assert [note["level"] for note in said(tmp_path)] == [level]


def test_of_images_of_several_shapes_the_mean_and_the_worst_are_said(tmp_path):
    store(tmp_path, (20, 20))
    photos = sorted((tmp_path / "photos").rglob("*.png"))
    Image.fromarray(noise(20, 80)).save(photos[0])
    Image.fromarray(noise(40, 20)).save(photos[1])
    dataset = Dataset(name="imagefolder", train=str(tmp_path / "photos"), image_size=16)
    prepare(dataset, Split(), *(tmp_path / name for name in FILES), say=lambda line: None)
    (note,) = said(tmp_path)
    assert note["text"] == (  # (0.75 + 0.5) / 32
        "2 of 32 images are not square, the worst 80×20 (train/0/00.png): cropping to the centre "
        "loses on average 4 %, at worst 75 %, of their area; model.fit: pad or squash keeps it."
    )


def test_square_images_need_no_word_and_are_the_same_for_all(tmp_path):
    stats = set()
    for how in FITS:
        store(tmp_path, (16, 16), how)
        assert said(tmp_path) == []
        stats.add((tmp_path / "stats.json").read_bytes())
    assert len(stats) == 1


@pytest.mark.parametrize("image_size", [None, 10])
def test_a_strip_of_which_a_square_shows_next_to_nothing_is_refused(tmp_path, image_size):
    message = r"photos/0/00\.png: of an image of 102×2 pixels .*; crop it to at most 50:1"
    for how in ("crop", "pad"):
        with pytest.raises(AugcamError, match=message):
            store(tmp_path, (2, 102), how, image_size=image_size)
    assert len(store(tmp_path, (2, 102), "squash", image_size=image_size).labels) == 32
    assert len(store(tmp_path, (2, 100), "pad", image_size=image_size).labels) == 32
