"""The store of an experiment: images, index, order, statistics."""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
from PIL import Image

from augcam.config.schema import Dataset, Split
from augcam.data.accounts import about_files, account, examples, refuse_broken, summary
from augcam.data.changes import Fact, picture_notes, refuse_mixtures
from augcam.data.geometry import CROP, Fit, How, to_square
from augcam.data.groups import group_notes
from augcam.data.layout import SPLITS
from augcam.data.leaks import Leaks, find_leaks, identities, leak_notes
from augcam.data.listing import BROKEN, reasons
from augcam.data.masks import Mask, write_masks
from augcam.data.notes import Note, note
from augcam.data.source import Source
from augcam.data.split import choose_split, class_notes, draw_order
from augcam.data.testmasks import gather
from augcam.entries import data_kind_named
from augcam.errors import AugcamError, BrokenImage
from augcam.files.atomic import atomic
from augcam.files.checksums import sha256
from augcam.files.json import write_json
from augcam.files.tables import write_table


def decoded(
    source: Source,
    positions: np.ndarray,
    dataset: Dataset,
    fit: Fit,
    facts: dict[int, Fact],
    broken: dict[int, str],
) -> Iterator[np.ndarray]:
    """The images at `positions`, all uint8 of one shape (H, W, 3), but for those that are broken.

    What is known of each is added to `facts`, of broken ones what is wrong to `broken`, both by
    position. Raises AugcamError at the first image of another size, or of no use in a square.
    """
    first: tuple[tuple[int, ...], str] | None = None
    for position in positions.tolist():
        name = source.names[position]
        try:
            picture = source.decode(position)
        except BrokenImage as error:
            broken[position] = str(error).removeprefix(f"{name}: ").removesuffix(".")
            continue
        origin = source.origins[position] if source.origins else name
        label = int(source.labels[position])
        fact = facts[position] = Fact.of(picture, name, origin, label)
        fit.refuse_a_strip(fact.height, fact.width, name)
        pixels = picture.pixels
        if dataset.image_size:
            pixels = to_square(pixels, dataset.image_size, fit)
        first = first or (pixels.shape, name)
        if pixels.shape != first[0]:
            sizes = ["×".join(map(str, shape[1::-1])) for shape in (pixels.shape, first[0])]
            raise AugcamError(
                f"{name}: the image has {sizes[0]} pixels, but {first[1]} has {sizes[1]}; set "
                "dataset.image_size to bring all images to one size."
            )
        yield pixels


def _stored(mask: Mask, dataset: Dataset, fit: Fit) -> Mask:
    """A mask in the geometry of its stored image."""
    if not dataset.image_size:
        return mask
    ground = fit._replace(ground=0)
    return to_square(mask, dataset.image_size, ground, Image.Resampling.NEAREST)


def channel_statistics(
    images: np.ndarray, ids: np.ndarray, fit: Fit = CROP
) -> tuple[list[float], list[float]]:
    """Exact mean and standard deviation of each channel over images `ids`, in units of [0, 1].

    The ground around images counts (`model.fit: pad`), as do the parts that are cut off. The
    deviation of a channel with one value only is 1, so that it becomes 0.
    Raises AugcamError where all channels are such, so that there is nothing to learn.
    """
    counts = np.zeros((3, 256), dtype=np.int64)
    for start in range(0, len(ids), 256):
        chunk = images[ids[start : start + 256]]
        for channel in range(3):
            counts[channel] += np.bincount(chunk[..., channel].ravel(), minlength=256)
    if (counts > 0).sum(axis=1).max() < 2:
        raise AugcamError(
            "dataset: all training images show nothing but the colour #"
            f"{bytes(counts.argmax(axis=1).tolist()).hex()}; where they are drawings on "
            "transparent ground, set dataset.background to another colour."
        )
    if fit.how == "pad":
        height, width = images.shape[1:3]
        counts[range(3), fit.ground] += len(ids) * (max(height, width) ** 2 - height * width)
    levels = np.arange(256) / 255
    total = counts.sum(axis=1)
    mean = counts @ levels / total
    std = np.sqrt(np.maximum(counts @ levels**2 / total - mean**2, 0))
    std[(counts > 0).sum(axis=1) == 1] = 1
    return mean.tolist(), std.tolist()


