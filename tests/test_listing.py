"""What lies in a folder: each file is used, or left out for a reason, in a known order."""

import io
import json
import os
import shutil
import socket
import tempfile
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imagesets import another_user
from PIL import Image
from projects import copy_project, run, write_config

from augcam.config.schema import Dataset, Split
from augcam.data import listing
from augcam.data.imagefolder import read_imagefolder
from augcam.data.listing import fingerprint
from augcam.data.store import prepare
from augcam.errors import AugcamError

OUTPUTS = ("images.npy", "index.parquet", "order.npy", "stats.json", "report.parquet", "notes.json")


def picture(number, size=(8, 8)):
    pixels = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def save(path, number, kind="PNG"):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(number).save(path, kind)


def fill(root, classes=("cat", "dog"), count=12, start=0):
    for kind, name in enumerate(classes):
        for i in range(count):
            save(root / name / f"{start + i:03}.png", 1000 * kind + start + i)
    return root


@pytest.fixture
def photos(tmp_path):
    """Two classes with twelve images each."""
    return fill(tmp_path / "photos")


class Prepared:
    """What preparing the folder `root` gave: tables, notes and all that was said."""

    def __init__(self, root, **dataset):
        out = root.parent / "data"
        shutil.rmtree(out, ignore_errors=True)
        self.lines, self.announced = [], []
        prepare(
            Dataset(**{"name": "imagefolder", "train": str(root)} | dataset),
            Split(validation_fraction=0.25, test_fraction=0.25),
            *(out / name for name in OUTPUTS),
            broken_path=root.parent / "logs" / "broken.csv",
            say=self.lines.append,
            announce=self.announced.append,
        )
        self.images = np.load(out / "images.npy")
        self.index = pd.read_parquet(out / "index.parquet")
        self.report = pd.read_parquet(out / "report.parquet")
        self.stats = json.loads((out / "stats.json").read_text())
        self.notes = json.loads((out / "notes.json").read_text())["notes"]
        self.bytes = {name: (out / name).read_bytes() for name in OUTPUTS}

    def reasons(self):
        """Reason → how many files are left out for it."""
        return self.report.loc[~self.report["used"], "reason"].value_counts().to_dict()

    def why(self, place):
        """(reason, detail) of the file at `place` below the training folder; empty if used."""
        (row,) = self.report[self.report["source"] == f"train/{place}"].itertuples()
        assert row.used == (not row.reason)
        return row.reason, row.detail

    def warnings(self):
        return " ".join(note["text"] for note in self.notes if note["level"] == "warning")


def refused(root, **dataset):
    """The sentence with which a folder is refused; nothing is left behind."""
    with pytest.raises(AugcamError) as caught:
        Prepared(root, **dataset)
    assert not any((root.parent / "data").glob("*"))
    return str(caught.value)


# ------------------------------------------------------------------ what is left out, and why


