"""Readers: from any data set to images that are decoded when asked for."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from hashlib import md5
from pathlib import Path

import numpy as np

from augcam.config.schema import Dataset
from augcam.data.decoding import Picture, decode_image
from augcam.data.folders import ClassFolders, LeftOut, class_called, read_class_folders, shown
from augcam.data.listing import class_folders, reasons
from augcam.data.notes import Note, counted
from augcam.errors import AugcamError
from augcam.files.atomic import atomic

CIFAR10_ARCHIVE = "cifar-10-python.tar.gz"


CIFAR10_MD5 = "c58f30108f718f92721af3b95e74349a"


@dataclass(frozen=True)
class Source:
    """Images that are decoded when asked for.

    `labels` int64 (N,); `names` say in messages where each image is, and `origins` in tables,
    wherever the data set lies (None: the same); `decode(i)` gives image i;
    `is_test` bool (N,) marks the data set's own test images, None where it has none;
    `left_out`: the files that are no images of it.
    """

    labels: np.ndarray
    class_names: list[str]
    names: list[str]
    decode: Callable[[int], Picture]
    is_test: np.ndarray | None
    origins: list[str] | None = None
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def take(self, positions: np.ndarray) -> "Source":
        """The images at `positions` alone, in their order."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        arrays = {k: v[positions] for k, v in arrays.items() if isinstance(v, np.ndarray)}
        return replace(
            self,
            **arrays,
            names=[self.names[i] for i in positions],
            origins=self.origins and [self.origins[i] for i in positions],
            decode=lambda i: self.decode(positions[i]),
        )


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
        is_test=None,
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
        is_test=np.repeat([False, True], sizes),
    )


def read_parquet(dataset: Dataset) -> Source:
    """Hugging Face's image layout: a column of {bytes, path} and a column of labels."""
    parts = [_parquet_part("dataset.train", dataset.train, dataset)]
    if dataset.test:
        parts.append(_parquet_part("dataset.test", dataset.test, dataset))
    raw = [label for _, labels, _, _ in parts for label in labels]
    names = dataset.class_names or parts[0][3]
    labels, class_names = _numbered(raw, names, f"column '{dataset.label_column}'")
    images = [image for part in parts for image in part[0]]
    places = [place for part in parts for place in part[2]]
    return Source(
        labels=labels,
        class_names=class_names,
        names=places,
        decode=lambda i: decode_image(images[i].as_py(), places[i], dataset.ground),
        is_test=np.repeat([False, True], [len(p[1]) for p in parts]) if dataset.test else None,
    )


def _parquet_part(key: str, path: str, dataset: Dataset):
    """(encoded images, labels, places, class names or None) of one file or folder of files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = sorted(Path(path).glob("*.parquet")) if Path(path).is_dir() else [Path(path)]
    if not files or not files[0].exists():
        raise AugcamError(f"{key}: there is no parquet file at '{path}'.")
    images, labels, places, class_names = [], [], [], None
    for file in files:
        try:
            metadata = pq.read_metadata(file)
            schema = metadata.schema.to_arrow_schema()
            image_column = dataset.image_column or _image_column(file, schema)
            missing = [c for c in (image_column, dataset.label_column) if c not in schema.names]
            if missing:
                raise AugcamError(
                    f"{file}: there is no column '{missing[0]}'; its columns are "
                    f"{', '.join(schema.names)} (dataset.image_column, dataset.label_column)."
                )
            if not _holds_images(schema.field(image_column).type):
                raise AugcamError(
                    f"{file}: column '{image_column}' (dataset.image_column) holds no encoded "
                    "images, which are bytes, or a struct with a field 'bytes'."
                )
            _refuse_more_than_memory(file, metadata)
            table = pq.read_table(file, columns=[image_column, dataset.label_column])
        except (pa.ArrowException, OSError) as error:
            reason = str(error).partition("\n")[0]
            raise AugcamError(f"{file}: this is no readable parquet file ({reason}).") from error
        if not dataset.class_names:
            class_names = _feature_names(file, schema, dataset.label_column) or class_names
        for chunk in table[image_column].chunks:
            images.extend(chunk.field("bytes") if pa.types.is_struct(chunk.type) else chunk)
        labels.extend(table[dataset.label_column].to_pylist())
        places.extend(f"{file.name}[{i}]" for i in range(len(table)))
    return images, labels, places, class_names


def _refuse_more_than_memory(file: Path, metadata) -> None:
    """Raises AugcamError where a parquet file unpacks to more than this machine's memory."""
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    needed, there = sum(group.total_byte_size for group in groups), _memory()
    if needed > there:
        raise AugcamError(
            f"{file}: it unpacks to {needed / 2**30:.1f} GiB, and this machine has "
            f"{there / 2**30:.1f} GiB of memory; take a part of it, or a larger machine."
        )


