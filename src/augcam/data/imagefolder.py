"""Folders of images, one per class."""

from pathlib import Path

import numpy as np

from augcam.config.schema import Dataset
from augcam.data.decoding import decode_image
from augcam.data.folders import ClassFolders, class_called, read_class_folders, shown
from augcam.data.groups import groups_in_paths
from augcam.data.labels import Labels, numbered
from augcam.data.layout import parts
from augcam.data.listing import class_folders, reasons
from augcam.data.maskfiles import mask_names, mask_reader
from augcam.data.maskfolders import masks_in_folder
from augcam.data.notes import counted, listed
from augcam.data.source import Source
from augcam.data.table import table_advice
from augcam.errors import AugcamError


def read_imagefolder(dataset: Dataset) -> Source:
    """One sub-folder per class, as torchvision's ImageFolder; see `augcam.data.folders`."""
    found, notes = parts(dataset)
    read = [read_class_folders(part.paths[0], part.split) for part in found]
    train, *others = read
    _refuse_one_class(train)
    for part in others:
        empty = set(map(class_called, part.folders)) - set(map(class_called, train.folders))
        if extra := sorted(empty | set(part.classes) - set(train.classes)):
            raise AugcamError(
                f"{part.root}: class '{extra[0]}' has no training images: it cannot be learned; "
                "add some, or take the class out (are names spelt alike? The others are "
                f"{listed(train.classes, 5)})."
            )
    for part in read:
        if not part.images:
            raise AugcamError(
                f"{part.root}: there are no image files in its class folders{_but(part)}."
            )
    files = [f"{part.root}/{place}" for part in read for _, place in part.images]
    labels, class_names, said = numbered([_labels(part) for part in read], dataset.class_names)
    below = [place for part in read for _, place in part.images]
    folder, names = dataset.masks.folder, [shown(file) for file in files]
    # The folder of masks may hold the splits, as that of the images may, or the classes at once.
    both = [f"{part.root.name}/{place}\0{place}" for part in read for _, place in part.images]
    masks, of_masks = masks_in_folder(folder, both) if folder else ([], [])
    reader = mask_reader(dataset.masks, lambda i: Path(files[i]), lambda i: masks[i], names)
    return Source(
        labels=labels,
        class_names=class_names,
        names=names,
        origins=[f"{part.split}/{place}" for part in read for _, place in part.images],
        decode=lambda i: decode_image(Path(files[i]), shown(files[i]), dataset.ground),
        splits=np.repeat([part.split for part in read], [len(part.images) for part in read]),
        groups=groups_in_paths(dataset.group, below) if dataset.group else None,
        mask=reader if folder else None,
        mask_names=mask_names(dataset.masks),
        left_out=[file for part in read for file in part.left_out],
        notes=[*notes, *said, *(note for part in read for note in part.notes), *of_masks],
    )


def _labels(part: ClassFolders) -> Labels:
    """The classes of the images in a folder; the training images' are all that there are."""
    return Labels(
        [name for name, _ in part.images],
        lambda i: shown(part.root / part.images[i][1]),
        str(part.root),
        part.classes if part.split == "train" else None,
        folders=True,
    )


def _refuse_one_class(train: ClassFolders) -> None:
    if len(train.classes) > 1:
        return
    deeper = [f for f in train.folders if len(class_folders(train.root / f)) > 1]
    hint = f" Is it '{train.root / deeper[0]}' that holds them?" if deeper else ""
    raise AugcamError(
        f"{train.root}: {counted(len(train.classes), 'class folder')} with images{_but(train)}; "
        f"each class needs a sub-folder of its own, and there must be two or more.{hint}"
        f"{table_advice(train.root)}"
    )


def _but(part: ClassFolders) -> str:
    """What was found beside images, in brackets."""
    found = reasons((file.reason, file.detail) for file in part.left_out)
    return f" (but {found})" if found else ""
