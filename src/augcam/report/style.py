"""The visual language of all figures: names for people, colours, type.

A colour belongs to one condition (or segment) everywhere. The schemes are Paul Tol's, distinct for
every kind of colour vision and in print.
"""

import warnings
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from textwrap import fill
from typing import Any
from zlib import crc32

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from augcam.files.atomic import atomic
from augcam.names import condition_colour, condition_name, is_control
from augcam.report.colours import FURTHER
from augcam.report.texts import FONT, keep_texts, missing_sentence

SEGMENT_COLOURS = {
    "both_right": "#4477AA",
    "only_baseline": "#EE6677",
    "only_augmented": "#228833",
    "both_wrong": "#BBBBBB",
}


HEAT = "inferno"
"""Colours of a class activation map, from 0 to 1; lightness grows with the value."""


STYLE: dict[Any, Any] = {
    "font.family": FONT,
    "text.usetex": False,
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#E5E5E5",
    "figure.constrained_layout.use": True,
    "pdf.fonttype": 42,
}


SMALL = 8.5
"""Font size in points of what is written at ticks, bars and cells."""


EQUAL_TO_BASELINE = "all its models equal the baseline's: there is no noise to show."


def colour(name: str) -> str:
    """The colour of a condition or segment; of one without always the same further colour."""
    own = condition_colour(name) or SEGMENT_COLOURS.get(name)
    return own or FURTHER[crc32(name.encode()) % len(FURTHER)]


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Have `draw` use the common style."""

    @wraps(draw)
    def wrapper(*args, **kwargs) -> Figure:
        with plt.rc_context(STYLE):
            return draw(*args, **kwargs)

    return wrapper


def save(figure: Figure, *paths: str | Path, dpi: int) -> str:
    """Write `figure` to each path in the format of its suffix, and close it.

    Returns the characters of its texts that no installed font has.
    """
    missing = keep_texts(figure)
    with plt.rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the caller says so
        # Laid out once, for all formats. Left to `savefig`, it would draw everything twice.
        figure.set_dpi(dpi)
        if layout := figure.get_layout_engine():
            layout.execute(figure)
            figure.set_layout_engine("none")
        for path in map(Path, paths):
            metadata = {"CreationDate": None} if path.suffix == ".pdf" else None
            with atomic(path) as temporary:
                figure.savefig(temporary, dpi=dpi, metadata=metadata)
    plt.close(figure)
    return missing


def save_figures(
    figures: Iterable[tuple[str, Figure]],
    paths: Iterable[str | Path],
    dpi: int,
    say: Callable[[str], None] = print,
) -> None:
    """Write each (name, figure) to those of `paths` whose name without suffix it is, one by one.

    Characters that no installed font has are said once, for all figures.
    """
    by_name: dict[str, list[Path]] = {}
    for path in map(Path, paths):
        by_name.setdefault(path.stem, []).append(path)
    missing = set()
    for name, figure in figures:
        missing |= set(save(figure, *by_name[name], dpi=dpi))
    if missing:
        say(f"warning: {missing_sentence(sorted(missing))}")


def first_control(conditions: list[str]) -> int:
    """Position of the first control, 0 where there is none: augmentations stand before it."""
    return next((i for i, condition in enumerate(conditions) if is_control(condition)), 0)


def name_conditions(
    axes: Axes, conditions: list[str], notes: list[str] | None = None, **labels
) -> None:
    """Label the x axis with conditions and notes, controls in italics and set apart by a line.

    Many conditions are written upright, in one line each, so that neighbours never touch; `labels`:
    properties of labels in one line otherwise.
    """
    labels = labels or ({"rotation": 90} if len(conditions) > 12 else {})
    names = [condition_name(condition) for condition in conditions]
    lines = names if labels else [fill(name, _LINE, break_long_words=False) for name in names]
    if notes:
        separator = ", " if labels else "\n"
        lines = [separator.join([line, *note.split("\n")]) for line, note in zip(lines, notes)]
    axes.set_xticks(range(len(conditions)), lines, **({"fontsize": SMALL} | labels))
    mark_controls(axes.get_xticklabels(), conditions)
    if first := first_control(conditions):
        axes.axvline(first - 0.5, color="#999999", lw=0.8, ls=":")
    axes.tick_params(axis="x", length=0)
    axes.grid(False, axis="x")


_LINE = 10  # letters of a name in one line, where a dozen stand side by side


def mark_controls(labels: list, conditions: list[str]) -> None:
    """Write the labels of controls in italics."""
    for label, condition in zip(labels, conditions, strict=True):
        label.set_style("italic" if is_control(condition) else "normal")


def name_square(axes: Axes, conditions: list[str], **x_labels) -> None:
    """Name rows and columns of a square of conditions, controls in italics and set apart by lines.

    `x_labels`: how the names below are written.
    """
    names = [condition_name(condition) for condition in conditions]
    axes.set_xticks(range(len(conditions)), names, fontsize=SMALL, **x_labels)
    axes.set_yticks(range(len(conditions)), names, fontsize=SMALL)
    mark_controls([*axes.get_xticklabels(), *axes.get_yticklabels()], conditions * 2)
    if first := first_control(conditions):
        for line in (axes.axvline, axes.axhline):
            line(first - 0.5, color="black", lw=1.2)
    axes.grid(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def heat_map(
    axes: Axes,
    square: np.ndarray,
    conditions: list[str],
    cmap: str,
    low: float,
    high: float,
    digits: int = 2,
    fontsize: float = 7,
    **x_labels,
) -> AxesImage:
    """A square of numbers, (C, C), in colours and words; `x_labels` as in `name_square`."""
    image = axes.imshow(square, cmap=cmap, vmin=low, vmax=high)
    rgba = np.asarray(image.cmap(image.norm(square)))
    dark = rgba[..., :3] @ [0.299, 0.587, 0.114] < 0.5
    for (y, x), value in np.ndenumerate(square):
        text = "–" if np.isnan(value) else f"{value:.{digits}f}"
        ink = "white" if dark[y, x] and not np.isnan(value) else "black"
        axes.text(x, y, text, ha="center", va="center", fontsize=fontsize, color=ink)
    name_square(axes, conditions, **(x_labels or {"rotation": 40, "ha": "right"}))
    return image


@styled
def nothing_to_show(reason: str) -> Figure:
    """A picture that says in words why there is none."""
    figure = plt.figure(figsize=(6.5, 1.2))
    figure.text(0.02, 0.5, reason, va="center", wrap=True)
    return figure


def width_for(conditions: list[str]) -> float:
    """Width in inches of a figure with one column a condition."""
    return max(6.5, (0.45 if len(conditions) > 12 else 1.0) * len(conditions))


def grid(count: int, width: float, height: float, columns: int = 4) -> tuple[Figure, list[Axes]]:
    """`count` panels of `width` × `height` inches, at most `columns` side by side."""
    columns = min(columns, count)
    rows = -(-count // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(width * columns, height * rows), squeeze=False
    )
    panels = list(axes.ravel())
    for panel in panels[count:]:
        panel.set_axis_off()
    return figure, panels[:count]


def legend(figure: Figure, panels: list[Axes], columns: int) -> None:
    """One legend below the figure: every entry of any panel, once."""
    shown: dict[str, Artist] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels()):
            shown.setdefault(label, handle)
    if shown:
        figure.legend(
            shown.values(), shown, loc="outside lower center", ncols=columns, fontsize=SMALL
        )
