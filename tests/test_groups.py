"""What belongs together stays on one side of a split."""

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from imagesets import assert_refused, encoded, picture, prepared, save, texts

from augcam.config.messages import parse_config
from augcam.config.schema import Split
from augcam.data.groups import split_by_group
from augcam.data.split import order_at, refuse_to_vary
from augcam.errors import AugcamError


def patients(root, count=12, frames=6, name="p{c}{p}_{f}.png"):
    """Two classes of `count` patients with some frames each."""
    for c, kind in enumerate(("sick", "well")):
        for p in range(count):
            for f in range(frames):
                path = root / kind / name.format(c=c, p=f"{p:02}", f=f)
                save(path, picture(10_000 * c + 100 * p + f))


def from_folder(root, split=None, **options):
    options = {"train": str(root / "photos")} | options
    return prepared(root / "data", split, name="imagefolder", **options)


def sides(index, part):
    """For each group whether it is in a part, as a set: {True}, {False} or, if it is cut, both."""
    return index["split"].eq(part).groupby(index["group"]).agg(set)


@pytest.mark.parametrize(
    "name", ["p{c}{p}_{f}.png", "{c}{p}/frame {f}.png", "patient-{c}{p}.{f}.png"]
)
def test_frames_of_a_patient_stay_together(tmp_path, name):
    patients(tmp_path / "photos", name=name)
    _, index, _, stats = from_folder(tmp_path, group=r"(\d{3})[^/]*(?:/|_|\.)")
    assert index["group"].nunique() == 24
    for part in ("train", "val", "test"):
        assert set(map(len, sides(index, part))) == {1}
    shares = pd.crosstab(index["class_name"], index["split"], normalize="index")
    assert shares["test"].between(0.15, 0.25).all()
    assert shares["val"].between(0.05, 0.15).all()
    test, validation = texts(stats, "split")
    number = index.query("split == 'test'")["group"].nunique()
    assert f"note: test: {number} groups of 24, which are" in test
    assert "(20.0% asked for)" in test
    assert "note: validation: " in validation


def test_the_choice_depends_on_the_seed_alone(tmp_path):
    patients(tmp_path / "photos")
    parts = [
        from_folder(tmp_path, Split(split_seed=seed), group=r"(p\d+)_")[1]["split"].to_list()
        for seed in (0, 0, 1)
    ]
    assert parts[0] == parts[1] != parts[2]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 30)), min_size=16, max_size=60),
    st.floats(0.05, 0.5),
    st.integers(0, 5),
)
@settings(max_examples=40, deadline=None)
def test_a_choice_of_groups_is_whole_and_as_near_as_they_allow(groups, share, seed):
    labels = np.concatenate([np.full(size, kind) for kind, size in groups])
    names = np.repeat([f"g{i}" for i in range(len(groups))], [size for _, size in groups])
    kinds = sorted({kind for kind, _ in groups})
    assume(all(sum(kind == k for k, _ in groups) > 1 for kind in kinds))
    labels = np.searchsorted(kinds, labels)
    classes = [f"c{kind}" for kind in kinds]
    chosen = split_by_group(labels, names, classes, share, seed, "test")
    np.testing.assert_array_equal(
        chosen, split_by_group(labels, names, classes, share, seed, "test")
    )
    for name in set(names):
        assert len(set(chosen[names == name])) == 1
    for label in range(len(classes)):
        mine = chosen[labels == label]
        assert 0 < mine.sum() < len(mine)
        # No further from the share than one group, the largest of the class, can make it, or than
        # it takes to have an image on each side.
        largest = max(size for kind, size in groups if kind == kinds[label]) / len(mine)
        assert abs(mine.mean() - share) <= max(largest, 1 - share) + 1e-9
    largest = max(size for _, size in groups)
    few = min(sum(kind == k for k, _ in groups) for kind in kinds)
    if few * share > 2:
        assert abs(chosen.mean() - share) <= largest / len(labels) + 0.05


def test_large_groups_are_said(tmp_path):
    patients(tmp_path / "photos", count=3)
    _, _, _, stats = from_folder(tmp_path, Split(test_fraction=0.1), group=r"(p\d+)_")
    assert (
        "test: 2 groups of 6, which are 33.3% of the images, not 10.0%" in texts(stats, "split")[0]
    )


def test_classes_whose_images_are_all_of_one_group(tmp_path):
    patients(tmp_path / "photos", count=1, frames=40)
    message = r"dataset.group: all 40 images of class 'sick' are in one group \('p000'\)"
    assert_refused(tmp_path, message, from_folder, group=r"(p\d+)_")


def test_groups_that_cannot_be_parted():
    # Each class needs images on both sides, and each of two groups holds all there is of one class
    # but for a single image.
    labels, groups = np.array([0] * 9 + [1] + [1] * 9 + [0]), np.repeat(["a", "b"], 10)
    chosen = split_by_group(labels, groups, ["x", "y"], 0.2, 0, "test")
    assert chosen.sum() == 10
    labels, groups = np.array([0, 0, 1, 1, 2, 2]), np.array(["a", "b", "b", "c", "c", "a"])
    message = "dataset.group: no choice of groups for the test part leaves images of every class"
    with pytest.raises(AugcamError, match=message):
        split_by_group(labels, groups, ["x", "y", "z"], 0.2, 0, "test")


