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


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, 0 where there is nothing."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
