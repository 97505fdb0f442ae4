"""Pictures: augmented examples, and one class activation map step by step."""

from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from augcam.comparison.maps import to_maps
from augcam.names import condition_name
from augcam.report.style import HEAT, SMALL, styled

TILE = 96  # pixels of a side of a picture in a grid


class Seen(NamedTuple):
    """What one model makes of one image: raw CAM (h, w), name of the class that it predicts,
    whether that is right, and the metric's value against the baseline (None for the baseline)."""

    cam: np.ndarray
    predicted: str
    right: bool
    value: float | None = None


def tile(pixels: np.ndarray, size: int = TILE) -> np.ndarray:
    """What networks see of an image, uint8 (H, W, 3) → (size, size, 3); enlarged pixels stay
    visible as rectangles."""
    image = Image.fromarray(pixels)
    filter_ = Image.Resampling.NEAREST if max(image.size) <= size else Image.Resampling.LANCZOS
    return np.asarray(image.resize((size, size), filter_))


def heat(cam: np.ndarray, size: int = TILE) -> np.ndarray:
    """Raw CAM (h, w) → colours of its normalised map, uint8 (size, size, 3)."""
    return (plt.get_cmap(HEAT)(to_maps(cam[None], size)[0])[..., :3] * 255).astype(np.uint8)


def overlay(pixels: np.ndarray, cam: np.ndarray, size: int = TILE) -> np.ndarray:
    """The image in grey, coloured where the normalised map is high: uint8 (size, size, 3)."""
    strength = 0.7 * to_maps(cam[None], size)[0][..., None]
    grey = tile(pixels, size).mean(axis=2, keepdims=True)
    return (grey * (1 - strength) + heat(cam, size) * strength).astype(np.uint8)


@styled
def augmentation_examples(
    originals: list[np.ndarray], copies: list[np.ndarray], names: list[str], augmentation: str
) -> Figure:
    """One row an image: the original, then its augmented copies (figures 1 to 7 of the paper).

    `originals` n × (s, s, 3), `copies` n × (k, s, s, 3), uint8; `names`: where each copy is shown.
    """
    columns = 1 + len(names)
    figure, panels = plt.subplots(
        len(originals),
        columns,
        figsize=(1.35 * columns, 1.4 * len(originals) + 0.5),
        squeeze=False,
    )
    for row, original, draws in zip(panels, originals, copies):
        for axes, pixels in zip(row, [original, *draws]):
            axes.imshow(pixels)
            axes.set_axis_off()
    for axes, name in zip(panels[0], ["Original", *names]):
        axes.set_title(name, loc="center", fontsize=SMALL, fontweight="normal")
    figure.suptitle(condition_name(augmentation), fontweight="bold", fontsize=11, x=0.01, ha="left")
    return figure


@styled
def cam_example(pixels: np.ndarray, seen: Seen, size: int, title: str) -> Figure:
    """From image to overlay: image, raw map, normalised map at `size`, overlay (figure 8)."""
    figure, panels = plt.subplots(1, 4, figsize=(11, 3.1))
    limit = max(np.abs(seen.cam).max(), 1e-12)
    drawings = [
        ("The image", {"X": pixels}),
        (f"Raw map, {seen.cam.shape[0]}×{seen.cam.shape[1]}",
         {"X": seen.cam, "cmap": "RdBu_r", "vmin": -limit, "vmax": limit}),
        (f"Normalised map, {size}×{size}",
         {"X": to_maps(seen.cam[None], size)[0], "cmap": HEAT, "vmin": 0, "vmax": 1}),
        ("Overlay", {"X": overlay(pixels, seen.cam, max(size, 2 * TILE))}),
    ]  # fmt: skip
    for axes, (name, drawing) in zip(panels, drawings):
        image = axes.imshow(**drawing)
        axes.set_axis_off()
        axes.set_title(name, loc="center", fontsize=10, fontweight="normal")
        if "cmap" in drawing:
            figure.colorbar(image, ax=axes, shrink=0.8, fraction=0.05)
    figure.suptitle(title, fontweight="bold", fontsize=11, x=0.01, ha="left")
    return figure
