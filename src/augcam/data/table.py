"""A table that names image files and their classes: the layout of most competitions."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from augcam.config.schema import Dataset
from augcam.data.columns import column, columns, require, text_values, written_values
from augcam.data.decoding import decode_image
from augcam.data.folders import shown
from augcam.data.groups import group_names
from augcam.data.labels import Labels, numbered, says_nothing
from augcam.data.layout import Part, parts, split_called
from augcam.data.maskfiles import boxes_of, mask_names, mask_reader
from augcam.data.maskfolders import masks_in_folder
from augcam.data.namedfiles import (
    file_paths,
    forms,
    image_folder,
    refuse_missing,
    written_paths,
)
from augcam.data.notes import Note, counted, listed
from augcam.data.rows import read_rows
from augcam.data.source import Source
from augcam.errors import AugcamError


def read_table_of_files(dataset: Dataset) -> Source:
    """One row per image: its path, its class, and where there are columns, its split and group."""
    found, notes = parts(dataset)
    rows = [_read(part, dataset) for part in found]
    paths = [path for part in rows for path in part.paths]
    refuse_missing(paths)
    labels, class_names, said = numbered([part.labels for part in rows], dataset.class_names)
    names = [shown(path) for path in paths]
    groups, said_of_groups = group_names([part.groups for part in rows], names)
    masks = [mask for part in rows for mask in part.masks]
    if dataset.masks.boxes:
        masks = boxes_of(masks and list(zip(*masks)), names)
    reader = mask_reader(dataset.masks, lambda i: paths[i], lambda i: masks[i], names)
    return Source(
        labels=labels,
        class_names=class_names,
        names=names,
        origins=[name for part in rows for name in part.origins],
        decode=lambda i: decode_image(paths[i], names[i], dataset.ground),
        splits=np.array([split for part in rows for split in part.splits]),
        groups=groups,
        mask=reader if dataset.masks.given else None,
        mask_names=mask_names(dataset.masks),
        notes=[*notes, *(note for part in rows for note in part.notes), *said, *said_of_groups],
    )


def listed_images(dataset: Dataset) -> list[Path]:
    """The files of images and masks that the tables of a data set name, there or not."""
    found, _ = parts(dataset)
    rows = [_read(part, dataset) for part in found]
    masks = [mask for part in rows for mask in part.masks if isinstance(mask, Path)]
    return [*(path for part in rows for path in part.paths), *masks]


class _Rows(NamedTuple):
    """What was read of one table: for each row where its image is, from the table on, and so on."""

    origins: list[str]
    paths: list[Path]
    labels: Labels
    splits: list[str]
    groups: list[str | None] | None
    masks: list[Any]  # paths, or what the four columns of boxes hold; None for none
    notes: list[Note]


def _read(part: Part, dataset: Dataset) -> _Rows:
    file, table = part.paths[0], read_rows(part.paths[0])
    image, label = dataset.image or "", dataset.label or ""  # the config has both
    for key in ("image", "label", "split", "group"):
        require(file, columns(table.schema), f"dataset.{key}", getattr(dataset, key))
    if not len(table):
        raise AugcamError(f"{part.key}: the data set holds no images in '{file}'.")
    written = written_paths(file, written_values(column(table, image)), image)
    folder = image_folder(file, dataset.image_folder)
    paths, notes = file_paths(file, folder, written, dataset.image_suffix or "")
    masks, of_masks = _masks(file, table, written, dataset)
    here = file.parent
    return _Rows(
        [str(path.relative_to(here) if path.is_relative_to(here) else path) for path in paths],
        paths,
        Labels(column(table, label).to_pylist(), lambda i: f"{file.name} row {i + 1}", file.name),
        _splits(part, table, dataset),
        text_values(column(table, dataset.group)) if dataset.group else None,
        masks,
        [*notes, *of_masks],
    )


def _masks(
    file: Path, table: Any, written: list[str], dataset: Dataset
) -> tuple[list[Any], list[Note]]:
    """The mask of each row, if masks are brought: its path, or the four values of a box."""
    masks = dataset.masks
    there = columns(table.schema)
    require(file, there, "dataset.masks.column", masks.column)
    for name in masks.boxes or []:
        require(file, there, "dataset.masks.boxes", name)
    if masks.boxes:
        return list(zip(*(text_values(column(table, name)) for name in masks.boxes))), []
    if masks.column:
        base = image_folder(file, masks.folder, "dataset.masks.folder")
        values = written_values(column(table, masks.column))
        values = [None if says_nothing(value) else value for value in values]
        paths, notes = file_paths(file, base, [value for value in values if value])
        left = iter(paths)
        return [next(left) if value else None for value in values], notes
    if masks.folder:
        base = image_folder(file, masks.folder, "dataset.masks.folder")
        suffix = dataset.image_suffix or ""
        places = ["\0".join(f"{way}{suffix}" for way in forms(name)) for name in written]
        return masks_in_folder(str(base), places)
    return [], []


def table_advice(folder: Path) -> str:
    """What to do where the classes of images in a folder stand in a table beside them."""
    kinds = ("csv", "tsv", "parquet")
    tables = [file for kind in kinds for file in sorted(folder.glob(f"*.{kind}"))]
    if not tables:
        return ""
    try:
        names = f" ({listed(read_rows(tables[0]).column_names, 20)})"
    except AugcamError:
        names = ""
    return (
        f" If '{tables[0].name}' names the classes: dataset: {{name: table, file: {tables[0]}, "
        f"image: …, label: …}}, with its columns{names}."
    )


def _splits(part: Part, table: Any, dataset: Dataset) -> list[str]:
    """The split of each row: that of the file, or what the column of splits says."""
    if not dataset.split:
        return [part.split] * len(table)
    values = text_values(column(table, dataset.split))
    called = {value: split_called(value or "") for value in set(values)}
    if unknown := [value for value, split in called.items() if split is None]:
        number = counted(sum(value in unknown for value in values), "row")
        said = [repr(value) if value else "an empty cell" for value in unknown]
        raise AugcamError(
            f"{part.paths[0]}: {number} with {listed(sorted(said))} in column "
            f"'{dataset.split}' (dataset.split), which must say train, validation or test in words."
        )
    if "train" not in called.values():
        raise AugcamError(
            f"{part.paths[0]}: no row is for training in column '{dataset.split}' (dataset.split)."
        )
    return [str(called[value]) for value in values]