def test_all_used_is_said_in_one_line(photos):
    found = Prepared(photos)
    assert found.announced == ["data: 24 found, 24 used"]
    assert found.report["used"].all() and (found.report["reason"] == "").all()
    assert list(found.report) == ["source", "used", "reason", "detail"]
    assert found.notes == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "place,reason",
    [
        (".DS_Store", "hidden"),
        ("cat/.DS_Store", "hidden"),
        ("cat/._000.png", "hidden"),
        (".ipynb_checkpoints/000-checkpoint.png", "hidden"),
        ("dog/.ipynb_checkpoints/000-checkpoint.png", "hidden"),
        ("dog/.thumbs/deep/below/000.png", "hidden"),
        (".git/objects/ab/cdef", "hidden"),
        ("__MACOSX/cat/._000.png", "of the operating system"),
        ("__MACOSX/cat/000.png", "of the operating system"),
        ("cat/Thumbs.db", "of the operating system"),
        ("cat/THUMBS.DB", "of the operating system"),
        ("cat/desktop.ini", "of the operating system"),
        ("cat/@eaDir/000.png/SYNOPHOTO_THUMB_M.png", "of the operating system"),
        ("lost+found/#1234", "of the operating system"),
        ("$RECYCLE.BIN/000.png", "of the operating system"),
        ("README.txt", "not an image"),
        ("cat/labels.csv", "not an image"),
        ("cat/000.xml", "not an image"),
        ("000.png", "outside a class folder"),
        ("scan", "outside a class folder"),
    ],
)
def test_what_nobody_means_by_an_image_is_left_out_and_counted(photos, place, reason):
    before = Prepared(photos)
    text = place.endswith((".txt", ".csv", ".xml"))
    (photos / place).parent.mkdir(parents=True, exist_ok=True)
    (photos / place).write_bytes(b"<a>1,2</a>" if text else (photos / "cat/000.png").read_bytes())
    found = Prepared(photos)
    assert found.why(place)[0] == reason
    assert found.announced[0] == f"data: 25 found, 24 used, 1 left out: 1 {reason}"
    assert any(line == f"left out, {reason}: train/{place}" for line in found.lines)
    for name in ("images.npy", "index.parquet", "order.npy", "stats.json"):
        assert found.bytes[name] == before.bytes[name], "it is as if the file were not there"


def test_a_notebooks_copies_are_no_class_and_no_images(photos):
    shutil.copytree(photos / "cat", photos / ".ipynb_checkpoints")
    shutil.copytree(photos / "cat", photos / "dog" / ".ipynb_checkpoints")
    found = Prepared(photos)
    assert found.stats["class_names"] == ["cat", "dog"]
    assert len(found.images) == 24 and found.reasons() == {"hidden": 24}
    assert found.warnings() == ""


@pytest.mark.parametrize(
    "name,kind",
    [
        ("a.jfif", "JPEG"),
        ("a.jpe", "JPEG"),
        ("a.JPG.jpeg", "JPEG"),
        ("a.PNG", "JPEG"),
        ("a.jpg", "PNG"),
        ("a.dat", "BMP"),
        ("a.jpg~", "WEBP"),
        ("a.jpg?width=500", "GIF"),
        ("IMG_0001", "TIFF"),
        ("Screenshot 2024-05-01 at 3.04.05\u202fPM", "PNG"),
        ("a.", "PPM"),
    ],
)
def test_content_decides_not_the_suffix(photos, name, kind):
    save(photos / "cat" / name, 77, kind)
    found = Prepared(photos)
    assert found.why(f"cat/{name}") == ("", "")
    row = found.index[found.index["source"] == f"train/cat/{name}"]
    with Image.open(photos / "cat" / name) as expected:
        pixels = np.asarray(expected.convert("RGB"))
    np.testing.assert_array_equal(found.images[row["image_id"].item()], pixels)


def eps():
    file = io.BytesIO()
    picture(1).save(file, "EPS")
    return file.getvalue()


@pytest.mark.parametrize(
    "name,content,detail",
    [
        ("a.heic", b"\0\0\0\x18ftypheic\0\0\0\0" + bytes(99), "HEIC"),
        ("a.heif", b"\0\0\0\x18ftypmif1\0\0\0\0heic" + bytes(99), "HEIC"),
        ("a.pdf", b"%PDF-1.7\n", "PDF"),
        ("a.eps", eps(), "EPS"),
        ("a.psd", b"8BPS\0\1" + bytes(99), "PSD"),
        ("a.jxl", b"\xff\x0a" + bytes(99), "JPEG XL"),
        ("a.jp2", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(99), "JPEG2000"),
        ("a.nef", b"II*\0" + bytes(99), "a camera's raw file"),
        ("a.CR2", b"II*\0" + bytes(99), "a camera's raw file"),
        ("a.svg", b"<?xml version='1.0'?><svg/>", "SVG"),
        ("a.dcm", bytes(128) + b"DICM" + bytes(99), "DICOM"),
        ("scan", bytes(128) + b"DICM" + bytes(99), "DICOM"),
        ("a.exr", b"v/1\1" + bytes(99), "OpenEXR"),
        ("a.hdr", b"#?RADIANCE\n", "Radiance HDR"),
        ("a.tga", b"\0\0\2\0" + bytes(99), "TGA"),
    ],
)
def test_formats_that_are_not_read_are_named(photos, name, content, detail):
    (photos / "cat" / name).write_bytes(content)
    found = Prepared(photos)
    assert found.why(f"cat/{name}") == ("in a format that is not read", detail)
    assert f"1 in a format that is not read ({detail})" in found.announced[0]
    assert "convert these to PNG or JPEG" in found.warnings()


