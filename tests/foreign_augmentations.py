"""A file as a user has it: augmentations of one's own, sound ones and others."""

import random

import numpy as np
import torch


class Fog:
    """Draws from Python's, NumPy's and torch's global generators."""

    def __init__(self, severity=1):
        self.severity = severity

    def __call__(self, image):
        thickness = 0.1 * self.severity * random.random() * np.random.rand()  # noqa: NPY002
        return image * (1 - thickness) + thickness * torch.rand(1)


def darker(image, least=0.5):
    return image * random.uniform(least, 1)


def swapped(images):
    """Exchanges images of a batch."""
    return images[torch.randperm(len(images))]


swapped.batched = True


class Closed:
    pass


GENERATOR = np.random.default_rng(0)


def with_own_generator(image):
    return image * GENERATOR.random(dtype=np.float32)


def smaller(image):
    return image[:, :-1]


def as_array(image):
    return image.numpy()


def of_bytes(image):
    return (255 * image).byte()


def brighter(image):
    return 2 * image


def not_a_number(image):
    return image / 0


def for_pil(image):
    return image.convert("L")
