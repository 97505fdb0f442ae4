"""Built-in augmentations beyond the paper's: each as torchvision's for one image, and no change
where its strength or probability is zero."""

import numpy as np
import pytest
import torch
import torchvision.transforms.v2.functional as tv
from augmenting import PARAMETERS, applied, augmented, drawn, nasty, pictures
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, kstest
from torchvision.transforms.v2 import InterpolationMode

from augcam.augment.augmentations import perspective
from augcam.augment.recipe import Recipe
from augcam.config.messages import parse_config
from augcam.entries import augmentation_named

SIZES = [(32, 32), (31, 17), (8, 24), (3, 3), (2, 5), (1, 9), (7, 1), (1, 1)]


def both(size):
    return torch.cat([pictures(9, size), nasty(size)])


# ------------------------------------------------------------------- agreement with torchvision


def padcrop(image, offset):
    padded = tv.pad(image, [4, 4])
    x, y = (offset + 4).tolist()
    return tv.crop(padded, y, x, *image.shape[-2:])


def erasing(image, box, value):
    left, top, right, bottom = box.tolist()
    return tv.erase(image, top, left, bottom - top, right - left, value)


def posterize(image, chosen, bits):
    levels = (image * 255).round().to(torch.uint8)
    return tv.posterize(levels, bits.item()).float() / 255 if chosen else image


THEIRS = {
    "hflip": lambda image, chosen: tv.horizontal_flip(image) if chosen else image,
    "vflip": lambda image, chosen: tv.vertical_flip(image) if chosen else image,
    "rotation": lambda image, angle: tv.rotate(image, angle.item(), InterpolationMode.BILINEAR),
    "padcrop": padcrop,
    "erasing": erasing,
    "grey": lambda image, chosen: tv.rgb_to_grayscale(image, 3) if chosen else image,
    "posterize": posterize,
    "solarize": lambda image, chosen, threshold: (
        tv.solarize(image, threshold.item()) if chosen else image
    ),
    "sharpness": lambda image, factor: tv.adjust_sharpness(image, factor.item()),
}
CLOSE = {"rotation": 2e-4, "grey": 1e-6, "sharpness": 1e-6}
"""By how much sums in another order may differ; all others are exact."""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", THEIRS)
def test_agrees_with_torchvision(name, size):
    images = both(size)
    for parameters in ({}, {"p": 0.5} if "p" in PARAMETERS[name] else {}):
        draws = drawn(name, len(images), size, 1, parameters)
        ours = applied(name, images, draws)
        for i, image in enumerate(images):
            theirs = THEIRS[name](image, **{key: values[i] for key, values in draws.items()})
            torch.testing.assert_close(ours[i], theirs, rtol=0, atol=CLOSE.get(name, 0))


def in_pixels(corners, size):
    """From half sides from the centre to torchvision's pixels from the upper left corner."""
    return ((np.asarray(corners) + 1) / 2 * (size[1], size[0])).tolist()


@pytest.mark.parametrize("size", SIZES)
def test_perspective_agrees_with_torchvision(size):
    images = both(size)
    corners = 1 - np.random.default_rng(0).uniform(0, 0.66, (len(images), 4, 2))
    corners *= perspective.CORNERS
    coefficients = torch.from_numpy(perspective.homography(corners)).float()
    chosen = torch.ones(len(images), dtype=torch.bool)
    ours = perspective.apply(images, chosen, coefficients)
    for i, image in enumerate(images):
        ends = in_pixels(perspective.CORNERS, size), in_pixels(corners[i], size)
        theirs = tv.perspective(image, *ends, InterpolationMode.BILINEAR)
        torch.testing.assert_close(ours[i], theirs, rtol=0, atol=2e-4)


def test_perspective_moves_corners_inwards_as_far_as_it_says():
    """A corner of the image goes to where the drawn projection takes it from."""
    distortion = 0.4
    draws = drawn("perspective", 500, (20, 30), 3, {"distortion": distortion})
    a, b, c, d, e, f, g, h = draws["coefficients"].double().unbind(1)
    matrices = torch.stack([a, b, c, d, e, f, g, h, torch.ones_like(a)], 1).view(-1, 3, 3)
    corners = torch.tensor(perspective.CORNERS).double()
    points = torch.cat([corners, torch.ones(4, 1)], 1).T
    moved = torch.linalg.solve(matrices, points.expand(500, -1, -1))
    inwards = 1 - (moved[:, :2] / moved[:, 2:]).transpose(1, 2) * corners
    assert inwards.min() >= -1e-5
    assert inwards.max() <= distortion + 1e-5
    assert kstest(inwards.flatten() / distortion, "uniform").pvalue > 0.01