@pytest.mark.parametrize("name", ["a.jpg.part", "a.png.crdownload"])
@pytest.mark.parametrize("content", [b"", bytes(99)])
def test_a_download_that_has_not_ended_is_a_warning(photos, name, content):
    (photos / "cat" / name).write_bytes(content)
    found = Prepared(photos)
    assert found.why(f"cat/{name}") == ("a download that has not ended", "")
    assert "1 a download that has not ended" in found.announced[0]
    assert "1 a download that has not ended" in found.warnings()


@pytest.mark.parametrize(
    "content", [b"", b"a", b"BM is how this text begins", b"P1 too", b"\0" * 50, b"\xff\xd8\xff"]
)
def test_files_that_begin_like_images_are_none(photos, content):
    (photos / "cat" / "notes").write_bytes(content)
    assert Prepared(photos).why("cat/notes") == ("not an image", "" if content else "empty")


def test_neither_pipes_nor_sockets_nor_devices_are_opened(photos, monkeypatch):
    os.mkfifo(photos / "cat" / "pipe.png")
    (photos / "dog" / "zeros.png").symlink_to("/dev/zero")
    monkeypatch.chdir(photos / "cat")  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.png")
        found = Prepared(photos)
    assert found.reasons() == {"not an image": 3}
    assert found.why("cat/pipe.png")[1] == "a pipe, a socket or a device"
    assert fingerprint({"train": photos}).startswith("content")


# ------------------------------------------------------------------------------------------- links


def test_links_are_followed_as_torchvision_does(tmp_path):
    from torchvision.datasets import ImageFolder

    photos = fill(tmp_path / "photos")
    for camera, start in (("one", 100), ("two", 200)):
        fill(tmp_path / camera, start=start)
        for name in ("cat", "dog"):
            (photos / name / camera).symlink_to(tmp_path / camera / name)
    fill(tmp_path / "elsewhere", ("emu",), start=300)
    (photos / "emu").symlink_to(tmp_path / "elsewhere" / "emu")
    save(tmp_path / "single.png", 400)
    (photos / "cat" / "linked.png").symlink_to(tmp_path / "single.png")
    found = Prepared(photos)
    expected = ImageFolder(str(photos))
    assert found.stats["class_names"] == expected.classes
    own = [(f"train/{Path(p).relative_to(photos)}", label) for p, label in expected.samples]
    assert list(zip(found.index["source"], found.index["label"])) == sorted(
        own, key=lambda image: image[0].split("/")
    )
    assert found.report["used"].all()
    assert [note["level"] for note in found.notes] == ["note"]
    text = found.notes[0]["text"]
    assert "48 images lie in folders within class folders (cat/one, cat/two, dog/one" in text


@pytest.mark.parametrize(
    "link,target,detail",
    [
        ("cat/self", "cat", "a folder that is read already"),
        ("cat/all", ".", "a folder that holds it"),
        ("cat/above", "..", "a folder that holds it"),
        ("cat/inner/again", "cat/inner", "a folder that is read already"),
        ("cat/again", "cat/inner", "a folder that is read already"),
        ("cat/a.png", "cat/000.png", "a link to a file that is read already"),
        ("cat/a.png", "cat/inner/000.png", "a link to a file that is read already"),
    ],
)
def test_what_links_lead_to_is_read_once(photos, link, target, detail):
    save(photos / "cat" / "inner" / "000.png", 500)
    (photos / link).symlink_to((photos / target).resolve())
    found = Prepared(photos)
    assert found.why(link) == ("reached twice", detail)
    assert len(found.images) == 25 and found.reasons() == {"reached twice": 1}


