"""Tables that name image files: the layouts of competitions, and what goes wrong there."""

import re
import unicodedata

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from imagesets import assert_refused, picture, prepared, save, texts
from PIL import Image

from augcam.config.messages import parse_config
from augcam.config.schema import Dataset
from augcam.data.files import source_files
from augcam.errors import AugcamError


@pytest.fixture
def kaggle(tmp_path):
    """Kaggle's layout: a table of ids beside a folder of images; ten patients with eight each."""
    rows = []
    for i in range(80):
        save(tmp_path / "images" / f"id {i:02}.png", picture(i))
        rows.append((f"id {i:02}", f"p{i // 8}", ("sick", "well")[i // 8 % 2], i))
    frame = pd.DataFrame(rows, columns=["id_code", "patient", "diagnosis", "number"])
    frame.to_csv(tmp_path / "train.csv", index=False)
    return tmp_path


KEYS = {"image": "id_code", "label": "diagnosis", "image_folder": "images", "image_suffix": ".png"}


def from_table(folder, **options):
    options = {"file": str(folder / "train.csv"), **KEYS} | options
    return prepared(folder / "data", dataset=Dataset(name="table", **options))


def rewritten(folder, change, name="train.csv", **options):
    """The table after a change, in a file of its own."""
    frame = change(pd.read_csv(folder / "train.csv", dtype=str))
    frame.to_csv(folder / name, index=False, **options)
    return str(folder / name)


def test_ids_beside_a_folder_of_images(kaggle):
    images, index, _, stats = from_table(kaggle)
    assert images.shape == (80, 12, 12, 3)
    np.testing.assert_array_equal(images[11], np.asarray(picture(11)))
    assert index["source"].iloc[11] == "images/id 11.png"
    assert index["class_name"].to_list() == [("sick", "well")[i // 8 % 2] for i in range(80)]
    assert index["split"].value_counts().to_dict() == {"train": 57, "test": 16, "val": 7}
    assert stats["notes"] == []


def test_patients_stay_together(kaggle):
    _, index, _, _ = from_table(kaggle, group="patient")
    assert index["group"].to_list() == [f"p{i // 8}" for i in range(80)]
    assert index.groupby("group")["split"].nunique().eq(1).all()
    assert set(index["split"]) == {"train", "val", "test"}


def test_the_same_table_in_every_dialect(kaggle):
    expected = from_table(kaggle)[1]["class_name"]
    frame = pd.read_csv(kaggle / "train.csv")
    frame = frame.rename(columns={"diagnosis": " Diagnosis, final "})
    frame["id_code"] = " " + frame["id_code"]
    for name, options in {
        "comma.csv": {},
        "bom.csv": {"encoding": "utf-8-sig"},
        "semicolon.csv": {"sep": ";"},
        "tab.tsv": {"sep": "\t"},
        "bar.txt": {"sep": "|"},
        "quotes.csv": {"quoting": 1},
        "excel.csv": {"sep": "\t", "encoding": "utf-16"},
        "windows.csv": {"lineterminator": "\r\n"},
    }.items():
        frame.to_csv(kaggle / name, index=False, **options)
        _, index, _, _ = from_table(kaggle, file=str(kaggle / name), label="Diagnosis, final")
        assert index["class_name"].equals(expected), name
    pq.write_table(pa.Table.from_pandas(frame), kaggle / "train.parquet")
    options = {"file": str(kaggle / "train.parquet"), "label": " Diagnosis, final "}
    assert from_table(kaggle, **options)[1]["class_name"].equals(expected)


def test_labels_are_kept_as_they_are_written(kaggle):
    words = ("01", "1.0", "none", "10")

    def change(frame):
        return frame.assign(diagnosis=[words[i % 4] for i in range(80)])

    _, index, _, stats = from_table(kaggle, file=rewritten(kaggle, change, "other.csv"))
    assert set(index["class_name"]) == set(words)
    (said,) = texts(stats, "classes")
    assert "'01', '1.0' are different classes, though nearly the same name" in said
    change = lambda frame: frame.assign(diagnosis=[("2", "10")[i % 2] for i in range(80)])  # noqa: E731
    _, _, _, stats = from_table(kaggle, file=rewritten(kaggle, change, "other.csv"))
    assert stats["class_names"] == ["2", "10"]


NOTHING = ["nan", "NaN", "NA", "<NA>", "None", "null"]


@pytest.mark.parametrize("text", NOTHING)
def test_a_text_that_programs_write_for_a_missing_label_is_none(kaggle, text):
    """Unless the config names it as a class."""
    words = ("sick", "well", "sick", text)

    def change(frame):
        return frame.assign(diagnosis=[words[i % 4] for i in range(80)])

    file = rewritten(kaggle, change, "other.csv")
    message = (
        rf"other.csv: 20 images without a label \(the first: other.csv row 4; 20 with the text "
        rf"'{text}'\); .*, or, if '{text}' is a class, list all classes in dataset.class_names"
    )
    assert_refused(kaggle, message, from_table, file=file)
    _, index, _, _ = from_table(kaggle, file=file, class_names=["well", "sick", text])
    assert set(index["class_name"]) == {"sick", "well", text}


@pytest.mark.parametrize("number", ["-1", "-1.0", "-100"])
def test_negative_numbers_are_no_classes_in_text_either(kaggle, number):
    change = lambda frame: frame.assign(diagnosis=[("0", "1", number)[i % 3] for i in range(80)])  # noqa: E731
    file = rewritten(kaggle, change, "other.csv")
    assert_refused(kaggle, f"26 images of 80 with the label {number} ", from_table, file=file)


def test_groups_that_are_missing_and_groups_of_nearly_the_same_name(kaggle):
    def change(frame):
        return frame.assign(patient=[(f"p{i % 20}", f"P{i % 20}", "nan")[i % 3] for i in range(80)])

    file = rewritten(kaggle, change, "other.csv")
    _, index, _, stats = from_table(kaggle, file=file, group="patient")
    alike, alone = texts(stats, "groups")
    assert alike.startswith("warning: 'P")
    assert "are different groups, though nearly the same name" in alike
    assert "26 images of 80 without a group" in alone
    assert "some say nan): each counts as a group of its own" in alone
    assert "nan" not in set(index["group"])


def test_class_names_for_numbers_in_text(kaggle):
    change = lambda frame: frame.assign(diagnosis=[str(i % 2) for i in range(80)])  # noqa: E731
    file = rewritten(kaggle, change, "other.csv")
    _, index, _, stats = from_table(kaggle, file=file, class_names=["benign", "malignant"])
    assert index["class_name"].to_list()[:2] == ["benign", "malignant"]
    assert "labels 0, 1, written as text, are the numbers of classes (benign" in str(
        texts(stats, "classes")
    )


def test_a_column_of_splits(kaggle):
    words = ["train"] * 5 + ["Validation"] + [" TEST "] * 2

    def change(frame):
        return frame.assign(fold=[words[i % 8] for i in range(80)])

    file = rewritten(kaggle, change, "folds.csv")
    _, index, _, stats = from_table(kaggle, file=file, split="fold")
    expected = ["train"] * 5 + ["val"] + ["test"] * 2
    assert index["split"].to_list() == [expected[i % 8] for i in range(80)]
    assert "split.validation_fraction is not used" in texts(stats, "split")[0]
    # A data set whose own split cuts through patients.
    _, _, _, stats = from_table(kaggle, file=file, split="fold", group="patient")
    (_, said, _) = texts(stats, "leak")
    assert "10 groups (p0, p1, p2 and 7 more) in both training and test images: 20 of" in said


def test_splits_that_are_no_words(kaggle):
    change = lambda frame: frame.assign(fold=[str(i % 5) for i in range(80)])  # noqa: E731
    file = rewritten(kaggle, change, "folds.csv")
    message = (
        r"80 rows with '0', '1', '2' and 2 more in column 'fold' \(dataset.split\), which must"
    )
    assert_refused(kaggle, message, from_table, file=file, split="fold")
    change = lambda frame: frame.assign(fold="test")  # noqa: E731
    file = rewritten(kaggle, change, "folds.csv")
    assert_refused(
        kaggle, "no row is for training in column 'fold'", from_table, file=file, split="fold"
    )


def test_rows_without_a_split(kaggle):
    change = lambda frame: frame.assign(fold=[("train", "")[i % 5 == 0] for i in range(80)])  # noqa: E731
    file = rewritten(kaggle, change, "folds.csv")
    assert_refused(kaggle, "16 rows with an empty cell in", from_table, file=file, split="fold")


def test_tables_of_their_own_for_testing_and_validation(kaggle):
    files = {}
    for key, start, stop in (("file", 0, 48), ("validation", 48, 60), ("test", 60, 80)):
        change = lambda frame, a=start, b=stop: frame.iloc[a:b]  # noqa: E731
        files[key] = rewritten(kaggle, change, f"{key}.csv")
    _, index, _, _ = from_table(kaggle, **files)
    assert index["split"].to_list() == ["train"] * 48 + ["val"] * 12 + ["test"] * 20
    files["train"] = files.pop("file")
    assert from_table(kaggle, **files, file=None)[1].equals(index)


def test_a_test_table_without_classes(kaggle):
    test = rewritten(kaggle, lambda frame: frame.drop(columns="diagnosis"), "test.csv")
    message = r"test.csv: there is no column 'diagnosis'; its columns are id_code, patient, number"
    assert_refused(kaggle, message, from_table, test=test)


def test_the_training_table_as_test_table(kaggle):
    message = "config: dataset.test: .*train.csv' is what dataset.file names, too"
    path = str(kaggle / "train.csv")
    with pytest.raises(AugcamError, match=message):
        source_files(
            Dataset(name="table", file=path, test=path, image="id_code", label="diagnosis")
        )


# -------------------------------------------------------------------------------------- image files


def with_images(kaggle, name):
    """A table whose column `path` is `name` of each id."""

    def change(frame):
        return frame.assign(path=[name(i) for i in frame["id_code"]])

    keys = {"image": "path", "image_folder": None, "image_suffix": None}
    return {"file": rewritten(kaggle, change, "paths.csv"), **keys}


def test_paths_relative_to_the_table_or_absolute(kaggle):
    expected = from_table(kaggle)[0]
    for name in (
        lambda i: f"images/{i}.png",
        lambda i: f"./images/../images/{i}.png",
        lambda i: str(kaggle / "images" / f"{i}.png"),
    ):
        images, _, _, stats = from_table(kaggle, **with_images(kaggle, name))
        np.testing.assert_array_equal(images, expected)
        assert stats["notes"] == []


def test_backslashes_are_read_as_folders_and_said(kaggle):
    options = with_images(kaggle, lambda i: f"images\\{i}.png")
    images, _, _, stats = from_table(kaggle, **options)
    assert len(images) == 80
    assert "80 paths with backslashes, read as folders" in texts(stats, "files")[0]


@pytest.mark.parametrize("form,other", [("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
def test_names_are_found_however_their_accents_are_encoded(kaggle, form, other):
    folder = kaggle / unicodedata.normalize(form, "Bär")
    (kaggle / "images").rename(folder)
    name = unicodedata.normalize(other, "Bär")
    _, index, _, stats = from_table(kaggle, **with_images(kaggle, lambda i: f"{name}/{i}.png"))
    assert index["source"].iloc[0] == f"{folder.name}/id 00.png"
    said = ["80 paths with accents encoded in another way"] if form != other else []
    assert [re.search("80 paths[^(]*(?= )", text)[0] for text in texts(stats, "files")] == said


def test_spaces_belong_to_names_that_have_them(kaggle):
    for path in (kaggle / "images").iterdir():
        path.rename(path.with_name(f"{path.name} "))
    _, index, _, stats = from_table(kaggle, **with_images(kaggle, lambda i: f"images/{i}.png "))
    assert index["source"].iloc[0] == "images/id 00.png "
    assert texts(stats, "files") == []
    for path in (kaggle / "images").iterdir():
        path.rename(path.with_name(path.name.strip()))
    _, _, _, stats = from_table(kaggle, **with_images(kaggle, lambda i: f"images/{i}.png "))
    assert "80 paths with spaces around (the first: 'images/id 00.png ')" in str(stats["notes"])


def test_a_mask_is_found_however_its_accents_are_encoded(kaggle):
    for path in (kaggle / "images").iterdir():
        mask = Image.fromarray(np.ones((12, 12), np.uint8))
        save(kaggle / "masks" / unicodedata.normalize("NFD", f"ä {path.name}"), mask)

    def change(frame):
        return frame.assign(mask="masks/ä " + frame["id_code"] + ".png")

    file = rewritten(kaggle, change, "masks.csv")
    _, _, _, stats = from_table(kaggle, file=file, masks={"column": "mask"})
    assert "80 paths with accents encoded in another way" in texts(stats, "files")[0]


MISSING = {
    "a NUL": (lambda i: f"{i}\0.png", r"'id 00\\x00.png' holds a NUL character"),
    "an address": (lambda i: f"https://example.org/{i}.png", "80 images named by an address"),
    "a drive": (
        lambda i: f"C:\\photos\\{i}.png",
        "80 image files of 80 missing: .*relative to the table",
    ),
    "no suffix": (lambda i: f"images/{i}", "there is 'id ...png': set dataset.image_suffix: .png"),
    "another case": (lambda i: f"images/{i}.PNG", "upper and lower case differ"),
    "no folder": (
        lambda i: f"{i}.png",
        "there is one in 'images': set dataset.image_folder: images",
    ),
    "another folder": (lambda i: f"pictures/{i}.png", "there is no folder '.*pictures'"),
    "one": (
        lambda i: f"images/{i.replace('07', 'x')}.png",
        "1 image file of 80 missing: .*/id x.png",
    ),
    "nothing": (
        lambda i: "" if i == "id 03" else f"images/{i}.png",
        r"1 row without an image .*row 4",
    ),
    "a name too long": (lambda i: "x" * 300, "80 image files of 80 missing"),
}


@pytest.mark.parametrize("kind", MISSING)
def test_missing_images_are_named_at_once_with_advice(kaggle, kind):
    name, message = MISSING[kind]
    assert_refused(kaggle, message, from_table, **with_images(kaggle, name))


def test_the_first_twenty_missing_images_are_named(kaggle):
    for path in (kaggle / "images").glob("*[02468].png"):
        path.unlink()
    with pytest.raises(AugcamError, match="40 image files of 80 missing") as caught:
        from_table(kaggle)
    assert str(caught.value).count("images/id") == 20
    assert "and 20 more" in str(caught.value)


def test_a_folder_of_images_beside_the_table_or_where_the_run_starts(kaggle, monkeypatch):
    (kaggle / "table").mkdir()
    (kaggle / "train.csv").rename(kaggle / "table" / "train.csv")
    monkeypatch.chdir(kaggle)
    file = str(kaggle / "table" / "train.csv")
    message = "dataset.image_folder: there is no folder '.*table/pictures'"
    assert_refused(kaggle, message, from_table, file=file, image_folder="pictures")
    assert len(from_table(kaggle, file=file)[0]) == 80
    assert len(from_table(kaggle, file=file, image_folder="../images")[0]) == 80


# ------------------------------------------------------------------------------------ broken tables

BROKEN = {
    "nothing": (b"", "this is no readable CSV"),
    "only a header": (b"id_code,diagnosis\n", "dataset.file: the data set holds no images"),
    "a row too long": (b"id_code,diagnosis\nid 00,sick,x\n", "Expected 2 columns, got 3"),
    "Windows' letters": (
        "id_code,diagnosis\nid 00,müde\n".encode("cp1252"),
        "no readable CSV .UTF-8",
    ),
    "an image": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "no readable CSV"),
    "parquet cut short": (b"PAR1" + b"\0" * 50, "no readable CSV .UTF-8. or parquet"),
    "a column twice": (b"id_code,diagnosis,diagnosis\nid 00,a,b\n", "several columns 'diagnosis'"),
    "no class": (b"id_code,diagnosis\nid 00,\nid 01,sick\n", r"1 image without a label .*row 1\)"),
    "another column": (b"id,diagnosis\nid 00,a\n", r"no column 'id_code'; .* \(dataset.image\)"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_tables_that_cannot_be_read(kaggle, kind):
    content, message = BROKEN[kind]
    (kaggle / "other.csv").write_bytes(content)
    assert_refused(kaggle, message, from_table, file=str(kaggle / "other.csv"))


REFUSED = {
    "'table' needs dataset.file": {"file": None},
    "'table' needs dataset.image and dataset.label": {"image": None},
    "dataset.file and dataset.train name the same thing": {"train": "train.csv"},
    "dataset.split: the column says what is for validation": {"split": "fold", "test": "test.csv"},
    "dataset.name: 'table' does not read dataset.label_column": {"label_column": "diagnosis"},
    "dataset.name: 'table' does not read dataset.root": {"root": "photos"},
    "dataset.name: 'digits' does not read dataset.file": {"name": "digits"},
    "dataset.name: 'parquet' does not read dataset.file": {"name": "parquet", "train": "x"},
    "dataset.name: 'imagefolder' does not read dataset.image_suffix": {
        "name": "imagefolder", "train": "x", "file": None, "image": None, "label": None,
        "image_folder": None,
    },
}  # fmt: skip


@pytest.mark.parametrize("message", REFUSED)
def test_keys_that_do_not_fit(message):
    dataset = {"name": "table", "file": "train.csv", **KEYS} | REFUSED[message]
    with pytest.raises(AugcamError) as caught:
        parse_config({"dataset": dataset})
    assert message in str(caught.value)


def test_class_folders_with_a_table_beside_them_are_told_of_tables(kaggle):
    message = (
        r"If 'train.csv' names the classes: dataset: {name: table, file: .*train.csv, image: …"
    )
    assert_refused(
        kaggle, message, lambda f: prepared(f / "data", name="imagefolder", train=str(kaggle))
    )


# ------------------------------------------------------------------------------------ lines of CSV


def in_lines(kaggle, text, more="", **options):
    """The classes of the images in a CSV file of this text, `rows` standing for 60 rows."""
    rows = "\n".join(f"id {i:02},0{i % 2}{more}" for i in range(60))
    (kaggle / "lines.csv").write_bytes(text.replace("rows", rows).encode())
    images, index, _, _ = from_table(kaggle, file=str(kaggle / "lines.csv"), **options)
    assert len(images) == 60
    return set(index["class_name"])


@pytest.mark.parametrize(
    "start",
    [
        "\n",
        "\r\n\r\n",
        "\ufeff\n",
        "sep=,\n",
        "sep=,\r\n",
    ],
)
def test_labels_are_text_whatever_line_the_header_is(kaggle, start):
    assert in_lines(kaggle, start + "id_code,diagnosis\nrows\n") == {"00", "01"}


def test_labels_are_text_under_a_header_with_a_line_break(kaggle):
    text = '\nid_code,diagnosis,"my\nnote"\nrows\n'
    assert in_lines(kaggle, text, more=",x") == {"00", "01"}


OPEN = {
    "to the end": ('id_code,diagnosis\nid 60,00\nid 61,"01\nrows\n', 3),
    "to a quoted value": ('id_code,diagnosis\nid 61,"01\nid 62,"00"\nrows\n', 2),
    "to one at an end": ('id_code,diagnosis\nid 61,"01\nid 62,00\nid 63,00"\nrows\n', 2),
    "in a column of no use": ('id_code,diagnosis,x\nid 61,00,"x\nid 62,00,"y"\n', 2),
}  # fmt: skip


@pytest.mark.parametrize("kind", OPEN)
def test_a_quote_that_is_not_closed(kaggle, kind):
    text, line = OPEN[kind]
    message = rf"lines.csv: in line {line} a quote \(\"\) is opened that is not closed"
    assert_refused(kaggle, message, in_lines, text=text)


def test_values_of_several_lines_are_fine(kaggle):
    note = '"A cat, on a mat,\nwith ""a"" hat, and\n\nnothing else"'
    text = "id_code,diagnosis,note\nrows\n".replace("rows", f"rows{note}")
    assert in_lines(kaggle, text, more=",") == {"00", "01"}
