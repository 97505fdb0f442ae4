"""Which files and folders are which split: what people call them, and what may not be the same."""

import tempfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from imagesets import (
    another_user,
    assert_refused,
    encoded,
    from_parquet,
    parquet,
    picture,
    prepared,
    save,
    texts,
)

from augcam.config.schema import Dataset
from augcam.data.files import source_files
from augcam.errors import AugcamError

KINDS = ("cat", "dog")


def shard(path, start, count):
    """A parquet file of `count` images of each class, which no other start has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = range(start, start + 2 * count)
    parquet(path, [encoded(picture(i)) for i in numbers], [i % 2 for i in numbers], list(KINDS))


def hub(folder):
    """A data set as cloned from the Hugging Face hub."""
    shard(folder / "data" / "train-00000-of-00002.parquet", 0, 10)
    shard(folder / "data" / "train-00001-of-00002.parquet", 100, 10)
    shard(folder / "data" / "validation-00000-of-00001.parquet", 200, 5)
    shard(folder / "data" / "test-00000-of-00001.parquet", 300, 8)
    return folder / "data"


def files_of(index):
    """The files that each split was read from."""
    names = index["source"].str.partition("[")[0].str.replace(r"\d", "", regex=True)
    return {part: set(own) for part, own in names.groupby(index["split"])}


@pytest.mark.parametrize("train", ["", "data"])
def test_a_folder_of_the_hub_is_its_splits(tmp_path, train):
    hub(tmp_path / "repo")
    _, index, _, stats = from_parquet(tmp_path, train=str(tmp_path / "repo" / train))
    assert index["split"].value_counts().to_dict() == {"train": 40, "test": 16, "val": 10}
    assert [len(own) for own in files_of(index).values()] == [1, 1, 1]
    said = texts(stats, "split")
    assert "holds splits (train: train-00000-of-00002.parquet, train-00001" in said[0]
    assert (
        "the data set's own 10 validation images; split.validation_fraction is not used" in said[1]
    )


def test_the_folder_of_the_hub_for_training_and_a_file_of_it_for_testing(tmp_path):
    data = hub(tmp_path / "repo")
    test = str(data / "test-00000-of-00001.parquet")
    _, index, _, stats = from_parquet(tmp_path, train=str(data), test=test)
    assert index["split"].value_counts().to_dict() == {"train": 36, "test": 16, "val": 4}
    assert not any(stats["duplicates"].values())
    (said,) = texts(stats, "split")
    assert "validation-00000-of-00001.parquet is not used" in said
    assert f"dataset.validation: {data} would use it" in said


def test_every_key_takes_its_own_of_one_folder(tmp_path):
    data = str(hub(tmp_path / "repo"))
    _, index, _, _ = from_parquet(tmp_path, train=data, validation=data, test=data)
    assert index["split"].value_counts().to_dict() == {"train": 40, "test": 16, "val": 10}


def test_folders_of_the_hubs_converted_files(tmp_path):
    for part, start in (("train", 0), ("validation", 100), ("test", 200)):
        shard(tmp_path / "repo" / "default" / part / "0000.parquet", start, 20)
    _, index, _, _ = from_parquet(tmp_path, train=str(tmp_path / "repo"))
    assert index["split"].value_counts().to_dict() == {"train": 40, "val": 40, "test": 40}
    assert index["source"].iloc[0] == "default/train/0000.parquet[0]"


def test_a_file_of_no_split_beside_others_is_named(tmp_path):
    data = hub(tmp_path / "repo")
    shard(data / "extra-00000.parquet", 400, 3)
    shard(data / "more" / "deep.parquet", 500, 3)
    _, index, _, stats = from_parquet(tmp_path, train=str(data))
    assert len(index) == 66
    (said,) = [text for text in texts(stats, "split") if text.startswith("warning")]
    assert "extra-00000.parquet, deep.parquet is not used" in said


def test_a_test_file_among_unnamed_ones_is_not_trained_on(tmp_path):
    for i in range(3):
        shard(tmp_path / "all" / f"part{i}.parquet", 100 * i, 10)
    all_, one = str(tmp_path / "all"), str(tmp_path / "all" / "part1.parquet")
    _, index, _, stats = from_parquet(tmp_path, train=all_, test=one)
    assert files_of(index)["test"] == {"part.parquet"}
    assert set(index.query("split == 'test'")["source"].str[:5]) == {"part1"}
    assert len(index) == 60
    assert not any(stats["duplicates"].values())


def test_only_another_split_is_read_and_said(tmp_path):
    shard(tmp_path / "all" / "test-0.parquet", 0, 20)
    _, index, _, stats = from_parquet(tmp_path, train=str(tmp_path / "all"))
    assert len(index) == 40
    assert "test-0.parquet is used for training, whatever its name says" in texts(stats, "split")[0]


def test_a_shard_that_is_missing_is_named(tmp_path):
    data = hub(tmp_path / "repo")
    (data / "train-00001-of-00002.parquet").unlink()
    message = "dataset.train: of '.*/data' train-00001-of-00002.parquet is missing"
    assert_refused(tmp_path, message, from_parquet, train=str(data))
    shard(data / "train-00000-of-00002.parquet", 0, 20)
    _, _, _, stats = from_parquet(tmp_path, train=str(data / "train-00000-of-00002.parquet"))
    assert "'train-00000-of-00002.parquet' is one of 2 files" in texts(stats, "split")[0]


def test_a_shard_that_another_key_names_is_not_missing(tmp_path):
    for i in range(3):
        shard(tmp_path / "all" / f"part-{i}-of-3.parquet", 100 * i, 10)
    all_, one = str(tmp_path / "all"), str(tmp_path / "all" / "part-1-of-3.parquet")
    assert len(from_parquet(tmp_path, train=all_, test=one)[1]) == 60


def test_every_way_to_name_a_parquet_file(tmp_path):
    for i, name in enumerate(("a.parquet", "b.PARQUET", "c.parq")):
        shard(tmp_path / "all" / name, 100 * i, 10)
    assert len(from_parquet(tmp_path, train=str(tmp_path / "all"))[1]) == 60


def test_a_folder_of_parquet_files_that_may_not_be_read_is_named():
    with tempfile.TemporaryDirectory() as folder:
        data = hub(Path(folder)).parent
        shard(data / "more" / "0.parquet", 100, 10)
        (data / "more").chmod(0)
        with another_user(data):
            message = f"{data}/more: the folder cannot be read .Permission denied.; allow it"
            with pytest.raises(AugcamError, match=message):
                source_files(Dataset(name="parquet", train=str(data)))


def test_linked_folders_of_parquet_files_are_read_once(tmp_path):
    shard(tmp_path / "all" / "a" / "0.parquet", 0, 10)
    shard(tmp_path / "elsewhere" / "1.parquet", 100, 10)
    for link, to in (("b", "elsewhere"), ("c", "elsewhere"), ("d", "all/a")):
        (tmp_path / "all" / link).symlink_to(tmp_path / to)
    _, index, _, _ = from_parquet(tmp_path, train=str(tmp_path / "all"))
    assert set(index["source"].str.partition("[")[0]) == {"a/0.parquet", "b/1.parquet"}


def test_two_variants_of_a_data_set_on_the_hub_are_said(tmp_path):
    for i, name in enumerate(("full", "small")):
        shard(tmp_path / "repo" / name / "train" / "0000.parquet", 100 * i, 20)
    _, _, _, stats = from_parquet(tmp_path, train=str(tmp_path / "repo"))
    said = texts(stats, "split")[0]
    assert said.startswith("warning: dataset.train: full, small each hold training images")
    assert f"name one of them: dataset.train: {tmp_path}/repo/full." in said


@pytest.mark.parametrize("labels", [-1, None, "nan", "no column"])
def test_a_test_split_of_the_hub_without_labels_is_not_used(tmp_path, labels):
    data = hub(tmp_path / "repo")
    path = data / "test-00000-of-00001.parquet"
    parquet(path, [encoded(picture(i)) for i in range(300, 316)], pa.array([labels] * 16))
    if labels == "no column":
        pq.write_table(pq.read_table(path).drop_columns(["label"]), path)
    _, index, _, stats = from_parquet(tmp_path, train=str(data))
    assert index["split"].value_counts().to_dict() == {"train": 32, "test": 8, "val": 10}
    said = next(text for text in texts(stats, "split") if "have no labels" in text)
    assert said.startswith("warning: dataset.train: the test images in ")


def test_a_test_file_without_labels_that_a_key_names_is_refused(tmp_path):
    data = hub(tmp_path / "repo")
    path = data / "test-00000-of-00001.parquet"
    parquet(path, [encoded(picture(i)) for i in range(300, 316)], [-1] * 16)
    message = "16 images of 16 with the label -1 .*without dataset.test a share"
    assert_refused(tmp_path, message, from_parquet, train=str(data), test=str(path))


@pytest.mark.parametrize("kind", ["parquet", "imagefolder"])
def test_training_images_are_no_test_images(tmp_path, kind):
    shard(tmp_path / "files" / "all.parquet", 0, 20)
    for c, name in enumerate(KINDS):
        for i in range(20):
            save(tmp_path / "folders" / name / f"{i}.png", picture(100 * c + i))
    path = str(tmp_path / ("files" if kind == "parquet" else "folders"))
    for key in ("test", "validation"):
        with pytest.raises(AugcamError, match=rf"config: dataset.{key}: .* the same images") as one:
            source_files(Dataset(name=kind, train=path, **{key: path}))
        assert "\n" not in str(one.value)


# ------------------------------------------------------------------------------------------ folders


def classes(root, start, count=20, kinds=KINDS):
    for c, name in enumerate(kinds):
        for i in range(count):
            save(root / name / f"{i}.png", picture(10_000 * c + start + i))


def from_folder(folder, **options):
    return prepared(folder / "data", name="imagefolder", **options)


@pytest.mark.parametrize(
    "names",
    [
        ("train", "val", "test"),
        ("training", "validation", "testing"),
        ("Train", "Valid", "Test"),
        ("TRAIN", "dev", "test"),
        ("train_set", "val_set", "test_set"),
        ("Training Set", "Validation Data", "TestSet"),
        ("images_train2017", "images_val2017", "images_test2017"),
    ],
)
def test_a_folder_of_splits(tmp_path, names):
    for i, name in enumerate(names):
        classes(tmp_path / "photos" / name, 1000 * i, (20, 5, 8)[i])
    _, index, _, stats = from_folder(tmp_path, train=str(tmp_path / "photos"))
    assert index["split"].value_counts().to_dict() == {"train": 40, "test": 16, "val": 10}
    assert stats["class_names"] == list(KINDS)
    assert "holds splits" in texts(stats, "split")[0]


def test_a_folder_of_splits_for_each_key(tmp_path):
    for i, name in enumerate(("train", "test")):
        classes(tmp_path / "photos" / name, 1000 * i)
    photos = str(tmp_path / "photos")
    _, index, _, _ = from_folder(tmp_path, train=photos, test=photos)
    assert index["split"].value_counts().to_dict() == {"test": 40, "train": 36, "val": 4}
    _, again, _, _ = from_folder(tmp_path, train=f"{photos}/train", test=photos)
    pd.testing.assert_frame_equal(index, again)


def test_classes_may_be_called_like_a_split(tmp_path):
    classes(tmp_path / "vehicles", 0, kinds=("bus", "train", "ship"))
    _, _, _, stats = from_folder(tmp_path, train=str(tmp_path / "vehicles"))
    assert stats["class_names"] == ["bus", "ship", "train"]


def test_classes_may_have_the_word_of_a_split_in_their_names(tmp_path):
    kinds = ("test bench", "train_station")
    classes(tmp_path / "places", 0, kinds=kinds)
    _, _, _, stats = from_folder(tmp_path, train=str(tmp_path / "places"))
    assert stats["class_names"] == list(kinds)
    assert texts(stats, "classes") == []


def test_a_split_with_the_classes_in_a_folder_of_the_same_name(tmp_path):
    for i, name in enumerate(("training_set", "test_set")):
        classes(tmp_path / "photos" / name / name, 100 * i, 3)
    message = "Is it '.*/photos/training_set/training_set' that holds them?"
    assert_refused(tmp_path, message, from_folder, train=str(tmp_path / "photos"))


def test_the_same_folders_within_class_folders_are_rather_the_classes(tmp_path):
    for i, name in enumerate(("fold1", "fold2", "fold3")):
        classes(tmp_path / "photos" / name, 100 * i, 10)
    _, _, _, stats = from_folder(tmp_path, train=str(tmp_path / "photos"))
    said = texts(stats, "classes")[0]
    assert "'fold1', 'fold2', 'fold3' count as classes, but hold no image themselves" in said
    assert f"set dataset.train: {tmp_path}/photos/fold1 (and, say, dataset.test: " in said
    assert said in stats["said"]


def test_splits_within_class_folders_are_said(tmp_path):
    for i, name in enumerate(KINDS):
        classes(tmp_path / "photos" / name, 100 * i, 10, kinds=("train", "test"))
    _, _, _, stats = from_folder(tmp_path, train=str(tmp_path / "photos"))
    said = texts(stats, "classes")[0]
    assert "'cat', 'dog' each hold test, train, and all of it is read as one" in said


def test_a_split_beside_a_folder_of_images_without_classes_is_said(tmp_path):
    classes(tmp_path / "photos" / "train", 0)
    for i in range(20):
        save(tmp_path / "photos" / "unlabeled" / f"{i}.png", picture(500 + i))
    _, _, _, stats = from_folder(tmp_path, train=str(tmp_path / "photos"))
    said = texts(stats, "classes")[0]
    assert said.startswith("warning: ") and "'train' counts as a class, but holds no image" in said
    assert f"if these are the classes, set dataset.train: {tmp_path}/photos/train" in said


def test_a_split_beside_a_folder_of_no_known_name_is_refused(tmp_path):
    for i, name in enumerate(("train", "eval")):
        classes(tmp_path / "photos" / name, 100 * i, 10)
    message = "'eval', 'train' hold no image themselves, .* set dataset.train: .*/photos/train, "
    message += "dataset.test: .*/photos/eval"
    assert_refused(tmp_path, message, from_folder, train=str(tmp_path / "photos"))


REFUSED = {  # folders of class folders, folders of images → the key, and what is right
    "beside others": (
        ["photos/train", "photos/test", "photos/old"],
        [],
        "dataset.train: .* set dataset.train: .*photos/train, dataset.test: .*photos/test",
    ),
    "test without classes": (
        ["photos/train"],
        ["photos/test"],
        "dataset.train: .*/test' holds no class folders, .* set dataset.train: .*photos/train",
    ),
    "twice": (
        ["photos/train", "photos/val", "photos/valid"],
        [],
        "dataset.train: .* holds val, valid, either of which could hold the validation images",
    ),
    "only others": (
        ["photos/val", "photos/test"],
        [],
        "dataset.train: .* holds validation and test images only; name the training",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_folders_of_splits_that_are_refused(tmp_path, kind):
    nested, flat, message = REFUSED[kind]
    for i, name in enumerate(nested):
        classes(tmp_path / name, 100 * i, 3)
    for name in flat:
        save(tmp_path / name / "1.png", picture(0))
    assert_refused(tmp_path, message, from_folder, train=str(tmp_path / "photos"))
    with pytest.raises(AugcamError, match=f"config: {message}"):
        source_files(Dataset(name="imagefolder", train=str(tmp_path / "photos")))


def test_test_images_within_the_training_folder(tmp_path):
    classes(tmp_path / "photos", 0)
    classes(tmp_path / "photos" / "held out", 100, 3)
    options = {"train": str(tmp_path / "photos"), "test": str(tmp_path / "photos" / "held out")}
    message = (
        r"dataset.test: .*held out' lies in .*photos' \(dataset.train\), where it would be a class"
    )
    assert_refused(tmp_path, message, from_folder, **options)
    swapped = {"train": options["test"], "test": options["train"]}
    assert_refused(
        tmp_path, "dataset.train: .* lies in .*photos' .dataset.test", from_folder, **swapped
    )


# ------------------------------------------------------------------------------ own validation set


def test_an_own_validation_set(tmp_path):
    for i, name in enumerate(("a", "b", "c")):
        classes(tmp_path / name, 1000 * i, (20, 5, 8)[i])
    paths = dict(zip(("train", "validation", "test"), (str(tmp_path / name) for name in "abc")))
    _, index, _, stats = from_folder(tmp_path, **paths)
    assert index["split"].value_counts().to_dict() == {"train": 40, "test": 16, "val": 10}
    assert (
        index["split"].is_monotonic_decreasing is False
    )  # train, validation, test, as they are read
    assert list(dict.fromkeys(index["split"])) == ["train", "val", "test"]
    assert "split.validation_fraction is not used" in texts(stats, "split")[0]
    _, index, _, _ = from_folder(tmp_path, **paths, train_limit=24)
    assert index["split"].value_counts().to_dict() == {"train": 24, "test": 16, "val": 10}
    # Without a test set a share of the training images, and of no others, is kept.
    del paths["test"]
    _, index, _, _ = from_folder(tmp_path, **paths)
    assert index["split"].value_counts().to_dict() == {"train": 32, "val": 10, "test": 8}
    assert set(index.query("split != 'val'")["source"].str[:6]) == {"train/"}


def test_a_class_without_validation_images_is_said(tmp_path):
    classes(tmp_path / "a", 0)
    classes(tmp_path / "b", 1000, 5, kinds=("dog",))
    _, _, _, stats = from_folder(
        tmp_path, train=str(tmp_path / "a"), validation=str(tmp_path / "b")
    )
    assert texts(stats, "classes")[0].startswith("warning: 1 class without validation images (cat)")