def test_two_links_to_one_place_count_once_and_the_first_by_name_is_read(photos, tmp_path):
    fill(tmp_path / "more", ("cat",), count=3, start=50)
    save(tmp_path / "one.png", 99)
    for name in ("b", "a"):
        (photos / "cat" / name).symlink_to(tmp_path / "more" / "cat")
        (photos / "cat" / f"{name}.png").symlink_to(tmp_path / "one.png")
    found = Prepared(photos)
    assert found.why("cat/a/050.png") == found.why("cat/a.png") == ("", "")
    assert found.reasons() == {"reached twice": 2}
    # A folder that a link leads into, from inside: there is no end to such links without a limit.
    (tmp_path / "more" / "cat" / "round").symlink_to(tmp_path / "more")
    assert Prepared(photos).index["source"].str.startswith("train/cat/a/").sum() == 3


def test_a_file_linked_into_two_classes_is_in_both_and_noticed_as_a_duplicate(photos, tmp_path):
    for i in range(5):
        save(tmp_path / "both" / f"{i}.png", 700 + i)
    for name in ("cat", "dog"):
        (photos / name / "both").symlink_to(tmp_path / "both")
    found = Prepared(photos)
    assert found.report["used"].all() and len(found.images) == 34
    assert sum(found.stats["duplicates"].values()) > 0


@pytest.mark.parametrize("target", ["nowhere/x.png", "gone.png"])
def test_a_link_to_nothing_is_broken(photos, target):
    link = photos / "cat" / ("gone.png" if target == "gone.png" else "link")
    link.symlink_to(link if target == "gone.png" else target)
    message = refused(photos)
    assert message.startswith(f"{link}: a link to nothing (")
    assert message.endswith("mend or remove it, or set dataset.broken: skip to leave it out.")
    assert Prepared(photos, broken="skip").reasons() == {"broken": 1}


def test_the_folder_itself_may_be_a_link(photos, tmp_path):
    (tmp_path / "link").symlink_to(photos)
    assert Prepared(tmp_path / "link").bytes == Prepared(photos).bytes


# ----------------------------------------------------------------------------------- broken images


BROKEN = {
    "cat/000.png": b"",
    "cat/003.png": b"<html>404</html>",
    "dog/001.png": None,  # cut off
    "dog/005.png": b"\0\0\0\x18ftypheic" + bytes(200),
    "dog/007.png": b"GIF89a",
}


def break_some(photos):
    for place, content in BROKEN.items():
        path = photos / place
        path.write_bytes(path.read_bytes()[:90] if content is None else content)


def test_all_broken_images_are_named_at_once(photos):
    break_some(photos)
    message = refused(photos)
    table = pd.read_csv(photos.parent / "logs" / "broken.csv")
    assert list(table["file"]) == [str(photos / place) for place in sorted(BROKEN)]
    assert f"5 files cannot be read as images; {photos.parent}/logs/broken.csv names all" in message
    for row in table.itertuples():
        assert f"\n{row.file}: {row.reason}\n" in message
    assert "0x" not in message
    assert message.endswith("or set dataset.broken: skip to leave them out.")


def test_of_many_broken_images_the_message_names_twenty_and_a_file_all(photos):
    files = sorted(fill(photos, count=30).glob("*/*.png"))
    for path in files[:50]:
        path.write_bytes(b"no image")
    lines = refused(photos).splitlines()
    assert lines[0].startswith("50 files cannot be read")
    assert [line.partition(": ")[0] for line in lines[1:21]] == [str(p) for p in files[:20]]
    assert lines[21] == "… and 30 more" and len(lines) == 23
    table = pd.read_csv(photos.parent / "logs" / "broken.csv")
    assert list(table["file"]) == [str(path) for path in files[:50]]
    for path in files[:50]:
        save(path, 1)
    Prepared(photos, grey="convert")
    assert not (photos.parent / "logs" / "broken.csv").exists(), "it would be of another time"


