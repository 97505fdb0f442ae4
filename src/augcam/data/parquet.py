"""Parquet files in the layout of Hugging Face's image data sets."""

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from augcam.config.schema import Dataset
from augcam.data.columns import (
    column,
    columns,
    holds_images,
    is_list,
    one_each,
    require,
    text_values,
)
from augcam.data.decoding import decode_image
from augcam.data.groups import group_names
from augcam.data.labels import Labels, none_labelled, numbered, tidy
from augcam.data.layout import KEYS, WORDS, Part, parts
from augcam.data.maskfiles import boxes_of, mask_names, mask_reader
from augcam.data.notes import Note, listed, warning
from augcam.data.rows import refuse_repeated
from augcam.data.shards import about_shards
from augcam.data.source import Source
from augcam.errors import AugcamError


class _File(NamedTuple):
    """What was read of one file."""

    split: str
    images: list[Any]  # Arrow scalars of bytes
    labels: Labels
    groups: list[str | None] | None
    masks: list[Any]  # as the images, or boxes


def read_parquet(dataset: Dataset) -> Source:
    """A column of {bytes, path} (or bytes) and a column of labels, in one file or several."""
    found, notes = parts(dataset)
    notes = [*notes, *about_shards(found)]
    found, unlabelled = _labelled(found, dataset)
    notes += unlabelled
    files = [_read(part, path, dataset) for part in found for path in part.paths]
    for part in found:
        if not any(file.images for file in files if file.split == part.split):
            raise AugcamError(f"{part.key}: the data set holds no images in '{part.root}'.")
    labels, class_names, said = numbered([file.labels for file in files], dataset.class_names)
    images = [image for file in files for image in file.images]
    places = [file.labels.place(i) for file in files for i in range(len(file.images))]
    groups, of_groups = group_names([file.groups for file in files], places)
    masks, brought = [mask for file in files for mask in file.masks], dataset.masks
    if brought.boxes:
        masks = boxes_of(masks and list(zip(*masks)), places)
    reader = mask_reader(
        brought,
        lambda i: images[i].as_py(),
        lambda i: masks[i] if brought.boxes else masks[i].as_py(),
        places,
    )
    return Source(
        labels=labels,
        class_names=class_names,
        names=places,
        decode=lambda i: decode_image(images[i].as_py(), places[i], dataset.ground),
        splits=np.repeat([file.split for file in files], [len(file.images) for file in files]),
        groups=groups,
        mask=reader if brought.given else None,
        mask_names=mask_names(brought),
        notes=[*notes, *said, *of_groups],
    )


