"""Data sets: every reader, the split, the order, the statistics, and bad input."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imagesets import FILES, assert_refused, encoded, from_parquet, parquet, picture, prepared
from PIL import Image

from augcam.config.schema import Split
from augcam.data import decoding
from augcam.data.kinds.cifar10 import ARCHIVE
from augcam.data.split import draw_order
from augcam.data.store import channel_statistics


@pytest.fixture
def folder(tmp_path):
    """An image folder: two classes, 20 training and 5 test images each."""
    for part, count in (("train", 20), ("test", 5)):
        for c, name in enumerate(("cat", "dog")):
            (tmp_path / part / name).mkdir(parents=True)
            for i in range(count):
                picture(1000 * (part == "test") + 100 * c + i).save(
                    tmp_path / part / name / f"{i:03}.png"
                )
    return tmp_path


def from_folder(folder, **options):
    options = {"train": str(folder / "train"), "test": str(folder / "test")} | options
    return prepared(folder / "data", name="imagefolder", **options)


# -------------------------------------------------------------------------------------- readers


def test_digits_are_scikit_learns(tmp_path):
    from sklearn.datasets import load_digits

    images, index, _, stats = prepared(tmp_path, name="digits")
    assert images.shape == (1797, 8, 8, 3)
    assert images.dtype == np.uint8
    np.testing.assert_allclose(images[..., 0] / 255 * 16, load_digits().images, atol=0.04)
    np.testing.assert_array_equal(index["label"], load_digits().target)
    assert index["split"].value_counts().to_dict() == {"train": 1293, "test": 360, "val": 144}
    assert stats["class_names"] == [str(i) for i in range(10)]


def test_image_folder(folder):
    images, index, _, stats = from_folder(folder)
    assert images.shape == (50, 12, 12, 3)
    assert stats["class_names"] == ["cat", "dog"]
    assert stats["counts"] == {
        "train": {"cat": 18, "dog": 18},
        "val": {"cat": 2, "dog": 2},
        "test": {"cat": 5, "dog": 5},
    }
    for row in index.itertuples():
        expected = np.asarray(Image.open(folder / row.source).convert("RGB"))
        np.testing.assert_array_equal(images[row.image_id], expected)
        assert f"/{row.class_name}/" in row.source
        assert (row.split == "test") == row.source.startswith("test/")


def test_image_folder_without_test_keeps_a_share(folder):
    _, index, _, _ = from_folder(folder, test=None)
    assert index["split"].value_counts().to_dict() == {"train": 28, "test": 8, "val": 4}


def test_parquet_with_names_in_its_metadata(tmp_path):
    images = [encoded(picture(i)) for i in range(60)]
    labels = [i % 3 for i in range(60)]
    parquet(tmp_path / "train.parquet", images, labels, ["a", "b", "c"])
    parquet(tmp_path / "test.parquet", images[:9], labels[:9], ["a", "b", "c"])
    store, index, _, stats = from_parquet(tmp_path, test=str(tmp_path / "test.parquet"))
    assert len(store) == 69
    assert stats["class_names"] == ["a", "b", "c"]
    np.testing.assert_array_equal(store[7], np.asarray(picture(7)))
    assert index["source"].iloc[60] == "test.parquet[0]"
    # The test images are training images: noticed, and said.
    assert stats["duplicates"]["test in train"] + stats["duplicates"]["val in train"] > 0
    assert any(line.startswith("warning") for line in stats["said"])


def test_parquet_with_labels_as_text_and_other_column_names(tmp_path):
    images = [encoded(picture(i)) for i in range(40)]
    labels = ["yes" if i % 2 else "no" for i in range(40)]
    parquet(tmp_path / "train.parquet", images, labels, None, "answer", "photo")
    _, index, _, stats = from_parquet(tmp_path, label_column="answer")
    assert stats["class_names"] == ["no", "yes"]
    assert index["class_name"].iloc[1] == "yes"


def test_the_project_reads_the_same_twice(folder, tmp_path):
    from_folder(folder)
    first = {name: (folder / "data" / name).read_bytes() for name in FILES}
    from_folder(folder)
    assert first == {name: (folder / "data" / name).read_bytes() for name in FILES}


# ------------------------------------------------------------------------------ split and order


def test_split_is_stratified_disjoint_and_depends_on_its_seed(tmp_path):
    parts = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        _, index, _, _ = prepared(tmp_path / name, Split(split_seed=seed), name="digits")
        parts[name] = index["split"].to_numpy()
        shares = pd.crosstab(index["label"], index["split"], normalize="index")
        assert np.ptp(shares.to_numpy(), axis=0).max() < 0.02
    assert (parts["a"] == parts["b"]).all()
    assert (parts["a"] != parts["c"]).any()


def test_limits_take_a_stratified_subset(tmp_path):
    _, index, _, _ = prepared(tmp_path, name="digits", train_limit=200, test_limit=50)
    assert index["split"].value_counts().to_dict() == {"train": 180, "test": 50, "val": 20}
    assert (index["image_id"] == np.arange(250)).all()
    assert index[index["split"] == "test"]["label"].value_counts().eq(5).all()


@given(st.integers(1, 200), st.integers(0, 10))
@settings(max_examples=30, deadline=None)
def test_order_holds_every_image_once_as_original_and_once_as_copy(count, seed):
    ids = np.sort(np.random.default_rng(seed).choice(1000, count, replace=False))
    order = draw_order(ids, seed)
    assert order.dtype == np.int64
    assert order.shape == (2 * count, 2)
    for copy in (0, 1):
        np.testing.assert_array_equal(np.sort(order[order[:, 1] == copy, 0]), ids)
    np.testing.assert_array_equal(order, draw_order(ids, seed))


def test_channel_statistics_are_exact():
    images = np.random.default_rng(0).integers(0, 256, (700, 6, 6, 3), dtype=np.uint8)
    ids = np.arange(0, 700, 2)
    mean, std = channel_statistics(images, ids)
    np.testing.assert_allclose(mean, (images[ids] / 255).mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(std, (images[ids] / 255).std(axis=(0, 1, 2)), rtol=1e-10)


# ------------------------------------------------------------------------------------ bad input


def test_missing_folder(tmp_path):
    assert_refused(tmp_path, "dataset.train: there is no file or folder", from_folder)


def test_folder_without_classes(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    assert_refused(tmp_path, "train: 0 class folders", from_folder)


def test_test_class_without_training_images(folder):
    (folder / "test" / "emu").mkdir()
    assert_refused(folder, "test: class 'emu' has no training images", from_folder)


@pytest.mark.parametrize("content", [b"", b"this is no image", None])
def test_unreadable_image(folder, content):
    path = folder / "train" / "dog" / "003.png"
    path.write_bytes(path.read_bytes()[:200] if content is None else content)
    assert_refused(folder, r"dog/003\.png: the image cannot be decoded", from_folder)
    picture(3).save(path)
    assert len(from_folder(folder)[0]) == 50, "a rerun after mending goes on"


def test_images_of_different_sizes(folder):
    picture(3, (12, 14)).save(folder / "train" / "dog" / "003.png")
    assert_refused(
        folder, r"dog/003\.png: the image has 12×14 pixels, .* set dataset\.image_size", from_folder
    )
    assert from_folder(folder, image_size=10)[0].shape == (50, 10, 10, 3)


def test_class_with_too_few_images(folder):
    for i in range(3, 20):
        (folder / "train" / "dog" / f"{i:03}.png").unlink()
    assert_refused(folder, "class 'dog': 3 images are too few for a validation part", from_folder)


@pytest.mark.parametrize("kept", range(2, 20))
def test_every_class_is_in_every_part_or_the_split_is_refused(folder, kept):
    for i in range(kept, 20):
        (folder / "train" / "dog" / f"{i:03}.png").unlink()
    if kept < 10:
        assert_refused(folder, f"class 'dog': {kept} images are too few", from_folder)
    else:
        _, index, _, _ = from_folder(folder)
        assert pd.crosstab(index["label"], index["split"]).to_numpy().min() >= 1


def test_limit_beyond_the_data(folder):
    assert_refused(
        folder,
        "train_limit: 100 images are asked for, but there are 40",
        from_folder,
        train_limit=100,
    )


@pytest.mark.parametrize("limit", [39, 38, 31])
def test_limits_close_to_all_images(folder, limit):
    if limit > 38:
        assert_refused(
            folder, "train_limit: 39 of 40 images leaves out", from_folder, train_limit=limit
        )
    else:
        _, index, _, _ = from_folder(folder, train_limit=limit)
        assert (index["split"] != "test").sum() == limit


def test_no_images_at_all(tmp_path):
    parquet(tmp_path / "train.parquet", [encoded(picture(0))] * 2, [0, 1])
    table = pq.read_table(tmp_path / "train.parquet")
    pq.write_table(table.slice(0, 0), tmp_path / "train.parquet")
    assert_refused(tmp_path, "the data set holds no images", from_parquet)


def test_missing_parquet(tmp_path):
    assert_refused(tmp_path, "dataset.train: there is no file or folder", from_parquet)
    empty = str(tmp_path / "folder")
    (tmp_path / "folder").mkdir()
    assert_refused(
        tmp_path, "dataset.train: there is no parquet file at", from_parquet, train=empty
    )


@pytest.mark.parametrize("keep", [0, 100, -20])
def test_truncated_parquet(tmp_path, keep):
    path = tmp_path / "train.parquet"
    parquet(path, [encoded(picture(i)) for i in range(40)], [i % 2 for i in range(40)])
    path.write_bytes(path.read_bytes()[:keep])
    assert_refused(tmp_path, r"train\.parquet: this is no readable parquet file", from_parquet)


def test_parquet_columns(tmp_path):
    path = tmp_path / "train.parquet"
    parquet(path, [encoded(picture(i)) for i in range(40)], [i % 2 for i in range(40)])
    assert_refused(
        tmp_path,
        "there is no column 'class'; its columns are img, label",
        from_parquet,
        label_column="class",
    )
    pq.write_table(pa.table({"a": [1, 2], "label": [0, 1]}), path)
    assert_refused(tmp_path, "0 columns could hold the images", from_parquet)


def test_broken_image_in_parquet(tmp_path):
    images = [encoded(picture(i)) for i in range(40)]
    images[17] = images[17][:60]
    parquet(tmp_path / "train.parquet", images, [i % 2 for i in range(40)])
    assert_refused(tmp_path, r"train\.parquet\[17\]: the image cannot be decoded", from_parquet)


def test_decompression_bomb(folder, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    picture(3, (30, 30)).save(folder / "train" / "dog" / "003.png")
    assert_refused(folder, r"dog/003\.png: the image cannot be decoded", from_folder)


def test_a_strip_is_refused_before_it_is_enlarged(folder):
    picture(3, (1, 80)).save(folder / "train" / "dog" / "003.png")
    assert_refused(
        folder,
        r"dog/003\.png: of an image of 1×80 pixels .* crop it to at most 50:1",
        from_folder,
        image_size=10,
    )
    picture(3, (1, 50)).save(folder / "train" / "dog" / "003.png")
    assert from_folder(folder, image_size=10)[0].shape == (50, 10, 10, 3)


def test_no_other_program_is_started_for_an_image(folder, monkeypatch):
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("Ghostscript"))
    path = folder / "train" / "dog" / "003.png"
    path.write_bytes(encoded(picture(3), "EPS"))
    assert_refused(folder, r"dog/003\.png: the image cannot be decoded", from_folder)


def test_large_files_are_refused_before_they_are_read(folder, monkeypatch):
    monkeypatch.setattr(decoding, "_LARGEST_FILE", 1000)
    picture(3, (30, 30)).save(folder / "train" / "dog" / "003.png")
    assert_refused(folder, "cannot be decoded .*bytes are more than 1000", from_folder)


def test_a_parquet_file_that_unpacks_to_more_than_the_memory_is_refused(tmp_path, monkeypatch):
    parquet(tmp_path / "train.parquet", [b"\0" * 1000] * 40, [0, 1] * 20)
    monkeypatch.setattr("os.sysconf", lambda _: 10)
    assert_refused(tmp_path, r"train\.parquet: it unpacks to 0\.0 GiB", from_parquet)


@pytest.mark.parametrize("place", ["train/dog/\udcff.png", "train/\udcff/a.png"])
def test_names_that_are_no_text(folder, place):
    (folder / place).parent.mkdir(exist_ok=True)
    if "\udcff/" in place:
        (folder / "test" / "\udcff").mkdir()
    picture(3).save(folder / "train" / "new.png")
    (folder / "train" / "new.png").rename(folder / place)
    assert_refused(folder, r"train: the name of '.*\\udcff.*' is not UTF-8; rename it", from_folder)


def test_a_column_that_holds_no_images(tmp_path):
    for values in ([1, 2], ["a", "b"], [[1], [2]]):
        pq.write_table(pa.table({"img": values, "label": [0, 1]}), tmp_path / "train.parquet")
        message = r"train\.parquet: column 'img' \(dataset\.image_column\) holds no encoded images"
        assert_refused(tmp_path, message, from_parquet, image_column="img")


@pytest.mark.parametrize(
    "text", ["{", "[]", "5", "{}", '{"info": {"features": 5}}',
             '{"info": {"features": {"label": {"names": [1, 2]}}}}']
)  # fmt: skip
def test_metadata_that_cannot_be_understood(tmp_path, text):
    path = tmp_path / "train.parquet"
    parquet(path, [encoded(picture(i)) for i in range(40)], [0, 1] * 20)
    pq.write_table(pq.read_table(path).replace_schema_metadata({"huggingface": text}), path)
    assert_refused(tmp_path, r"train\.parquet: Hugging Face's metadata in it cannot", from_parquet)
    assert from_parquet(tmp_path, class_names=["a", "b"])[3]["class_names"] == ["a", "b"]


class HalfADownload:
    """What `urlopen` gives where the connection breaks."""

    url, length = None, 1000

    def __init__(self, *_args, **_kwargs):
        self.parts = iter([b"half"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def read(self, _size):
        for part in self.parts:
            return part
        raise KeyboardInterrupt  # as a kill: nothing that is caught


def test_half_a_download_of_cifar10_is_not_taken_for_the_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("urllib.request.urlopen", HalfADownload)
    with pytest.raises(KeyboardInterrupt):
        from_cifar10(tmp_path)
    assert list((tmp_path / "download").iterdir()) == []


def from_cifar10(folder):
    return prepared(folder / "data", name="cifar10", root=str(folder / "download"))


def test_cifar10_without_network_says_what_to_put_where(tmp_path, monkeypatch):
    def offline(*_args, **_kwargs):
        raise OSError("no network")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    assert_refused(
        tmp_path,
        rf"cifar10 is neither in '.*/download' nor .* put {ARCHIVE}",
        from_cifar10,
    )


def test_cifar10_with_a_wrong_checksum(tmp_path):
    (tmp_path / "download").mkdir()
    (tmp_path / "download" / ARCHIVE).write_bytes(b"half a download")
    assert_refused(tmp_path, rf"{ARCHIVE}: wrong checksum \(md5 ", from_cifar10)
