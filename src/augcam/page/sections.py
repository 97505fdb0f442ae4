"""The sections of the page: figures in groups of which one is shown, and tables."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from PIL import Image

from augcam.entries import Figure, entries
from augcam.page.embed import chart, picture
from augcam.report.catalogue import SECTIONS, Item, kind
from augcam.report.pages import texts

COMPARED = ("augmentations", "cams", "performance", "architectures")
PAPER = ("overlap", "correlation", "difference", "prediction", "pairs", "extremes", "segments")
"""Sections of the catalogue by part of the page; all others stand between these two."""

WIDEST = 1600
"""Pixels: a wider figure is made smaller; its file is there for more."""

MOST_ROWS = 5000
"""Rows of a table that the page holds; of a longer one it has the link alone."""

_PHOTOGRAPHIC = ("extremes", "augmentations", "cams")  # sections whose figures hold pictures


class Shown(NamedTuple):
    """A figure: name of its file, name for people, picture (`data:` address), and the paths from
    the page of the formats that may be printed."""

    name: str
    title: str
    picture: str
    width: int
    height: int
    files: dict[str, str]


class Group(NamedTuple):
    """Figures that are read alike, one shown at a time, and how to read them (HTML)."""

    key: str
    title: str
    caption: str
    figures: list[Shown]


class Part(NamedTuple):
    """A section of the catalogue on the page: its figures, and the tables behind them."""

    key: str
    title: str
    groups: list[Group]
    tables: list[str]


class Sheet(NamedTuple):
    """A table: name of its file, title, note; columns, and rows as JSON holds them, none where
    there are too many."""

    name: str
    title: str
    note: str
    columns: list[str]
    rows: list[list[Any]]
    total: int


def html_of(caption: str) -> str:
    """reStructuredText as HTML; no directive in it reads a file or passes HTML through."""
    from docutils.core import publish_parts
    from docutils.writers.html5_polyglot import Writer

    settings = {"raw_enabled": False, "file_insertion_enabled": False, "report_level": 5}
    return publish_parts(caption, writer=Writer(), settings_overrides=settings)["body"]


def captions(files: Iterable[Path]) -> dict[str, str]:
    """Caption of each figure in HTML by name, from `<name>.rst`; those of entries are their own."""
    texts = {file.stem: file.read_text(encoding="utf-8") for file in files}
    return {name: html_of(text) for name, text in texts.items() if name != "entry"}


def parts(
    items: Sequence[Item],
    pages: Sequence[Item],
    captions: Mapping[str, str],
    folder: Path,
    formats: Sequence[str],
    threads: int = 1,
) -> dict[str, list[Part]]:
    """The parts `compared`, `effects` and `paper` of the page, from the figures that a run has
    (`folder/figures`, in `formats`), read in `threads`; `pages`: the tables of the catalogue."""
    show = partial(_shown, folder=folder, formats=formats)
    items = [item for item in items if (folder / f"figures/{item.name}.png").is_file()]
    with ThreadPoolExecutor(threads) as pool:
        shown = {item.name: of for item, of in zip(items, pool.map(show, items))}
    found: dict[str, list[Part]] = {"compared": [], "effects": [], "paper": []}
    for key, title in SECTIONS.items():
        groups = _groups([item for item in items if item.section == key], shown, captions)
        tables = [item.name for item in pages if item.section == key]
        tables = [name for name in tables if (folder / f"tables/{name}.parquet").is_file()]
        if groups:
            of = "compared" if key in COMPARED else "paper" if key in PAPER else "effects"
            found[of].append(Part(key, title.split(" ", 1)[1], groups, tables))
    return found


def _groups(
    items: Sequence[Item], shown: Mapping[str, Shown], captions: Mapping[str, str]
) -> list[Group]:
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(kind(item), []).append(item)
    return [
        Group(
            f"{of[0].section}-{key}",
            "" if len(of) > 1 else _title(of[0]),
            captions.get(key) or html_of(entries(Figure)[of[0].name].caption),
            [shown[item.name] for item in of],
        )
        for key, of in groups.items()
    ]


def _title(item: Item) -> str:
    """What tells a figure apart in words; the paper's number first, where it has one."""
    own = entries(Figure).get(item.name)
    labels = {key: value for key, value in item.labels.items() if value != "–"}
    number = labels.pop("figure", "")
    words = own.display_name if own else ", ".join(labels.values())
    words = words or item.name.replace("_", " ")
    return f"{words} (figure {number} of the paper)" if number and not own else words


def _shown(item: Item, folder: Path, formats: Sequence[str]) -> Shown:
    with Image.open(folder / f"figures/{item.name}.png") as file:
        image = file.convert("RGB")
    if image.width > WIDEST:
        height = round(image.height * WIDEST / image.width)
        image = image.resize((WIDEST, height), Image.Resampling.LANCZOS)
    address = picture(image, 80) if item.section in _PHOTOGRAPHIC else chart(image)
    files = {suffix.upper(): f"figures/{item.name}.{suffix}" for suffix in formats}
    return Shown(item.name, _title(item), address, *image.size, files)


def sheets(tables: Mapping[str, pd.DataFrame], wanted: Sequence[str]) -> list[Sheet]:
    """The tables `wanted` that a run has, and then all others, by name."""
    names = [name for name in dict.fromkeys([*wanted, *tables]) if name in tables]
    return [_sheet(name, tables[name]) for name in names]


def _sheet(name: str, table: pd.DataFrame) -> Sheet:
    title, note = texts(name)
    # By themselves: a row of a frame would turn whole numbers into others.
    columns = [table[column].tolist() for column in table]
    rows = [list(row) for row in zip(*columns)] if len(table) <= MOST_ROWS else []
    return Sheet(name, title, note, list(table.columns), rows, len(table))
