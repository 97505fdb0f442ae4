"""Planning: how many starting states a shift of a given size needs, from a pilot's noise."""

import numpy as np
import pandas as pd

from augcam.distances import Distances, at_equality
from augcam.effects import paired_differences

SHIFTS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # as shares of the control's distance from the baseline
MOST_STATES = 1000


def power(shift: np.ndarray, n_states: np.ndarray, alpha: float) -> np.ndarray:
    """Power of the two-sided paired t-test over `n_states` (≥ 2) for a mean of `shift` standard
    deviations between states (non-central t)."""
    from scipy import special

    df, centre = n_states - 1, shift * np.sqrt(n_states)
    critical = special.stdtrit(df, 1 - alpha / 2)
    # Far out in the tail the lower part is 0, and scipy may say NaN.
    below = np.nan_to_num(special.nctdtr(df, centre, -critical))
    return 1 - special.nctdtr(df, centre, critical) + below


def states_needed(shift: float, target: float, alpha: float) -> int:
    """The fewest states (2 to 1000) with at least the power `target`; −1 where 1000 do not do."""
    if shift > 0:
        for low, high in ((2, 30), (31, MOST_STATES)):
            counts = np.arange(low, high + 1)
            enough = power(shift, counts, alpha) >= target
            if enough.any():
                return int(counts[enough.argmax()])
    return -1


def plan(
    distances: Distances, controls: list[str], alpha: float = 0.05, target: float = 0.8
) -> pd.DataFrame:
    """States needed to detect shifts of several sizes, against each control and for each metric.

    The noise is the standard deviation between states of the paired difference to the control,
    pooled over conditions; with the pilot's few states it is itself uncertain (`noise_df` degrees
    of freedom). Returns control, metric, noise_sd, noise_df, control_distance (of the control from
    the baseline), shift (share of it), effect (in metric units), states (for one test at alpha),
    states_holm (at alpha / number of conditions × metrics, the strictest step of Holm's
    correction); −1: more than 1000.
    """
    rows = []
    for control in controls:
        difference, _, _, reference, names = paired_differences(distances, control)
        augmentations = [i for i, n in enumerate(names) if n not in (distances.base, "identity")]
        n_states = difference.shape[2]
        if n_states < 2 or not augmentations:
            continue
        by_state = np.nanmean(difference[:, augmentations], axis=3)
        noise = np.sqrt(by_state.var(axis=2, ddof=1).mean(axis=1))
        family = len(augmentations) * len(distances.metrics)
        for m, metric in enumerate(distances.metrics):
            away = abs(np.nanmean(reference[m]) - at_equality(metric))
            for shift in SHIFTS:
                size = shift * away / noise[m] if noise[m] > 0 else np.inf
                needed = [
                    2 if np.isinf(size) else states_needed(size, target, level)
                    for level in (alpha, alpha / family)
                ]
                df = (n_states - 1) * len(augmentations)
                rows.append((control, metric, noise[m], df, away, shift, shift * away, *needed))
    columns = [
        "control", "metric", "noise_sd", "noise_df", "control_distance", "shift", "effect",
        "states", "states_holm",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
