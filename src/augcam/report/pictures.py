"""Pictures: augmented examples, one class activation map step by step, grids of extreme images."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from augcam.compare.maps import to_maps
from augcam.compare.models import Explained
from augcam.names import EXTREMES, display_name
from augcam.report.style import HEAT, SMALL, mark_controls, nothing_to_show, styled

TILE = 96  # pixels of a side of a picture in a grid


GAP, CAPTION = 6, 26  # pixels between pictures, and below them for text


LABELS, BAND, TITLE = 120, 20, 82  # pixels left of a grid, above its states, and above it


PIXELS_PER_INCH = 130


RIGHT, WRONG = "#117733", "#AA3311"


Model = tuple[str, int]  # condition, starting state


class Seen(NamedTuple):
    """What one model makes of one image: raw CAM (h, w), name of the class that it predicts,
    whether that is right, and the metric's value against the baseline (None for the baseline)."""

    cam: np.ndarray
    predicted: str
    right: bool
    value: float | None = None


def centre_square(pixels: np.ndarray) -> np.ndarray:
    """The largest centred square of an image (H, W, 3): the part that networks see."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def tile(pixels: np.ndarray, size: int = TILE) -> np.ndarray:
    """Image uint8 (H, W, 3) → (size, size, 3); enlarged pixels stay visible as squares."""
    image = Image.fromarray(centre_square(pixels))
    filter_ = Image.Resampling.NEAREST if image.width <= size else Image.Resampling.LANCZOS
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
    figure.suptitle(display_name(augmentation), fontweight="bold", fontsize=11, x=0.01, ha="left")
    return figure


@styled
def cam_example(pixels: np.ndarray, seen: Seen, size: int, title: str) -> Figure:
    """From image to overlay: image, raw map, normalised map at `size`, overlay (figure 8)."""
    figure, panels = plt.subplots(1, 4, figsize=(11, 3.1))
    limit = max(np.abs(seen.cam).max(), 1e-12)
    drawings = [
        ("The image", {"X": centre_square(pixels)}),
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


def extreme_figures(
    extremes: pd.DataFrame,
    metrics: list[str],
    models: Mapping[Model, Explained],
    similarity: Mapping[Model, pd.DataFrame],
    mean: pd.DataFrame,
    images: np.ndarray,
    index: pd.DataFrame,
) -> Iterator[tuple[str, Figure]]:
    """(name, figure) of every metric and extreme.

    `extremes`, `mean`: tables of `augcam.aggregation`; `models`: what each model explained, the
    baseline first; `similarity`: (condition, state) → its table of `augcam.compare.models.compare`;
    `images`, `index`: the store.
    """
    class_names = index.groupby("label")["class_name"].first()
    index, mean = index.set_index("image_id"), mean.set_index("image_id")
    values = {model: table.set_index("image_id") for model, table in similarity.items()}
    found = extremes.set_index(["metric", "extreme"])

    def seen(model: Model, image: int, metric: str) -> Seen:
        explained = models[model]
        (row,) = np.flatnonzero(explained.image_id == image)
        predicted = class_names[explained.logits[row].argmax()]
        value = float(values[model].loc[image, metric]) if model in values else None
        return Seen(explained.cam[row], predicted, bool(explained.right[row]), value)

    reference, *others = models
    for metric, extreme in product(metrics, EXTREMES):
        name = f"{extreme}_{metric}"
        if (metric, extreme) not in found.index:
            what = f"{display_name(metric)}: {display_name(extreme).lower()}"
            yield name, nothing_to_show(f"{what}: no test image has the values that this needs.")
            continue
        row = found.loc[(metric, extreme)]
        image = int(row["image_id"])
        conditions: dict[str, dict[int, Seen]] = {}
        for condition, state in others:
            model = seen((condition, state), image, metric)
            conditions.setdefault(condition, {})[state] = model
        title = [
            display_name(metric),
            f"{display_name(extreme)} over augmentations: test image {image}, "
            f"class {index.loc[image, 'class_name']}",
            f"Mean {row['mean']:.3f}, standard deviation {row['std']:.3f}",
        ]
        means = mean.loc[image].set_index("augmentation")[metric].to_dict()
        baseline = seen(reference, image, metric)
        yield name, extreme_grid(images[image], baseline, conditions, means, title)


@styled
def extreme_grid(
    pixels: np.ndarray,
    baseline: Seen,
    others: Mapping[str, Mapping[int, Seen]],
    means: Mapping[str, float],
    title: list[str],
) -> Figure:
    """Every model's map and overlay of one image (figures 34 to 49 of the paper).

    First row: image, the baseline's map and overlay. Then a row a condition, in `others` condition
    → state → what that model sees; `means`: the metric's mean over states. `title`: its lines.
    """
    states = list(dict.fromkeys(state for models in others.values() for state in models))
    pitch, row_height = TILE + GAP, TILE + CAPTION
    width = LABELS + max(3, 2 * len(states)) * pitch
    height = (1 + len(others)) * row_height + BAND
    canvas = np.full((height, width, 3), 255, dtype=np.uint8)
    figure = plt.figure(
        figsize=(width / PIXELS_PER_INCH, (height + TITLE) / PIXELS_PER_INCH), layout="none"
    )
    axes = figure.add_axes((0, 0, 1, height / (height + TITLE)))

    def corner(row: int, column: int) -> tuple[int, int]:
        return LABELS + column * pitch, row * row_height + (BAND if row else 0)

    def place(row: int, column: int, *pictures: np.ndarray, caption: str, shade: str) -> None:
        """Pictures side by side, and what is written under them."""
        for i, picture in enumerate(pictures):
            left, top = corner(row, column + i)
            canvas[top : top + TILE, left : left + TILE] = picture
        left, top = corner(row, column)
        axes.text(left, top + TILE + 3, caption, fontsize=6.5, color=shade, va="top")

    def show(row: int, column: int, seen: Seen) -> None:
        mark, shade = ("✓", RIGHT) if seen.right else ("✗", WRONG)
        value = "" if seen.value is None else f"  {seen.value:.3f}".replace("nan", "–")
        pictures = heat(seen.cam), overlay(pixels, seen.cam)
        place(row, column, *pictures, caption=f"{mark} {seen.predicted}{value}", shade=shade)

    def name_row(row: int, name: str, note: str) -> Text:
        middle = corner(row, 0)[1] + TILE / 2
        axes.text(GAP, middle + 12, note, fontsize=6.5, color="#555555", va="center")
        return axes.text(GAP, middle - 6, name, fontsize=7.5, fontweight="bold", va="center")

    name_row(0, "Baseline", "")
    place(0, 0, tile(pixels), caption="the image", shade="black")
    show(0, 1, baseline)
    for state in states:
        left, top = corner(1, 2 * states.index(state))
        axes.text(left, top - 4, f"state {state}", fontsize=6.5, color="#555555")
    labels = []
    for row, (condition, models) in enumerate(others.items(), start=1):
        for state, seen in models.items():
            show(row, 2 * states.index(state), seen)
        mean = means[condition]
        note = "no value" if np.isnan(mean) else f"mean {mean:.3f}"
        labels.append(name_row(row, display_name(condition), note))
    mark_controls(labels, list(others))
    axes.imshow(canvas, extent=(0, width, height, 0), interpolation="none")
    axes.set_axis_off()
    for line, text in enumerate(title):
        font = {"fontsize": 7.5} if line else {"fontsize": 9, "fontweight": "bold"}
        figure.text(0.012, 1 - (20 + 20 * line) / (height + TITLE), text, va="center", **font)
    return figure
