"""Augmentations against torchvision, and the laws that hold for all of them."""

import numpy as np
import pytest
import torch
import torchvision.transforms.v2.functional as tv
from augmenting import PARAMETERS, applied, augmented, drawn, nasty, pictures
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2 import InterpolationMode

from augcam.augment.augmentations import colorjitter, cutmix, elastic
from augcam.augment.draws import generator
from augcam.augment.pixels import grey
from augcam.entries import Augmentation, augmentation_named, entries

CHANGING = [name for name, entry in entries(Augmentation).items() if entry.apply]
RANDOM = [name for name in CHANGING if name != "equalize"]
OF_FEW_KINDS = ["hflip", "vflip", "grey", "padcrop", "posterize"]  # two draws may well be equal
SIZES = [(32, 32), (24, 40), (8, 8)]
NASTY_SIZES = [(1, 1), (1, 7), (6, 1), (2, 2), (3, 3), (31, 17)]


def test_every_augmentation_that_is_no_control_has_a_section_in_the_config():
    assert set(CHANGING) == set(PARAMETERS)
    assert {name for name, entry in entries(Augmentation).items() if entry.control} == {
        "none", "identity"
    }  # fmt: skip


@pytest.mark.parametrize("name", CHANGING)
@pytest.mark.parametrize("size", [*SIZES, *NASTY_SIZES])
def test_shape_type_and_range_are_kept(name, size):
    images = torch.cat([pictures(6, size), nasty(size)])
    result = augmented(name, images)
    assert result.shape == images.shape
    assert result.dtype == torch.float32
    assert result.min() >= 0
    assert result.max() <= 1 + 1e-6


@pytest.mark.parametrize("name", CHANGING)
def test_input_is_left_alone(name):
    images = pictures(4, (16, 16))
    before = images.clone()
    augmented(name, images)
    assert torch.equal(images, before)


@pytest.mark.parametrize("name", CHANGING)
def test_same_seed_same_pixels(name):
    images = pictures(5, (32, 32))
    assert torch.equal(augmented(name, images, seed=3), augmented(name, images, seed=3))


@pytest.mark.parametrize("name", RANDOM)
def test_each_image_gets_its_own_parameters(name):
    # One image eight times: equal results would mean shared parameters.
    images = pictures(1, (32, 32)).expand(8, -1, -1, -1)
    draws = drawn(name, 8, (32, 32), parameters={"p": 0.5} if name == "grey" else {})
    partners = {"partners": 1 - images} if augmentation_named(name).mixes else {}
    results = applied(name, images, draws, **partners)
    different = len({image.numpy().tobytes() for image in results})
    assert different > 1 if name in OF_FEW_KINDS else different == 8


@pytest.mark.parametrize("name", RANDOM)
def test_result_of_an_image_does_not_depend_on_the_batch(name):
    images = pictures(6, (32, 32))
    draws = drawn(name, 6, (32, 32))
    partners = {"partners": images.flip(0)} if augmentation_named(name).mixes else {}
    whole = applied(name, images, draws, **partners)
    alone = {key: value[2:3] for key, value in (draws | partners).items()}
    one = augmentation_named(name).apply(images[2:3], **alone)
    torch.testing.assert_close(whole[2:3], one, rtol=0, atol=1e-6)


def test_generator_depends_on_each_of_its_arguments():
    draws = {key: generator(*key).random() for key in [(1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1)]}
    assert len(set(draws.values())) == 4
    assert generator(1, 0, 0).random() == draws[1, 0, 0]


# ------------------------------------------------------------------- agreement with torchvision


@pytest.mark.parametrize("size", SIZES)
def test_affine_agrees_with_torchvision(size):
    images = pictures(6, size)
    draws = drawn("affine", 6, size, 1)
    # torchvision shifts by whole pixels only where asked so; we give it what we use.
    ours = applied("affine", images, draws)
    for i in range(6):
        theirs = tv.affine(
            images[i],
            angle=draws["angle"][i].item(),
            translate=draws["translate"][i].tolist(),
            scale=draws["scale"][i].item(),
            shear=[draws["shear"][i].item(), 0.0],
            interpolation=InterpolationMode.BILINEAR,
        )
        torch.testing.assert_close(ours[i], theirs, rtol=0, atol=2e-4)


@pytest.mark.parametrize("size", SIZES)
def test_randcrop_agrees_with_torchvision(size):
    images = pictures(6, size)
    box = drawn("randcrop", 6, size, 1)["box"]
    ours = applied("randcrop", images, {"box": box})
    for i in range(6):
        left, top, width, height = map(int, box[i])
        theirs = tv.resized_crop(images[i], top, left, height, width, size, antialias=False)
        torch.testing.assert_close(ours[i], theirs, rtol=0, atol=2e-5)


@given(st.integers(0, 10**6))
@settings(max_examples=50, deadline=None)
def test_crops_lie_inside_the_image(seed):
    parameters = {"scale": (0.01, 1.0), "ratio": (0.2, 5.0)}
    box = drawn("randcrop", 16, (20, 30), seed, parameters)["box"]
    assert (box >= 0).all()
    assert (box[:, 2:] >= 1).all()
    assert (box[:, 0] + box[:, 2] <= 30).all()
    assert (box[:, 1] + box[:, 3] <= 20).all()


