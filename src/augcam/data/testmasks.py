"""The masks of the test images, gathered and accounted for."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

import numpy as np

from augcam.data.changes import Fact
from augcam.data.maskfiles import OBJECT
from augcam.data.masks import Brought, Mask, Masks
from augcam.data.notes import Note, counted, listed, warning
from augcam.data.source import Source
from augcam.errors import AugcamError

_Remarks: TypeAlias = list[tuple[str, Mapping[str, float]]]
"""Of each mask the name of its image, and see `Brought`."""


def gather(
    source: Source,
    positions: np.ndarray,
    ids: np.ndarray,
    facts: Sequence[Fact],
    stored: Callable[[Mask], Mask],
    frames: Literal["first", "refuse"] = "first",
) -> tuple[Masks, list[Note]]:
    """The masks of the images `ids` (ascending), which stand at `positions` of `source`, and what
    there is to say of them; `stored` brings one into the geometry of the stored images.

    `facts`: of these images; `frames`: see `dataset.frames`. Raises AugcamError where a mask does
    not fit its image, where no image has one, or where boxes are not in pixels of their images.
    """
    if source.mask is None:
        raise AugcamError("dataset.masks: this data set has none.")
    rows: list[int] = []
    masks: list[Mask] = []
    remarks: _Remarks = []
    missing: list[str] = []
    empty: list[str] = []
    whole: list[str] = []
    for image_id, position, fact in zip(ids.tolist(), positions.tolist(), facts):
        mask = source.mask(position)
        if mask is None:
            missing.append(fact.name)
            continue
        if isinstance(mask, Brought):
            remarks.append((fact.name, mask.remarks))
            mask = mask.pixels
        if mask.shape != (fact.height, fact.width):  # a kind of data set is wrong
            raise AugcamError(f"{fact.name}: its mask has another size than the image.")
        mask = stored(mask)
        if not mask.any():
            empty.append(fact.name)
        elif (mask == mask.flat[0]).all():
            whole.append(fact.name)
        rows.append(image_id)
        masks.append(mask)
    if not masks:
        raise AugcamError(
            f"dataset.masks: none of the {len(missing):,} test images has a mask (the first: "
            f"{missing[0]})."
        )
    stacked, names = np.stack(masks), source.mask_names
    if not names:
        stacked, names = _by_value(stacked)
    found = Masks(np.array(rows, dtype=np.int64), stacked, names)
    notes = [*_notes(len(ids), missing, empty, whole), *_frame_notes(remarks, frames)]
    return found, [*notes, *_box_notes(remarks)]


def _by_value(masks: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Masks as positions in the names of their values; a single value is the object's."""
    values = [value for value in np.flatnonzero(np.bincount(masks.ravel(), minlength=256)) if value]
    places = np.zeros(256, dtype=np.uint8)
    places[values] = np.arange(1, len(values) + 1)
    names = [OBJECT] if len(values) <= 1 else [str(value) for value in values]
    return places[masks], ("nothing", *names)


def _notes(count: int, missing: list[str], empty: list[str], whole: list[str]):
    images = counted(count, "test image")
    if missing:
        text = f"{len(missing):,} of {images} without a mask ({listed(missing)}): without scores"
        yield warning("masks", f"{text} that need one.")
    if empty:
        text = f"{counted(len(empty), 'mask')} of {images} with nothing in it ({listed(empty)})"
        yield warning("masks", f"{text}: scores that need a part of the image are undefined.")
    if whole:
        text = f"{counted(len(whole), 'mask')} of {images} with one part all over"
        yield warning("masks", f"{text} ({listed(whole)}): every map lies on it wholly.")


def _frame_notes(remarks: _Remarks, frames: Literal["first", "refuse"]) -> list[Note]:
    """What to say of masks with several frames. Raises AugcamError where they are refused."""
    several = [name for name, said in remarks if "frames" in said]
    if not several:
        return []
    them = f"{len(several):,} of {counted(len(remarks), 'mask')} with several frames"
    if frames == "refuse":
        raise AugcamError(
            f"{listed(several)}: {them}; save the frame that is meant as a mask of its own, or set "
            "dataset.frames: first."
        )
    text = f"{them} ({listed(several)}), of which the first was taken (dataset.frames)."
    return [warning("frames", text)]


def _box_notes(remarks: _Remarks) -> list[Note]:
    """What to say of boxes that reach out of their images.

    Raises AugcamError where more than half of them cannot be in pixels of their images: some of
    another size or format lie within, and some relative ones have values above 1.
    """
    relative, far, beyond, as_corners = (
        [(name, said[key]) for name, said in remarks if key in said]
        for key in ("relative", "far", "beyond", "as corners")
    )
    boxes = counted(len(remarks), "box", "boxes")
    if 2 * len(relative) > len(remarks):
        raise AugcamError(
            f"dataset.masks.boxes: {len(relative):,} of {boxes} have no value above 1 "
            f"({_first(relative)}), as if they were shares of the image; write them in "
            "pixels of the image as it is stored."
        )
    if 2 * len(far) > len(remarks):
        raise AugcamError(
            f"dataset.masks.boxes: {len(far):,} of {boxes} reach beyond their image by more than a "
            f"tenth of its side, up to {_largest(far)} ({_first(far)}); write them in pixels of "
            "the image as it is stored, or set dataset.masks.box_format to what they hold (corners "
            "or size)."
        )
    if not beyond:
        return []
    corners = ", and as corners none would" if len(as_corners) == len(remarks) else ""
    text = (
        f"{len(beyond):,} of {boxes} reach beyond their image by up to {_largest(beyond)} "
        f"({_first(beyond)}){corners}; what lies outside is left out: is dataset.masks.box_format "
        "right?"
    )
    return [warning("masks", text)]


def _first(boxes: list[tuple[str, float]]) -> str:
    return listed([name for name, _ in boxes])


def _largest(boxes: list[tuple[str, float]]) -> str:
    return f"{math.ceil(max(pixels for _, pixels in boxes)):,} pixels"
