"""Images that stand in several splits: equal, nearly equal, and merely alike."""

import io
from functools import cache

import numpy as np
import pytest
from imagesets import prepared, save, texts
from PIL import Image, ImageEnhance
from sklearn.datasets import load_sample_images

from augcam.data.leaks import find_leaks, identities, leak_notes


def scene(kind, number, side=32):
    """A disc in the colour of its kind before sky and ground, with noise: alike, and all others."""
    rng = np.random.default_rng([kind, number])
    pixels = np.full((side, side, 3), (60, 70, 40))
    pixels[: side // 2] = (200, 220, 255)
    y, x = np.mgrid[:side, :side] / side
    centre = 0.5 + rng.integers(-4, 5, 2) / 32
    disc = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < (0.15 + 0.1 * rng.random()) ** 2
    pixels[disc] = [(255, 0, 0), (0, 255, 0)][kind]
    return np.clip(pixels + rng.integers(-12, 13, pixels.shape), 0, 255).astype(np.uint8)


PHOTOGRAPH = load_sample_images().images[0][200:]  # buildings and trees, without the sky


def photograph(kind, number, side=40):
    """A piece of a photograph, which overlaps with no other."""
    y, x = divmod(2 * number + kind, PHOTOGRAPH.shape[1] // side)
    return PHOTOGRAPH[y * side : (y + 1) * side, x * side : (x + 1) * side]


def jpeg(quality):
    def change(image):
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        return Image.open(file)

    return change


def resized(factor):
    def change(image):
        smaller = [round(side * factor) for side in image.size]
        return image.resize(smaller, Image.Resampling.BICUBIC).resize(image.size)

    return change


def noisy(levels):
    def change(image):
        pixels = np.asarray(image).astype(int)
        noise = np.random.default_rng(0).integers(-levels, levels + 1, pixels.shape)
        return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))

    return change


CHANGES = {
    "jpeg 95": jpeg(95),
    "jpeg 75": jpeg(75),
    "smaller by a tenth": resized(0.9),
    "smaller by a quarter": resized(0.75),
    "noise": noisy(1),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.9),
}
MAKERS = {
    "scenes": scene,
    "large scenes": lambda kind, number: scene(kind, number, side=224),
    "photographs": photograph,
}


@cache
def made(maker, numbers):
    return np.stack([MAKERS[maker](kind, number) for number in numbers for kind in (0, 1)])


def found(images, split):
    leaks = find_leaks(images, split, identities(images))
    return tuple({pair: rows.tolist() for pair, rows in kind.items()} for kind in leaks)


@pytest.mark.slow
@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_are_found_and_others_are_not(maker, change):
    train, other = made(maker, range(20)), made(maker, range(20, 40))
    copies = np.stack([np.asarray(CHANGES[change](Image.fromarray(i))) for i in train[:10]])
    images = np.concatenate([train, copies, other])
    split = np.repeat(["train", "test"], [len(train), len(copies) + len(other)])
    equal, alike = found(images, split)
    assert equal["train", "test"] == []
    assert alike["train", "test"] == [[i, len(train) + i] for i in range(10)]
    assert alike["train", "val"] == alike["val", "test"] == []


def test_equal_images_are_paired_and_are_no_near_duplicates():
    images = np.concatenate([made("scenes", range(15)), made("scenes", (3, 4, 3))])
    split = np.repeat(["train", "val", "test"], [20, 10, 6])
    equal, alike = found(images, split)
    assert equal["train", "test"] == [[6, 30], [7, 31], [8, 32], [9, 33], [6, 34], [7, 35]]
    assert equal["train", "val"] == equal["val", "test"] == []
    assert not any(alike.values())


def noise(low, high):
    def make(number):
        return np.random.default_rng(number).integers(low, high, (32, 32, 3)).astype(np.uint8)

    return make