def test_noise_agrees_with_torchvision():
    images = both((31, 17))
    torch.manual_seed(0)
    theirs = tv.gaussian_noise(images, sigma=0.3)
    torch.manual_seed(0)
    ours = applied("noise", images, {"noise": torch.randn_like(images) * 0.3})
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


def test_noise_is_normal_and_as_strong_as_it_says():
    noise = drawn("noise", 40, (32, 32), parameters={"std": (0.2, 0.2)})["noise"]
    assert kstest(noise.flatten() / 0.2, "norm").pvalue > 0.01
    strengths = drawn("noise", 400, (32, 32), parameters={"std": (0.0, 0.5)})["noise"].std(
        (1, 2, 3)
    )
    assert kstest(strengths * 2, "uniform").pvalue > 0.01


# ----------------------------------------------------------------------- probability and strength

SOMETIMES = [name for name, values in PARAMETERS.items() if "p" in values]
NO_STRENGTH = {
    "affine": {"degrees": 0, "translate": (0, 0), "scale": (1, 1), "shear": 0},
    "colorjitter": {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0},
    "elastic": {"alpha": 0},
    "gaussblur": {"sigma": (0.01, 0.01)},
    "randcrop": {"scale": (1, 1), "ratio": (1, 1)},
    "rotation": {"degrees": 0},
    "perspective": {"distortion": 0},
    "padcrop": {"padding": 0},
    "mixup": {"alpha": 0},
    "noise": {"std": (0, 0)},
    "posterize": {"bits": (8, 8)},
    "sharpness": {"factor": (1, 1)},
}


