"""What is done to images on their way into the store is the same for all sources, counted, said."""

import io
import json

import imagefiles
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from imagecases import CASES
from imagefiles import GREY, RGB, chunk, exif, png, tiff
from PIL import Image, ImageDraw

from augcam.config.messages import parse_config
from augcam.config.schema import Dataset, Split
from augcam.data.store import prepare
from augcam.errors import AugcamError

FILES = ("images.npy", "index.parquet", "order.npy", "stats.json", "report.parquet", "notes.json")
TOPICS = {
    "orientation",
    "alpha",
    "depth",
    "profile",
    "frames",
    "grey",
    "geometry",
    "plain",
    "channels",
}
COUNT = 16  # images of a class


def prepared(folder, **dataset):
    """The images of a folder or parquet file, the notes on what was done to them, and those notes
    as they were said in the log and announced in the terminal."""
    paths = [folder / "data" / name for name in FILES]
    said, announced = [], []
    values = {"name": "imagefolder", "train": str(folder / "photos")} | dataset
    prepare(Dataset(**values), Split(), *paths, say=said.append, announce=announced.append)
    # What else there is to say of the data is not of interest here.
    notes = [n for n in json.loads(paths[5].read_text())["notes"] if n["topic"] in TOPICS]
    lines = [f"{note['level']}: {note['text']}" for note in notes]
    seen = [[line for line in place if line in lines] for place in (said, announced)]
    return np.load(paths[0]), notes, *seen


def write(folder, contents, suffix=".png"):
    """Two classes with the files `contents(class, number)`."""
    for c, name in enumerate(("cat", "dog")):
        (folder / "photos" / name).mkdir(parents=True)
        for i in range(COUNT):
            (folder / "photos" / name / f"{i:02}{suffix}").write_bytes(contents(c, i))


def noise(c, i, size=(12, 12)):
    return np.random.default_rng([c, i]).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)


# --------------------------------------------------------------------------- what people reported


def photo(c, i, sideways):
    """A scene with bright sky above and dark ground below, 32×48, as a telephone stores it."""
    scene = np.full((48, 32, 3), (60, 70, 40), np.uint8)
    scene[:24] = (200, 220, 255)
    scene[20:28, 12 - i % 4 : 20] = [(255, 0, 0), (0, 255, 0)][c]
    file = io.BytesIO()
    image = Image.fromarray(scene)
    if sideways:
        image = image.transpose(Image.Transpose.ROTATE_90)
    image.save(file, "JPEG", quality=95)
    return imagefiles.with_exif(file.getvalue(), exif(6)) if sideways else file.getvalue()


def test_photographs_taken_upright_are_upright_and_counted(tmp_path):
    write(tmp_path, lambda c, i: photo(c, i, sideways=i % 2), ".jpg")
    images, notes, said, _ = prepared(tmp_path, image_size=32)
    rows = images.astype(float).mean(axis=(2, 3))
    assert (rows[:, :8].mean(1) > rows[:, -8:].mean(1) + 100).all()
    turned = notes[0]
    assert (turned["topic"], turned["level"]) == ("orientation", "note")
    assert (
        turned["text"] == "EXIF orientation was applied to 16 of 32 images (train/cat/01.jpg, …)."
    )
    assert f"note: {turned['text']}" in said


def drawing(c, i):
    """A black shape on nothing, as drawing programs export it; its colour is black everywhere."""
    image = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    (draw.rectangle if c else draw.ellipse)((2 + i % 4, 3, 10, 12), fill=(0, 0, 0, 255))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("background,ground", [("white", 255), ("#808080", 128)])
def test_shapes_that_only_opacity_draws_are_seen_on_the_background(tmp_path, background, ground):
    write(tmp_path, drawing)
    images, notes, _, _ = prepared(tmp_path, background=background)
    assert (images[:, 0, 0] == ground).all()
    assert (images.reshape(len(images), -1).min(1) == 0).all()
    assert len(np.unique(images.reshape(len(images), -1).sum(1))) > 4
    (note,) = notes
    assert (note["topic"], note["level"]) == ("alpha", "note")
    assert note["text"].startswith("32 of 32 images (")
    assert note["text"].endswith(f"dataset.background #{ground:02x}{ground:02x}{ground:02x}.")


