"""Data sets: from any source to one memory-mapped store with a fixed split and training order."""

import io
import json
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b, md5
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from augcam.config import Dataset, Split
from augcam.errors import AugcamError
from augcam.files import atomic, sha256, write_json, write_table

SPLITS = ("train", "val", "test")
CIFAR10_ARCHIVE = "cifar-10-python.tar.gz"
CIFAR10_MD5 = "c58f30108f718f92721af3b95e74349a"
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
# Pillow opens more, and for PostScript starts another program.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
_LARGEST_FILE = 2**29  # bytes of an image file; one of Pillow's largest images, not compressed
_LONGEST = 50  # times the shorter side: resized before it is cropped, more would fill the memory
_GREY_MODES = {"1", "L", "LA", "La"}
_COLOUR_MODES = {"RGB", "RGBA", "RGBa", "RGBX", "P", "PA", "CMYK", "YCbCr", "LAB", "HSV"}


class Picture(NamedTuple):
    """One decoded image: pixels uint8 (H, W, 3), and whether the file held grey values only."""

    pixels: np.ndarray
    grey: bool


@dataclass(frozen=True)
class Source:
    """Images that are decoded when asked for.

    `labels` int64 (N,); `names` say where each image comes from; `decode(i)` gives image i;
    `is_test` bool (N,) marks the data set's own test images, None where it has none.
    """

    labels: np.ndarray
    class_names: list[str]
    names: list[str]
    decode: Callable[[int], Picture]
    is_test: np.ndarray | None


# -------------------------------------------------------------------------------------- readers


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
        decode=lambda i: decode_image(images[i].as_py(), places[i]),
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
    """One sub-folder a class, as torchvision's ImageFolder; image files by their suffix."""
    folders = [Path(dataset.train)] + ([Path(dataset.test)] if dataset.test else [])
    for key, folder in zip(("dataset.train", "dataset.test"), folders):
        if not folder.is_dir():
            raise AugcamError(f"{key}: there is no folder '{folder}'.")
    classes = sorted(entry.name for entry in folders[0].iterdir() if entry.is_dir())
    if len(classes) < 2:
        raise AugcamError(
            f"{folders[0]}: {len(classes)} class folders; each class needs a sub-folder of its "
            "own, and there must be two or more."
        )
    parts = [_files_by_class(folder, classes) for folder in folders]
    files = [file for part in parts for file, _ in part]
    raw = [label for part in parts for _, label in part]
    labels, class_names = _numbered(raw, dataset.class_names or classes, str(folders[0]))
    return Source(
        labels=labels,
        class_names=class_names,
        names=[str(file) for file in files],
        decode=lambda i: decode_image(files[i], str(files[i])),
        is_test=np.repeat([False, True], [len(p) for p in parts]) if dataset.test else None,
    )