def prepare(
    dataset: Dataset,
    split: Split,
    images_path: str | Path,
    index_path: str | Path,
    order_path: str | Path,
    stats_path: str | Path,
    report_path: str | Path | None = None,
    notes_path: str | Path | None = None,
    masks_path: str | Path | None = None,
    broken_path: str | Path | None = None,
    how: How = "crop",
    copies: int = 1,
    say: Callable[[str], None] = print,
    announce: Callable[[str], None] | None = None,
) -> None:
    """Make the store of an experiment: images, index, training order, statistics.

    `images.npy` uint8 (N, H, W, 3), row = image_id; `index.parquet`: image_id, split, label,
    class_name, source, group where there are groups, and cue, the class whose cue the image has,
    where that is known; `order.npy`: see `draw_order`;
    `stats.json`: mean, std, class_names, image_size, fit (what is left for the way to the network),
    counts, own_splits (those that the data set brings), duplicates and near_duplicates (images by
    pair of splits), checksums of the other three files; the report: see `account`; the notes: a
    list of `augcam.data.notes.Note` under `notes`, apart from `stats.json`, as what they say of
    files that are not used is no reason to train again; the masks: of the test images, see
    `augcam.data.masks.read_masks`, where the data set has some. `how`: see `model.fit`; `copies`:
    see `training.copies`. `say` takes lines for the log, `announce` (`say` where not given) those
    that a user should see at once.
    Raises AugcamError for whatever is wrong with the source; then no file is left behind but
    `broken_path`, a table of all broken images where there are several.
    """
    if broken_path is not None:
        Path(broken_path).unlink(missing_ok=True)
    source = data_kind_named(dataset.name).read(dataset)
    broken: dict[int, str] = {}
    fit = Fit(how, dataset.ground)
    facts: dict[int, Fact] = {}
    with atomic(images_path) as temporary:
        index, notes = _choose_and_write(
            temporary, source, dataset, split, fit, facts, broken, broken_path
        )
        positions = index.pop("position").to_numpy()
        used = [facts[position] for position in positions]
        refuse_mixtures(used, dataset)
        if masks_path is not None:
            tests = np.flatnonzero(index["split"] == "test")
            masks, of_masks = gather(
                source,
                positions[tests],
                tests,
                [used[i] for i in tests],
                lambda mask: _stored(mask, dataset, fit),
                dataset.frames,
            )
            notes += of_masks
        images = np.load(temporary, mmap_mode="r")
        train_ids = np.flatnonzero(index["split"] == "train")
        mean, std = channel_statistics(images, train_ids, fit)
        same, of = identities(images), index["split"].to_numpy()
        leaks = find_leaks(images, of, same)
        size = list(images.shape[1:3])
    index.insert(0, "image_id", np.arange(len(index), dtype=np.int64))
    index["class_name"] = [source.class_names[label] for label in index["label"]]
    origins = source.origins or source.names
    index["source"] = [origins[position] for position in positions]
    if source.cues is not None:
        index["cue"] = source.cues[positions]
    report = account(source, positions, broken)
    counts = {
        part: {name: int((group["class_name"] == name).sum()) for name in source.class_names}
        for part, group in index.groupby("split")
    }
    order = draw_order(train_ids, split.sampling_seed, copies)
    with atomic(order_path) as temporary:
        np.save(temporary, order)
    write_table(index, index_path)
    if masks_path is not None:
        write_masks(masks, masks_path)
    stats = {
        "mean": mean,
        "std": std,
        "class_names": source.class_names,
        "image_size": size,
        "fit": fit.left_for(*size)._asdict(),
        "counts": counts,
        "own_splits": [part for part in ("val", "test") if part in source.splits],
        "duplicates": {f"{b} in {a}": len(pairs) for (a, b), pairs in leaks.equal.items()},
        "near_duplicates": {f"{b} in {a}": len(pairs) for (a, b), pairs in leaks.alike.items()},
        "checksums": {
            Path(path).name: sha256(path) for path in (images_path, index_path, order_path)
        },
    }
    announce = announce or say
    announce(f"data: {summary(report)}")
    for line in [*examples(report), *report_lines(stats)]:
        say(line)
    labels, names = index["label"].to_numpy(), index["source"].to_list()
    notes = [*source.notes, *notes, *class_notes(index, source.class_names), *group_notes(index)]
    notes += picture_notes(used, fit, source.class_names) + _constant_channels(std)
    notes += [*leak_notes(leaks, of, same, labels, names), *_group_advice(leaks, source, dataset)]
    for item in notes:
        (announce if item["level"] == "warning" else say)(f"{item['level']}: {item['text']}")
    if report_path is not None:
        write_table(report, report_path)
    if notes_path is not None:
        write_json({"notes": [*about_files(report), *notes]}, notes_path)
    write_json(stats, stats_path)


