"""Boxes in place of masks."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from maskcases import encoded, prepared

from augcam.config.schema import Dataset
from augcam.data.decoding import Frame
from augcam.data.maskfiles import box_mask
from augcam.errors import AugcamError


@pytest.mark.parametrize("kind,box", [("corners", (2, 1, 5, 7)), ("size", (2, 1, 3, 6))])
def test_boxes_take_the_place_of_masks(tmp_path, rng, kind, box):
    columns = dict(zip(("l", "t", "r", "b"), box))
    rows = [
        {"image": encoded(rng.integers(256, size=(9, 8, 3), dtype=np.uint8)), "label": i % 2}
        | (columns if i else dict.fromkeys(columns))
        for i in range(6)
    ]
    for name in ("train", "test"):
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"{name}.parquet")
    paths = {name: str(tmp_path / f"{name}.parquet") for name in ("train", "test")}
    masks = {"boxes": ["l", "t", "r", "b"], "box_format": kind}
    _, found, said = prepared(Dataset(name="parquet", **paths, masks=masks), tmp_path)
    expected = np.zeros((9, 8), bool)
    expected[1:7, 2:5] = True
    np.testing.assert_array_equal(found.mask, np.stack([expected] * 5))
    assert "1 of 6 test images without a mask" in "\n".join(said)


def boxed(folder, rng, boxes, kind="corners"):
    """Images of a table with a box each, prepared: the masks, and what was said."""
    lines = ["image,label,split,l,t,r,b"]
    for i, box in enumerate(boxes):
        pixels = rng.integers(256, size=(24, 24, 3), dtype=np.uint8)
        (folder / f"{i}.png").write_bytes(encoded(pixels))
        row = f"{i}.png,class{i % 2},{{}},{','.join(map(str, box))}"
        lines += [row.format("train"), row.format("test")]
    (folder / "table.csv").write_text("\n".join(lines))
    masks = {"boxes": ["l", "t", "r", "b"], "box_format": kind}
    dataset = Dataset(name="table", file=str(folder / "table.csv"), image="image", label="label",
                      split="split", masks=masks)  # fmt: skip
    _, found, said = prepared(dataset, folder)
    return found, "\n".join(said)


INSIDE = (4, 4, 20, 20)


@pytest.mark.parametrize(
    "boxes,kind,said",
    [
        ([INSIDE] * 3 + [(-5, 2, 20, 20), (4, 4, 27.2, 20), (20, 20, 300, 400)], "corners",
         r"warning: 3 of 6 boxes reach beyond their image by up to 376 pixels \(\S+3\.png, \S+, "
         r"\S+5\.png\); what lies outside is left out: is dataset\.masks\.box_format right\?"),
        ([INSIDE] * 5 + [(8, 8, 20, 20)], "size",
         r"1 of 6 boxes reach beyond .* up to 4 pixels \(\S+5\.png\), and as corners none would;"),
        ([(2, 2, 12, 12)] * 5 + [(18, 2, 9, 9)], "size", r"up to 3 pixels \(\S+5\.png\); what"),
        ([(4, 4, 20, 26)] * 6, "corners", r"6 of 6 boxes reach beyond their image by up to 2 pix"),
    ],
)  # fmt: skip
def test_boxes_that_reach_out_of_their_images_are_counted(tmp_path, rng, boxes, kind, said):
    _, text = boxed(tmp_path, rng, boxes, kind)
    assert re.search(said, text)


def test_boxes_inside_but_for_rounding_need_no_word(tmp_path, rng):
    _, text = boxed(tmp_path, rng, [(0, 0, 12, 12), (-1, 1, 25, 25)] * 3)
    assert "reach beyond" not in text


@pytest.mark.parametrize(
    "boxes,kind,said",
    [
        ([(20, 20, 300, 400)] * 4 + [INSIDE] * 2, "corners",
         r"4 of 6 boxes reach beyond their image by more than a tenth of its side, up to 376 pix"),
        ([(12, 12, 20, 22)] * 6, "size", r"6 of 6 boxes .* set dataset\.masks\.box_format to what"),
        ([(100, 120, 300, 400)] * 6, "corners",
         r"no pixel of its 24×24 .* a box has to be in pixels of the image as it is stored"),
        ([(0.1, 0.2, 0.9, 0.8)] * 6, "corners",
         r"6 of 6 boxes have no value above 1 \(.*\), as if they were shares of the image"),
        ([(0.5, 0.5, 0.4, 0.6)] * 5 + [(0.4, 0.4, 0.5, 1.02)], "size",
         r"5 of 6 boxes have no value above 1"),
        ([(1, 1, "inf", 9)] + [INSIDE] * 5, "corners", r"a box needs four finite numbers, not"),
    ],
)  # fmt: skip
def test_boxes_that_cannot_be_of_these_pixels_are_refused(tmp_path, rng, boxes, kind, said):
    with pytest.raises(AugcamError, match=said) as error:
        boxed(tmp_path, rng, boxes, kind)
    assert "\n" not in str(error.value)


def test_a_box_of_nan_is_none(tmp_path, rng):
    found, text = boxed(tmp_path, rng, [INSIDE] * 5 + [("nan", "NaN", "nan", "nan")])
    assert len(found.image_id) == 5
    assert "1 of 6 test images without a mask" in text


@pytest.mark.parametrize("box", [(9, 1, 12, 4), (3, 4, 3, 6), (5, 5, 2, 2)])
def test_a_box_without_a_pixel_is_refused(box):
    with pytest.raises(AugcamError, match=r"a\.png: no pixel of its 8×8 lies in the box"):
        box_mask(box, "corners", Frame(8, 8, None), "a.png")