def in_white(c, i):
    """The same drawing in white, as icons are."""
    image = Image.open(io.BytesIO(drawing(c, i)))
    image.paste((255, 255, 255), (0, 0, 16, 16), image.getchannel("A"))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("draw,background", [(in_white, "#ffffff"), (drawing, "#000000")])
def test_shapes_in_the_colour_of_the_background_are_a_warning(tmp_path, draw, background):
    write(tmp_path, lambda c, i: draw(c, i) if c and i < 5 else png(noise(c, i, (16, 16))))
    _, _, _, (line,) = prepared(tmp_path, background=background)
    assert line.startswith("warning: 5 of 32 images (train/dog/00.png, …): drawn in the colour of ")
    assert line.endswith("set dataset.background to another colour.")
    assert f"dataset.background {background}" in line
    assert prepared(tmp_path, background="#808080")[3] == []


@pytest.mark.parametrize("draw,background", [(in_white, "#ffffff"), (drawing, "#000000")])
def test_where_nothing_is_seen_of_any_image_the_refusal_names_the_background(
    tmp_path, draw, background
):
    write(tmp_path, draw)
    message = rf"^dataset: all training images .* colour {background}; .* set dataset\.background"
    with pytest.raises(AugcamError, match=message):
        prepared(tmp_path, background=background)


@pytest.mark.parametrize("opacity", [255, 100])
def test_images_of_one_colour_are_a_warning(tmp_path, opacity):
    flat = png(np.full((12, 12, 4), (9, 80, 200, opacity)), 8, imagefiles.RGB_ALPHA)
    write(tmp_path, lambda c, i: flat if c and i < 2 else png(noise(c, i)))
    _, _, _, (line,) = prepared(tmp_path)
    assert line.startswith("warning: 2 of 32 images (train/dog/00.png, …): one colour everywhere")


def test_images_in_one_channel_are_read_and_said(tmp_path):
    """Fluorescence, stored in green alone."""
    write(tmp_path, lambda c, i: png(noise(c, i) * np.array([0, 1, 0])))
    _, (note,), said, _ = prepared(tmp_path)
    assert note["text"] == (
        "all training images have one value of red and blue, which networks see as 0."
    )
    assert f"note: {note['text']}" in said
    stats = json.loads((tmp_path / "data" / "stats.json").read_text())
    assert stats["std"][0] == stats["std"][2] == 1 and stats["mean"][0] == 0
    assert 0.2 < stats["std"][1] < 0.4


BANDS = {"near-infrared": (4, 8, 2), "five": (5, 8, 2), "grey and one": (2, 8, 1),
         "near-infrared, 16 bits": (4, 16, 2), "inks and one": (5, 8, 5)}  # fmt: skip


@pytest.mark.parametrize("bands", BANDS)
def test_further_channels_are_a_warning(tmp_path, bands):
    count, bits, photometric = BANDS[bands]
    samples = np.random.default_rng(0).integers(0, 2**bits, (12, 12, count))
    extra = {338: (3, [0] * (count - {1: 1, 2: 3, 5: 4}[photometric]))}
    content = tiff(samples, bits, photometric, tags=extra)
    write(tmp_path, lambda c, i: content if c and i < 3 else png(noise(c, i)))
    _, _, _, announced = prepared(tmp_path, grey="convert")
    (line,) = [line for line in announced if "channels" in line]
    assert line.startswith("warning: 3 of 32 images (train/dog/00.png, …): more channels than")


# ------------------------------------------------------------------------------ alike, and counted

KINDS = [
    "PNG, RGB and opacity, 8 bits",
    "PNG, grey with a key, 16 bits",
    "TIFF, grey, 16 bits, big-endian",
    "PNG, palette, opacities, 4 bits",
    "TIFF, RGB, premultiplied, 8 bits, little-endian",
    "PNG, grey, 1 bits",
]


