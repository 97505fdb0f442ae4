"""Scores that ask the network: deletion against Quantus, ROAD against pytorch-grad-cam."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from benchmarks.harness import Comparison, Done, Settings

CLASSES = 10

# Quantus is in no extra, as it asks for opencv-python, which takes the place of the headless one
# that grad-cam brings: `pip install --no-deps quantus==0.6.0 cachetools`.


class Network(NamedTuple):
    architecture: str
    input_size: int
    images: tuple[int, int]  # a round, quick and full


def _prepared(network: Network, settings: Settings):
    """The network, random images, and smooth maps of the input's size without ties, whose pixels
    all sides take in the same order."""
    import torch

    from augcam.comparison.maps import upsample
    from augcam.networks.build import build

    torch.set_num_threads(settings.threads)
    count, side = network.images[settings.full], network.input_size
    model = build(network.architecture, CLASSES, {}, seed=0).requires_grad_(False)
    images = torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)  # of the random layers: every side has the same network
    for _ in range(20):  # running statistics as after some training: answers that differ
        model.train()(torch.randn(4, 3, side, side))
    model.eval()
    smooth = upsample(np.random.default_rng(0).random((count, 7, 7), dtype=np.float32), side)
    places = np.argsort(np.argsort(smooth.reshape(count, -1), axis=1), axis=1)
    maps = (1 + places.reshape(count, side, side)).astype(np.float32) / side**2
    return model.to(settings.device), images.to(settings.device), maps


def ours(network: Network, score: str, is_compared: bool) -> Callable:
    def setup(settings: Settings) -> Callable[[], Done]:
        import torch

        from augcam.comparison.probe import Probe
        from augcam.comparison.rawmaps import RawMaps
        from augcam.entries import score_named

        model, images, maps = _prepared(network, settings)
        model = model.to(memory_format=torch.channels_last)
        ids, target = np.arange(len(images)), np.zeros(len(images), np.int64)

        def run() -> Done:
            raw = RawMaps(maps, network.input_size)
            found = score_named(score).function(raw, Probe(model, images, target, ids, raw))
            return Done(len(images), found if is_compared else None)

        return run

    return setup


def quantus(network: Network, values_in_step: Callable[[int], int]) -> Callable:
    """Pixel flipping to 0: deletion but for its first point, and for each channel's values being
    flipped by themselves. The area is taken here: Quantus 0.6's own asks numpy for what it has no
    more."""

    def setup(settings: Settings) -> Callable[[], Done]:
        from quantus import PixelFlipping

        model, images, maps = _prepared(network, settings)
        metric = PixelFlipping(
            features_in_step=values_in_step(network.input_size),
            perturb_baseline=0.0,
            abs=False,
            normalise=False,
            disable_warnings=True,
        )
        given = {
            "x_batch": images.cpu().numpy(),
            "y_batch": np.zeros(len(images), int),
            "a_batch": maps[:, None],
        }

        def run() -> Done:
            curves = metric(model=model, device=settings.device, softmax=True, **given)
            np.trapezoid(curves, axis=1)
            return Done(len(images))

        return run

    return setup


def pytorch_grad_cam(network: Network) -> Callable:
    def setup(settings: Settings) -> Callable[[], Done]:
        import torch
        from pytorch_grad_cam.metrics.road import ROADCombined
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget

        model, images, maps = _prepared(network, settings)
        targets = [ClassifierOutputSoftmaxTarget(0)] * len(images)

        def run() -> Done:
            torch.manual_seed(0)
            return Done(len(images), ROADCombined()(images, maps, targets, model))

        return run

    return setup


def deletion(network: Network) -> Comparison:
    """Against a step of as many values as ours has pixels, which is a third as many pixels, and of
    four times as many, the least that Quantus takes (a divisor of the image's pixels) for no more
    forward passes than ours."""
    return Comparison(
        f"deletion-{network.architecture}",
        f"Deletion AUC, {network.architecture} at {network.input_size}",
        unit="images",
        sides={
            "augcam": ours(network, "deletion", is_compared=False),
            "Quantus, a row's values a step": quantus(network, lambda side: side),
            "Quantus, four rows' values a step": quantus(network, lambda side: 4 * side),
        },
        goals={"Quantus, a row's values a step": 3},
        packages=("quantus",),
        optional=("quantus",),
        threads=(1,),
    )


def road(network: Network) -> Comparison:
    return Comparison(
        f"road-{network.architecture}",
        f"ROAD, combined over nine steps, {network.architecture} at {network.input_size}",
        unit="images",
        sides={
            "augcam": ours(network, "road", is_compared=True),
            "pytorch-grad-cam": pytorch_grad_cam(network),
        },
        packages=("grad-cam",),
        threads=(1,),
        tolerance=5e-3,  # each draws its own noise
    )


SMALL = Network("resnet20", 32, (16, 64))
LARGE = Network("efficientnet_b0", 224, (1, 4))

BENCHMARKS = [deletion(SMALL), deletion(LARGE), road(SMALL), road(LARGE)]
