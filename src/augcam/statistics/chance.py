"""Chance: whether each model is right more often than it would be without looking at the images."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

Model = tuple[str, int]  # condition, starting state
YES, NO, CANNOT_BE_TOLD = "yes", "no", "cannot be told"

ALPHA = 0.05
"""Of each model's own test. Many models need no correction: what is withheld hangs on the baseline,
which passes in at most ALPHA of the runs that learned nothing, however many models there are."""


def at_least(right: int, n_images: int, share: float) -> float:
    """P(X ≥ right) of the binomial distribution: scipy's `binomtest`, one-sided, without the second
    that importing it takes."""
    from scipy.special import bdtrc

    return float(bdtrc(right - 1, n_images, share))


def chance(predictions: Mapping[Model, pd.DataFrame], class_names: list[str]) -> pd.DataFrame:
    """Every model's accuracy on the test images against what it reaches without looking at them.

    `predictions`: model → label, predicted. Returns condition, state, n_images, n_right, accuracy,

    - `majority_class`, `majority_share`: the most frequent class of the test images, and how often
      always naming it is right; `p_majority`: the exact binomial test of accuracy against it;
    - `n_named`: how many classes the model names at all;
    - `chance`: how often it would be right if it named the classes as often as it does, but
      whatever the image (never above majority_share); `p_chance`: the test against that;
    - `better_than_chance`: yes (p_chance < ALPHA); cannot be told (not even a model that is always
      right would be); no. A model that names one class of several is never better than chance.
    """
    rows = []
    for (condition, state), table in predictions.items():
        labels, named = table["label"].to_numpy(), table["predicted"].to_numpy()
        n, right = len(labels), int((labels == named).sum())
        of_labels, of_named = (
            np.bincount(classes, minlength=len(class_names)) / n for classes in (labels, named)
        )
        majority, own = of_labels.max(), float(of_labels @ of_named)
        n_named, several = int((of_named > 0).sum()), majority < 1
        p_chance = at_least(right, n, own)
        if p_chance < ALPHA:
            verdict = YES
        elif several and n_named == 1:
            verdict = NO
        else:
            hopeless = at_least(n, n, float(of_labels @ of_labels)) >= ALPHA
            verdict = CANNOT_BE_TOLD if hopeless else NO
        rows.append(
            {
                "condition": condition,
                "state": state,
                "n_images": n,
                "n_right": right,
                "accuracy": right / n,
                "majority_class": class_names[int(of_labels.argmax())],
                "majority_share": majority,
                "p_majority": at_least(right, n, majority),
                "n_named": n_named,
                "chance": own,
                "p_chance": p_chance,
                "better_than_chance": verdict,
            }
        )
    return pd.DataFrame(rows)
