"""What was done to images on their way into the store, counted and said; and mixtures, refused."""

from collections.abc import Iterable, Sized
from typing import NamedTuple

import numpy as np

from augcam.config.schema import Dataset
from augcam.data.decoding import Picture
from augcam.data.geometry import Fit
from augcam.data.notes import Note, counted, listed, note, warning
from augcam.errors import AugcamError

# Change (of `Picture.changes`) → topic, whether it puts results in doubt, sentence.
_SENTENCES = {
    "orientation": ("orientation", note, "EXIF orientation was applied to {them}."),
    "alpha": ("alpha", note, "{them}: transparent parts show dataset.background {ground}."),
    "invisible": (
        "alpha",
        warning,
        "{them}: wholly transparent, nothing but dataset.background {ground}.",
    ),
    "vanished": (
        "alpha",
        warning,
        "{them}: drawn in the colour of dataset.background {ground}, on transparent ground, so "
        "that nothing is seen of them; set dataset.background to another colour.",
    ),
    "plain": ("plain", warning, "{them}: one colour everywhere; see whether they are empty."),
    "channels": (
        "channels",
        warning,
        "{them}: more channels than grey, RGB, CMYK and opacity have; the further ones, as "
        "near-infrared, were left out.",
    ),
    "depth": ("depth", note, "{them}: of more than 8 bits a channel the upper 8 were taken."),
    "dark": (
        "depth",
        warning,
        "{them}: values fill less than a sixteenth of their bits, so that the image is nearly "
        "black; bring them to the full range of 16 bits, or to 8 bits, first.",
    ),
    "profile": ("profile", note, "{them}: colours were converted to sRGB, by profile or gamma."),
    "cmyk": ("profile", note, "{them}: CMYK without a profile, converted plainly."),
    "frames": (
        "frames",
        warning,
        "{them}: several frames, of which the first was taken (dataset.frames).",
    ),
    "further pictures": (
        "frames",
        note,
        "{them}: further pictures in the file, as phones add them (MPO), were left out.",
    ),
}


class Fact(NamedTuple):
    """What is known of one image as it was read: where it is (`name` in full, `origin` within the
    data set), its class, its size in pixels, and see `Picture`."""

    name: str
    origin: str
    label: int
    height: int
    width: int
    grey: bool
    one_channel: bool
    changes: tuple[str, ...]

    @classmethod
    def of(cls, picture: Picture, name: str, origin: str, label: int) -> "Fact":
        height, width, _ = picture.pixels.shape
        kind = picture.grey, picture.one_channel, picture.changes
        return cls(name, origin, label, height, width, *kind)


def refuse_mixtures(facts: Iterable[Fact], dataset: Dataset) -> None:
    """Raises AugcamError counting images of several frames, or grey ones among colour, that the
    config refuses.

    A set whose images are all grey is fine, however they are stored, and so is a colour image that
    happens to be grey: refused are files without colours among images that have some.
    """
    facts = list(facts)
    several = [f.name for f in facts if {"frames", "further pictures"} & set(f.changes)]
    if several and dataset.frames == "refuse":
        raise AugcamError(
            f"{listed(several)}: {_share(several, facts)} with several frames; save the frame that "
            "is meant as an image of its own, or set dataset.frames: first."
        )
    grey = [f.name for f in facts if f.grey and f.one_channel]
    colour = [f.name for f in facts if not f.grey]
    if grey and colour and dataset.grey == "refuse":
        few, more = (grey, colour) if len(grey) <= len(colour) else (colour, grey)
        what = {True: "grey", False: "in colour"}
        raise AugcamError(
            f"{listed(few)}: {_share(few, facts)} {'is' if len(few) == 1 else 'are'} "
            f"{what[few is grey]}, but {len(more):,} {what[few is colour]}; replace them, or set "
            "dataset.grey: convert to use all images as they are."
        )


def picture_notes(facts: Iterable[Fact], fit: Fit, class_names: list[str]) -> list[Note]:
    """What was done to the used images, a sentence for each kind of change, with the count."""
    facts = list(facts)
    notes = []
    for change, (topic, level, sentence) in _SENTENCES.items():
        names = [fact.origin for fact in facts if change in fact.changes]
        if names:
            them = f"{_share(names, facts)} ({names[0]}{', …' if len(names) > 1 else ''})"
            notes.append(level(topic, sentence.format(them=them, ground=_hex(fit))))
    return [*notes, *_grey_notes(facts, class_names), *_shape_notes(facts, fit)]


def _share(names: Sized, facts: Sized) -> str:
    return f"{len(names):,} of {counted(len(facts), 'image')}"


def _grey_notes(facts: list[Fact], class_names: list[str]) -> list[Note]:
    """Grey images among others: harmless where they are few, a hint at the class where they are
    all of one."""
    grey = [fact for fact in facts if fact.grey]
    if len(grey) in (0, len(facts)):
        return []
    labels, grey_labels = ([f.label for f in group] for group in (facts, grey))
    size = np.bincount(labels, minlength=len(class_names))
    found = np.bincount(grey_labels, minlength=len(class_names))
    text = f"{_share(grey, facts)} ({grey[0].origin}{', …' if len(grey) > 1 else ''}): grey"
    whole = [name for name, n, of in zip(class_names, found, size) if n == of > 0]
    if not whole:
        return [note("grey", f"{text}, the others have colours.")]
    return [
        warning(
            "grey",
            f"{text}, among them all of class {listed(whole)}: networks can tell "
            f"{'it' if len(whole) == 1 else 'them'} from the others by colour alone.",
        )
    ]


def _shape_notes(facts: list[Fact], fit: Fit) -> list[Note]:
    """What becomes of images that are not square."""
    odd = [fact for fact in facts if fact.height != fact.width]
    if not odd:
        return []
    # The share of each image that is cut off, and of its square that would stay empty.
    lost = np.array([1 - min(f.height, f.width) / max(f.height, f.width) for f in facts])
    if len({(fact.width, fact.height) for fact in facts}) == 1:
        them, share = f"{odd[0].width}×{odd[0].height} images", _percent(lost[0])
    else:
        worst = facts[int(lost.argmax())]
        them = f"{_share(odd, facts)} {'is' if len(odd) == 1 else 'are'} not square"
        share = f"on average {_percent(lost.mean())}, at worst {_percent(lost.max())},"
        them = f"{them}, the worst {worst.width}×{worst.height} ({worst.origin})"
    if fit.how == "crop":
        text = f"{them}: cropping to the centre loses {share} of their area; model.fit: pad or "
        return [(warning if lost.max() > 0.1 else note)("geometry", f"{text}squash keeps it.")]
    if fit.how == "pad":
        what = f"{share} of their squares are dataset.background {_hex(fit)} (model.fit: pad)."
    else:
        longest = 1 / (1 - lost.max())
        what = f"up to {longest:.3g}:1 is squashed into a square (model.fit: squash)."
    return [note("geometry", f"{them}: {what}")]


def _hex(fit: Fit) -> str:
    return "#" + bytes(fit.ground).hex()


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else f"{100 * share:.1g} %"
