"""Classes meet by meaning: every way in which people write labels is read, or refused by name."""

import json
import unicodedata
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from imagesets import assert_refused, encoded, from_parquet, parquet, picture, prepared, save, texts
from sklearn.metrics import precision_recall_fscore_support

from augcam.train.measures import performance

IMAGES = [encoded(picture(i)) for i in range(60)]
KINDS = ["cat", "dog"]


def part(path, start, count, names, kinds=KINDS):
    """Images `start` … of each kind in turn, numbered by the place of the kind in `names`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    chosen = [kinds[i % len(kinds)] for i in range(start, start + count)]
    parquet(path, IMAGES[start : start + count], [names.index(k) for k in chosen], names)


def classes(index, kinds=KINDS):
    """Whether every image has the class that its number in the source says."""
    rows = index["source"].str.extract(r"(\d+)\]")[0].astype(int)
    return [kinds[row % len(kinds)] for row in rows] == index["class_name"].to_list()


def read(folder, labels, names=None, **options):
    """The classes of 40 images with these labels, and what was said of them."""
    parquet(folder / "train.parquet", IMAGES[:40], labels, names)
    _, index, _, stats = from_parquet(folder, **options)
    rows = index["source"].str.extract(r"(\d+)\]")[0].astype(int)
    return dict(zip(rows, index["class_name"])), stats["class_names"], texts(stats, "classes")


def test_each_file_may_number_the_classes_in_an_order_of_its_own(tmp_path):
    part(tmp_path / "train.parquet", 0, 40, ["cat", "dog"])
    part(tmp_path / "test.parquet", 40, 16, ["dog", "cat"])
    _, index, _, stats = from_parquet(tmp_path, test=str(tmp_path / "test.parquet"))
    assert classes(index)
    assert stats["class_names"] == ["cat", "dog"]
    (said,) = texts(stats, "classes")
    assert "cat, dog; dog, cat" in said
    assert "matched by name" in said


def test_three_files_with_three_orders(tmp_path):
    kinds = ["ant", "bee", "cow"]
    for i, names in enumerate(
        (["ant", "bee", "cow"], ["cow", "ant", "bee"], ["bee", "cow", "ant"])
    ):
        part(tmp_path / "all" / f"{i}.parquet", 0, 30, names, kinds)
    _, index, _, stats = from_parquet(tmp_path, train=str(tmp_path / "all"))
    assert len(index) == 90
    assert classes(index, kinds)
    assert stats["class_names"] == kinds


def test_names_agree_however_their_accents_are_encoded_and_whatever_spaces_surround_them(tmp_path):
    kinds = ["Bär", "Löwe mit Mähne"]
    apart = [unicodedata.normalize("NFD", f" {name} ") for name in reversed(kinds)]
    part(tmp_path / "train.parquet", 0, 40, kinds, kinds)
    labels = [apart.index(unicodedata.normalize("NFD", f" {kinds[i % 2]} ")) for i in range(16)]
    parquet(tmp_path / "test.parquet", IMAGES[40:56], labels, apart)
    _, index, _, stats = from_parquet(tmp_path, test=str(tmp_path / "test.parquet"))
    assert classes(index, kinds)
    assert stats["class_names"] == kinds


def test_numbers_in_one_file_meet_names_in_another(tmp_path):
    part(tmp_path / "train.parquet", 0, 40, ["dog", "cat"])
    parquet(tmp_path / "test.parquet", IMAGES[40:56], [KINDS[i % 2] for i in range(16)])
    _, index, _, _ = from_parquet(tmp_path, test=str(tmp_path / "test.parquet"))
    assert classes(index)


def test_a_file_without_names_is_read_by_the_names_of_the_others(tmp_path):
    part(tmp_path / "train.parquet", 0, 40, ["dog", "cat"])
    parquet(tmp_path / "test.parquet", IMAGES[40:56], [1, 0] * 8)
    _, index, _, stats = from_parquet(tmp_path, test=str(tmp_path / "test.parquet"))
    assert classes(index)
    assert "test.parquet has no names of classes" in texts(stats, "classes")[0]


def test_given_names_choose_the_order_or_rename(tmp_path):
    labels = [0, 1] * 20
    found, names, _ = read(tmp_path, labels, ["cat", "dog"], class_names=["dog", "cat"])
    assert (names, found[0]) == (["dog", "cat"], "cat")
    found, names, _ = read(tmp_path, labels, ["cat", "dog"], class_names=["Katze", "Hund"])
    assert (names, found[0]) == (["Katze", "Hund"], "Katze")


@pytest.mark.parametrize("given", [["dog", "bird"], ["cat", "dog", "emu"]])
def test_given_names_that_are_neither_are_refused(tmp_path, given):
    parquet(tmp_path / "train.parquet", IMAGES[:40], [0, 1] * 20, ["cat", "dog"])
    message = "dataset.class_names: .* are not the classes of the data set"
    assert_refused(tmp_path, message, from_parquet, class_names=given)


EQUAL = {  # what stands in the column → the class of the first two images
    "int8": (pa.array([0, 1] * 20, pa.int8()), ["0", "1"]),
    "uint8": (pa.array([0, 1] * 20, pa.uint8()), ["0", "1"]),
    "uint64 beyond int64": (pa.array([2**63, 0] * 20, pa.uint64()), [str(2**63), "0"]),
    "float": (pa.array([0.0, 1.0] * 20), ["0", "1"]),
    "float16": (pa.array(np.array([0, 1] * 20, np.float16)), ["0", "1"]),
    "decimal": (pa.array([Decimal("0"), Decimal("1.00")] * 20, pa.decimal128(10, 2)), ["0", "1"]),
    "bool": (pa.array([False, True] * 20), ["False", "True"]),
    "text": (pa.array(["cat", "dog"] * 20), KINDS),
    "large text": (pa.array(["cat", "dog"] * 20, pa.large_string()), KINDS),
    "bytes": (pa.array([b"cat", b"dog"] * 20), KINDS),
    "categories": (pa.array(["cat", "dog"] * 20).dictionary_encode(), KINDS),
    "large categories": (
        pa.array(["cat", "dog"] * 20, pa.large_string()).dictionary_encode(),
        KINDS,
    ),
    "list of one": (pa.array([[0], [1]] * 20), ["0", "1"]),
    "list of one name": (pa.array([["cat"], ["dog"]] * 20), KINDS),
    "from 1": (pa.array([1, 2] * 20), ["1", "2"]),
    "with a gap": (pa.array([3, 7] * 20), ["3", "7"]),
    "numbers as text": (pa.array(["2", "10"] * 20), ["2", "10"]),
    "names with spaces": (
        pa.array(["polar bear", " brown bear"] * 20),
        ["polar bear", "brown bear"],
    ),
}


@pytest.mark.parametrize("kind", EQUAL)
def test_every_way_to_write_a_label(tmp_path, kind):
    labels, expected = EQUAL[kind]
    found, names, _ = read(tmp_path, labels)
    assert [found[0], found[1]] == expected
    assert sorted(names) == sorted(expected)


def test_classes_that_are_numbers_come_in_their_order(tmp_path):
    _, names, _ = read(tmp_path, [str(i % 3 * 5) for i in range(40)])
    assert names == ["0", "5", "10"]
    _, names, said = read(tmp_path, [i % 3 + 1 for i in range(40)])
    assert names == ["1", "2", "3"]
    assert "labels are 1, 2, 3, not numbers from 0 on" in said[0]


def test_labels_from_1_take_the_given_names_in_their_order(tmp_path):
    found, names, said = read(tmp_path, [1, 2] * 20, class_names=["cat", "dog"])
    assert (names, found[0]) == (KINDS, "cat")
    assert "labels are 1 to 2, not 0 to 1: 1 is 'cat'" in said[0]


@pytest.mark.parametrize("names,given", [(KINDS, None), (None, KINDS)])
def test_numbers_in_text_are_numbers_where_there_are_names(tmp_path, names, given):
    found, classes_, said = read(tmp_path, ["0", "1"] * 20, names, class_names=given)
    assert (classes_, found[0]) == (KINDS, "cat")
    assert "labels 0, 1, written as text, are the numbers of classes (cat, dog)" in said[0]


@pytest.mark.parametrize("other", ["Cat", " c\u200bat", "ｃａｔ"])
def test_classes_of_nearly_the_same_name_are_said(tmp_path, other):
    _, names, said = read(tmp_path, ["cat", other] * 20)
    assert len(names) == 2
    assert said[0].startswith("warning: '")
    assert "are different classes, though nearly the same name" in said[0]


def test_labels_from_1_are_told_from_all_files_together(tmp_path):
    parquet(tmp_path / "train.parquet", IMAGES[:40], [1, 2] * 20)
    parquet(tmp_path / "test.parquet", IMAGES[40:50], [1] * 10)
    options = {"test": str(tmp_path / "test.parquet"), "class_names": KINDS}
    _, index, _, _ = from_parquet(tmp_path, **options)
    assert set(index.query("split == 'test'")["class_name"]) == {"cat"}


def test_names_of_hugging_face_take_precedence_over_counting_from_1(tmp_path):
    found, names, said = read(tmp_path, [1, 2] * 20, ["background", "cat", "dog"])
    assert (names, found[0]) == (KINDS, "cat")
    assert said == ["note: left out, as no image has the class background."]


REFUSED = {
    "no label": (
        [0, None] * 20,
        None,
        r"20 images without a label \(the first: train.parquet\[1\]\)",
    ),
    "not a number": ([0.0, float("nan")] * 20, None, "20 images without a label"),
    "empty text": (["cat", " "] * 20, None, "20 images without a label"),
    "empty list": ([[0], []] * 20, None, "20 images without a label"),
    "half": ([0.5, 1.0] * 20, None, r"train.parquet\[0\]: the label is 0.5; labels must be whole"),
    "two labels": (
        [[0], [0, 1]] * 20,
        None,
        r"\[1\]: the label is \[0, 1\]; .* one for each image",
    ),
    "unpublished": ([-1] * 40, None, "40 images of 40 with the label -1 .* not published"),
    "unpublished, too": ([0, -100] * 20, None, "20 images of 40 with the label -100 .* not publ"),
    "missing in text": (["cat", "nan"] * 20, None, "20 images without a label .*the text 'nan'"),
    "some unpublished": ([0, 1, 1, -1] * 10, None, r"10 images of 40 .*first: train.parquet\[3\]"),
    "beyond the names": ([0, 2] * 20, KINDS, r"\[1\]: label 2 is outside 0 to 1, .*\(cat, dog\)"),
    "one class": (["cat"] * 40, None, "all images have the class 'cat'"),
    "a class per image": (list(range(40)), None, "class '0': 1 image is too few"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_labels_that_are_refused(tmp_path, kind):
    labels, names, message = REFUSED[kind]
    parquet(tmp_path / "train.parquet", IMAGES[:40], labels, names)
    assert_refused(tmp_path, message, from_parquet)


NAMES = {
    "twice": (["cat", "dog", "cat"], r"classes 0, 2 have one name in .*, 'cat'"),
    "twice, in two encodings": (["\u00e9", "dog", "e\u0301"], r"classes 0, 2 have one name"),
    "empty": (["cat", " "], r"class 1 has an empty name in Hugging Face's metadata"),
}


@pytest.mark.parametrize("kind", NAMES)
def test_names_of_classes_that_are_refused(tmp_path, kind):
    names, message = NAMES[kind]
    parquet(tmp_path / "train.parquet", IMAGES[:40], [0, 1] * 20, names)
    assert_refused(tmp_path, f"train.parquet: {message}", from_parquet)


def test_names_of_classes_by_their_numbers(tmp_path):
    found, names, _ = read(tmp_path, [0, 1] * 20, {"1": "dog", "0": "cat"})
    assert (names, found[0]) == (KINDS, "cat")


# ------------------------------------------------------------------------------ layouts of columns


def table(folder, columns, names=None):
    result = pa.table(columns)
    if names:
        info = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
        result = result.replace_schema_metadata({"huggingface": json.dumps(info)})
    pq.write_table(result, folder / "train.parquet")


@pytest.mark.parametrize("type_", [pa.binary(), pa.large_binary()])
def test_images_in_lists_of_one_and_in_structs(tmp_path, type_):
    bare = pa.array(IMAGES[:40], type_)
    image = pa.StructArray.from_arrays([bare, pa.nulls(40, pa.string())], ["bytes", "path"])
    labels = pa.array([0, 1] * 20)
    sample = pa.StructArray.from_arrays([image, labels], ["image", "label"])
    lists = pa.ListArray.from_arrays(pa.array(range(41), pa.int32()), image)
    for columns in (
        {"image": bare, "label": labels},
        {"image": lists, "label": labels},
        {"sample": sample},
    ):
        table(tmp_path, columns, KINDS)
        images, index, _, stats = from_parquet(tmp_path)
        np.testing.assert_array_equal(images[7], np.asarray(picture(7)))
        assert stats["class_names"] == KINDS
        assert classes(index)


def test_a_row_with_several_images(tmp_path):
    images = [[b] for b in IMAGES[:39]] + [IMAGES[:2]]
    table(tmp_path, {"image": images, "label": [0, 1] * 20})
    assert_refused(tmp_path, r"1 row with another number .* row 39 with 2", from_parquet)


def test_paths_instead_of_images(tmp_path):
    rows = [{"bytes": None, "path": f"img/{i}.png"} for i in range(40)]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table(tmp_path, {"image": pa.array(rows, kind), "label": [0, 1] * 20})
    message = r"holds paths without images \(the first: 'img/0.png'\), .* dataset: {name: table"
    assert_refused(tmp_path, message, from_parquet)


def test_two_columns_of_images(tmp_path):
    rows = [{"bytes": b, "path": None} for b in IMAGES[:40]]
    table(tmp_path, {"image": rows, "mask": rows, "label": [0, 1] * 20})
    message = r"2 columns could hold the images \(image, mask\); name one in dataset.image_column"
    assert_refused(tmp_path, message, from_parquet)
    assert len(from_parquet(tmp_path, image_column="image")[0]) == 40


VIEW = pa.array(IMAGES[:40], pa.binary_view())
CODES = pa.DictionaryArray.from_arrays(pa.array(range(40), pa.int32()), pa.array(IMAGES[:40]))


@pytest.mark.parametrize("image", [VIEW, CODES])
def test_bytes_of_further_types(tmp_path, image):
    table(tmp_path, {"image": image, "label": [0, 1] * 20}, KINDS)
    images, _, _, _ = from_parquet(tmp_path)
    np.testing.assert_array_equal(images[7], np.asarray(picture(7)))


@pytest.mark.parametrize(
    "value,message",
    [("iVBORw0KGgo=", "but text .*base64 is to be decoded"), ([0, 255], "but lists of numbers")],
)
def test_images_in_other_forms(tmp_path, value, message):
    table(tmp_path, {"image": [value] * 40, "label": [0, 1] * 20})
    message = rf"column 'image' .* holds no encoded images, .* {message}"
    assert_refused(tmp_path, message, from_parquet)


def test_two_columns_of_one_name(tmp_path):
    arrays = [pa.array(IMAGES[:40]), pa.array([0, 1] * 20), pa.array([1, 0] * 20)]
    pq.write_table(pa.table(arrays, names=["image", "label", "label"]), tmp_path / "train.parquet")
    message = "train.parquet: there are several columns 'label'; rename one"
    assert_refused(tmp_path, message, from_parquet)
    read_table = lambda folder: prepared(  # noqa: E731
        folder / "data", name="table", file=str(folder / "train.parquet"), image="i", label="label"
    )
    assert_refused(tmp_path, message, read_table)


def test_an_empty_file_among_others(tmp_path):
    part(tmp_path / "all" / "0.parquet", 0, 40, KINDS)
    part(tmp_path / "all" / "1.parquet", 0, 0, ["dog", "cat"])
    assert classes(from_parquet(tmp_path, train=str(tmp_path / "all"))[1])


def test_a_test_set_without_rows(tmp_path):
    part(tmp_path / "train.parquet", 0, 40, KINDS)
    part(tmp_path / "test.parquet", 0, 0, KINDS)
    message = "dataset.test: the data set holds no images"
    assert_refused(tmp_path, message, from_parquet, test=str(tmp_path / "test.parquet"))


# ------------------------------------------------------------------------- classes on one side only


def folders(root, part, kinds, count, start=0):
    for c, kind in enumerate(kinds):
        for i in range(count):
            save(root / part / kind / f"{i}.png", picture(1000 * c + start + i))


def from_folders(root, **options):
    options = {"train": str(root / "train"), "test": str(root / "test")} | options
    return prepared(root / "data", name="imagefolder", **options)


def test_a_class_without_test_images_is_said(tmp_path):
    folders(tmp_path, "train", ["cat", "dog", "emu"], 20)
    folders(tmp_path, "test", ["cat", "dog"], 5, start=500)
    _, _, _, stats = from_folders(tmp_path)
    assert stats["counts"]["test"] == {"cat": 5, "dog": 5, "emu": 0}
    (said,) = texts(stats, "classes")
    assert said.startswith("warning: 1 class without test images (emu)")
    assert f"warning: {said.removeprefix('warning: ')}" in stats["said"]
    # Its absence is no reason to refuse a limit.
    _, index, _, _ = from_folders(tmp_path, test_limit=6)
    assert index["split"].value_counts()["test"] == 6


def test_a_class_without_training_images_is_refused(tmp_path):
    folders(tmp_path, "train", ["cat", "dog"], 20)
    folders(tmp_path, "test", ["cat", "Dog"], 5, start=500)
    message = r"class 'Dog' has no training images: .* \(are names spelt alike\? .* cat, dog\)"
    assert_refused(tmp_path, message, from_folders)
    part(tmp_path / "train.parquet", 0, 40, KINDS)
    part(tmp_path / "test.parquet", 40, 15, ["cat", "dog", "emu"], ["cat", "dog", "emu"])
    message = "class 'emu' has no training images, but 5 test images: it cannot be learned"
    assert_refused(tmp_path, message, from_parquet, test=str(tmp_path / "test.parquet"))


def test_class_folders_agree_however_their_names_are_encoded(tmp_path):
    folders(tmp_path, "train", ["Bär", "Löwe"], 20)
    folders(tmp_path, "test", [unicodedata.normalize("NFD", name) for name in ("Bär", "Löwe")], 5)
    _, index, _, stats = from_folders(tmp_path)
    assert stats["class_names"] == ["Bär", "Löwe"]
    assert len(index) == 50


def test_class_names_for_folders_that_are_numbers(tmp_path):
    folders(tmp_path, "train", ["0", "1"], 20)
    folders(tmp_path, "test", ["0", "1"], 5, start=500)
    _, index, _, stats = from_folders(tmp_path, class_names=["benign", "malignant"])
    assert stats["class_names"] == ["benign", "malignant"]
    zeros = index["source"].str.contains("/0/")
    assert set(index["class_name"][zeros]) == {"benign"}


def test_measures_are_scikit_learns_over_the_classes_that_occur():
    rng = np.random.default_rng(0)
    for labels_of in ([0, 1, 3], [0, 1, 2, 3, 4], [2]):
        labels, predicted = rng.choice(labels_of, 50), rng.integers(0, 4, 50)
        theirs = precision_recall_fscore_support(
            labels, predicted, average="macro", zero_division=0
        )
        ours = performance(labels, predicted, 5)
        assert [ours[k] for k in ("precision", "recall", "f1")] == pytest.approx(theirs[:3])
        assert ours["accuracy"] == (labels == predicted).mean()
    everything = np.array([0, 0, 1, 1])  # of three classes, all right: the third does not count
    assert performance(everything, everything, 3) == dict.fromkeys(ours, 1.0)


def test_the_index_of_a_data_set_without_groups_has_the_columns_that_it_always_had(tmp_path):
    part(tmp_path / "train.parquet", 0, 40, KINDS)
    _, index, _, _ = from_parquet(tmp_path)
    assert list(index) == ["image_id", "split", "label", "class_name", "source"]
    assert isinstance(index, pd.DataFrame)
