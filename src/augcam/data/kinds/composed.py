"""Objects on backgrounds, with a cue that goes with the class: what a network should look at, and
what it may look at, are known."""

from augcam.config.fields import SCENES
from augcam.entries import DataKind


def read(dataset):
    from augcam.data.composed import composed

    return composed(dataset)


def check(dataset):
    cue = dataset.cue
    if cue.kind == "none" and cue != type(cue)():
        raise ValueError(
            "dataset.cue: it says how often, but not what goes with the class; set "
            "dataset.cue.kind to patch, background or texture"
        )
    if cue.kind == "background" and dataset.background not in SCENES:
        known = ", ".join(SCENES)
        raise ValueError(
            f"dataset.cue.kind: the background '{dataset.background}' is the same for all classes; "
            f"set dataset.background to one of {known}, or take another cue"
        )


def has_masks(_dataset):
    return True


ENTRY = DataKind(
    name="composed",
    display_name="objects on backgrounds with a cue, generated",
    read=read,
    keys=("objects", "opacity", "cue", "distractors", "size", "seed"),
    check=check,
    has_masks=has_masks,
)
