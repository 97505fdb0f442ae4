"""What everything is called: names in files, and names for people."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from augcam.entries import Augmentation, Metric, Network, Score, entries, entry, score_named

MEASURES = ("accuracy", "precision", "recall", "f1")


PAPER_METRICS = (
    "mad", "msd", "pearson", "spearman", "overlap_20", "overlap_10", "overlap_5", "class_kld"
)  # fmt: skip
"""The paper's, as are the following: defaults that no new entry changes."""


MAP_SCORES = ("spread", "gini", "centre_distance", "border", "negative")
"""Scores that any map has."""


MASK_SCORES = ("inside", "pointing", "pointing_near", "top_area", "auc")
"""Scores that need masks: added where there are some."""


PAIR_METRICS = ("msd", "pearson")
"""Those that compare every model with every other."""


TOP_METRIC = "overlap_20"
"""The one that a table about one metric shows."""


PAPER_AUGMENTATIONS = (
    "affine", "cutmix", "colorjitter", "elastic", "equalize", "gaussblur", "randcrop"
)  # fmt: skip


SOURCES = {
    "augmentation": "augmentation draws",
    "network": "network noise",
    "order": "training order",
    "weights": "starting weights",
    "split": "training and validation images",
}
"""What a starting state may vary (Bouthillier et al. 2021), with names for people."""


PAPER_ARCHITECTURES = ("efficientnet_b0", "resnet18", "densenet121")


PAPER_DATA = "cifar10"


PAPER_METHOD = "gradcam"


MAIN = "main"
"""The view that the report is about: what `cam` and `model.cam_layer` say, of all test images."""


PAPER_CLUSTERS = (("cutmix", "affine", "colorjitter"), ("gaussblur", "elastic"), ("equalize",))
"""The groups of augmentations that the paper suggests."""


SEED_CONTROL, STEP_CONTROL = BOTH_CONTROLS = ("none", "identity")
"""What effects are set against: seed noise (no copies), and the number of steps (equal copies)."""


SMALL_ARCHITECTURES = ("resnet20", "resnet32", "resnet44")


EXTREMES = ("highest_mean", "highest_std", "lowest_mean")


NAMES = {
    "accuracy": "Accuracy",
    "precision": "Precision (macro)",
    "recall": "Recall (macro)",
    "f1": "F1 score (macro)",
    "time": "Training time",
    "both_right": "Both right",
    "only_baseline": "Only baseline right",
    "only_augmented": "Only augmented right",
    "both_wrong": "Both wrong",
    "highest_mean": "Highest mean",
    "highest_std": "Highest standard deviation",
    "lowest_mean": "Lowest mean",
}
"""Names for people of what is no entry, by the names used in files."""


class Called(NamedTuple):
    """How a condition is shown: its name for people, its colour (#rrggbb), and whether it is what
    others are set against although it is no built-in control."""

    title: str
    colour: str
    control: bool = False


_CALLED: dict[str, Called] = {}  # of this process, as matplotlib's settings are


def introduce(conditions: Mapping[str, Iterable[Any]]) -> None:
    """Have this process show conditions as their config says: name → the fields of `Called`."""
    _CALLED.clear()
    _CALLED.update({name: Called(*shown) for name, shown in conditions.items()})


def condition_colour(name: str) -> str:
    """The colour of a condition; empty where it has none."""
    return _CALLED[name].colour if name in _CALLED else built_in_colour(name)


def built_in_colour(name: str) -> str:
    """The colour that a built-in augmentation has of its own; empty for others."""
    return entries(Augmentation)[name].colour if name in entries(Augmentation) else ""


def display_name(name: str) -> str:
    """The name for people of a condition, measure, metric, score, segment or architecture."""
    known = (
        NAMES.get(name),
        condition_name(name),
        metric_name(name),
        score_name(name),
        network_name(name),
    )
    return next((shown for shown in known if shown not in (None, name)), name)


def condition_name(name: str) -> str:
    """The name for people of a condition."""
    if name in _CALLED:
        return _CALLED[name].title
    return entries(Augmentation)[name].display_name if name in entries(Augmentation) else name


def metric_name(name: str) -> str:
    """The name for people of a metric."""
    return entries(Metric)[name].display_name if name in entries(Metric) else name


def network_name(name: str) -> str:
    """The name for people of an architecture."""
    return entries(Network)[name].display_name if name in entries(Network) else name


_PART = "@"  # between the name of a score and that of a part of images


def of_part(score: str, part: str) -> str:
    """The name of a score of one part of images, as columns and statistics have it."""
    return f"{score}{_PART}{part}" if part else score


def score_and_part(name: str) -> tuple[str, str]:
    """The score and the part of images that a name stands for; no part where it needs none."""
    score, _, part = name.partition(_PART)
    return score, part


def score_name(name: str) -> str:
    """The name for people of a score, with the part of images that it is of."""
    score, part = score_and_part(name)
    if score not in entries(Score):
        return name
    return ": ".join(filter(None, [score_named(score).display_name, part]))


def headline(metrics: Iterable[str]) -> str:
    """The metric that a sentence about one metric takes."""
    return max(dict.fromkeys(metrics), key=lambda metric: entry(Metric, metric).headline)


def is_control(condition: str) -> bool:
    if condition in _CALLED and _CALLED[condition].control:
        return True
    known = entries(Augmentation).get(condition)
    return known is not None and bool(known.control)
