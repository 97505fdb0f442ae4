"""The store of an experiment: images, index, order, statistics."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

import numpy as np
from PIL import Image

from augcam.config.schema import Dataset, Split
from augcam.data.decoding import Picture
from augcam.data.sources import READERS, Source
from augcam.data.split import SPLITS, choose_split, draw_order
from augcam.errors import AugcamError
from augcam.files.atomic import atomic
from augcam.files.checksums import sha256
from augcam.files.json import write_json
from augcam.files.tables import write_table

_LONGEST = 50  # times the shorter side: resized before it is cropped, more would fill the memory


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
