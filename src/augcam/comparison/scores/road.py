"""ROAD: how much more it takes to remove the map's highest pixels than its lowest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Score

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.probe import Probe
    from augcam.comparison.rawmaps import RawMaps

PERCENTILES = (10, 20, 30, 40, 50, 60, 70, 80, 90)
"""Pixels from these on are removed, of the map or of its inverse, as in pytorch-grad-cam."""


def road(maps: RawMaps, probe: Probe) -> np.ndarray:
    """(L − M) / 2, in [−.5, .5]: L is the mean confidence without the lowest 10, 20, … 90 % of
    pixels, M without the highest; each is replaced by noisy linear imputation from what is left
    (`augcam.comparison.imputation`), after normalisation. Above 0: the order is right.

    As pytorch-grad-cam's `ROADCombined` on softmax confidence, but that of equal pixels exactly as
    many are removed as of different ones, in a random order, and that the noise of an image is the
    same for all models and steps. NaN for maps that are the same everywhere.
    """
    import numpy as np
    import torch

    counts = np.array([reaching(maps.pixels, percentile) for percentile in PERCENTILES])
    versions = torch.from_numpy(np.stack([without(probe, i, counts) for i in range(len(probe))]))
    versions = versions.to(probe.images.device)
    found = probe.ask(lambda image, way: versions[image, way], 2 * len(counts))
    lowest, highest = np.split(found, 2, axis=1)
    return maps.defined((lowest.mean(axis=1) - highest.mean(axis=1)) / 2, needs_order=True)


def reaching(pixels: int, percentile: int) -> int:
    """How many of so many different values reach this percentile (numpy's linear definition)."""
    return pixels - -(-(pixels - 1) * percentile // 100)


def without(probe: Probe, image: int, counts: np.ndarray) -> np.ndarray:
    """One image of `probe` without its lowest pixels, as many as `counts` (K,) say, then without
    its highest: float32 (2 K, 3, s, s)."""
    import numpy as np

    from augcam.comparison.imputation import NOISE, impute

    places, pixels = probe.places[image].cpu().numpy(), probe.images[image].cpu().numpy()
    counts = counts[:, None, None]
    removed = np.concatenate([places >= places.size - counts, places < counts])
    noise = NOISE * probe.rng(image, 1).standard_normal(pixels.shape, dtype=np.float32)
    return impute(pixels, removed, noise)


ENTRY = Score(
    name="road",
    display_name="ROAD",
    definition="(mean confidence without the lowest pixels − without the highest) / 2, imputed",
    source="Rong et al. 2022 (arXiv 2202.00449), combined as in pytorch-grad-cam",
    function=road,
    range=(-0.5, 0.5),
    needs="network",
    undefined_on_constant=True,
    higher="order pixels more as the network does",
    lower="order pixels less as the network does",
)
