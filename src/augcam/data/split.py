"""Which images are used, and for what; the order of training."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from augcam.config.schema import Dataset, Split
from augcam.data.seeds import state_seed
from augcam.data.sources import Source
from augcam.errors import AugcamError
from augcam.files.arrays import read_array, read_arrays

SPLITS = ("train", "val", "test")


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


def order_at(
    index: dict[str, np.ndarray], split: Split, state: int, varied: Collection[str]
) -> np.ndarray:
    """The training order of all models at `state`, as `draw_order` has it.

    `index`: image_id, split and label of the used images; `varied`: what states vary. With `order`
    the order is the state's own. With `split` so is the choice of training and validation images
    (stratified, as many as before): the training images are those that the order names. Test
    images are the same at all states.
    """
    from sklearn.model_selection import train_test_split

    train_ids = index["image_id"][index["split"] == "train"]
    if "split" in varied:
        used = index["split"] != "test"
        train_ids, _ = train_test_split(
            index["image_id"][used],
            train_size=len(train_ids),
            random_state=state_seed(split.split_seed, state),
            stratify=index["label"][used],
        )
        train_ids = np.sort(train_ids)
    return draw_order(
        train_ids, state_seed(split.sampling_seed, state if "order" in varied else None)
    )


def read_order(path: str | Path) -> np.ndarray:
    """The order of all states (`order.npy`, whose checksum stands in `stats.json`), or of one."""
    path = Path(path)
    return read_array(path) if path.suffix == ".npy" else read_arrays(path)["order"]


def draw_order(train_ids: np.ndarray, sampling_seed: int) -> np.ndarray:
    """A training order (appendix B).

    Returns int64 (2·N, 2): position → (image_id, copy), copy 0 the original, 1 the augmented one:
    originals followed by copies, shuffled once.
    """
    everything = np.concatenate(
        [np.stack([train_ids, np.full_like(train_ids, copy)], axis=1) for copy in (0, 1)]
    )
    rng = np.random.default_rng(sampling_seed)
    return everything[rng.permutation(len(everything))].astype(np.int64)
