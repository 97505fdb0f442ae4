"""Masks as networks see them, as users bring them, and how much models go by cues."""

import io
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from maskcases import HALF, TURNS, Brought, bad, blocks, coloured, encoded, prepared
from PIL import Image
from scipy.ndimage import maximum_filter, minimum_filter

from augcam.config.messages import parse_config
from augcam.data.geometry import Fit
from augcam.data.masks import Masks, nearest, read_masks, write_masks
from augcam.entries import data_kind_named
from augcam.errors import AugcamError
from augcam.files.arrays import write_arrays
from augcam.statistics.cues import cue_use

NAMES = ("nothing", "object", "cue")


@pytest.fixture
def masks(rng):
    return Masks(np.array([3, 5, 9]), rng.integers(3, size=(3, 12, 12), dtype=np.uint8), NAMES)


def test_images_are_found_by_their_number_and_without_a_mask_show_nothing(masks):
    turned = masks.of(np.array([9, 3, 4, 10, 0]))
    np.testing.assert_array_equal(turned.mask[:2], masks.mask[[2, 0]])
    assert not turned.mask[2:].any()
    assert masks.mask.any()


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


# ------------------------------------------------------------------------------ as users bring them


@pytest.mark.slow
@given(
    st.sampled_from(["parquet", "imagefolder", "table"]),
    st.sampled_from(["crop", "pad", "squash"]),
    st.sampled_from(list(TURNS)),
    st.tuples(st.integers(4, 8), st.integers(4, 8)),
    st.integers(1, 3),
    st.integers(0, 99),
)
@settings(max_examples=15, deadline=None, derandomize=True, phases=[Phase.generate])
def test_masks_lie_on_their_images_pixel_by_pixel(layout, how, turn, shape, scale, seed):
    """Whatever happens to an image on the way to the network happens to its mask."""
    rng = np.random.default_rng(seed)
    upright = [blocks(rng, *shape, 3 * scale) for _ in range(6)]
    stored = upright
    if turn:  # the file holds what turns into the upright image
        back = {3: 3, 6: 8, 5: 5}[turn]
        turns = TURNS | {8: Image.Transpose.ROTATE_90}
        stored = [np.asarray(Image.fromarray(mask).transpose(turns[back])) for mask in upright]
    images = [encoded(coloured(mask), turn) for mask in stored]
    side = max(shape) if how == "pad" else min(shape)
    size = 3 * side if how != "squash" else None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        brought = Brought(folder, images, [encoded(mask) for mask in stored])
        options = {"background": "#0009ff", "masks": {"labels": {"a": 1, "b": 3}}}
        dataset = getattr(brought, layout)(image_size=size, **options)
        pixels, masks, _ = prepared(dataset, folder, how)
        stats = json.loads((folder / "data" / "stats.json").read_text())
    assert masks.names == ("nothing", "a", "b")
    values = np.array([0, 1, 3], np.uint8)[masks.mask]
    assert pixels.shape[:3] == values.shape
    if size and scale > 1:  # smaller images mix neighbours where parts meet, and nowhere else
        ends = (
            f(values, size=(1, 3, 3), mode="constant", cval=9)
            for f in (minimum_filter, maximum_filter)
        )
        inner = np.equal(*ends)
        assert inner.any()
        np.testing.assert_array_equal(pixels[..., 0][inner], 80 * values[inner])
    else:
        np.testing.assert_array_equal(pixels[..., 0], 80 * values)
    if not size:
        seen = masks.seen(2 * max(pixels.shape[1:3]), Fit(**stats["fit"]))
        assert set(np.unique(seen)) <= {0, 1, 2}


def test_images_without_a_mask_empty_and_full_ones_are_counted(tmp_path, rng):
    plain = blocks(rng, 8, 8, 1)
    masks = [plain, None, np.zeros_like(plain), np.ones_like(plain), plain, None]
    images = [encoded(rng.integers(256, size=(8, 8, 3), dtype=np.uint8)) for _ in masks]
    brought = Brought(tmp_path, images, [None if m is None else encoded(m) for m in masks])
    _, found, said = prepared(brought.parquet(), tmp_path)
    assert found.names == ("nothing", "1", "3")
    assert len(found.image_id) == 4
    text = "\n".join(said)
    assert "warning: 2 of 6 test images without a mask (test.parquet[1], test.parquet[5])" in text
    assert "1 mask of 6 test images with nothing in it (test.parquet[2])" in text
    assert "1 mask of 6 test images with one part all over (test.parquet[3])" in text


