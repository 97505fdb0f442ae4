"""Which images are used, and for what; the order of training."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from augcam.config.schema import Dataset, Split
from augcam.data.groups import split_by_group
from augcam.data.layout import SPLITS, WORDS
from augcam.data.notes import Note, counted, listed, note, warning
from augcam.data.seeds import state_seed
from augcam.data.source import Source
from augcam.errors import AugcamError


def choose_split(source: Source, dataset: Dataset, split: Split) -> tuple[pd.DataFrame, list[Note]]:
    """Choose which images are used, and for what.

    Returns one row per used image: `position` in the source, `split` (train, val, test), `label`,
    and `group` where there are groups; sorted by position; and what there is to say about it. All
    choices are stratified and depend on `split.split_seed` alone.
    Raises AugcamError where a class has too few images.
    """
    _refuse_unlearnable(source)
    seed = split.split_seed
    notes: list[Note] = []
    rest, val, test = (np.flatnonzero(source.splits == part) for part in SPLITS)
    own_test, own_val = len(test) > 0, len(val) > 0
    if not own_test:
        rest, test = _parted(source, rest, split.test_fraction, seed, "test", notes)
    rest = _limited(source, rest, dataset.train_limit, seed, "dataset.train_limit")
    test = _limited(source, test, dataset.test_limit, seed, "dataset.test_limit")
    if own_val:
        text = f"the data set's own {counted(len(val), 'validation image')}; "
        notes.append(note("split", f"{text}split.validation_fraction is not used."))
    else:
        rest, val = _parted(source, rest, split.validation_fraction, seed, "validation", notes)
    index = pd.DataFrame(
        {
            "position": np.concatenate([rest, val, test]),
            "split": np.repeat(SPLITS, [len(rest), len(val), len(test)]),
        }
    ).sort_values("position", ignore_index=True)
    index["label"] = source.labels[index["position"]]
    if source.groups is not None:
        index["group"] = source.groups[index["position"]]
    return index, notes


def _refuse_unlearnable(source: Source) -> None:
    """Raises AugcamError where there are no images, one class, or one without training images."""
    if not len(source.labels):
        raise AugcamError("dataset: the data set holds no images.")
    names = source.class_names
    if len(names) < 2:
        raise AugcamError(
            f"dataset: all images have the class '{names[0]}'; there must be two or more classes."
        )
    counts = {part: _counts(source, source.splits == part) for part in SPLITS}
    for i in np.flatnonzero(counts["train"] == 0):
        elsewhere = [
            f"{counts[part][i]} {WORDS[part]} images" for part in ("val", "test") if counts[part][i]
        ]
        but = f", but {' and '.join(elsewhere)}" if elsewhere else ""
        others = listed([name for name in names if name != names[i]], 5)
        raise AugcamError(
            f"dataset: class '{names[i]}' has no training images{but}: it cannot be learned; add "
            f"some, or take the class out (are names spelt alike? The others are {others})."
        )


def _counts(source: Source, images: np.ndarray) -> np.ndarray:
    return np.bincount(source.labels[images], minlength=len(source.class_names))


def _parted(
    source: Source, images: np.ndarray, share: float, seed: int, part: str, notes: list[Note]
) -> tuple[np.ndarray, np.ndarray]:
    """Split `images` into (rest, part), with groups kept whole where there are groups."""
    if source.groups is None:
        return _stratified(source, images, share, seed, part)
    labels, groups = source.labels[images], source.groups[images]
    chosen = split_by_group(labels, groups, source.class_names, share, seed, part)
    got = chosen.mean()
    number = counted(len(set(groups[chosen])), "group")
    text = f"{part}: {number} of {len(set(groups)):,}, which are {got:.1%} of the images"
    far = abs(got - share) > max(0.02, share / 4)
    notes.append(
        warning("split", f"{text}, not {share:.1%}: groups are large.")
        if far
        else note("split", f"{text} ({share:.1%} asked for).")
    )
    return images[~chosen], images[chosen]


def _stratified(source: Source, images: np.ndarray, share: float | int, seed: int, part: str):
    """Split `images` into (rest, part) with the classes in equal shares."""
    from sklearn.model_selection import train_test_split

    labels = source.labels[images]
    counts = np.bincount(labels, minlength=len(source.class_names))
    fraction = share if isinstance(share, float) else share / len(images)
    for name, count in zip(source.class_names, counts):
        chosen, rest = count * fraction, count * (1 - fraction)
        if count and (chosen < 1 - 1e-9 or (rest < 1 - 1e-9 and part != "limited")):
            few = counted(int(count), "image is", "images are")
            raise AugcamError(
                f"class '{name}': {few} too few for a {part} part of {fraction:.1%} "
                "(split, dataset.train_limit, dataset.test_limit); every class must have at least "
                "one image in each part."
            )
    return train_test_split(images, test_size=share, random_state=seed, stratify=labels)


def _limited(source: Source, images: np.ndarray, limit: int | None, seed: int, key: str):
    if limit is None or limit == len(images):
        return images
    if limit > len(images):
        raise AugcamError(f"{key}: {limit} images are asked for, but there are {len(images)}.")
    # The split needs an image of every class on either side, also of what is left out.
    classes = np.count_nonzero(_counts(source, images))
    if len(images) - limit < classes:
        raise AugcamError(
            f"{key}: {limit} of {len(images)} images leaves out less than one image a class; take "
            f"{len(images) - classes} or fewer, or remove the key to use all."
        )
    return _stratified(source, images, limit, seed, "limited")[1]


def order_at(
    index: dict[str, np.ndarray],
    split: Split,
    state: int,
    varied: Collection[str],
    copies: int = 1,
) -> np.ndarray:
    """The training order of all models at `state`, as `draw_order` has it.

    `index`: image_id, split, label of the used images, and group where there are groups; `varied`:
    what states vary. With `order` the order is the state's own. With `split` so is the choice of
    training and validation images (stratified, as many as before, or as near to it as whole groups
    allow): the training images are those that the order names. Test images are the same at all
    states.
    """
    from sklearn.model_selection import train_test_split

    train_ids = index["image_id"][index["split"] == "train"]
    if "split" in varied:
        used = index["split"] != "test"
        ids, labels = index["image_id"][used], index["label"][used]
        seed = state_seed(split.split_seed, state)
        if "group" in index:
            names = [str(label) for label in range(labels.max() + 1)]
            share = 1 - len(train_ids) / len(ids)
            validates = split_by_group(
                labels, index["group"][used], names, share, seed, "validation"
            )
            train_ids = ids[~validates]
        else:
            train_ids, _ = train_test_split(
                ids, train_size=len(train_ids), random_state=seed, stratify=labels
            )
        train_ids = np.sort(train_ids)
    seed = state_seed(split.sampling_seed, state if "order" in varied else None)
    return draw_order(train_ids, seed, copies)


def refuse_to_vary(stats: dict, varied: Collection[str]) -> None:
    """Raises AugcamError where states shall vary a split that is the data set's own."""
    if "split" in varied and "val" in stats["own_splits"]:
        raise AugcamError(
            "variation: 'split' draws training and validation images anew, but the data set brings "
            "validation images of its own; remove 'split'."
        )


def class_notes(index: pd.DataFrame, class_names: list[str]) -> list[Note]:
    """What a user should know of classes that are missing on one side.

    `index`: columns `split` and `label`, one row per image.
    """
    notes = []
    for part, word, so in (
        ("val", "validation", "the epoch is chosen without them"),
        ("test", "test", "nothing is measured of them, and macro averages are over the others"),
    ):
        there = set(index.loc[index["split"] == part, "label"])
        missing = [name for i, name in enumerate(class_names) if i not in there]
        if missing:
            number = counted(len(missing), "class", "classes")
            text = f"{number} without {word} images ({listed(missing, 10)}): {so}."
            notes.append(warning("classes", text))
    return notes


def draw_order(train_ids: np.ndarray, sampling_seed: int, copies: int = 1) -> np.ndarray:
    """A training order (appendix B).

    Returns int64 ((1 + copies)·N, 2): position → (image_id, copy), copy 0 the original, the others
    augmented: originals followed by copies, shuffled once.
    """
    everything = np.concatenate(
        [np.stack([train_ids, np.full_like(train_ids, copy)], axis=1) for copy in range(1 + copies)]
    )
    rng = np.random.default_rng(sampling_seed)
    return everything[rng.permutation(len(everything))].astype(np.int64)