@pytest.mark.parametrize("name", SOMETIMES)
def test_with_probability_0_nothing_changes_with_1_every_image_and_else_a_share(name):
    images = torch.rand(400, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    shares = {}
    for p in (0, 0.3, 1):
        result = augmented(name, images, parameters={"p": p})
        shares[p] = (result != images).flatten(1).any(1).float().mean().item()
    assert shares[0] == 0
    assert shares[1] == 1
    assert 0.2 < shares[0.3] < 0.4


@pytest.mark.parametrize("name", NO_STRENGTH)
@pytest.mark.parametrize("size", [(32, 32), (17, 17), (1, 1)])
def test_without_strength_nothing_changes(name, size):
    images = both(size)
    result = augmented(name, images, parameters=NO_STRENGTH[name])
    torch.testing.assert_close(result, images, rtol=0, atol=1e-5)


FIXED = [
    ("equalize", {}),
    *((name, NO_STRENGTH[name]) for name in NO_STRENGTH if name != "randcrop"),
    *((name, {"p": 0}) for name in SOMETIMES),
    *((name, {"p": 1}) for name in ("hflip", "vflip", "grey")),
    ("gaussblur", {"sigma": (1, 1)}),
    ("posterize", {"bits": (3, 3)}),
    ("solarize", {"threshold": (0.4, 0.4)}),
    ("sharpness", {"factor": (1.5, 1.5)}),
]


@pytest.mark.parametrize("name,parameters", FIXED)
def test_parameters_that_leave_nothing_to_draw_are_known(name, parameters):
    assert not augmentation_named(name).is_random(PARAMETERS[name] | parameters)
    images = pictures(4, (16, 16))
    assert torch.equal(*(augmented(name, images, seed, parameters) for seed in (1, 2)))


@pytest.mark.parametrize("name", [n for n in PARAMETERS if n != "equalize"])
def test_copies_differ_where_something_is_drawn(name):
    parameters = {"p": 0.5} if name in ("hflip", "vflip", "grey") else {}
    assert augmentation_named(name).is_random(PARAMETERS[name] | parameters)
    images = pictures(8, (16, 16))
    assert not torch.equal(*(augmented(name, images, seed, parameters) for seed in (1, 2)))


def test_a_config_knows_that_grey_models_are_equal_without_random_layers():
    config = parse_config(
        {
            "augmentations": ["grey", "hflip", "blurred", "both"],
            "augmentation_parameters": {
                "blurred": {"sweep": "gaussblur", "sigma": [0.5, 1, 2]},
                "both": ["grey", "hflip"],
            },
        }
    )
    same = ["none", "grey", "blurred_0.5", "blurred_1", "blurred_2", "identity"]
    assert config.repeating(random_layers=False) == same
    assert config.repeating(random_layers=True) == []


# --------------------------------------------------------------------------------------- extents


@given(st.integers(0, 10**6), st.sampled_from(SIZES))
@settings(max_examples=60, deadline=None)
def test_erased_rectangles_lie_inside_the_image_and_have_their_area_and_ratio(seed, size):
    height, width = size
    parameters = {"area": (0.1, 1.0), "ratio": (0.2, 5.0)}
    box = drawn("erasing", 16, size, seed, parameters)["box"]
    sides = box[:, 2:] - box[:, :2]
    assert (box >= 0).all()
    assert (box[:, 2] <= width).all()
    assert (box[:, 3] <= height).all()
    assert (sides >= 1).all()
    # Sides are whole pixels: half a pixel more or less is rounding.
    most, least = sides + 0.5, sides - 0.5
    assert (most.prod(1) >= 0.1 * height * width).all()
    inside = ((most < torch.tensor([width, height])).all(1)) & (least > 0).all(1)
    assert (most[inside, 0] / least[inside, 1] >= 0.2).all()
    assert (least[inside, 0] / most[inside, 1] <= 5.0).all()


def test_one_area_and_ratio_are_cutouts_square_of_one_value():
    images = pictures(50, (32, 32))
    parameters = {"area": (0.25, 0.25), "ratio": (1, 1), "value": 0.5}
    box = drawn("erasing", 50, (32, 32), parameters=parameters)["box"]
    assert ((box[:, 2:] - box[:, :2]) == 16).all()
    assert box[:, :2].min() == 0
    assert box[:, 2:].max() == 32
    result = augmented("erasing", images, parameters=parameters)
    assert ((result != images).any(1).sum((1, 2)) > 200).all()
    assert (result[result != images] == 0.5).all()


def test_erased_pixels_are_noise_where_asked():
    images = torch.full((40, 3, 16, 16), 2.0)  # no value of noise
    result = augmented("erasing", images, parameters={"area": (1, 1), "noise": True})
    assert kstest(result.flatten(), "uniform").pvalue > 0.01


def test_padded_crops_move_by_whole_pixels_up_to_the_padding_in_all_directions():
    offset = drawn("padcrop", 2000, (32, 32), parameters={"padding": 2})["offset"]
    assert set(map(tuple, offset.tolist())) == {(x, y) for x in range(-2, 3) for y in range(-2, 3)}


def test_bits_take_both_ends():
    bits = drawn("posterize", 300, (4, 4), parameters={"bits": (3, 5)})["bits"]
    assert sorted(set(bits.tolist())) == [3, 4, 5]


@pytest.mark.parametrize("degrees", [90, 180])
def test_angles_are_uniform_in_both_directions(degrees):
    angle = drawn("rotation", 1000, (8, 8), parameters={"degrees": degrees})["angle"]
    assert kstest((angle + degrees) / (2 * degrees), "uniform").pvalue > 0.01


# ----------------------------------------------------------------------------------------- MixUp


@pytest.mark.parametrize("alpha", [0.4, 1.0, 8.0])
def test_mixup_draws_shares_from_a_beta_distribution(alpha):
    share = drawn("mixup", 1000, (4, 4), parameters={"alpha": alpha})["share"]
    assert kstest(share, beta(alpha, alpha).cdf).pvalue > 0.01
    assert share.min() >= 0
    assert share.max() <= 1


@pytest.mark.parametrize("alpha", [0, 1e-300, 1e-3, 100])
def test_mixup_takes_any_alpha(alpha):
    share = drawn("mixup", 200, (4, 4), parameters={"alpha": alpha})["share"]
    assert torch.isfinite(share).all()
    assert share.ge(0).all()
    assert share.le(1).all()


def test_mixup_mixes_labels_as_it_mixes_pixels():
    """Images of class c are of value c / 2, so that values tell what labels must be."""
    labels, others = torch.tensor([0, 1, 2, 0, 1]), torch.tensor([2, 2, 0, 0, 0])
    images, partners = (
        (of / 2)[:, None, None, None].expand(-1, 3, 4, 4) for of in (labels, others)
    )
    shown = Recipe([PARAMETERS["mixup"]])(
        images, labels, 3, np.random.default_rng(0), lambda rng: (partners, others)
    )
    assert shown.targets.shape == (5, 3)
    torch.testing.assert_close(shown.targets.sum(1), torch.ones(5))
    expected = shown.targets @ torch.tensor([0.0, 0.5, 1.0])
    torch.testing.assert_close(shown.images[:, 0, 0, 0], expected)
    assert shown.targets[3].tolist() == [1, 0, 0]
    assert augmentation_named("mixup").mixes
