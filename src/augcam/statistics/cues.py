"""How much models go by a cue that goes with the class in most training images."""

import numpy as np


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
