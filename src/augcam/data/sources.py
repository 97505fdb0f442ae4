"""Readers: from any data set to images that are decoded when asked for."""

from collections.abc import Callable
from hashlib import md5
from pathlib import Path

import numpy as np

from augcam.config.schema import Dataset
from augcam.data.decoding import Picture, decode_image
from augcam.data.folders import ClassFolders, class_called, read_class_folders, shown
from augcam.data.groups import groups_in_paths
from augcam.data.labels import Labels, numbered
from augcam.data.layout import parts
from augcam.data.listing import class_folders, reasons
from augcam.data.notes import counted
from augcam.data.parquet import read_parquet
from augcam.data.source import Source
from augcam.data.table import read_table_of_files, table_advice
from augcam.errors import AugcamError
from augcam.files.atomic import atomic

CIFAR10_ARCHIVE = "cifar-10-python.tar.gz"


CIFAR10_MD5 = "c58f30108f718f92721af3b95e74349a"


def read_digits(_dataset: Dataset) -> Source:
    """scikit-learn's 1,797 handwritten digits, 8×8, grey levels 0 to 16 (embedded)."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    return Source(
        labels=digits.target.astype(np.int64),
        class_names=[str(name) for name in digits.target_names],
        names=[f"digits[{i}]" for i in range(len(pixels))],
        decode=lambda i: Picture(np.repeat(pixels[i][:, :, None], 3, axis=2), grey=True),
        splits=np.full(len(pixels), "train"),
    )


def read_cifar10(dataset: Dataset) -> Source:
    """CIFAR-10 (Krizhevsky 2009): 50,000 + 10,000 images, 32×32, downloaded by torchvision."""
    from torchvision.datasets import CIFAR10
    from torchvision.datasets.utils import download_url

    root = Path(dataset.root)
    archive = root / CIFAR10_ARCHIVE
    if archive.exists() and (found := md5(archive.read_bytes()).hexdigest()) != CIFAR10_MD5:
        raise AugcamError(
            f"{archive}: wrong checksum (md5 {found}, not {CIFAR10_MD5}); the file is damaged or "
            "incomplete: delete it and run again, which downloads it anew."
        )
    try:
        parts = [CIFAR10(root, train=train) for train in (True, False)]
    except RuntimeError:  # not there, or damaged
        try:
            if not archive.exists():
                # Not to its own name: if killed, what is there would be taken for the whole.
                with atomic(archive) as temporary:
                    download_url(CIFAR10.url, root, temporary.name, CIFAR10_MD5)
            # Unpacks; it downloads nothing, as the archive is there.
            parts = [CIFAR10(root, train=train, download=True) for train in (True, False)]
        except Exception as error:  # whatever urllib or torchvision raise without a network
            raise AugcamError(
                f"dataset.name: cifar10 is neither in '{root}' nor can it be downloaded ({error}); "
                f"put {CIFAR10_ARCHIVE} (md5 {CIFAR10_MD5}) into '{root}', or set dataset.root to "
                "the folder that holds it."
            ) from error
    pixels = np.concatenate([part.data for part in parts])
    sizes = [len(part.data) for part in parts]
    return Source(
        labels=np.concatenate([np.asarray(part.targets, dtype=np.int64) for part in parts]),
        class_names=list(parts[0].classes),
        names=[f"cifar10/{s}[{i}]" for s, n in zip(("train", "test"), sizes) for i in range(n)],
        decode=lambda i: Picture(pixels[i], grey=False),
        splits=np.repeat(["train", "test"], sizes),
    )


def read_imagefolder(dataset: Dataset) -> Source:
    """One sub-folder per class, as torchvision's ImageFolder; see `augcam.data.folders`."""
    found, notes = parts(dataset)
    read = [read_class_folders(part.paths[0], part.split) for part in found]
    train, *others = read
    _refuse_one_class(train)
    for part in others:
        empty = set(map(class_called, part.folders)) - set(map(class_called, train.folders))
        if extra := sorted(empty | set(part.classes) - set(train.classes)):
            raise AugcamError(f"{part.root}: class '{extra[0]}' has no training images.")
    for part in read:
        if not part.images:
            raise AugcamError(
                f"{part.root}: there are no image files in its class folders{_but(part)}."
            )
    files = [f"{part.root}/{place}" for part in read for _, place in part.images]
    labels, class_names, said = numbered([_labels(part) for part in read], dataset.class_names)
    below = [place for part in read for _, place in part.images]
    return Source(
        labels=labels,
        class_names=class_names,
        names=[shown(file) for file in files],
        origins=[f"{part.split}/{place}" for part in read for _, place in part.images],
        decode=lambda i: decode_image(Path(files[i]), shown(files[i]), dataset.ground),
        splits=np.repeat([part.split for part in read], [len(part.images) for part in read]),
        groups=groups_in_paths(dataset.group, below) if dataset.group else None,
        left_out=[file for part in read for file in part.left_out],
        notes=[*notes, *said, *(note for part in read for note in part.notes)],
    )


def _labels(part: ClassFolders) -> Labels:
    """The classes of the images in a folder; the training images' are all that there are."""
    return Labels(
        [name for name, _ in part.images],
        lambda i: shown(part.root / part.images[i][1]),
        str(part.root),
        part.classes if part.split == "train" else None,
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


READERS: dict[str, Callable[[Dataset], Source]] = {
    "digits": read_digits,
    "cifar10": read_cifar10,
    "parquet": read_parquet,
    "imagefolder": read_imagefolder,
    "table": read_table_of_files,
}
