"""Methods that captum computes: what each pixel adds to the logit of a class.

Attributions are summed over the image's channels, signs kept, and averaged over the cells of the
layer's map, which is their only use of the layer. Captum is an optional dependency.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from augcam.errors import AugcamError
from augcam.explanation.subject import Batch, Explain, Subject

_AT_ONCE = 32  # images in one pass of captum's


def _captum() -> Any:
    try:
        import captum.attr
    except ModuleNotFoundError as error:
        raise AugcamError(
            "cam.method: methods called 'captum.…' need the package captum, which is not installed "
            "here: pip install 'captum>=0.8,<1' (the extra 'captum' of augcam)."
        ) from error
    return captum.attr


@contextmanager
def _attributing(subject: Subject, method: str, **options: Any) -> Iterator[Explain]:
    """One object of captum's for all images."""
    made = getattr(_captum(), method)(subject.model)

    def run(batch: Batch) -> Tensor:
        images = batch.images.detach().clone().requires_grad_()
        found = made.attribute(images, target=batch.classes, **options)
        return subject.on_grid(found.detach().sum(1))

    yield run


def saliency(subject: Subject) -> Any:
    """The absolute gradient."""
    return _attributing(subject, "Saliency")


def input_x_gradient(subject: Subject) -> Any:
    return _attributing(subject, "InputXGradient")


def integrated_gradients(subject: Subject, steps: int) -> Any:
    """From the mean colour, which is 0 in what the network sees, at `steps` points of the way."""
    return _attributing(subject, "IntegratedGradients", n_steps=steps, internal_batch_size=_AT_ONCE)


@contextmanager
def occlusion(subject: Subject) -> Iterator[Explain]:
    """With the mean colour, by patches of the size of a cell."""
    made = _captum().Occlusion(subject.model)

    def run(batch: Batch) -> Tensor:
        *_, height, width = batch.images.shape
        patch = (3, -(-height // subject.layout.height), -(-width // subject.layout.width))
        at_once = max(1, _AT_ONCE // len(batch.images))
        with torch.no_grad():
            found = made.attribute(
                batch.images, patch, patch, target=batch.classes, perturbations_per_eval=at_once
            )
        return subject.on_grid(found.sum(1))

    yield run


@contextmanager
def gradient_shap(subject: Subject, samples: int) -> Iterator[Explain]:
    """At so many random points, each against an image of noise of its own around the mean colour,
    of the deviation that images have.

    All that is random depends on the image's number alone: neither on batches nor on the device.
    Captum draws from numpy's global generator, which is left as it was.
    """
    made = _captum().GradientShap(subject.model)

    def run(batch: Batch) -> Tensor:
        found = []
        before = np.random.get_state()  # noqa: NPY002
        try:
            for image, wanted, number in zip(batch.images, batch.classes, batch.numbers):
                rng = np.random.default_rng(int(number))
                noise = rng.standard_normal((samples, *image.shape), dtype=np.float32)
                np.random.seed(rng.integers(2**32))  # noqa: NPY002
                baselines = torch.from_numpy(noise).to(image.device)
                one = image.detach().clone()[None].requires_grad_()
                found.append(made.attribute(one, baselines, n_samples=samples, target=wanted[None]))
        finally:
            np.random.set_state(before)  # noqa: NPY002
        return subject.on_grid(torch.cat(found).detach().sum(1))

    yield run