def test_a_folder_and_a_parquet_file_of_the_same_files_are_the_same(tmp_path):
    contents = [CASES[KINDS[i % len(KINDS)]].content for i in range(2 * COUNT)]
    write(tmp_path, lambda c, i: contents[c * COUNT + i])
    table = {"image": [{"bytes": b, "path": None} for b in contents], "label": [0] * 16 + [1] * 16}
    pq.write_table(pa.table(table), tmp_path / "train.parquet")
    first, notes, _, _ = prepared(tmp_path, grey="convert", background="teal")
    again, others, _, _ = prepared(
        tmp_path, name="parquet", train=str(tmp_path / "train.parquet"), grey="convert",
        background="teal",
    )  # fmt: skip
    np.testing.assert_array_equal(first, again)
    counts = [[note["text"].split(" (")[0] for note in each] for each in (notes, others)]
    assert counts[0] == counts[1]
    assert "22 of 32 images" in counts[0]  # those with opacity


CHANGES = {
    "frames": ("GIF, two frames", "frames", "warning", "several frames, of which the first"),
    "pictures": ("MPO, two pictures", "frames", "note", "as phones add them"),
    "profile": ("PNG, wide gamut", "profile", "note", "were converted to sRGB"),
    "inks": ("JPEG, CMYK", "profile", "note", "CMYK without a profile"),
    "depth": ("PNG, 16 bits, orientation 1", "depth", "note", "the upper 8 were taken"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_is_counted(tmp_path, change):
    case, topic, level, text = CHANGES[change]
    write(tmp_path, lambda c, i: CASES[case].content if c and i < 5 else CASES["PNG, sRGB"].content)
    _, notes, said, announced = prepared(tmp_path, image_size=12)
    (note,) = [note for note in notes if note["topic"] == topic]
    assert note["level"] == level and text in note["text"]
    assert note["text"].startswith("5 of 32 images (train/dog/00.png, …)")
    line = f"{level}: {note['text']}"
    assert line in (announced if level == "warning" else said)
    assert line not in (said if level == "warning" else announced)


def test_images_that_are_nothing_but_background_or_nearly_black_are_warnings(tmp_path):
    clear = png(np.zeros((12, 12, 4), int), 8, imagefiles.RGB_ALPHA)
    dark = png(np.random.default_rng(0).integers(0, 4096, (12, 12, 3)), 16, RGB)
    odd = {0: clear, 1: dark, 2: dark}
    write(tmp_path, lambda c, i: odd.get(i + c * COUNT, png(noise(c, i))))
    _, _, _, announced = prepared(tmp_path)
    assert [line.split(" (")[0] for line in announced] == [
        "warning: 1 of 32 images",
        "warning: 2 of 32 images",
    ]
    assert "wholly transparent" in announced[0] and "nearly black" in announced[1]


def test_ordinary_images_need_no_word(tmp_path):
    write(tmp_path, lambda c, i: png(noise(c, i)))
    images, notes, _, announced = prepared(tmp_path)
    assert notes == announced == []
    np.testing.assert_array_equal(images[17], noise(1, 1))


def test_several_frames_can_be_refused(tmp_path):
    write(tmp_path, lambda c, i: CASES["WebP, two frames" if i < 4 else "PNG, sRGB"].content)
    assert len(prepared(tmp_path)[0]) == 32
    message = (
        r"cat/00\.png, .*cat/02\.png and 5 more: 8 of 32 images with several frames; .* or set "
        r"dataset\.frames: first"
    )
    with pytest.raises(AugcamError, match=message):
        prepared(tmp_path, frames="refuse")


def test_turned_images_of_two_sizes_are_told_apart(tmp_path):
    """Stored alike, seen upright and lying: that is said as of any other sizes."""
    turn = chunk(b"eXIf", exif(6))
    write(tmp_path, lambda c, i: png(noise(c, i, (8, 12)), 8, RGB, *([turn] if i == 3 else [])))
    with pytest.raises(AugcamError, match=r"03\.png: the image has 12×8 pixels, .* has 8×12; set"):
        prepared(tmp_path)


# ----------------------------------------------------------------------------------------- grey


def repaint(paths, change):
    for path in paths:
        change(Image.open(path)).save(path)


@pytest.fixture
def noisy(tmp_path):
    """A folder of images in colour."""
    write(tmp_path, lambda c, i: png(noise(c, i)))
    return tmp_path


def test_grey_files_among_colour_ones_are_counted_and_refused(noisy):
    repaint(sorted(noisy.rglob("*.png"))[:2], lambda image: image.convert("L"))
    message = r"cat/00\.png, .*01\.png: 2 of 32 images are grey, but 30 in colour; replace them, or"
    with pytest.raises(AugcamError, match=message):
        prepared(noisy)
    images, (note,), _, _ = prepared(noisy, grey="convert")
    assert (np.ptp(images[:2], axis=3) == 0).all()
    assert (note["topic"], note["level"]) == ("grey", "note")
    assert note["text"].startswith("2 of 32 images (train/cat/00.png, …): grey")


def test_a_colour_image_among_grey_ones(noisy):
    repaint(sorted(noisy.rglob("*.png"))[1:], lambda image: image.convert("L"))
    with pytest.raises(
        AugcamError, match=r"00\.png: 1 of 32 images is in colour, but 31 grey; rep"
    ):
        prepared(noisy)


def test_grey_is_judged_by_pixels_however_it_is_stored(noisy):
    modes = ("L", "RGB", "LA", "RGBA", "P", "1")
    for i, path in enumerate(sorted(noisy.rglob("*.png"))):
        repaint([path], lambda image, mode=modes[i % 6]: image.convert("L").convert(mode))
    assert prepared(noisy)[1] == []


def test_a_colour_file_that_happens_to_be_grey_is_no_fault(noisy):
    repaint([noisy / "photos/dog/03.png"], lambda image: image.convert("L").convert("RGB"))
    (note,) = prepared(noisy)[1]
    assert note["text"].startswith("1 of 32 images (train/dog/03.png): grey")
    assert note["level"] == "note"


def test_a_class_that_alone_is_grey_is_a_warning(noisy):
    repaint(noisy.rglob("dog/*.png"), lambda image: image.convert("L"))
    _, (note,), _, announced = prepared(noisy, grey="convert")
    assert "all of class dog: networks can tell it from the others by colour alone" in note["text"]
    assert announced == [f"warning: {note['text']}"]


def test_grey_of_sixteen_bits_is_as_grey_as_any(tmp_path):
    samples = [noise(c, i)[..., :1] for c in range(2) for i in range(COUNT)]
    depths = [8, 16]
    write(
        tmp_path,
        lambda c, i: png(samples[c * COUNT + i].astype(int) << 8 * (i % 2), depths[i % 2], GREY),
    )
    images, notes, _, _ = prepared(tmp_path)
    np.testing.assert_array_equal(images[..., :1], np.stack(samples))
    assert [note["topic"] for note in notes] == ["depth"]


# --------------------------------------------------------------------------------------- config


@pytest.mark.parametrize(
    "value,ground",
    [("white", (255, 255, 255)), ("#FFF", (255, 255, 255)), ("#0aC85A", (10, 200, 90)),
     ("rgb(1, 2, 3)", (1, 2, 3)), ("hsl(120, 100%, 50%)", (0, 255, 0))],
)  # fmt: skip
def test_a_background_is_any_colour_that_has_a_name_or_number(value, ground):
    dataset = parse_config({"dataset": {"background": value}}).dataset
    assert dataset.ground == ground
    assert dataset.background == "#" + bytes(ground).hex()


@pytest.mark.parametrize("value", [None, 0, "", "whiite", "#ff", "#ffffff80", "rgb(300, 0, 0)"])
def test_what_is_no_colour_is_refused_with_what_would_be_right(value):
    with pytest.raises(AugcamError, match=r"^config: dataset\.background: .* 'white', .*'#ffffff'"):
        parse_config({"dataset": {"background": value}})
