"""A table that names image files and their classes."""

from __future__ import annotations

from augcam.entries import DataKind


def read(dataset):
    from augcam.data.table import read_table_of_files

    return read_table_of_files(dataset)


def check(dataset):
    if not (dataset.file or dataset.train):
        raise ValueError("'table' needs dataset.file, the path of the table")
    if not (dataset.image and dataset.label):
        raise ValueError(
            "'table' needs dataset.image and dataset.label, the columns with the path and the "
            "class of each image"
        )
    if dataset.file and dataset.train:
        raise ValueError("dataset.file and dataset.train name the same thing; remove one")
    if dataset.split and (dataset.test or dataset.validation):
        raise ValueError(
            "dataset.split: the column says what is for validation and testing; remove it, or "
            "dataset.validation and dataset.test"
        )


def held(key, path):
    from augcam.data.layout import one_table

    return one_table(key, path)


def contents(dataset) -> str | None:
    from augcam.data.listing import fingerprint_of_files
    from augcam.data.table import listed_images
    from augcam.errors import AugcamError

    try:
        return fingerprint_of_files(listed_images(dataset))
    except AugcamError:  # reading it says so
        return None


_SPLITS = ("train", "validation", "test", "group", "class_names")
_COLUMNS = ("file", "image", "label", "split", "image_folder", "image_suffix")


ENTRY = DataKind(
    name="table",
    display_name="a CSV or parquet file that names image files and their classes",
    read=read,
    keys=(*_SPLITS, *_COLUMNS, "masks"),
    masks=("column", "folder", "boxes"),
    check=check,
    held=held,
    contents=contents,
)