def page(number):
    """Lines of words; every fifth page is blank."""
    pixels = np.full((64, 64, 3), 255, np.uint8)
    rng = np.random.default_rng(number)
    for line in range(8, 56, 6) if number % 5 else []:
        pixels[line : line + 3, 6:58] = np.where(rng.random((3, 52, 1)) < 0.5, 0, 255)
        pixels[line : line + 3, 6 + np.cumsum(rng.integers(3, 9, 6))] = 255
    return pixels


FLAT = {
    "one colour each": lambda i: np.full((32, 32, 3), i, np.uint8),
    "noise": noise(0, 256),
    "faint noise": noise(115, 125),
    "pages, some of them blank": page,
}


@pytest.mark.parametrize("kind", FLAT)
def test_flat_images_are_not_taken_for_near_duplicates(kind):
    images = np.stack([FLAT[kind](i) for i in range(200)])
    _, alike = found(images, np.array(["train", "test"] * 100))
    assert not any(alike.values())


def test_images_of_any_shape_and_few_of_them():
    for shape in ((16, 40, 3), (300, 64, 3), (8, 8, 3), (1, 1, 3)):
        images = np.random.default_rng(0).integers(0, 256, (4, *shape)).astype(np.uint8)
        images[2] = images[0]
        equal, alike = found(images, np.array(["train", "train", "val", "test"]))
        assert equal["train", "val"] == [[0, 2]]
        assert not any(alike.values())


# ----------------------------------------------------------------------------------------- in words


def notes(labels, split=("train", "train", "test", "test")):
    images = np.stack([scene(0, number) for number in (1, 2, 1, 2)])
    split, same = np.array(split), identities(images)
    names = ["p/train/a.png", "p/train/b.png", "p/test/c.png", "p/test/d.png"]
    return leak_notes(find_leaks(images, split, same), split, same, np.array(labels), names)


def test_what_is_said_of_equal_images():
    (leak,) = notes([0, 1, 0, 1])
    assert leak["topic"], leak["level"] == ("leak", "warning")
    assert leak["text"] == (
        "2 of 2 test images are equal to training images "
        "(test/c.png = train/a.png, test/d.png = train/b.png)."
    )
    (repeated,) = notes([0, 1, 0, 1], ["train"] * 4)
    assert repeated["topic"], repeated["level"] == ("duplicates", "note")
    assert "2 of the training images" in repeated["text"]


def test_equal_images_of_different_classes_are_said():
    *_, contradiction = notes([0, 1, 0, 0])
    assert contradiction == {
        "topic": "labels",
        "level": "warning",
        "text": "2 images have an equal one of another class (train/b.png = test/d.png).",
    }


def frames(root):
    """Twelve patients, of whom each has eight frames that hardly differ."""
    for kind, name in enumerate(("sick", "well")):
        for patient in range(6):
            base = scene(kind, patient).astype(int)
            for f in range(8):
                noise = np.random.default_rng([kind, patient, f]).integers(-1, 2, base.shape)
                image = Image.fromarray(np.clip(base + noise, 0, 255).astype(np.uint8))
                save(root / name / f"p{kind}{patient}_{f}.png", image)


def test_frames_of_one_patient_on_both_sides_are_said_with_the_key_that_parts_them(tmp_path):
    frames(tmp_path / "photos")
    options = {"name": "imagefolder", "train": str(tmp_path / "photos")}
    _, index, _, stats = prepared(tmp_path / "data", **options)
    assert stats["near_duplicates"]["test in train"] == (index["split"] == "test").sum() == 20
    warning, *_, advice = texts(stats, "leak")
    assert "images are near-duplicates of training images (sick/p" in warning
    assert "dataset.group keeps such images on one side" in advice
    _, index, _, stats = prepared(tmp_path / "data", group=r"(p\d+)_", **options)
    assert not any(stats["near_duplicates"].values())
    assert texts(stats, "leak") == []


def test_digits_are_not_searched_for_near_duplicates(tmp_path):
    """At 8×8 pixels two zeros by two hands are all but the same."""
    _, _, _, stats = prepared(tmp_path, name="digits")
    assert not any(stats["near_duplicates"].values())