def test_a_single_value_is_the_object_whatever_it_is(tmp_path, rng):
    masks = [255 * (blocks(rng, 8, 8, 1) > 0).astype(np.uint8) for _ in range(6)]
    images = [encoded(coloured(mask // 255)) for mask in masks]
    palette = [Image.fromarray(mask // 255, "P") for mask in masks]
    for image in palette:
        image.putpalette([0, 0, 0, 200, 10, 10])
    files = [io.BytesIO() for _ in masks]
    for image, file in zip(palette, files):
        image.save(file, "PNG")
    for name, brought in (("grey", map(encoded, masks)), ("palette", [f.getvalue() for f in files]),
                          ("bits", [encoded(mask > 0) for mask in masks])):  # fmt: skip
        (tmp_path / name).mkdir()
        dataset = Brought(tmp_path / name, images, list(brought)).parquet()
        _, found, _ = prepared(dataset, tmp_path / name)
        assert found.names == ("nothing", "object")
        np.testing.assert_array_equal(found.mask, np.stack(masks) > 0)


@pytest.mark.parametrize("orientation", [None, 6])  # which makes it a WebP with further chunks
@pytest.mark.parametrize("opacity", [[], [200]])
def test_a_lossless_webp_is_a_mask(tmp_path, rng, orientation, opacity):
    mask = blocks(rng, 8, 8, 1)
    pixels = np.stack([mask] * 3 + [np.full_like(mask, value) for value in opacity], axis=2)
    file = encoded(pixels, orientation, "WEBP", lossless=True)
    _, found, _ = prepared(bad(tmp_path, rng, mask=file).parquet(), tmp_path)
    np.testing.assert_array_equal(np.array([0, 1, 3])[found.mask[3]], mask)


@pytest.mark.parametrize("image_turn,mask_turn", [(None, 3), (None, 6), (8, 8), (5, 6), (7, None)])
def test_a_mask_takes_the_turn_of_its_image_and_none_of_its_own(
    tmp_path, rng, image_turn, mask_turn
):
    mask = blocks(rng, 8, 8, 1)
    images = [encoded(coloured(mask), image_turn) for _ in range(6)]
    brought = Brought(tmp_path, images, [encoded(mask, mask_turn, "TIFF")] * 6)
    pixels, found, _ = prepared(brought.parquet(), tmp_path)
    np.testing.assert_array_equal(pixels[..., 0], 80 * np.array([0, 1, 3])[found.mask])


def several_frames(*masks):
    """The bytes of a TIFF of several pages."""
    pages, file = [Image.fromarray(mask) for mask in masks], io.BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
    return file.getvalue()


def test_of_several_frames_of_a_mask_the_first_is_taken_and_said(tmp_path, rng):
    first = blocks(rng, 8, 8, 1)
    brought = bad(tmp_path, rng, mask=several_frames(first, np.ones_like(first)))
    _, found, said = prepared(brought.parquet(), tmp_path)
    np.testing.assert_array_equal(np.array([0, 1, 3])[found.mask[3]], first)
    text = "1 of 6 masks with several frames (test.parquet[3]), of which the first was taken"
    assert text in "\n".join(said)
    with pytest.raises(AugcamError, match=r"test\.parquet\[3\]: 1 of 6 masks with several frames"):
        prepared(brought.parquet(frames="refuse"), tmp_path)


def transparent(alpha, grey=255, mode="RGBA"):
    """The bytes of a PNG of one grey with this opacity."""
    image, file = Image.new(mode, alpha.shape[::-1], (grey,) * len(mode)), io.BytesIO()
    image.putalpha(Image.fromarray(alpha))
    image.save(file, "PNG")
    return file.getvalue()


WEBP = encoded(HALF, kind="WEBP")
JPEG = encoded(np.zeros((8, 8), np.uint8), kind="JPEG")


@pytest.mark.parametrize(
    "mask,keys,said",
    [
        (encoded(np.ones((8, 9), np.uint8)), {}, r"it has 9×8 pixels, but the image has 8×8"),
        (b"no image", {}, r"mask of test\.parquet\[3\]: it cannot be decoded"),
        (JPEG, {}, r"JPEG blurs the values of a mask; convert it to PNG"),
        (WEBP, {}, r"WEBP blurs the values of a mask; convert it to PNG"),
        (transparent(HALF), {}, r"one colour, and only its transparency varies, which is not read"),
        (transparent(HALF, 0, "LA"), {}, r"only its transparency varies"),
        (encoded(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)), {}, r"it has colours"),
        (encoded(np.full((8, 8), 300, np.uint16)), {}, r"whole numbers from 0 to 255"),
        (encoded(np.full((8, 8), 7, np.uint8)), {"labels": {"a": 1, "b": 3}},
         r"it has the value 7, which dataset\.masks\.labels does not name \(a: 1, b: 3\)"),
        (None, {"column": "nowhere"}, r"there is no column 'nowhere'.*\(dataset\.masks\.column\)"),
        (None, {"column": "label"}, r"column 'label' \(dataset\.masks\.column\) holds no encoded"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_bad_mask_is_one_sentence(tmp_path, rng, mask, keys, said):
    with pytest.raises(AugcamError, match=said) as error:
        prepared(bad(tmp_path, rng, mask=mask).parquet(masks=keys), tmp_path)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "data" / "images.npy").exists()


def test_missing_folders_files_and_all_masks_are_one_sentence(tmp_path, rng):
    brought = bad(tmp_path, rng)
    dataset = brought.imagefolder(masks={"folder": str(tmp_path / "nowhere")})
    with pytest.raises(AugcamError, match=r"dataset\.masks\.folder: there is no folder"):
        prepared(dataset, tmp_path)
    (tmp_path / "empty").mkdir()
    dataset = brought.imagefolder(masks={"folder": str(tmp_path / "empty")})
    with pytest.raises(AugcamError, match="none of the 6 test images has a mask"):
        prepared(dataset, tmp_path)
    twice = tmp_path / "masks" / "test" / "class0" / "0.bmp"
    twice.write_bytes(encoded(np.ones((8, 8), np.uint8), kind="BMP"))
    with pytest.raises(AugcamError, match="could be the same mask; keep one of them"):
        prepared(brought.imagefolder(), tmp_path)
    dataset = brought.table()
    (tmp_path / "mask2.png").unlink()
    with pytest.raises(AugcamError, match=r"mask2\.png \(the mask of .*\): the file is missing"):
        prepared(dataset, tmp_path)


@pytest.mark.parametrize(
    "masks,said",
    [
        ({"folder": "x"}, "dataset.masks.folder: 'parquet' reads masks by column or boxes"),
        ({"boxes": ["a", "b", "c"]}, "dataset.masks.boxes"),
        ({"boxes": ["a", "b", "c", "d"], "column": "x"}, "dataset.masks.boxes: boxes take"),
        ({"labels": {"a": 1}}, "dataset.masks.column: name a column, a folder or boxes"),
        ({"column": "x", "labels": {"a": 1, "b": 1}}, "several names stand for one value"),
        ({"column": "x", "labels": {"nothing": 1}}, "'nothing' cannot name a part"),
        ({"column": "x", "labels": {"a": 0}}, "dataset.masks.labels.a"),
        ({"columns": "x"}, "dataset.masks.columns: unknown key; did you mean 'column'?"),
    ],
)
def test_bad_keys_are_said_by_the_config(masks, said):
    with pytest.raises(AugcamError) as error:
        parse_config({"dataset": {"name": "parquet", "train": "x.parquet", "masks": masks}})
    assert said in str(error.value)


def test_a_kind_without_masks_says_which_has_some():
    with pytest.raises(
        AugcamError, match=r"'cifar10' does not read dataset\.masks; take 'imagefol"
    ):
        parse_config({"dataset": {"masks": {"folder": "x"}}})


def test_an_edited_mask_changes_what_the_data_set_consists_of(tmp_path, rng):
    dataset = bad(tmp_path, rng).imagefolder()
    kind = data_kind_named("imagefolder")
    before = kind.contents(dataset)
    (tmp_path / "masks" / "test" / "class0" / "0.png").write_bytes(
        encoded(np.ones((8, 8), np.uint8))
    )
    assert kind.contents(dataset) != before
