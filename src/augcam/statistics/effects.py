"""Effects: how much farther from the baseline an augmentation leads than a control does.

The unit of replication is the starting state. Effects of one augmentation are differences to a
control at the same state, image and baseline: `none` (seed noise) or `identity` (the same number of
steps). Everything is conditional on the baselines and starting weights that were trained.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from augcam.comparison.defined import mean_of_defined, variance_of_defined
from augcam.names import is_control
from augcam.statistics.distances import Distances, at_equality, orientation
from augcam.statistics.paired import paired_differences, pooled_noise, two_level_se
from augcam.statistics.planning import plan
from augcam.statistics.resampling import (
    holm,
    sign_flip,
    t_interval,
)

YES, NO = "yes", "no"


def against_controls(
    distances: Distances,
    controls: list[str],
    resamples: int,
    seed: int,
    alpha: float,
    power: float,
    smallest_effect: float,
) -> dict[str, pd.DataFrame]:
    """The tables of this step, by name: effects against `controls`, which must have noise of their
    own, the split of the variance, and how many states the next run needs."""
    return {
        "effects": effects(distances, controls, resamples, seed, alpha, smallest_effect),
        "variance_split": variance_split(distances),
        "planning": plan(distances, controls, alpha, power),
    }


def effects(
    distances: Distances,
    controls: list[str],
    resamples: int = 2000,
    seed: int = 0,
    alpha: float = 0.05,
    smallest_effect: float = 0.1,
    judge: Callable[[Any, float, float], str] | None = None,
) -> pd.DataFrame:
    """The effect of every condition on every metric, against each of `controls`.

    Returns one row a control, condition and metric: n_states (paired, with a value), n_images
    (with a value), `mean` and
    `control_mean` (of the metric), `difference` (metric units) with

    - `low`, `high`: from this condition's own states and images (two-level bootstrap standard
      error, Student's t over states: wide with few states);
    - `pooled_low`, `pooled_high`, `p`: with the noise between states pooled over all conditions
      (as in an analysis of variance: assumes that it is about the same for all of them);
    - `p_holm`: p corrected over conditions × metrics of one control (a second control among the
      conditions is a family of its own);
    - `p_sign_flip`, `smallest_p_sign_flip`: without any such assumption, and how small it can be;

    `standardised` (the difference in standard deviations of the control's values over images),
    `superiority` with its interval (how often an image is farther from the baseline than with the
    control; ½: no effect), and `farther_than_control`:

    - yes: farther, and p_holm < alpha;
    - no: the pooled interval reaches 0 and ends below `smallest_effect` × the control's distance;
    - cannot be told with S states: neither.

    `judge`: another verdict than this one, a function like `verdict`.
    """
    tables = []
    for control in controls:
        rng = np.random.default_rng(seed)
        judged = judge or verdict
        tables.append(_against(distances, control, resamples, rng, alpha, smallest_effect, judged))
    tables = [table for table in tables if len(table)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=EFFECT_COLUMNS)


EFFECT_COLUMNS = [
    "control", "condition", "metric", "n_states", "n_images", "mean", "control_mean",
    "difference", "low", "high", "pooled_low", "pooled_high", "standardised",
    "superiority", "superiority_low", "superiority_high",
    "p", "p_holm", "p_sign_flip", "smallest_p_sign_flip",
    "farther_than_control",
]  # fmt: skip


def _against(distances, control, resamples, rng, alpha, smallest_effect, judge) -> pd.DataFrame:
    difference, farther, value, reference, names = paired_differences(distances, control)
    n_metrics, n_names, *_ = difference.shape
    if not difference.size:  # `none` at the reference state only: nothing to compare with
        return pd.DataFrame(columns=EFFECT_COLUMNS)
    rows = n_metrics * n_names
    difference, farther, value, reference = (
        array.reshape(rows, *array.shape[2:]) for array in (difference, farther, value, reference)
    )
    n_states = (~np.isnan(difference).all(axis=2)).sum(axis=1)
    n_images = (~np.isnan(difference).all(axis=1)).sum(axis=1)
    by_state = mean_of_defined(difference, axis=2)
    estimate = mean_of_defined(by_state, axis=1)
    superiority = _mean_by_state(farther)
    se = two_level_se(np.concatenate([difference, farther]), resamples, rng)
    low, high, _ = t_interval(estimate, se[:rows], n_states - 1, alpha)
    superiority_low, superiority_high, _ = t_interval(superiority, se[rows:], n_states - 1, alpha)
    noise, df = pooled_noise(distances)
    # Rows without any value are NaN already.
    of_images = variance_of_defined(mean_of_defined(difference, axis=1)) / n_images.clip(1)
    noise, df = np.repeat(noise, n_names), np.repeat(df, n_names)
    pooled_se = np.sqrt(2 * noise / n_states.clip(1) + of_images)
    pooled_low, pooled_high, p = t_interval(estimate, pooled_se, df, alpha)
    p_sign_flip, smallest_p = sign_flip(by_state)
    control_mean = _mean_by_state(reference)
    spread = np.sqrt(variance_of_defined(mean_of_defined(reference, axis=1)))
    with np.errstate(divide="ignore", invalid="ignore"):
        standardised = estimate / spread
    table = pd.DataFrame(
        {
            "control": control,
            "condition": names * n_metrics,
            "metric": np.repeat(distances.metrics, n_names),
            "n_states": n_states,
            "n_images": n_images,
            "mean": _mean_by_state(value),
            "control_mean": control_mean,
            "difference": estimate,
            "low": low,
            "high": high,
            "pooled_low": pooled_low,
            "pooled_high": pooled_high,
            "standardised": standardised,
            "superiority": superiority,
            "superiority_low": np.clip(superiority_low, 0, 1),
            "superiority_high": np.clip(superiority_high, 0, 1),
            "p": p,
            "p_holm": np.nan,
            "p_sign_flip": p_sign_flip,
            "smallest_p_sign_flip": smallest_p,
        }
    )
    of_controls = table["condition"].map(is_control) | (table["condition"] == distances.base)
    for family in (of_controls, ~of_controls):
        table.loc[family, "p_holm"] = holm(table.loc[family, "p"].to_numpy())
    table["farther_than_control"] = [
        judge(row, alpha, smallest_effect) for row in table.itertuples(index=False)
    ]
    return table


def verdict(row, alpha: float, smallest_effect: float) -> str:
    """Whether an effect is farther than its control: yes, no, or cannot be told with S states."""
    sign = orientation(row.metric)
    margin = smallest_effect * abs(row.control_mean - at_equality(row.metric))
    if row.p_holm < alpha and sign * row.difference > 0:
        return YES
    low, high = sorted((sign * row.pooled_low, sign * row.pooled_high))
    if low <= 0 and high < margin:
        return NO
    return cannot_be_told(row.n_states)


def cannot_be_told(n_states: int) -> str:
    return f"cannot be told with {n_states} state{'s' if n_states > 1 else ''}"


def variance_split(distances: Distances) -> pd.DataFrame:
    """How much of the variance of a per-image value is image, condition, state, interactions.

    Components of the balanced three-way random-effects analysis of variance (expected mean
    squares, negative estimates set to 0) of the distances to the reference baseline; conditions are
    all but the baseline's and those with a model that has no value at all, or with equal models.
    A metric that does not vary is left out. `condition × state` is
    what one training differs from the next: seed noise. Returns metric, component, variance, share,
    n_images (without undefined values in any model), `p_condition`: of no condition effect at all,
    by the quasi-F (MS_c + MS_e)/(MS_cs + MS_ci), degrees of freedom after Satterthwaite (Winer
    1971, section 5.15).
    """
    from scipy import stats

    names = [i for i, c in enumerate(distances.conditions) if c != distances.base]
    rows = []
    for metric, values in zip(distances.metrics, distances.values[:, :, :, 0][:, names]):
        values = values[~np.isnan(values).all(axis=2).any(axis=1)]
        y = values[..., ~np.isnan(values).any(axis=(0, 1))]
        c, s, n = y.shape
        if min(c, s, n) < 2:
            continue
        means = _mean_squares(y)
        e = means["residual"]
        raw = {
            "image": (means["i"] - means["ci"] - means["si"] + e) / (c * s),
            "condition": (means["c"] - means["cs"] - means["ci"] + e) / (n * s),
            "state": (means["s"] - means["cs"] - means["si"] + e) / (n * c),
            "condition × state": (means["cs"] - e) / n,
            "image × condition": (means["ci"] - e) / s,
            "image × state": (means["si"] - e) / c,
            "residual": e,
        }
        variance = {name: max(0.0, value) for name, value in raw.items()}
        total = sum(variance.values())
        if not total:
            continue
        top, bottom = means["c"] + e, means["cs"] + means["ci"]
        df_e = (c - 1) * (s - 1) * (n - 1)
        df_top = top**2 / (means["c"] ** 2 / (c - 1) + e**2 / df_e) if top else np.nan
        parts = means["cs"] ** 2 / ((c - 1) * (s - 1)) + means["ci"] ** 2 / ((c - 1) * (n - 1))
        p = stats.f.sf(top / bottom, df_top, bottom**2 / parts) if bottom else np.nan
        rows += [(metric, name, value, value / total, n, p) for name, value in variance.items()]
    columns = ["metric", "component", "variance", "share", "n_images", "p_condition"]
    return pd.DataFrame(rows, columns=columns)


def _mean_squares(y: np.ndarray) -> dict[str, float]:
    """Mean squares of a full three-way layout without replication (conditions, states, images)."""
    c, s, n = y.shape
    y = y - y.mean()
    of_c, of_s, of_i = y.mean(axis=(1, 2)), y.mean(axis=(0, 2)), y.mean(axis=(0, 1))
    cs = y.mean(axis=2) - of_c[:, None] - of_s
    ci = y.mean(axis=1) - of_c[:, None] - of_i
    si = y.mean(axis=0) - of_s[:, None] - of_i
    rest = y - cs[:, :, None] - ci[:, None] - si - of_c[:, None, None] - of_s[:, None] - of_i
    return {
        "c": s * n * (of_c**2).sum() / (c - 1),
        "s": c * n * (of_s**2).sum() / (s - 1),
        "i": c * s * (of_i**2).sum() / (n - 1),
        "cs": n * (cs**2).sum() / ((c - 1) * (s - 1)),
        "ci": s * (ci**2).sum() / ((c - 1) * (n - 1)),
        "si": c * (si**2).sum() / ((s - 1) * (n - 1)),
        "residual": (rest**2).sum() / ((c - 1) * (s - 1) * (n - 1)),
    }


def _mean_by_state(values: np.ndarray) -> np.ndarray:
    """Mean over images, then over states: (K, S, N) → (K,)."""
    return mean_of_defined(mean_of_defined(values, axis=2), axis=1)