def _is_utf8(name: str) -> bool:
    """Whether a name from the file system is text; other bytes come as lone surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _files_by_class(folder: Path, classes: list[str]) -> list[tuple[Path, str]]:
    found = [
        (file, name)
        for name in classes
        for file in sorted((folder / name).rglob("*"))
        if file.suffix.lower() in IMAGE_SUFFIXES and file.is_file()
    ]
    for path in [*(folder / name for name in classes), *(file for file, _ in found)]:
        if not _is_utf8(str(path)):
            raise AugcamError(f"{folder}: the name of {str(path)!a} is not UTF-8; rename it.")
    if extra := {entry.name for entry in folder.iterdir() if entry.is_dir()} - set(classes):
        raise AugcamError(f"{folder}: class '{min(extra)}' has no training images.")
    if not found:
        raise AugcamError(f"{folder}: there are no image files in its class folders.")
    return found


READERS: dict[str, Callable[[Dataset], Source]] = {
    "digits": read_digits,
    "cifar10": read_cifar10,
    "parquet": read_parquet,
    "imagefolder": read_imagefolder,
}


def decode_image(encoded: bytes | Path | None, place: str) -> Picture:
    """Decode one image file. Raises AugcamError naming `place` where that cannot be done."""
    if encoded is None:
        raise AugcamError(f"{place}: there are no image bytes.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            size = len(encoded) if isinstance(encoded, bytes) else encoded.stat().st_size
            if size > _LARGEST_FILE:
                raise ValueError(f"its {size} bytes are more than {_LARGEST_FILE}")
            content = encoded if isinstance(encoded, bytes) else encoded.read_bytes()
            image = Image.open(io.BytesIO(content), formats=_FORMATS)
            image.load()
    except Exception as error:  # Pillow's decoders raise many kinds
        raise AugcamError(f"{place}: the image cannot be decoded ({error}).") from error
    if image.mode not in _GREY_MODES | _COLOUR_MODES:
        raise AugcamError(
            f"{place}: pixel format {image.mode} is not supported; convert the image to 8 bits a "
            "channel."
        )
    return Picture(np.asarray(image.convert("RGB")), grey=image.mode in _GREY_MODES)


# ---------------------------------------------------------------------------------------- split


def choose_split(source: Source, dataset: Dataset, split: Split) -> pd.DataFrame:
    """Choose which images are used, and for what.

    Returns one row a used image: `position` in the source, `split` (train, val, test), `label`;
    sorted by position. All choices are stratified and depend on `split.split_seed` alone.
    Raises AugcamError where a class has too few images.
    """
    if not len(source.labels):
        raise AugcamError("dataset: the data set holds no images.")
    everything = np.arange(len(source.labels))
    seed = split.split_seed
    if source.is_test is None:
        rest, test = _stratified(source, everything, split.test_fraction, seed, "test")
    else:
        rest, test = everything[~source.is_test], everything[source.is_test]
    rest = _limited(source, rest, dataset.train_limit, seed, "dataset.train_limit")
    test = _limited(source, test, dataset.test_limit, seed, "dataset.test_limit")
    train, val = _stratified(source, rest, split.validation_fraction, seed, "validation")
    index = pd.DataFrame(
        {
            "position": np.concatenate([train, val, test]),
            "split": np.repeat(SPLITS, [len(train), len(val), len(test)]),
        }
    ).sort_values("position", ignore_index=True)
    index["label"] = source.labels[index["position"]]
    return index


def _stratified(source: Source, images: np.ndarray, share: float | int, seed: int, part: str):
    """Split `images` into (rest, part) with the classes in equal shares."""
    from sklearn.model_selection import train_test_split

    labels = source.labels[images]
    counts = np.bincount(labels, minlength=len(source.class_names))
    fraction = share if isinstance(share, float) else share / len(images)
    for name, count in zip(source.class_names, counts):
        chosen, rest = count * fraction, count * (1 - fraction)
        if chosen < 1 - 1e-9 or (rest < 1 - 1e-9 and part != "limited"):
            raise AugcamError(
                f"class '{name}': {count} images are too few for a {part} part of "
                f"{fraction:.1%} (split, dataset.train_limit, dataset.test_limit); every class "
                "must have at least one image in each part."
            )
    return train_test_split(images, test_size=share, random_state=seed, stratify=labels)


def _limited(source: Source, images: np.ndarray, limit: int | None, seed: int, key: str):
    if limit is None or limit == len(images):
        return images
    if limit > len(images):
        raise AugcamError(f"{key}: {limit} images are asked for, but there are {len(images)}.")
    # The split needs an image of every class on either side, also of what is left out.
    classes = len(source.class_names)
    if len(images) - limit < classes:
        raise AugcamError(
            f"{key}: {limit} of {len(images)} images leaves out less than one image a class; take "
            f"{len(images) - classes} or fewer, or remove the key to use all."
        )
    return _stratified(source, images, limit, seed, "limited")[1]


def draw_order(train_ids: np.ndarray, sampling_seed: int) -> np.ndarray:
    """The training order, shared by all models (appendix B).

    Returns int64 (2·N, 2): position → (image_id, copy), copy 0 the original, 1 the augmented one:
    originals followed by copies, shuffled once.
    """
    everything = np.concatenate(
        [np.stack([train_ids, np.full_like(train_ids, copy)], axis=1) for copy in (0, 1)]
    )
    rng = np.random.default_rng(sampling_seed)
    return everything[rng.permutation(len(everything))].astype(np.int64)


# ---------------------------------------------------------------------------------------- store


def to_size(pixels: np.ndarray, size: int) -> np.ndarray:
    """Resize the shorter side of uint8 (H, W, 3) to `size` and crop the centre."""
    image = Image.fromarray(pixels)
    scale = size / min(image.size)
    new = [max(size, round(side * scale)) for side in image.size]
    image = image.resize(new, Image.Resampling.BILINEAR)
    left, top = (new[0] - size) // 2, (new[1] - size) // 2
    return np.asarray(image.crop((left, top, left + size, top + size)))


def _refuse_a_strip(pixels: np.ndarray, name: str) -> None:
    height, width = pixels.shape[:2]
    if max(height, width) > _LONGEST * min(height, width):
        raise AugcamError(
            f"{name}: of an image of {width}×{height} pixels a centred square shows next to "
            f"nothing; crop it to at most {_LONGEST}:1, or remove it."
        )


def decoded(source: Source, positions: np.ndarray, dataset: Dataset) -> Iterator[np.ndarray]:
    """The images at `positions`, all uint8 of one shape (H, W, 3).

    Raises AugcamError at the first image of another size, or grey among colour (or the reverse).
    """
    first: tuple[Picture, str] | None = None
    for position in positions:
        picture, name = source.decode(position), source.names[position]
        if dataset.image_size:
            _refuse_a_strip(picture.pixels, name)
            picture = picture._replace(pixels=to_size(picture.pixels, dataset.image_size))
        first = first or (picture, name)
        if picture.grey != first[0].grey and dataset.grey == "refuse":
            grey, colour = (name, first[1]) if picture.grey else (first[1], name)
            raise AugcamError(
                f"{grey}: the image is grey, but {colour} has colours; replace it, or set "
                "dataset.grey: convert to use it as it is."
            )
        if picture.pixels.shape != first[0].pixels.shape:
            sizes = ["×".join(map(str, p.pixels.shape[1::-1])) for p in (picture, first[0])]
            raise AugcamError(
                f"{name}: the image has {sizes[0]} pixels, but {first[1]} has {sizes[1]}; set "
                "dataset.image_size to bring all images to one size."
            )
        yield picture.pixels


def channel_statistics(images: np.ndarray, ids: np.ndarray) -> tuple[list[float], list[float]]:
    """Exact mean and standard deviation of each channel over images `ids`, in units of [0, 1].

    Raises AugcamError where a channel has one value only, which cannot be normalised.
    """
    counts = np.zeros((3, 256), dtype=np.int64)
    for start in range(0, len(ids), 256):
        chunk = images[ids[start : start + 256]]
        for channel in range(3):
            counts[channel] += np.bincount(chunk[..., channel].ravel(), minlength=256)
    levels = np.arange(256) / 255
    total = counts.sum(axis=1)
    mean = counts @ levels / total
    std = np.sqrt(np.maximum(counts @ levels**2 / total - mean**2, 0))
    if (counts > 0).sum(axis=1).min() < 2:
        raise AugcamError("dataset: a colour channel has the same value in all training images.")
    return mean.tolist(), std.tolist()


def duplicates(images: np.ndarray, split: np.ndarray) -> dict[str, int]:
    """How many images have exactly the pixels of an image in another split, by pair of splits."""
    digests = np.array([blake2b(image.tobytes(), digest_size=16).digest() for image in images])
    found = {}
    for a, b in (("train", "val"), ("train", "test"), ("val", "test")):
        found[f"{b} in {a}"] = int(np.isin(digests[split == b], digests[split == a]).sum())
    return found


def prepare(
    dataset: Dataset,
    split: Split,
    images_path: str | Path,
    index_path: str | Path,
    order_path: str | Path,
    stats_path: str | Path,
    say: Callable[[str], None] = print,
) -> None:
    """Make the store of an experiment: images, index, training order, statistics.

    `images.npy` uint8 (N, H, W, 3), row = image_id; `index.parquet`: image_id, split, label,
    class_name, source; `order.npy`: see `draw_order`; `stats.json`: mean, std, class_names,
    image_size, counts, duplicates, checksums of the other three files.
    Raises AugcamError for whatever is wrong with the source; then no file is left behind.
    """
    source = READERS[dataset.name](dataset)
    index = choose_split(source, dataset, split)
    positions = index.pop("position").to_numpy()
    index.insert(0, "image_id", np.arange(len(index), dtype=np.int64))
    index["class_name"] = [source.class_names[label] for label in index["label"]]
    index["source"] = [source.names[position] for position in positions]
    with _written(images_path, decoded(source, positions, dataset), len(index)) as images:
        train_ids = index.loc[index["split"] == "train", "image_id"].to_numpy()
        mean, std = channel_statistics(images, train_ids)
        found = duplicates(images, index["split"].to_numpy())
        size = list(images.shape[1:3])
    counts = {
        part: {name: int((group["class_name"] == name).sum()) for name in source.class_names}
        for part, group in index.groupby("split")
    }
    order = draw_order(train_ids, split.sampling_seed)
    with atomic(order_path) as temporary:
        np.save(temporary, order)
    write_table(index, index_path)
    stats = {
        "mean": mean,
        "std": std,
        "class_names": source.class_names,
        "image_size": size,
        "counts": counts,
        "duplicates": found,
        "checksums": {
            Path(path).name: sha256(path) for path in (images_path, index_path, order_path)
        },
    }
    for line in report_lines(stats):
        say(line)
    write_json(stats, stats_path)


def report_lines(stats: dict) -> list[str]:
    """What a user should know about the data: sizes, class balance, duplicates."""
    lines = [f"images: {stats['image_size'][1]}×{stats['image_size'][0]} pixels"]
    for part in SPLITS:
        per_class = stats["counts"][part].values()
        balance = f"{min(per_class)} to {max(per_class)} a class"
        lines.append(f"{part}: {sum(per_class)} images, {balance}")
    for pair, count in stats["duplicates"].items():
        if count:
            lines.append(f"warning: {count} images stand in two splits ({pair}), pixel by pixel")
    if not any(stats["duplicates"].values()):
        lines.append("no image stands in two splits")
    return lines


@contextmanager
def _written(path: str | Path, pictures: Iterator[np.ndarray], count: int) -> Iterator[np.ndarray]:
    """Write pictures into one `.npy`, never holding more than one; yield it for reading.

    The file takes its name only when the block succeeds.
    """
    with atomic(path) as temporary:
        store = None
        for i, pixels in enumerate(pictures):
            if store is None:
                store = np.lib.format.open_memmap(
                    temporary, mode="w+", dtype=np.uint8, shape=(count, *pixels.shape)
                )
                # On a full disk writing into a map kills the process; asking for room is an error.
                with temporary.open("rb+") as file:
                    os.posix_fallocate(file.fileno(), 0, temporary.stat().st_size)
            store[i] = pixels
        store.flush()
        yield store