def test_skipped_broken_images_are_as_if_they_had_never_been_there(photos, tmp_path):
    break_some(photos)
    found = Prepared(photos, broken="skip")
    assert found.announced[0] == "data: 24 found, 19 used, 5 left out: 5 broken"
    assert "5 broken" in found.warnings()
    for place in BROKEN:
        reason, detail = found.why(place)
        assert reason == "broken" and "cannot be decoded" in detail and "/" not in detail
    for place in BROKEN:
        (photos / place).unlink()
    without = Prepared(photos)
    for name in ("images.npy", "index.parquet", "order.npy", "stats.json"):
        assert found.bytes[name] == without.bytes[name]


def test_with_limits_only_the_chosen_images_are_decoded(photos):
    fill(photos, count=40)
    for path in sorted(photos.glob("dog/*.png"))[::4]:
        path.write_bytes(b"no image")
    limits = {"train_limit": 30, "test_limit": 8}
    found = Prepared(photos, broken="skip", **limits)
    assert len(found.images) == 38
    for row in found.index.itertuples():
        expected = np.asarray(Image.open(photos.parent / "photos" / row.source[6:]))
        np.testing.assert_array_equal(found.images[row.image_id], expected)
    reasons = found.reasons()
    assert 0 < reasons["broken"] <= 10
    assert reasons["broken"] + reasons["over the limit"] == 80 - 38
    not_used = found.report[found.report["reason"] == "over the limit"]
    assert set(not_used["detail"]) == {"not looked at"}
    assert found.bytes == Prepared(photos, broken="skip", **limits).bytes


def test_a_class_that_is_left_out_by_accident_is_explained(photos):
    for i, path in enumerate(sorted(photos.glob("dog/*.png"))):
        path.write_bytes(b"no image")
        assert i < 12
    message = refused(photos, broken="skip")
    assert "class 'dog' has no training images" in message
    assert message.endswith("Left out: 12 broken.")
    for path in photos.glob("dog/*.png"):
        path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(50))
        path.rename(path.with_suffix(".heic"))
    message = refused(photos)
    assert "1 class folder with images (but 12 in a format that is not read (HEIC))" in message


def test_broken_rows_of_a_parquet_file(tmp_path):
    content = [(picture(i).save(tmp_path / "a.png"), (tmp_path / "a.png").read_bytes())[1]
               for i in range(40)]  # fmt: skip
    content[3], content[17], content[18] = None, b"", content[18][:60]
    table = pa.table({"image": content, "label": ["a", "b"] * 20})
    pq.write_table(table, tmp_path / "train.parquet")
    path = tmp_path / "train.parquet"
    message = refused(path, name="parquet")
    assert message.startswith("3 files cannot be read as images")
    assert "train.parquet[3]: there are no image bytes\n" in message
    found = Prepared(path, name="parquet", broken="skip")
    assert found.announced[0] == "data: 40 found, 37 used, 3 left out: 3 broken"
    assert "train.parquet[17]" not in set(found.index["source"])


def test_a_file_that_vanishes_between_listing_and_reading_is_broken(photos):
    source = read_imagefolder(Dataset(name="imagefolder", train=str(photos)))
    (photos / "cat" / "000.png").unlink()
    with pytest.raises(AugcamError, match=r"cat/000\.png: the image cannot be decoded"):
        source.decode(0)


def test_a_disk_that_fails_breaks_no_image(photos):
    """What the machine refuses for now must not be left out for good."""
    (photos / "cat" / "000.png").unlink()
    (photos / "cat" / "000.png").symlink_to("/proc/self/mem")  # reading its first byte is an error
    for broken in ("refuse", "skip"):
        message = refused(photos, broken=broken)
        assert "cat/000.png: the image cannot be read ([Errno 5]" in message
        assert "mend the cause and run again" in message


