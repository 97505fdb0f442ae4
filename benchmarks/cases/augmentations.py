"""Each built-in augmentation: augcam, torchvision one image at a time, and kornia in batches.

All sides make float32 batches in [0, 1] from uint8 images of 32×32 pixels, with parameters drawn
per image (kornia's noise has one strength): augcam and kornia convert a batch and augment it,
torchvision augments each image as uint8, as its documentation advises, and the batch is converted.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from augcam.config.choices import AUGMENTATIONS
from augcam.config.conditions import built_in_step
from benchmarks.cases.training import BATCH, SIDE, pictures
from benchmarks.harness import Comparison, Done, Settings

STORED = 1024  # images
PARAMETERS = {name: built_in_step(name) for name in AUGMENTATIONS}


def rounds(settings: Settings, images: Any, augment: Callable) -> Callable[[], Done]:
    """A round: all images, batch by batch; at full size four times."""
    batches = images.split(BATCH) * (4 if settings.full else 1)

    def one_round() -> Done:
        for batch in batches:
            augment(batch)
        return Done(len(batches) * BATCH)

    return one_round


def _prepared(settings: Settings) -> Any:
    """uint8 (STORED, 3, SIDE, SIDE), the same for all sides."""
    import torch

    torch.set_num_threads(settings.threads)
    torch.manual_seed(0)
    return torch.from_numpy(pictures(STORED)[0]).permute(0, 3, 1, 2).contiguous()


def ours(name: str, settings: Settings) -> Callable[[], Done]:
    import torch

    from augcam.augment.draws import draw, generator
    from augcam.entries import augmentation_named

    images, augmentation = _prepared(settings), augmentation_named(name)
    numbers = iter(range(10**9))

    def augment(batch) -> Any:
        rng = generator(1, 0, next(numbers))
        drawn = draw(augmentation, rng, len(batch), (SIDE, SIDE), PARAMETERS[name])
        if augmentation.mixes:
            others = torch.from_numpy(rng.integers(len(images), size=len(batch)))
            drawn["partners"] = images[others].float() / 255
        return augmentation.apply(batch.float() / 255, **drawn)

    return rounds(settings, images, augment)


# ----------------------------------------------------------------------------------- torchvision


def torchvision(name: str, settings: Settings) -> Callable[[], Done]:
    import torch

    images = _prepared(settings)
    transform = _torchvision_transform(name, PARAMETERS[name], images)

    def augment(batch) -> Any:
        return torch.stack([transform(image) for image in batch]).float() / 255

    return rounds(settings, images, augment)


def _torchvision_transform(name: str, p: dict[str, Any], images) -> Callable:
    import torch
    from torchvision.transforms import v2

    bilinear = v2.InterpolationMode.BILINEAR

    def other(image):
        return images[torch.randint(len(images), ()).item()]

    def cutmix(image):
        reach = int((torch.rand(()) * p["max_area"]).sqrt() / 2 * SIDE)
        x, y = torch.randint(SIDE, (2,)).tolist()
        rows, columns = (slice(max(c - reach, 0), c + reach) for c in (y, x))
        image = image.clone()
        image[:, rows, columns] = other(image)[:, rows, columns]
        return image

    def mixup(image):  # alpha 1: uniform weights
        return torch.lerp(other(image).float(), image.float(), torch.rand(()))

    def noise(image):
        strength = torch.empty(()).uniform_(*p["std"]).item()
        return v2.functional.gaussian_noise(image, sigma=strength)

    def one_of(kind, values: Iterable[float]) -> Callable:
        """A transform that has one value per object, drawn per image from several objects."""
        return v2.RandomChoice([kind(value, p=p["p"]) for value in values])

    return {
        "affine": lambda: v2.RandomAffine(
            p["degrees"], p["translate"], p["scale"], p["shear"], bilinear
        ),
        "cutmix": lambda: cutmix,
        "colorjitter": lambda: v2.ColorJitter(
            p["brightness"], p["contrast"], p["saturation"], p["hue"]
        ),
        "elastic": lambda: v2.ElasticTransform(p["alpha"], p["sigma"]),
        "equalize": lambda: v2.RandomEqualize(p=1),
        "gaussblur": lambda: v2.GaussianBlur(p["kernel_size"], tuple(p["sigma"])),
        "randcrop": lambda: v2.RandomResizedCrop(SIDE, tuple(p["scale"]), tuple(p["ratio"])),
        "hflip": lambda: v2.RandomHorizontalFlip(p["p"]),
        "vflip": lambda: v2.RandomVerticalFlip(p["p"]),
        "rotation": lambda: v2.RandomRotation(p["degrees"], bilinear),
        "perspective": lambda: v2.RandomPerspective(p["distortion"], p["p"], bilinear),
        "padcrop": lambda: v2.RandomCrop(SIDE, padding=p["padding"]),
        "erasing": lambda: v2.RandomErasing(p["p"], tuple(p["area"]), tuple(p["ratio"])),
        "mixup": lambda: mixup,
        "noise": lambda: noise,
        "grey": lambda: v2.RandomGrayscale(p["p"]),
        "posterize": lambda: one_of(v2.RandomPosterize, range(p["bits"][0], p["bits"][1] + 1)),
        "solarize": lambda: one_of(v2.RandomSolarize, 255 * np.linspace(*p["threshold"], 8)),
        "sharpness": lambda: one_of(v2.RandomAdjustSharpness, np.linspace(*p["factor"], 8)),
    }[name]()


# ---------------------------------------------------------------------------------------- kornia


def kornia(name: str, settings: Settings) -> Callable[[], Done]:
    import torch

    images = _prepared(settings)
    transform = _kornia_transform(name, PARAMETERS[name])
    labels = torch.zeros(BATCH, dtype=torch.long)

    def augment(batch) -> Any:
        batch = batch.float() / 255
        return transform(batch, labels) if name in ("cutmix", "mixup") else transform(batch)

    return rounds(settings, images, augment)


def _kornia_transform(name: str, p: dict[str, Any]) -> Callable:
    import kornia.augmentation as k

    return {
        "affine": lambda: k.RandomAffine(
            p["degrees"], p["translate"], p["scale"], p["shear"], p=1.0
        ),
        "cutmix": lambda: k.RandomCutMixV2(p=1.0, data_keys=["input", "class"]),
        "colorjitter": lambda: k.ColorJitter(
            p["brightness"], p["contrast"], p["saturation"], p["hue"], p=1.0
        ),
        "elastic": lambda: k.RandomElasticTransform(
            (41, 41), (p["sigma"],) * 2, (p["alpha"] / SIDE,) * 2, p=1.0
        ),
        "equalize": lambda: k.RandomEqualize(p=1.0),
        "gaussblur": lambda: k.RandomGaussianBlur(p["kernel_size"], tuple(p["sigma"]), p=1.0),
        "randcrop": lambda: k.RandomResizedCrop(
            (SIDE, SIDE), tuple(p["scale"]), tuple(p["ratio"]), p=1.0
        ),
        "hflip": lambda: k.RandomHorizontalFlip(p=p["p"]),
        "vflip": lambda: k.RandomVerticalFlip(p=p["p"]),
        "rotation": lambda: k.RandomRotation(p["degrees"], p=1.0),
        "perspective": lambda: k.RandomPerspective(p["distortion"], p=p["p"]),
        "padcrop": lambda: k.RandomCrop((SIDE, SIDE), padding=p["padding"], p=1.0),
        "erasing": lambda: k.RandomErasing(tuple(p["area"]), tuple(p["ratio"]), p=p["p"]),
        "mixup": lambda: k.RandomMixUpV2(p=1.0, data_keys=["input", "class"]),
        "noise": lambda: k.RandomGaussianNoise(std=p["std"][1], p=1.0),
        "grey": lambda: k.RandomGrayscale(p=p["p"]),
        "posterize": lambda: k.RandomPosterize(tuple(map(float, p["bits"])), p=p["p"]),
        "solarize": lambda: k.RandomSolarize(tuple(p["threshold"]), p=p["p"]),
        "sharpness": lambda: k.RandomSharpness(tuple(p["factor"]), p=p["p"]),
    }[name]()


def _benchmark(name: str) -> Comparison:
    return Comparison(
        name=f"augmentation-{name}",
        title=f"Augmentation {name} at {SIDE}×{SIDE}, batches of {BATCH}",
        unit="images",
        sides={
            "augcam": partial(ours, name),
            "torchvision, one image at a time": partial(torchvision, name),
            "kornia, in batches": partial(kornia, name),
        },
        goals={"torchvision, one image at a time": 1},
        threads=(1,),
        packages=("kornia",),
        rounds=(5, 15),
    )


BENCHMARKS = [_benchmark(name) for name in AUGMENTATIONS]
