"""Folders that stand where classes should, of splits, folds or masks, with the classes within."""

from pathlib import Path

from augcam.data.layout import KEYS, folder_called
from augcam.data.notes import Note, listed, warning
from augcam.errors import AugcamError


def about_nesting(root: Path, images: list[tuple[str, str]]) -> list[Note]:
    """What to say where class folders hold folders rather than images.

    `images`: (class, place below `root`). Raises AugcamError where one is called like a split and
    all hold the same folders, which are then the classes.
    """
    within: dict[str, set[str]] = {}  # the folders in each class folder; "" for an image itself
    for _, place in images:
        top, *deeper, _ = place.split("/")
        within.setdefault(top, set()).add(deeper[0] if deeper else "")
    holders = {top: own for top, own in within.items() if "" not in own}
    common = sorted(set.intersection(*holders.values())) if holders else []
    if len(holders) == len(within) > 1 and len(common) > 1:
        return _same_folders(root, sorted(within), common)
    notes = []
    for top, own in sorted(holders.items()):
        if folder_called(top) and len(own) > 1:
            text = f"{root}: '{top}' counts as a class, but holds no image itself, only folders "
            text += f"({listed(sorted(own))}); if these are the classes, set "
            notes.append(warning("classes", f"{text}dataset.train: {root / top}."))
    return notes


def _same_folders(root: Path, outer: list[str], common: list[str]) -> list[Note]:
    """The same two folders or more in each class folder, and no image beside them."""
    what = f"{root}: {listed([repr(top) for top in outer])}"
    called = {top: folder_called(top) for top in outer}
    if all(map(folder_called, common)):
        first = f"{common[0]}/{outer[0]}"
        text = f"{what} each hold {listed(common)}, and all of it is read as one; if these are "
        text += f"splits, put the classes into them ({first}, …)."
        return [warning("classes", text)]
    inner = f"no image themselves, but the same folders ({listed(common)})"
    by_split = {split: top for top, split in called.items() if split}
    train = by_split.pop("train", next(top for top in outer if top not in by_split.values()))
    rest = {KEYS[split]: top for split, top in by_split.items()}
    rest = rest or {KEYS["test"]: next(top for top in outer if top != train)}
    keys = "".join(f", {key}: {root / top}" for key, top in rest.items())
    if any(called.values()):
        raise AugcamError(
            f"{what} hold {inner}, which are rather the classes; set dataset.train: "
            f"{root / train}{keys}."
        )
    text = f"{what} count as classes, but hold {inner}; if these are the classes, set "
    text += f"dataset.train: {root / train} (and, say, {keys.removeprefix(', ')})."
    return [warning("classes", text)]
