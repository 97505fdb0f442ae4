"""Which epoch of a training is kept, and when it is over: functions of its history alone."""

import math
from collections.abc import Sequence
from typing import Any

from augcam.config.schema import Training


def kept_epoch(history: Sequence[Any], training: Training) -> int:
    """Which row of a history is that of the weights which are kept, counted from 0.

    `history`: rows, mappings with `val_accuracy` and `val_loss`, one at least. The first on ties.
    """
    if training.weights == "last":
        return len(history) - 1
    if training.best_by == "loss":
        losses = [row["val_loss"] for row in history]
        scores = [-math.inf if math.isnan(loss) else -loss for loss in losses]
    else:
        scores = [row["val_accuracy"] for row in history]
    return scores.index(max(scores))


def is_over(history: Sequence[Any], training: Training) -> bool:
    """Whether a training with this history ends: after its last epoch, or early."""
    if not history or len(history) >= training.epochs:
        return bool(history)
    since = len(history) - 1 - kept_epoch(history, training)
    return training.early_stopping is not None and since >= training.early_stopping


def summary(history: Any, training: Training) -> dict[str, Any]:
    """What a DataFrame of epochs says of a whole training: epochs, kept_epoch (from 1), and
    seconds, the epochs' own, in whatever number of parallel jobs they ran."""
    return {
        "epochs": len(history),
        "kept_epoch": 1 + kept_epoch(history.to_dict("records"), training),
        "seconds": round(float(history["seconds"].sum()), 1),
    }
