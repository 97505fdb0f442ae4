"""Planning: how many starting states a shift of a given size needs, from a pilot's noise."""

import numpy as np
import pandas as pd

from augcam.comparison.defined import mean_of_defined
from augcam.names import is_control
from augcam.statistics.distances import Distances, at_equality
from augcam.statistics.paired import paired_differences, pooled_noise

SHIFTS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # as shares of the control's distance from the baseline


MOST_STATES = 1000


def power(shift: float, n_states: np.ndarray, groups: int, alpha: float) -> np.ndarray:
    """Power of the pooled test of `augcam.statistics.effects` for a difference of `shift` standard
    deviations between states (≥ 2 of them): non-central t with groups · (n_states − 1) degrees of
    freedom."""
    from scipy import special

    df, centre = groups * (n_states - 1), shift * np.sqrt(n_states / 2)
    critical = special.stdtrit(df, 1 - alpha / 2)
    # Far out in the tail both parts are 0 (below 1e-90), and scipy may say NaN.
    below, up_to = (np.nan_to_num(special.nctdtr(df, centre, end)) for end in (-critical, critical))
    return 1 - up_to + below


def states_needed(shift: float, groups: int, target: float, alpha: float) -> int:
    """The fewest states (2 to 1000) with at least the power `target`; −1 where 1000 do not do."""
    if shift > 0:
        for low, high in ((2, 30), (31, MOST_STATES)):
            counts = np.arange(low, high + 1)
            enough = power(shift, counts, groups, alpha) >= target
            if enough.any():
                return int(counts[enough.argmax()])
    return -1


def plan(
    distances: Distances, controls: list[str], alpha: float = 0.05, target: float = 0.8
) -> pd.DataFrame:
    """States needed to detect shifts of several sizes, against each control and for each metric.

    The noise is the standard deviation between states of a model's mean distance, pooled over
    conditions; with the pilot's few states it is itself uncertain (`noise_df` degrees of freedom).
    Returns control, metric, noise_sd, noise_df, control_distance (of the control from the
    baseline), shift (share of it), effect (in metric units), states (for one test at alpha),
    states_holm (at alpha / number of conditions × metrics, the strictest step of Holm's
    correction); −1: more than 1000.
    """
    noise, df = pooled_noise(distances)
    groups = sum(condition != distances.base for condition in distances.conditions)
    rows = []
    for control in controls:
        _, _, _, reference, names = paired_differences(distances, control)
        augmentations = [n for n in names if n != distances.base and not is_control(n)]
        if not augmentations or not reference.size:
            continue
        family = len(augmentations) * len(distances.metrics)
        for m, metric in enumerate(distances.metrics):
            away = abs(mean_of_defined(reference[m].ravel(), 0) - at_equality(metric))
            sd = np.sqrt(noise[m])
            for shift in SHIFTS if sd > 0 and away > 0 else ():
                needed = [
                    states_needed(shift * away / sd, groups, target, level)
                    for level in (alpha, alpha / family)
                ]
                rows.append((control, metric, sd, df[m], away, shift, shift * away, *needed))
    columns = [
        "control", "metric", "noise_sd", "noise_df", "control_distance", "shift", "effect",
        "states", "states_holm",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
