"""Performance: accuracy and macro precision, recall and F1 of a model (section 2.3)."""

import numpy as np

from augcam.names import MEASURES


def performance(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> dict[str, float]:
    """The four measures, each in [0, 1], of predictions (N,) against labels (N,).

    Macro averages are over the classes that occur, as a label or as a prediction, and one that is
    never predicted has precision 0: scikit-learn's with `zero_division=0`, as the tests check.
    """
    confusion = np.bincount(
        np.asarray(labels) * num_classes + np.asarray(predicted), minlength=num_classes**2
    ).reshape(num_classes, num_classes)  # rows: labels, columns: predictions
    occurs = confusion.any(0) | confusion.any(1)
    right, labelled, named = (
        counts[occurs] for counts in (confusion.diagonal(), confusion.sum(1), confusion.sum(0))
    )
    values = (
        right.sum() / confusion.sum(),
        _share(right, named).mean(),
        _share(right, labelled).mean(),
        _share(2 * right, labelled + named).mean(),
    )
    return {name: float(value) for name, value in zip(MEASURES, values)}


def cue_use(labels: np.ndarray, predicted: np.ndarray, cues: np.ndarray) -> dict[str, float]:
    """How much a model goes by the cue, from labels, predictions and the classes whose cues images
    have, (N,) each.

    `accuracy_own_cue` of the `n_own_cue` images with the cue of their own class;
    `accuracy_other_cue` of the others, `n_other_cue`, and the share of these that are taken for the
    class of their cue, `followed`. NaN where there are no such images.
    """
    own, right = cues == labels, predicted == labels
    found: dict[str, float] = {"n_own_cue": int(own.sum()), "n_other_cue": int((~own).sum())}
    for name, which, among in (
        ("accuracy_own_cue", right, own),
        ("accuracy_other_cue", right, ~own),
        ("followed", predicted == cues, ~own),
    ):
        found[name] = float(which[among].mean()) if among.any() else float("nan")
    return found


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, 0 where there is nothing."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
