"""Performance: accuracy and macro precision, recall and F1 of a model (section 2.3)."""

import numpy as np

from augcam.config import MEASURES


def performance(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> dict[str, float]:
    """The four measures, each in [0, 1], of predictions (N,) against labels (N,).

    Macro averages over all classes; a class that is never predicted has precision 0
    (scikit-learn's `zero_division=0`).
    """
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support

    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(num_classes), average="macro", zero_division=0
    )
    values = (accuracy_score(labels, predicted), precision, recall, f1)
    return {name: float(value) for name, value in zip(MEASURES, values)}