@pytest.mark.parametrize("size", [(32, 32), (48, 48)])
def test_elastic_agrees_with_torchvision(size):
    images = pictures(4, size)
    draws = drawn("elastic", 4, size, 1)
    ours = applied("elastic", images, draws)
    half = torch.tensor([size[1], size[0]]) / 2
    for i in range(4):
        displacement = draws["displacement"][i].permute(1, 2, 0)[None] / half
        theirs = tv.elastic(images[i], displacement)
        torch.testing.assert_close(ours[i], theirs, rtol=0, atol=2e-5)


def test_elastic_noise_is_smoothed_as_in_torchvision():
    # torchvision's ElasticTransform: a Gaussian kernel of 8σ + 1 pixels, reflecting at the border.
    size, sigma, alpha = 64, 4.0, 50.0
    ours = drawn("elastic", 1, (size, size), 0, {"alpha": alpha, "sigma": sigma})
    noise = torch.from_numpy(
        np.random.default_rng(0).uniform(-1, 1, (1, 2, size, size)).astype(np.float32)
    )
    theirs = tv.gaussian_blur(noise, [33, 33], [sigma, sigma]) * alpha / size
    torch.testing.assert_close(ours["displacement"], theirs * size / 2, rtol=0, atol=2e-3)


@pytest.mark.parametrize("size", SIZES[:2])
def test_gaussblur_agrees_with_torchvision(size):
    images = pictures(5, size)
    sigma = np.random.default_rng(1).uniform(0.1, 2.0, (5, 1))
    draws = drawn("gaussblur", 5, size, 1)
    ours = applied("gaussblur", images, draws)
    for i in range(5):
        theirs = tv.gaussian_blur(images[i], [5, 5], [float(sigma[i, 0])] * 2)
        torch.testing.assert_close(ours[i], theirs, rtol=0, atol=1e-5)


def test_gaussblur_kernel_may_exceed_the_image():
    draws = drawn("gaussblur", 2, (3, 3), 0, {"kernel_size": 9, "sigma": (1.0, 2.0)})
    flat = torch.full((2, 3, 3, 3), 0.5)
    torch.testing.assert_close(applied("gaussblur", flat, draws), flat)


def test_colorjitter_agrees_with_torchvision():
    images = pictures(8, (16, 16), seed=4)
    draws = drawn("colorjitter", 8, (16, 16), 2)
    ours = applied("colorjitter", images, draws)
    for i in range(8):
        theirs = tv.adjust_brightness(images[i], draws["brightness"][i].item())
        theirs = tv.adjust_contrast(theirs, draws["contrast"][i].item())
        theirs = tv.adjust_saturation(theirs, draws["saturation"][i].item())
        theirs = tv.adjust_hue(theirs, draws["hue"][i].item())
        torch.testing.assert_close(ours[i], theirs, rtol=0, atol=1e-4)


def test_hue_leaves_grey_alone_and_full_turns_change_nothing():
    images = pictures(2, (8, 8))
    grey_ones = grey(images).expand(-1, 3, -1, -1)
    turned = colorjitter.shift_hue(grey_ones, torch.tensor([0.3, -0.4]))
    torch.testing.assert_close(turned, grey_ones)
    torch.testing.assert_close(
        colorjitter.shift_hue(images, torch.ones(2)), images, rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("kind", ["smooth", "noise", "flat", "two levels", "one bright pixel"])
def test_equalize_agrees_with_torchvision(kind):
    images = pictures(3, (20, 24))
    if kind == "noise":
        images = torch.randint(0, 256, (3, 3, 20, 24)) / 255
    elif kind == "flat":
        images = torch.full((3, 3, 20, 24), 77 / 255)
    elif kind == "two levels":
        images = (images > 0.5).float()
    elif kind == "one bright pixel":
        images = torch.zeros(3, 3, 20, 24)
        images[:, :, 3, 4] = 1
    ours = (applied("equalize", images, {}) * 255).round().to(torch.uint8)
    theirs = tv.equalize((images * 255).round().to(torch.uint8))
    assert torch.equal(ours, theirs)


# --------------------------------------------------------------------------------------- CutMix


def test_cutmix_pastes_the_partner_inside_the_box_only():
    images, partners = torch.zeros(3, 3, 10, 12), torch.ones(3, 3, 10, 12)
    box = torch.tensor([[2, 1, 5, 9], [0, 0, 12, 10], [4, 4, 4, 4]])
    result = cutmix.apply(images, partners, box)
    assert result[0, :, 1:9, 2:5].eq(1).all()
    assert result[0].sum() == 3 * 8 * 3
    assert result[1].eq(1).all()
    assert result[2].eq(0).all()
    assert cutmix.pasted_share(box, (10, 12)).tolist() == pytest.approx([24 / 120, 1, 0])


def test_cutmix_never_pastes_more_than_its_largest_share():
    parameters = {"alpha": 1.0, "max_area": 0.3}
    box = drawn("cutmix", 2000, (32, 32), 0, parameters)["box"]
    share = cutmix.pasted_share(box, (32, 32))
    assert share.max() <= 0.3
    assert share.max() > 0.2


@pytest.mark.parametrize("size", [1, 2, 8, 33])
@pytest.mark.parametrize("sigma", [0.5, 5.0])
def test_gaussian_matrix_is_scipys_filter(size, sigma):
    from scipy.ndimage import gaussian_filter1d

    expected = gaussian_filter1d(np.eye(size), sigma, axis=0, mode="mirror", truncate=4)
    np.testing.assert_allclose(
        elastic.gaussian_matrix(size, sigma).numpy(), expected, rtol=0, atol=1e-7
    )