def _read(part: Part, path: Path, dataset: Dataset) -> _File:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            refuse_repeated(path, schema.names)
            there = columns(schema)
            if not file.metadata.num_rows:
                groups: list[str | None] | None = [] if dataset.group else None
                return _File(part.split, [], Labels([], str, path.name), groups, [])
            label = _within(dataset.label_column, there)
            mask = dataset.masks
            of_masks = [mask.column] if mask.column else mask.boxes or []
            for name in of_masks:
                key = "dataset.masks.column" if mask.column else "dataset.masks.boxes"
                require(path, there, key, name)
            if mask.column:
                _refuse_other_than_images(path, there, mask.column, "dataset.masks.column")
            taken = {label, dataset.group, mask.column}
            image = dataset.image_column or _image_column(path, there, taken)
            require(path, there, "dataset.image_column", image)
            require(path, there, "dataset.label_column", label)
            require(path, there, "dataset.group", dataset.group)
            _refuse_other_than_images(path, there, image, "dataset.image_column")
            _refuse_more_than_memory(path, file.metadata)
            names = [name for name in (image, label, dataset.group, *of_masks) if name]
            table = file.read(list(dict.fromkeys(names)))
    except (pa.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise AugcamError(f"{path}: this is no readable parquet file ({reason}).") from error
    called = str(path.relative_to(part.root)) if path != part.root else path.name
    return _File(
        part.split,
        _encoded(column(table, image), path, image),
        Labels(
            column(table, label).to_pylist(),
            lambda i: f"{called}[{i}]",
            called,
            _feature_names(path, schema, label, bool(dataset.class_names)),
        ),
        text_values(column(table, dataset.group)) if dataset.group else None,
        list(zip(*(column(table, name).to_pylist() for name in of_masks)))
        if mask.boxes
        else [scalar for name in of_masks for scalar in _encoded(column(table, name), path, name)],
    )


def _labelled(found: list[Part], dataset: Dataset) -> tuple[list[Part], list[Note]]:
    """The parts, without those that no key names and whose classes nobody has published."""
    keep, notes = [], []
    for part in found:
        if KEYS[part.split] != part.key and _is_unlabelled(part, dataset):
            text = f"{part.key}: the {WORDS[part.split]} images in '{part.root}' "
            text += f"({listed([path.name for path in part.paths])}) have no labels and are not "
            text += "used; a share of the training images takes their place."
            notes.append(warning("split", text))
        else:
            keep.append(part)
    return keep, notes


def _is_unlabelled(part: Part, dataset: Dataset) -> bool:
    """Whether there are images, of which none has a label."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    images = 0
    for path in part.paths:
        try:
            with pq.ParquetFile(path) as file:
                schema = file.schema_arrow
                label = _within(dataset.label_column, columns(schema))
                names = _feature_names(path, schema, label, may_fail=True) or []
                there = label in columns(schema)
                labels = column(file.read([label]), label).to_pylist() if there else []
                images += file.metadata.num_rows
        except (pa.ArrowException, OSError):  # reading it says so
            return False
        if not none_labelled(labels, {*names, *(dataset.class_names or [])}):
            return False
    return images > 0


def _refuse_other_than_images(path: Path, there: dict[str, object], name: str, key: str) -> None:
    import pyarrow as pa

    kind: Any = there[name]
    if holds_images(kind):
        return
    what = f"values of type {kind}"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        what = "text (paths are read by dataset.name: table; base64 is to be decoded first)"
    elif is_list(kind):
        what = "lists of numbers (write each image as the bytes of a PNG file)"
    raise AugcamError(
        f"{path}: column '{name}' ({key}) holds no encoded images, which are bytes, or a struct "
        f"with a field 'bytes', but {what}."
    )


def _encoded(array, path: Path, name: str) -> list[Any]:
    """The bytes of each image, as Arrow scalars, which copy nothing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    array = one_each(array, path, name)
    if pa.types.is_dictionary(array.type):
        array = pc.dictionary_decode(array)
    if pa.types.is_struct(array.type):
        whole, array = array, pc.struct_field(array, "bytes")
        if (
            len(array)
            and array.null_count == len(array)
            and whole.type.get_field_index("path") >= 0
        ):
            first = next((p for p in pc.struct_field(whole, "path").to_pylist() if p), None)
            if first:
                raise AugcamError(
                    f"{path}: column '{name}' holds paths without images (the first: '{first}'), "
                    "and paths in it are not followed; write the bytes of the images into the "
                    "file, or read the images by dataset: {name: table, file: …, "
                    f"image: {name}.path, label: …}}."
                )
    return [scalar for chunk in array.chunks for scalar in chunk]


def _image_column(path: Path, there: dict[str, object], taken: set[str | None]) -> str:
    """The only column that holds encoded images, beside those that are taken for other things."""
    found = [name for name, kind in there.items() if holds_images(kind) and name not in taken]
    if len(found) == 1:
        return found[0]
    which = f" ({', '.join(found)})" if found else ""
    if not found and "image" in there:
        _refuse_other_than_images(path, there, "image", "dataset.image_column")
    raise AugcamError(
        f"{path}: {len(found)} columns could hold the images{which}; name one in "
        f"dataset.image_column (columns: {', '.join(there)})."
    )


def _within(name: str, there: dict[str, object]) -> str:
    """The one column within a struct that has this name, where no column itself has it."""
    found = [column for column in there if column.endswith(f".{name}")]
    return found[0] if name not in there and len(found) == 1 else name


def _feature_names(path: Path, schema, name: str, may_fail: bool) -> list[str] | None:
    """The names of classes in Hugging Face's metadata; None where there are none."""
    text = (schema.metadata or {}).get(b"huggingface")
    if text is None:
        return None
    try:
        features = json.loads(text)["info"]["features"]
        feature = features.get(name) or features.get(name.rpartition(".")[2], {})
        if isinstance(feature, list):  # a list with one label
            feature = feature[0]
        feature = feature.get("feature", feature)
        names = feature.get("names")
        if isinstance(names, dict):  # as ClassLabel's YAML has them: {'0': 'cat', …}
            names = [names[str(i)] for i in range(len(names))]
        if names is not None and not (names and all(isinstance(name, str) for name in names)):
            raise ValueError("names that are no texts")
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        if may_fail:
            return None
        raise AugcamError(
            f"{path}: Hugging Face's metadata in it cannot be understood ({error}); name the "
            "classes in dataset.class_names."
        ) from error
    _refuse_names(path, names or [])
    return names


def _refuse_names(path: Path, names: list[str]) -> None:
    """Raises AugcamError where a name in the metadata is empty, or stands for two classes."""
    tidied = [tidy(name) for name in names]
    if "" in tidied:
        raise AugcamError(
            f"{path}: class {tidied.index('')} has an empty name in Hugging Face's metadata; give "
            "it a name there."
        )
    if repeated := [name for name in tidied if tidied.count(name) > 1]:
        numbers = [i for i, name in enumerate(tidied) if name == repeated[0]]
        raise AugcamError(
            f"{path}: classes {listed(numbers)} have one name in Hugging Face's metadata, "
            f"'{repeated[0]}'; give each a name of its own there."
        )


def _refuse_more_than_memory(path: Path, metadata) -> None:
    """Raises AugcamError where a parquet file unpacks to more than this machine's memory."""
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    needed = sum(group.total_byte_size for group in groups)
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise AugcamError(
            f"{path}: it unpacks to {needed / 2**30:.1f} GiB, and this machine has "
            f"{there / 2**30:.1f} GiB of memory; take a part of it, or a larger machine."
        )
