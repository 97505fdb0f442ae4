"""Groups: which images belong together, as one patient's or one video's, and stay together."""

import re

import numpy as np
import pandas as pd

from augcam.data.labels import about_names, says_nothing
from augcam.data.notes import Note, counted, listed, warning
from augcam.errors import AugcamError

_STARTS = 16  # random choices that are improved, of which the best is taken


def group_names(
    files: list[list[str | None] | None], places: list[str]
) -> tuple[np.ndarray | None, list[Note]]:
    """Group of each image, text (N,), from a column of each file; None where there are no groups.

    An image without a group is one by itself, also where a text says that it is missing.
    """
    if not files or files[0] is None:
        return None, []
    names = [name for file in files for name in file or []]
    named = {name for name in names if name is not None}
    empty = {name for name in named if says_nothing(name)}
    notes = about_names("groups", named - empty)
    alone = [i for i, name in enumerate(names) if name is None or name in empty]
    for i in alone:
        names[i] = f"({places[i]})"
    if alone:
        some = f"; some say {listed(sorted(empty))}" if empty else ""
        text = f"{counted(len(alone), 'image')} of {len(names):,} without a group (the first: "
        text += f"{places[alone[0]]}{some}): each counts as a group of its own."
        notes.append(warning("groups", text))
    return np.array(names, dtype=object), notes


def groups_in_paths(pattern: str, paths: list[str]) -> np.ndarray:
    """Group of each image, text (N,): what the one group of `pattern` finds in its path.

    Raises AugcamError where it finds nothing in a path.
    """
    found = [re.search(pattern, path) for path in paths]
    without = [path for path, match in zip(paths, found) if not (match and match[1])]
    if without:
        raise AugcamError(
            f"dataset.group: '{pattern}' finds no group in {counted(len(without), 'path')} of "
            f"{len(paths):,} (the first: '{without[0]}')."
        )
    return np.array([match[1] for match in found if match], dtype=object)


def split_by_group(
    labels: np.ndarray,
    groups: np.ndarray,
    class_names: list[str],
    share: float,
    seed: int,
    part: str,
) -> np.ndarray:
    """Choose whole groups whose images are about `share` of each class: bool (N,), True if chosen.

    The best of some random choices, each improved for as long as taking in or giving back one
    group helps; the same for one seed. Raises AugcamError where no choice has been found that
    leaves an image of every class on either side.
    """
    names, of = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(names), len(class_names)))
    np.add.at(counts, (of, labels), 1)
    alone = np.flatnonzero((counts > 0).sum(axis=0) == 1)
    if len(alone):
        only = names[counts[:, alone[0]].argmax()]
        raise AugcamError(
            f"dataset.group: all {int(counts[:, alone[0]].sum())} images of class "
            f"'{class_names[alone[0]]}' are in one group ('{only}'), which cannot stand in the "
            f"{part} part and in training at once; every class needs images of more groups."
        )
    rng = np.random.default_rng(seed)
    tried = [_improved(counts, share, rng.permutation(len(names))) for _ in range(_STARTS)]
    cost, chosen = min(tried, key=lambda one: one[0])
    if cost >= 1:
        taken = counts[chosen].sum(axis=0)
        lost = [
            class_names[i] for i in np.flatnonzero((taken == 0) | (taken == counts.sum(axis=0)))
        ]
        raise AugcamError(
            f"dataset.group: no choice of groups for the {part} part leaves images of every class "
            f"on both sides (class {listed(lost)}); every class needs images of more groups."
        )
    return chosen[of]


def _improved(counts: np.ndarray, share: float, order: np.ndarray) -> tuple[float, np.ndarray]:
    """(cost, bool (G,)): the first groups of a random order, then better ones one by one.

    `counts` (G, C): images of each group and class.
    """
    sizes = counts.sum(axis=1)
    chosen = np.zeros(len(counts), dtype=bool)
    chosen[order[np.cumsum(sizes[order]) <= share * sizes.sum()]] = True
    cost = _cost(counts[chosen].sum(axis=0)[None], counts, share)[0]
    for _ in range(len(counts)):
        changed = counts[chosen].sum(axis=0) + np.where(chosen, -1, 1)[:, None] * counts
        costs = _cost(changed, counts, share)
        if costs.min() > cost - 1e-12:
            break
        cost = costs.min()
        chosen[costs.argmin()] ^= True
    return float(cost), chosen


def _cost(taken: np.ndarray, counts: np.ndarray, share: float) -> np.ndarray:
    """How bad it is to take (K, C) images of each class: 1 or more if one has none on a side.

    Below that the squared distance from `share`, of the classes and of all images.
    """
    total = counts.sum(axis=0)
    off = ((taken / total - share) ** 2).mean(axis=1)
    off += (taken.sum(axis=1) / total.sum() - share) ** 2
    return off / 2 + ((taken == 0) | (taken == total)).sum(axis=1)


def group_notes(index: pd.DataFrame) -> list[Note]:
    """Groups whose images stand in several splits, as a data set's own splits may have them.

    `index`: columns `split` and `group`, one row per image.
    """
    if "group" not in index:
        return []
    notes = []
    for a, b, word in (
        ("train", "val", "training and validation"),
        ("train", "test", "training and test"),
        ("val", "test", "validation and test"),
    ):
        there = set(index.loc[index["split"] == a, "group"])
        crossing = index[(index["split"] == b) & index["group"].isin(there)]
        if len(crossing):
            groups = list(dict.fromkeys(crossing["group"]))
            text = f"{counted(len(groups), 'group')} ({listed(groups)}) in both {word} images: "
            text += f"{len(crossing):,} of the {word.split(' and ')[1]} images."
            notes.append(warning("leak", text))
    return notes