def _memory() -> int:
    """Bytes of memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _feature_names(file: Path, schema, column: str) -> list[str] | None:
    """The names of classes in Hugging Face's metadata; None where there are none."""
    text = (schema.metadata or {}).get(b"huggingface")
    if text is None:
        return None
    try:
        names = json.loads(text)["info"]["features"].get(column, {}).get("names")
        if names is not None and not (names and all(isinstance(name, str) for name in names)):
            raise ValueError("names that are no texts")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AugcamError(
            f"{file}: Hugging Face's metadata in it cannot be understood ({error}); name the "
            "classes in dataset.class_names."
        ) from error
    return names


def _holds_images(kind) -> bool:
    """Whether an Arrow type is binary, or a struct with binary `bytes`."""
    import pyarrow as pa

    if pa.types.is_struct(kind):
        place = kind.get_field_index("bytes")
        return place >= 0 and _holds_images(kind.field(place).type)
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _image_column(file: Path, schema) -> str:
    """The only column that holds encoded images: a struct with `bytes`, or binary."""
    found = [field.name for field in schema if _holds_images(field.type)]
    if len(found) == 1:
        return found[0]
    raise AugcamError(
        f"{file}: {len(found)} columns could hold the images; name one in dataset.image_column "
        f"(columns: {', '.join(schema.names)})."
    )


def _numbered(raw: list, names: list[str] | None, where: str) -> tuple[np.ndarray, list[str]]:
    """Labels as 0 … C − 1 with their names, from numbers or names."""
    if any(label is None for label in raw):
        raise AugcamError(f"{where}: image {raw.index(None)} has no label.")
    if all(isinstance(label, str) for label in raw):
        names = names or sorted(set(raw))
        if unknown := sorted(set(raw) - set(names)):
            raise AugcamError(f"{where}: class '{unknown[0]}' is not among dataset.class_names.")
        number = {name: i for i, name in enumerate(names)}
        return np.array([number[label] for label in raw], dtype=np.int64), list(names)
    if not all(isinstance(label, int) for label in raw):
        raise AugcamError(f"{where}: labels must be whole numbers or names.")
    # Without names: there are at most as many classes as images.
    count = len(names) if names else len(raw)
    if wrong := [label for label in raw if not 0 <= label < count]:
        raise AugcamError(f"{where}: label {wrong[0]} is outside 0 to {count - 1}.")
    names = list(names) if names else [str(i) for i in range(max(raw, default=0) + 1)]
    return np.array(raw, dtype=np.int64), names


def read_imagefolder(dataset: Dataset) -> Source:
    """One sub-folder a class, as torchvision's ImageFolder; see `augcam.data.folders`."""
    paths = {"train": dataset.train} | ({"test": dataset.test} if dataset.test else {})
    for split, path in paths.items():
        if not Path(path).is_dir():
            raise AugcamError(f"dataset.{split}: there is no folder '{path}'.")
    read = [read_class_folders(Path(path), split) for split, path in paths.items()]
    train, test = read[0], read[-1]
    _refuse_one_class(train)
    empty = set(map(class_called, test.folders)) - set(map(class_called, train.folders))
    if extra := sorted(empty | set(test.classes) - set(train.classes)):
        raise AugcamError(f"{test.root}: class '{extra[0]}' has no training images.")
    for part in read:
        if not part.images:
            raise AugcamError(
                f"{part.root}: there are no image files in its class folders{_but(part)}."
            )
    raw = [name for part in read for name, _ in part.images]
    files = [f"{part.root}/{place}" for part in read for _, place in part.images]
    labels, class_names = _numbered(raw, dataset.class_names or train.classes, str(train.root))
    return Source(
        labels=labels,
        class_names=class_names,
        names=[shown(file) for file in files],
        origins=[f"{part.split}/{place}" for part in read for _, place in part.images],
        decode=lambda i: decode_image(Path(files[i]), shown(files[i]), dataset.ground),
        is_test=np.repeat([False, True], [len(p.images) for p in read]) if dataset.test else None,
        left_out=[file for part in read for file in part.left_out],
        notes=[note for part in read for note in part.notes],
    )


def _refuse_one_class(train: ClassFolders) -> None:
    if len(train.classes) > 1:
        return
    deeper = [f for f in train.folders if len(class_folders(train.root / f)) > 1]
    hint = f" Is it '{train.root / deeper[0]}' that holds them?" if deeper else ""
    raise AugcamError(
        f"{train.root}: {counted(len(train.classes), 'class folder')} with images{_but(train)}; "
        f"each class needs a sub-folder of its own, and there must be two or more.{hint}"
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
}
