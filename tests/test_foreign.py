"""Augmentations from elsewhere: what they get, what they may return, how they are seeded."""

import random
import re
import sys

import numpy as np
import pytest
import torch
from conftest import ROOT

from augcam.augment.check import faults
from augcam.augment.foreign import foreign
from augcam.augment.recipe import Recipe
from augcam.config.conditions import built_in_step
from augcam.errors import AugcamError

OWN = str(ROOT / "tests" / "foreign_augmentations.py")
RANDAUGMENT = {"use": "torchvision.transforms.v2.RandAugment", "magnitude": 9}
FOG = {"use": f"{OWN}:Fog", "severity": 3}
DARKER = {"use": f"{OWN}:darker", "least": 0.2}
SWAPPED = {"use": f"{OWN}:swapped"}


@pytest.fixture
def images():
    return torch.from_numpy(np.random.default_rng(0).random((6, 3, 16, 16), dtype=np.float32))


def no_partners(_rng):
    raise AssertionError("no image meets another one here")


def augmented(images, *steps, seed=0):
    labels = torch.arange(len(images)) % 3
    rng = np.random.default_rng(seed)
    return Recipe(steps)(images, labels, 3, rng, no_partners).images


@pytest.mark.parametrize("step", [RANDAUGMENT, FOG, DARKER, SWAPPED])
def test_equal_seeds_give_equal_images_whatever_was_drawn_before(images, step):
    first = augmented(images, step)
    random.random(), torch.rand(3), np.random.rand(3)  # noqa: NPY002
    assert torch.equal(first, augmented(images, step))
    assert not torch.equal(first, augmented(images, step, seed=1))
    assert first.dtype == torch.float32 and first.shape == images.shape
    assert first.min() >= 0 and first.max() <= 1


@pytest.mark.parametrize("step", [RANDAUGMENT, FOG, DARKER])
def test_an_image_is_drawn_for_alone(images, step):
    """Its neighbours in the batch change nothing."""
    others = images.clone()
    others[1:] = 0.5
    assert torch.equal(augmented(images, step)[0], augmented(others, step)[0])


def test_the_generators_of_the_process_go_on_as_if_nothing_had_been_drawn(images):
    def drawn():
        return random.random(), torch.rand(1).item(), np.random.rand()  # noqa: NPY002

    def after(*steps):
        random.seed(1), torch.manual_seed(1), np.random.seed(1)  # noqa: NPY002
        augmented(images, *steps)
        return drawn()

    assert after(FOG, SWAPPED) == after()


def test_torchvision_gets_what_it_would_get_by_itself(images):
    from torchvision.transforms import v2

    seeds = np.random.default_rng(0).integers(2**63, size=len(images))
    expected = []
    for image, seed in zip(images, seeds.tolist()):
        torch.manual_seed(seed)
        expected.append(v2.RandAugment(magnitude=9)(image))
    torch.testing.assert_close(augmented(images, RANDAUGMENT), torch.stack(expected))


def test_steps_follow_one_another(images):
    flip = {"use": "torchvision.transforms.v2.RandomHorizontalFlip", "p": 1}
    dark = {"use": f"{OWN}:darker", "least": 1}
    torch.testing.assert_close(augmented(images, flip, dark, flip), images)
    torch.testing.assert_close(augmented(images, dark, flip), images.flip(-1))


def test_both_of_two_mixed_images_pass_through_the_steps_before(images):
    half = {"use": "torchvision.transforms.v2.RandomHorizontalFlip", "p": 1}
    labels, others = torch.zeros(6, dtype=torch.int64), torch.ones(6, dtype=torch.int64)
    black = torch.zeros_like(images)
    black[..., 0] = 1  # the left column, which the flip brings to the right
    cut = built_in_step("cutmix", max_area=1.0, label="mixed")
    shown = Recipe([half, cut])(
        images, labels, 2, np.random.default_rng(3), lambda _: (black, others)
    )
    pasted = (shown.images != images.flip(-1)).any(dim=1)
    assert pasted.any()
    assert ((shown.images == black.flip(-1)).all(dim=1) | ~pasted).all()
    torch.testing.assert_close(shown.targets.sum(dim=1), torch.ones(6))
    torch.testing.assert_close(
        shown.targets[:, 1], pasted.float().mean(dim=(1, 2)), atol=0.01, rtol=0
    )