def report_lines(stats: dict) -> list[str]:
    """What a user should know about the data: sizes, class balance, duplicates."""
    lines = [f"images: {stats['image_size'][1]}×{stats['image_size'][0]} pixels"]
    for part in SPLITS:
        per_class = stats["counts"][part].values()
        balance = f"{min(per_class)} to {max(per_class)} a class"
        lines.append(f"{part}: {sum(per_class)} images, {balance}")
    if not any(sum(stats[kind].values()) for kind in ("duplicates", "near_duplicates")):
        lines.append("no image stands in two splits")
    return lines


def _constant_channels(std: list[float]) -> list[Note]:
    """Which channels have one value only: others deviate by at most 1/2."""
    same = [name for name, value in zip(("red", "green", "blue"), std) if value == 1]
    text = f"all training images have one value of {' and '.join(same)}, which networks see as 0."
    return [note("channels", text)] if same else []


def _group_advice(leaks: Leaks, source: Source, dataset: Dataset) -> list[Note]:
    """What to do where our own split has parted images that may belong together."""
    ours = [b for (_, b), pairs in leaks.alike.items() if len(pairs) and b not in source.splits]
    if not ours or dataset.group or "group" not in data_kind_named(dataset.name).keys:
        return []
    text = "near-duplicates may be frames of one video or pictures of one patient: dataset.group "
    return [note("leak", f"{text}keeps such images on one side of the split.")]


def _choose_and_write(
    path: Path,
    source: Source,
    dataset: Dataset,
    split: Split,
    fit: Fit,
    facts: dict[int, Fact],
    broken: dict[int, str],
    broken_path: str | Path | None,
) -> tuple[pd.DataFrame, list[Note]]:
    """Choose the used images and write them into `path`; returns what `choose_split` does.

    Which images are broken shows when they are decoded. They are added to `broken` and left out as
    if they had never been there: the split is chosen again, without them. Images are decoded again
    only where others are used then, because of a limit. Raises as `refuse_broken`.
    """
    written = None
    while True:
        whole = np.setdiff1d(np.arange(len(source.labels)), list(broken))
        try:
            index, notes = choose_split(source.take(whole) if broken else source, dataset, split)
        except AugcamError as error:
            left_out = [(file.reason, file.detail) for file in source.left_out]
            if left_out := [(BROKEN, "")] * len(broken) + left_out:
                raise AugcamError(f"{error} Left out: {reasons(left_out)}.") from error
            raise
        index["position"] = positions = whole[index["position"]]
        if written is not None and np.array_equal(positions, written):
            return index, notes
        _write(path, decoded(source, positions, dataset, fit, facts, broken), len(positions))
        if dataset.broken == "refuse":
            refuse_broken(source, broken, broken_path)
        written = np.setdiff1d(positions, list(broken))
        if len(written) == len(positions):
            return index, notes


def _write(path: Path, pictures: Iterator[np.ndarray], count: int) -> None:
    """Write uint8 pictures of one shape into one `.npy`, at most `count`, holding one at a time."""
    first = next(pictures, None)
    if first is None:
        return
    rows = 0
    with path.open("wb") as file:
        _write_header(file, (count, *first.shape))
        for pixels in chain([first], pictures):
            file.write(pixels.tobytes())
            rows += 1
        file.seek(0)
        _write_header(file, (rows, *first.shape))


def _write_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    """Numpy leaves room for longer numbers, so that it is as long for fewer rows."""
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
