"""Kullback–Leibler divergence of class predictions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from augcam.entries import Metric

if TYPE_CHECKING:
    import numpy as np


def class_kld(p_logits: np.ndarray, q_logits: np.ndarray, epsilon: float) -> np.ndarray:
    """Class-prediction KLD: Σ Q·log(ε + Q/P) over softmax probabilities; 0 for equal predictions.

    Logits (N, C) of any float type; computed in float64 as log(ε + exp(log Q − log P)), so that
    P → 0 neither divides by zero nor overflows.
    """
    import numpy as np

    log_p, log_q = _log_softmax(p_logits), _log_softmax(q_logits)
    return (np.exp(log_q) * np.logaddexp(np.log(epsilon), log_q - log_p)).sum(axis=1)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    import numpy as np

    # One layout in memory: numpy adds the columns of another in another order.
    logits = np.ascontiguousarray(logits, dtype=np.float64)
    logits = logits - logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


ENTRY = Metric(
    name="class_kld",
    display_name="Class-prediction KLD",
    definition="Σ Qᵢ·log(ε + Qᵢ/Pᵢ) over softmax probabilities (alike: 0 up to ε)",
    function=class_kld,
    range=(0, math.inf),
    at_equality=0,
    section="prediction",
    needs="logits",
    symmetric=False,
    linear_below=0.01,  # most values are small, a few large
)
