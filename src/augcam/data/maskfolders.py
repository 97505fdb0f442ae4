"""Masks that lie in a folder, under the names of their images."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from augcam.data.folders import image_suffixes, why_no_image
from augcam.data.listing import BROKEN, UNREAD_FORMAT, reasons, walk
from augcam.data.notes import Note, counted, listed, note, warning
from augcam.errors import AugcamError


def masks_in_folder(folder: str, places: Sequence[str]) -> tuple[list[Path | None], list[Note]]:
    """The mask of each image below `folder`, and what there is to say of other files.

    It has the image's name in full with a suffix behind it, or else the same name but for the
    suffix. `places`: of images, relative to what stands for `folder`, in the order of preference,
    joined by a null byte. Raises AugcamError where there is no folder, where two files could be the
    mask of one image, or where one could be that of two by what may be no suffix.
    """
    if not Path(folder).is_dir():
        raise AugcamError(f"dataset.masks.folder: there is no folder '{folder}'.")
    files, notes = _image_files(folder)
    named = _by(_stem, files)
    for same in named.values():
        _refuse_two(folder, same)
    options = [place.split("\0") for place in places]
    found = [_first(named, (key for one in own for key in (one, _stem(one)))) for own in options]
    # What is left may go by what stands behind the last dot, where that leaves no doubt.
    left = _by(_bare, sorted(set(files) - set(found)))
    images = _by(_bare, sorted({one for own in options for one in own}))
    for i, own in enumerate(options):
        if found[i] is None and (bare := next((_bare(o) for o in own if _bare(o) in left), None)):
            _refuse_two(folder, left[bare])
            _refuse_shared(folder, left[bare][0], images[bare])
            found[i] = left[bare][0]
    return [None if place is None else Path(folder, place) for place in found], notes


def _image_files(folder: str) -> tuple[list[str], list[Note]]:
    """The places of the files that may be masks, sorted, and what became of the others."""
    files, left_out = [], []
    for each in walk(folder):
        if each.reason:
            continue
        reason, detail = why_no_image(each.entry)
        if reason in ("", BROKEN):  # what is broken is refused when it is read
            files.append(each.place)
        else:
            left_out.append((each.place, reason, detail))
    if not left_out:
        return sorted(files), []
    kind = warning if any(reason == UNREAD_FORMAT for _, reason, _ in left_out) else note
    why = reasons((reason, detail) for _, reason, detail in left_out)
    names = listed(sorted(place for place, _, _ in left_out))
    text = f"{folder}: {counted(len(left_out), 'file')} left out of the masks: {why} ({names})."
    return sorted(files), [kind("masks", text)]


def _by(key: Callable[[str], str], places: Iterable[str]) -> dict[str, list[str]]:
    groups = defaultdict(list)
    for place in places:
        groups[key(place)].append(place)
    return dict(groups)


def _first(named: dict[str, list[str]], keys: Iterable[str]) -> str | None:
    return next((named[key][0] for key in keys if key in named), None)


def _stem(place: str) -> str:
    """A place without the suffix of an image file; another one belongs to the name: `scan.000`."""
    return _bare(place) if Path(place).suffix.lower() in image_suffixes() else place


def _bare(place: str) -> str:
    return place.removesuffix(Path(place).suffix)


def _refuse_two(folder: str, masks: list[str]) -> None:
    if len(masks) > 1:
        raise AugcamError(
            f"{Path(folder, masks[1])}: '{Path(masks[0]).name}' beside it could be the same mask; "
            "keep one of them."
        )


def _refuse_shared(folder: str, mask: str, images: list[str]) -> None:
    if len(images) > 1:
        first, second = (Path(place).name for place in images[:2])
        raise AugcamError(
            f"{Path(folder, mask)}: it could be the mask of '{first}' and of '{second}'; name each "
            f"mask as the whole image, '{first}{Path(mask).suffix}'."
        )