@pytest.mark.parametrize(
    "name,said",
    [
        ("smaller", r"an image of the same shape, \(3, 8, 8\), not \(3, 7, 8\)"),
        ("as_array", "must return a tensor like the one that it gets, not numpy.ndarray"),
        ("of_bytes", "must return float32 in"),
        ("brighter", r"must return values in \[0, 1\], not"),
        ("not_a_number", "no finite numbers"),
        ("for_pil", r"fails on an image of shape \(3, 8, 8\), a float32 tensor .*'convert'"),
        ("with_own_generator", "draws from a generator of its own"),
        ("Closed", "does not take these parameters"),
        ("fog", "has no class or function 'fog'; did you mean 'Fog'"),
        ("Fog", None),
        ("darker", None),
        ("swapped", None),
    ],
)
def test_what_is_tried_before_any_job(name, said):
    found = faults({"mine": [{"use": f"{OWN}:{name}"}]}, (8, 8))
    if said is None:
        assert found == []
        return
    (sentence,) = found
    assert sentence.startswith("augmentation_parameters.mine: ")
    assert re.search(said, sentence), sentence


@pytest.mark.parametrize(
    "step,said",
    [
        ({"use": "torchvision.transforms.v2.RandAugmen"}, "did you mean 'RandAugment'"),
        (RANDAUGMENT | {"num_op": 3}, "does not take these parameters .*num_op"),
        ({"use": f"{OWN}:darker", "most": 1}, "does not take these parameters .*most"),
        ({"use": "torchvision.transforms.v2.ToPILImage"}, "not PIL.Image.Image"),
        ({"use": "nowhere.Fog"}, "nowhere cannot be imported"),
        ({"use": "nowhere.py:Fog"}, "nowhere.py: there is no such file"),
        ({"use": "torchvision.transforms.v2.MixUp", "num_classes": 3}, "fails on an image"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(step, said):
    (sentence,) = faults({"mine": [step]}, (8, 8))
    assert re.search(said, sentence), sentence
    assert "\n" not in sentence


PAGE = (ROOT / "docs" / "augmentations.md").read_text(encoding="utf-8")
FILES = {
    text.split("\n", 1)[0].removeprefix("# "): text
    for text in re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
}


@pytest.mark.parametrize(
    "file,name",
    [
        ("my_augmentations.py", "Fog"),
        ("my_augmentations.py", "swapped_halves"),
        ("albumentations_of_ours.py", "clahe_and_grid"),
    ],
)
def test_files_of_the_page_work_as_printed(file, name, tmp_path, images):
    if "albumentations" in file:
        pytest.importorskip("albumentations", reason="it is no dependency of augcam")
    (tmp_path / file).write_text(FILES[file], encoding="utf-8")
    step = {"use": f"{tmp_path / file}:{name}"}
    assert faults({"mine": [step]}, (16, 16)) == []
    assert not torch.equal(augmented(images, step), images)


@pytest.mark.parametrize("text", ["import nowhere", "1 / 0", "def f(:", "raise SystemExit(3)"])
def test_a_file_that_fails_on_import_is_named(tmp_path, text):
    path = tmp_path / "broken one.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AugcamError, match=r"broken one\.py cannot be imported"):
        foreign(f"{path}:f")


def test_a_file_finds_its_neighbours(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "strengths_of_mine.py").write_text("LEAST = 0.25\n", encoding="utf-8")
    (tmp_path / "mine.py").write_text(
        "from strengths_of_mine import LEAST\ndef f(image):\n    return image * LEAST\n",
        encoding="utf-8",
    )
    transform = foreign(f"{tmp_path}/mine.py:f")
    images = transform.apply(torch.ones(1, 3, 2, 2), seed=torch.tensor([0]))
    assert images.unique().tolist() == [0.25]
