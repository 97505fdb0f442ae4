"""What a step makes smaller: cross-entropy, smoothed or weighted where the recipe says so."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from augcam.errors import AugcamError


class Loss:
    """Mean cross-entropy of a batch.

    `smoothing`: the share of each label that is spread evenly over all classes (Szegedy et al.
    2016). `weights` (C,) float32: images count by the weight of their class, and the mean is that
    of torch's `CrossEntropyLoss(weight)`, the sum by the sum of weights. With mixed labels an image
    counts by the mean of its classes' weights, so that a one-hot label and its class are the same;
    torch would divide by the number of images there.
    """

    def __init__(self, smoothing: float = 0, weights: Tensor | None = None):
        self.smoothing, self.weights = smoothing, weights

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """A scalar, of `logits` (B, C) float32 and `targets`: classes (B,) or their probabilities
        (B, C)."""
        if self.weights is None or targets.ndim == 1:
            return F.cross_entropy(logits, targets, self.weights, label_smoothing=self.smoothing)
        total = F.cross_entropy(
            logits, targets, self.weights, reduction="sum", label_smoothing=self.smoothing
        )
        return total / (targets @ self.weights).sum()


def balanced_weights(labels: np.ndarray, class_names: list[str]) -> Tensor:
    """Weights (C,) float32 inverse to how often classes occur in `labels` (N,): N / (C · n), as
    scikit-learn's `balanced`. Raises AugcamError for a class that does not occur."""
    counts = np.bincount(labels, minlength=len(class_names))
    if not counts.all():
        name = class_names[int(np.flatnonzero(counts == 0)[0])]
        raise AugcamError(
            f"training.class_weights: 'balanced' has no weight for class '{name}', which has no "
            "training image; leave the class out of the data set, or take 'equal'."
        )
    return torch.tensor(len(labels) / (len(counts) * counts), dtype=torch.float32)
