"""Folders of images, one per class, as torchvision's ImageFolder."""

from __future__ import annotations

import re

from augcam.entries import DataKind


def read(dataset):
    from augcam.data.imagefolder import read_imagefolder

    return read_imagefolder(dataset)


def check(dataset):
    if not dataset.train:
        raise ValueError("'imagefolder' needs dataset.train, the path of the training images")
    if not dataset.group:
        return
    try:
        groups = re.compile(dataset.group).groups
    except re.error as error:
        raise ValueError(
            f"dataset.group: '{dataset.group}' is no regular expression ({error})"
        ) from None
    if groups != 1:
        raise ValueError(
            f"dataset.group: '{dataset.group}' has {groups} groups; mark the part of the path "
            r"that names the group by one pair of parentheses, e.g. 'patient(\d+)_'"
        )


def held(key, path):
    from augcam.data.layout import splits_of_folders

    return splits_of_folders(key, path)


def contents(dataset) -> str:
    from augcam.data.listing import fingerprint

    paths = {key: getattr(dataset, key) for key in ("train", "validation", "test")}
    paths |= {"masks": dataset.masks.folder}
    return fingerprint({key: path for key, path in paths.items() if path})


ENTRY = DataKind(
    name="imagefolder",
    display_name="one folder per class",
    read=read,
    keys=("train", "validation", "test", "group", "class_names", "masks"),
    masks=("folder",),
    check=check,
    held=held,
    classes_are_folders=True,
    contents=contents,
)