def test_what_may_not_be_read_is_named():
    with tempfile.TemporaryDirectory() as folder:
        photos = fill(Path(folder) / "photos")
        Prepared(fill(Path(folder) / "others" / "photos"))  # imports what that user may not
        save(photos / "cat" / "private" / "000.png", 1)
        save(photos / "dog" / "scan", 2)
        for path in ("cat/private", "dog/003.png", "dog/scan"):
            (photos / path).chmod(0)
        with another_user(photos.parent, photos):
            message = refused(photos)
            found = Prepared(photos, broken="skip")
    assert message.startswith("3 files cannot be read as images")
    assert "cat/private: the folder cannot be read (Permission denied)" in message
    assert "dog/scan: the file cannot be read (Permission denied)" in message
    assert found.reasons() == {"broken": 3}


# ------------------------------------------------------------------------------- classes and names


def test_accents_of_class_folders_mean_the_same_however_they_are_encoded(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    fill(tmp_path / "train", (decomposed, "dog"))
    fill(tmp_path / "test", (composed, "dog"), start=100)
    found = Prepared(tmp_path / "train", test=str(tmp_path / "test"))
    assert found.stats["class_names"] == [composed, "dog"]
    assert found.stats["counts"]["test"] == {composed: 12, "dog": 12}
    assert found.notes == []


def test_folders_whose_names_differ_by_a_space_at_the_end_are_one_class(tmp_path):
    found = Prepared(fill(tmp_path / "photos", ("cat", "cat ", "dog")))
    assert found.stats["class_names"] == ["cat", "dog"]
    assert found.index["label"].value_counts().to_dict() == {0: 24, 1: 12}
    assert "2 folders are called 'cat'" in found.warnings()


def test_folders_with_one_name_in_two_encodings_are_one_class(tmp_path):
    forms = [unicodedata.normalize(form, "café") for form in ("NFC", "NFD")]
    found = Prepared(fill(tmp_path / "photos", (*forms, "dog")))
    assert found.stats["class_names"] == [forms[0], "dog"]
    assert found.index["label"].value_counts().to_dict() == {0: 24, 1: 12}
    assert "2 folders are called 'café'" in found.warnings()


@pytest.mark.parametrize("other", ["Cat", "CAT", "ｃａｔ"])
def test_class_folders_with_nearly_the_same_name_are_different_classes_and_said(tmp_path, other):
    found = Prepared(fill(tmp_path / "photos", ("cat", other, "dog")))
    assert found.stats["class_names"] == sorted(["cat", other, "dog"])
    assert f"'{other}'" in found.warnings() and "nearly the same name" in found.warnings()
    assert any(line.startswith("warning: ") for line in found.announced)


def test_class_folders_without_images_are_no_classes_and_said(photos):
    (photos / "emu").mkdir()
    (photos / "annotations").mkdir()
    (photos / "annotations" / "000.xml").write_text("<annotation/>")
    found = Prepared(photos)
    assert found.stats["class_names"] == ["cat", "dog"]
    assert (
        "2 class folders hold no image and thus no class ('annotations', 'emu')" in found.warnings()
    )
    assert found.why("annotations/000.xml") == ("not an image", "")


def test_images_beside_the_class_folders_are_said(photos):
    for i in range(5):
        save(photos / f"{i}.png", i)
    found = Prepared(photos)
    assert found.reasons() == {"outside a class folder": 5}
    assert "5 images lie beside the class folders, without a class (" in found.warnings()


def test_no_files_at_all(tmp_path):
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    (tmp_path / "photos" / "dog").mkdir()
    assert "photos: 0 class folders with images; each class needs" in refused(tmp_path / "photos")


def test_one_class_and_one_folder_too_far_up(tmp_path):
    message = refused(fill(tmp_path / "photos", ("cat",)))
    assert "photos: 1 class folder with images; each class needs a sub-folder" in message
    fill(tmp_path / "archive" / "photos")
    assert refused(tmp_path / "archive").endswith(f"Is it '{tmp_path}/archive/photos' that holds "
                                                  "them?")  # fmt: skip


ODD = ["new\nline.png", "quote'\".png", "{brace}.png", "100%.png", "=1+1.png", "-n.png", "a b.png",
       "日本語.png", "🐈.png", "x" * 251 + ".png", "\\.png", "*?.png", "$HOME.png", "tab\t.png",
       "\u202e.png"]  # fmt: skip


def test_odd_names_are_read_and_recorded_as_they_are(photos):
    for i, name in enumerate(ODD):
        save(photos / "cat" / name, 5000 + i)
    found = Prepared(photos)
    assert found.report["used"].all()
    assert set(ODD) <= {source.rpartition("/")[2] for source in found.index["source"]}
    for name in ODD:
        (photos / "cat" / name).write_bytes(b"no image")
    lines = refused(photos).splitlines()
    assert len(lines) == len(ODD) + 2, "names do not break lines"


def test_names_that_are_no_text_are_refused_where_they_matter(photos):
    save(photos / "new.png", 1)
    (photos / "new.png").rename(photos / "cat" / ".\udcff.png")
    (photos / "cat" / "\udcfe.txt").write_text("text")
    assert Prepared(photos).reasons() == {"hidden": 1, "not an image": 1}
    save(photos / "new.png", 1)
    (photos / "new.png").rename(photos / "cat" / "\udcff")
    assert "is not UTF-8; rename it" in refused(photos)


NAMES = st.text(st.sampled_from("aAbBzZ09_- éñ.~!"), min_size=1, max_size=6).filter(
    lambda name: not name.startswith(".")
)


@given(st.sets(st.tuples(st.sampled_from(["a", "B", "b c", "ü"]), NAMES, NAMES), min_size=8))
@settings(max_examples=25, deadline=None)
def test_images_are_numbered_by_class_then_by_the_names_in_their_path(paths):
    """As before there were reasons to leave files out: `sorted(rglob)` within sorted classes."""
    with tempfile.TemporaryDirectory() as folder:
        photos = fill(Path(folder) / "photos")
        for i, (name, inner, file) in enumerate(paths):
            target = photos / name / file if i % 2 else photos / name / f"{inner}_" / file
            if not target.exists():
                save(target.with_name(f"{target.name}.png"), i)
        source = read_imagefolder(Dataset(name="imagefolder", train=str(photos)))
        expected = [
            path
            for name in sorted(path.name for path in photos.iterdir())
            for path in sorted((photos / name).rglob("*.png"))
        ]
        assert source.origins == [f"train/{path.relative_to(photos)}" for path in expected]


# -------------------------------------------------------------------------- has anything changed?


def changed(photos, change, **before):
    old = fingerprint({"train": photos})
    change(photos)
    return fingerprint({"train": photos}) != old


def replace_keeping_size_and_time(photos):
    path = photos / "cat" / "000.png"
    status, content = path.stat(), bytearray(path.read_bytes())
    content[60] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def touch(photos):
    for path in photos.rglob("*"):
        os.utime(path, ns=(0, 10**18))


def add_hidden(photos):
    (photos / ".DS_Store").write_text("x")
    (photos / "cat" / ".ipynb_checkpoints").mkdir()
    save(photos / "cat" / ".ipynb_checkpoints" / "000.png", 1)
    (photos / "cat" / "Thumbs.db").write_text("x")


def move_class(photos):
    (photos / "cat" / "000.png").rename(photos / "dog" / "new.png")


CHANGES = {
    "added": lambda photos: save(photos / "cat" / "new.png", 1),
    "a new class": lambda photos: save(photos / "emu" / "new.png", 1),
    "removed": lambda photos: (photos / "cat" / "000.png").unlink(),
    "renamed": lambda photos: (photos / "cat" / "000.png").rename(photos / "cat" / "new.png"),
    "moved to another class": move_class,
    "replaced": lambda photos: save(photos / "cat" / "000.png", 999),
    "a link to nothing": lambda photos: (photos / "cat" / "x").symlink_to("nowhere"),
    "behind a link": lambda photos: save(photos.parent / "more" / "new.png", 1),
}


@pytest.fixture
def linked(photos):
    (photos.parent / "more").mkdir()
    (photos / "dog" / "more").symlink_to(photos.parent / "more")
    return photos


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_folder_is_noticed(linked, change, many, monkeypatch):
    monkeypatch.setattr(listing, "SMALL_FILES", 5 if many else 10_000)
    assert fingerprint({"train": linked}).startswith("sizes" if many else "content")
    assert changed(linked, CHANGES[change])


def test_few_files_are_compared_by_content_and_many_by_size_and_time(photos, monkeypatch):
    assert changed(photos, replace_keeping_size_and_time)
    assert not changed(photos, touch)
    monkeypatch.setattr(listing, "SMALL_BYTES", 1000)
    assert not changed(photos, replace_keeping_size_and_time)
    assert not changed(photos, touch)
    save(photos / "cat" / "000.png", 0)
    assert changed(photos, touch)


def test_looking_at_a_folder_or_moving_it_changes_nothing(photos, tmp_path):
    assert not changed(photos, add_hidden)
    old = fingerprint({"train": photos})
    photos.rename(tmp_path / "moved")
    shutil.copytree(tmp_path / "moved", tmp_path / "copy")
    assert fingerprint({"train": tmp_path / "moved"}) == old
    assert fingerprint({"train": tmp_path / "copy"}) == old
    assert fingerprint({"test": tmp_path / "copy"}) != old


# ----------------------------------------------------------------------------- through Snakemake

TINY = {
    "experiment": "tiny",
    "dataset": {"name": "imagefolder", "train": "photos"},
    "model": {"architecture": "resnet20", "input_size": 16},
    "training": {"epochs": 1, "batch_size": 8},
    "augmentations": ["affine"],
    "controls": [],
    "starting_states": [1],
}


@pytest.mark.workflow
def test_a_folder_is_read_again_when_it_changes_and_trained_on_again_when_its_images_do(tmp_path):
    project = copy_project(tmp_path / "project")
    fill(project / "photos", count=20)
    name = write_config(project, TINY)
    said = run(project, "--cores", "2", "--configfile", name, "--", "models")
    assert "data: 40 found, 40 used" in said
    weights = project / "results/tiny/models/affine/1/weights.safetensors"
    trained = weights.stat().st_mtime_ns

    # Elsewhere, touched, with files that are no images: read again, and found to be the same.
    (project / "photos").rename(project / "my photos")
    touch(project / "my photos")
    (project / "my photos" / "cat" / "README").write_text("text")
    moved = TINY | {"dataset": TINY["dataset"] | {"train": "my photos"}}
    write_config(project, moved)
    said = run(project, "--cores", "2", "--configfile", name, "--", "models")
    assert "data: 41 found, 40 used, 1 left out: 1 not an image" in said
    assert "Training" not in said
    assert weights.stat().st_mtime_ns == trained

    # A new class whose first image is broken: the run stops and leaves no data. What it had trained
    # before is no answer to the question that is asked now.
    fill(project / "my photos", ("emu",), count=20)
    (project / "my photos" / "emu" / "000.png").write_bytes(b"no image")
    said = run(project, "--cores", "2", "--configfile", name, "--", "models", check=False)
    assert "error: my photos/emu/000.png: the image cannot be decoded" in said
    assert not list((project / "results/tiny/data").glob("*"))
    said = run(project, "--dry-run", "--configfile", name, "--", "models")
    assert "Reading the images" in said and "Training affine" in said