@pytest.mark.parametrize("pattern,count", [(r"patient(\d+)", 144), (r"(p1\d+)_", 72)])
def test_a_pattern_that_finds_nothing(tmp_path, pattern, count):
    patients(tmp_path / "photos")
    message = (
        rf"dataset.group: .* finds no group in {count} paths of 144 \(the first: 'sick/p000_0.png'"
    )
    assert_refused(tmp_path, message, from_folder, group=pattern)


@pytest.mark.parametrize(
    "pattern,message",
    [
        ("p[0-9]+", "has 0 groups; mark the part of the path"),
        ("(p)([0-9]+)", "has 2 groups"),
        ("(p", "is no regular expression"),
    ],
)
def test_a_pattern_with_another_number_of_groups_is_refused_in_the_config(pattern, message):
    dataset = {"name": "imagefolder", "train": "photos", "group": pattern}
    with pytest.raises(AugcamError, match=f"config: dataset.group: .*{message}"):
        parse_config({"dataset": dataset})


def test_groups_that_the_data_sets_own_split_cuts(tmp_path):
    patients(tmp_path / "photos", count=6)
    test = tmp_path / "held out"
    for kind, c in (("sick", 0), ("well", 1)):
        for p in (0, 1, 9):
            for f in range(4):
                save(test / kind / f"p{c}{p:02}_{f}.png", picture(50_000 + 1000 * c + 10 * p + f))
    _, index, _, stats = from_folder(tmp_path, test=str(test), group=r"(p\d+)_")
    crossing = [
        re.search(r"(\d+) groups? \(.*\) in both (\w+) and test images: (\d+) of", text)
        for text in texts(stats, "leak")
    ]
    assert sum(int(found[1]) for found in crossing) == 4
    assert sum(int(found[3]) for found in crossing) == 16
    trained = set(index.query("split == 'train'")["group"])
    tested = set(index.query("split == 'test'")["group"])
    assert int(crossing[0][1]) == len(trained & tested)


def test_groups_stay_together_where_states_vary_the_split(tmp_path):
    patients(tmp_path / "photos")
    _, table, _, _ = from_folder(tmp_path, group=r"(p\d+)_")
    index = {name: table[name].to_numpy() for name in ("image_id", "split", "label", "group")}
    trained = [order_at(index, Split(), state, ["split"])[:, 0] for state in (1, 1, 2)]
    np.testing.assert_array_equal(trained[0], trained[1])
    assert set(trained[0]) != set(trained[2])
    for images in trained:
        assert not set(images) & set(table.query("split == 'test'")["image_id"])
        groups = table["image_id"].isin(images).groupby(table["group"]).agg(set)
        assert set(map(len, groups)) == {1}
        assert set(table["label"][images]) == {0, 1}


def test_a_validation_set_of_its_own_does_not_vary(tmp_path):
    patients(tmp_path / "photos" / "train", count=3)
    patients(tmp_path / "photos" / "val", count=1)
    _, _, _, stats = from_folder(tmp_path)
    assert stats["own_splits"] == ["val"]
    with pytest.raises(AugcamError, match=r"variation: 'split' draws .* validation images of its"):
        refuse_to_vary(stats, ["order", "split"])
    refuse_to_vary(stats, ["order"])
    dataset = {"name": "imagefolder", "train": "a", "validation": "b"}
    with pytest.raises(AugcamError, match="config: variation: 'split' draws"):
        parse_config({"dataset": dataset, "variation": ["split"]})


# ------------------------------------------------------------------------------------------ columns


def grouped(path, groups):
    count = len(groups)
    images = [{"bytes": encoded(picture(i)), "path": None} for i in range(count)]
    labels = [i // 4 % 2 for i in range(count)]
    pq.write_table(pa.table({"image": images, "label": labels, "patient": groups}), path)


@pytest.mark.parametrize("type_", [pa.int64(), pa.float64(), pa.string(), pa.large_string()])
def test_a_column_of_groups(tmp_path, type_):
    numbers = pa.array([i // 4 for i in range(80)]).cast(type_)
    grouped(tmp_path / "train.parquet", numbers)
    options = {"train": str(tmp_path / "train.parquet"), "group": "patient"}
    _, index, _, _ = prepared(tmp_path / "data", name="parquet", **options)
    assert index["group"].to_list() == [str(i // 4) for i in range(80)]
    for part in ("train", "val", "test"):
        assert set(map(len, sides(index, part))) == {1}


def test_images_without_a_group_are_groups_of_their_own(tmp_path):
    grouped(tmp_path / "train.parquet", [None if i % 10 == 0 else i // 4 for i in range(80)])
    options = {"train": str(tmp_path / "train.parquet"), "group": "patient"}
    _, index, _, stats = prepared(tmp_path / "data", name="parquet", **options)
    assert index["group"].nunique() == 20 + 8
    (said,) = texts(stats, "groups")
    assert "8 images of 80 without a group (the first: train.parquet[0])" in said


def test_a_missing_column_of_groups(tmp_path):
    grouped(tmp_path / "train.parquet", [0] * 80)
    message = (
        r"there is no column 'person'; its columns are image, label, patient \(dataset.group\)"
    )
    options = {"train": str(tmp_path / "train.parquet"), "group": "person"}
    assert_refused(tmp_path, message, lambda f: prepared(f / "data", name="parquet", **options))
