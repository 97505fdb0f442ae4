"""Grids of the images at the extremes of each metric, with the maps of all models."""

from collections.abc import Iterator, Mapping
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.text import Text

from augcam.comparison.explained import Explained
from augcam.data.geometry import Fit, take
from augcam.names import EXTREMES, NAMES, condition_name, metric_name
from augcam.report.pictures import TILE, Seen, heat, overlay, tile
from augcam.report.style import mark_controls, nothing_to_show, styled
from augcam.report.texts import shortened

GAP, CAPTION = 6, 26  # pixels between pictures, and below them for text


LABELS, BAND, TITLE = 120, 20, 82  # pixels left of a grid, above its states, and above it


PIXELS_PER_INCH = 130


NAME = 20  # columns for the name of a class: as many as fit below a pair of pictures


RIGHT, WRONG = "#117733", "#AA3311"


Model = tuple[str, int]  # condition, starting state


def extreme_figures(
    extremes: pd.DataFrame,
    metrics: list[str],
    models: Mapping[Model, Explained],
    similarity: Mapping[Model, pd.DataFrame],
    mean: pd.DataFrame,
    images: np.ndarray,
    index: pd.DataFrame,
    fit: Fit,
) -> Iterator[tuple[str, Figure]]:
    """(name, figure) of every metric and extreme.

    `extremes`, `mean`: tables of `augcam.paper.aggregation`; `models`: what each model explained,
    the baseline first; `similarity`: (condition, state) → its table of
    `augcam.comparison.models.compare`; `images`, `index`, `fit`: the store, and what networks see
    of its images.
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
            what = f"{metric_name(metric)}: {NAMES[extreme].lower()}"
            yield name, nothing_to_show(f"{what}: no test image has the values that this needs.")
            continue
        row = found.loc[(metric, extreme)]
        image = int(row["image_id"])
        conditions: dict[str, dict[int, Seen]] = {}
        for condition, state in others:
            model = seen((condition, state), image, metric)
            conditions.setdefault(condition, {})[state] = model
        title = [
            metric_name(metric),
            f"{NAMES[extreme]} over augmentations: test image {image}",
            f"Class {shortened(index.loc[image, 'class_name'], NAME)}, "
            f"mean {row['mean']:.3f}, std. deviation {row['std']:.3f}",
        ]
        means = mean.loc[[image]].set_index("condition")[metric].to_dict()
        baseline = seen(reference, image, metric)
        yield name, extreme_grid(take(images[image], fit), baseline, conditions, means, title)


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
        caption = f"{mark} {shortened(seen.predicted, NAME)}{value}"
        place(row, column, *pictures, caption=caption, shade=shade)

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
        labels.append(name_row(row, condition_name(condition), note))
    mark_controls(labels, list(others))
    axes.imshow(canvas, extent=(0, width, height, 0), interpolation="none")
    axes.set_axis_off()
    for line, text in enumerate(title):
        font = {"fontsize": 7.5} if line else {"fontsize": 9, "fontweight": "bold"}
        figure.text(0.012, 1 - (20 + 20 * line) / (height + TITLE), text, va="center", **font)
    return figure
