"""Effects: how much farther from the baseline an augmentation leads than a control does.

The unit of replication is the starting state. Effects of one augmentation are differences to a
control at the same state, image and baseline: `none` (seed noise) or `identity` (the same number of
steps). Everything is conditional on the baselines and starting weights that were trained.
"""

import numpy as np
import pandas as pd

from augcam.names import STEP_CONTROL
from augcam.statistics.distances import Distances, at_equality, orientation
from augcam.statistics.resampling import (
    group_images,
    holm,
    image_weights,
    mean_of_defined,
    sign_flip,
    t_interval,
    variance_of_defined,
)

YES, NO = "yes", "no"


def two_level_se(values: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Bootstrap standard error of the mean over states and images: (K, S, N) → (K,).

    States are drawn with replacement, and so are images, the same ones for every state (the
    pigeonhole bootstrap of Owen 2007). Drawing S of S states understates their variance by
    (S − 1)/S; the deviations of the states are stretched to undo this. A row's states without any
    value are left out; NaN where fewer than two have one.
    """
    present = ~np.isnan(values).all(axis=2)
    se = np.full(len(values), np.nan)
    for states in np.unique(present, axis=0):
        rows = (present == states).all(axis=1)
        if states.sum() > 1:
            se[rows] = _two_level_se(values[rows][:, states], resamples, rng)
    return se


def _two_level_se(values: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """`two_level_se` of at least two states, all with values."""
    _, n_states, n_images = values.shape
    order, starts = group_images(n_images, rng)
    values = values[..., order]
    sums = np.add.reduceat(np.nan_to_num(values), starts, axis=-1)
    counts = np.add.reduceat(~np.isnan(values), starts, axis=-1, dtype=np.float64)
    images = image_weights(resamples, n_images, rng).T
    with np.errstate(invalid="ignore"):
        means = (sums @ images) / (counts @ images)  # (K, S, resamples)
    drawn = rng.multinomial(n_states, np.full(n_states, 1 / n_states), resamples).T / n_states
    shift = np.sqrt(n_states / (n_states - 1)) * (drawn - 1 / n_states)
    return (means.mean(axis=1) + (means * shift).sum(axis=1)).std(axis=-1)


def paired_differences(
    distances: Distances, control: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Per image, each condition against `control` at the same state, averaged over baselines.

    A (state, baseline) counts where both distances exist: so `none` is compared at all states but
    the baseline's own. Returns differences, whether farther (1, 0, ties ½), the condition's and the
    control's value, each (metrics, conditions, states, images), and the conditions compared.
    """
    at = distances.conditions.index(control)
    others = [c for c in range(len(distances.conditions)) if c != at]
    signs = np.array([orientation(metric) for metric in distances.metrics])
    parts: list[list[np.ndarray]] = [[], [], [], []]
    for c in others:
        value, reference = distances.values[:, c], distances.values[:, at]
        both = ~np.isnan(value) & ~np.isnan(reference)
        difference = np.where(both, value - reference, np.nan)
        farther = (np.sign(difference) * signs[:, None, None, None] + 1) / 2
        paired = (
            difference,
            farther,
            np.where(both, value, np.nan),
            np.where(both, reference, np.nan),
        )
        for part, array in zip(parts, paired):
            part.append(mean_of_defined(array, axis=2))
    stacked = [np.stack(part, axis=1) for part in parts]
    missing = np.isnan(stacked[0]).all(axis=(0, 3))  # (conditions, states)
    known, kept = ~missing.all(axis=1), ~missing.all(axis=0)
    arrays = [array[:, known][:, :, kept] for array in stacked]
    return *arrays, [distances.conditions[c] for c, there in zip(others, known) if there]


def pooled_noise(distances: Distances) -> tuple[np.ndarray, np.ndarray]:
    """Variance between states of a model's mean distance, pooled over all conditions but the
    baseline's, and its degrees of freedom: (metrics,) each. Models without a value do not count;
    NaN where no condition has two with one."""
    others = [i for i, c in enumerate(distances.conditions) if c != distances.base]
    values = distances.values[:, others]
    by_model = mean_of_defined(values.reshape(*values.shape[:3], -1), axis=3)
    gaps = by_model - mean_of_defined(by_model, axis=2)[..., None]
    df = ((~np.isnan(gaps)).sum(axis=2) - 1).clip(0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nansum(gaps**2, axis=(1, 2)) / np.where(df > 0, df, np.nan), df


def effects(
    distances: Distances,
    controls: list[str],
    resamples: int = 2000,
    seed: int = 0,
    alpha: float = 0.05,
    smallest_effect: float = 0.1,
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
    """
    tables = [
        _against(distances, control, resamples, np.random.default_rng(seed), alpha, smallest_effect)
        for control in controls
    ]
    tables = [table for table in tables if len(table)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=EFFECT_COLUMNS)


EFFECT_COLUMNS = [
    "control", "augmentation", "metric", "n_states", "n_images", "mean", "control_mean",
    "difference", "low", "high", "pooled_low", "pooled_high", "standardised",
    "superiority", "superiority_low", "superiority_high",
    "p", "p_holm", "p_sign_flip", "smallest_p_sign_flip",
    "farther_than_control",
]  # fmt: skip


def _against(distances, control, resamples, rng, alpha, smallest_effect) -> pd.DataFrame:
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
            "augmentation": names * n_metrics,
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
    is_control = table["augmentation"].isin((distances.base, STEP_CONTROL))
    for family in (is_control, ~is_control):
        table.loc[family, "p_holm"] = holm(table.loc[family, "p"].to_numpy())
    table["farther_than_control"] = [
        verdict(row, alpha, smallest_effect) for row in table.itertuples(index=False)
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
    return f"cannot be told with {row.n_states} state{'s' if row.n_states > 1 else ''}"


def variance_split(distances: Distances) -> pd.DataFrame:
    """How much of the variance of a per-image value is image, condition, state, interactions.

    Components of the balanced three-way random-effects analysis of variance (expected mean
    squares, negative estimates set to 0) of the distances to the reference baseline; conditions are
    all but the baseline's and those with a model that has no value at all. `condition × state` is
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
        top, bottom = means["c"] + e, means["cs"] + means["ci"]
        df_e = (c - 1) * (s - 1) * (n - 1)
        df_top = top**2 / (means["c"] ** 2 / (c - 1) + e**2 / df_e) if top else np.nan
        parts = means["cs"] ** 2 / ((c - 1) * (s - 1)) + means["ci"] ** 2 / ((c - 1) * (n - 1))
        p = stats.f.sf(top / bottom, df_top, bottom**2 / parts) if bottom else np.nan
        rows += [
            (metric, name, value, value / total if total else np.nan, n, p)
            for name, value in variance.items()
        ]
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
