"""Aggregation: means over starting states, correlation maps, strongest and weakest pairs."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from augcam.comparison.defined import mean_of_defined

Model = tuple[str, int]  # condition, starting state


def aggregate(
    tables: Mapping[Model, pd.DataFrame], metrics: list[str], augmentations: list[str]
) -> dict[str, pd.DataFrame]:
    """The tables of this step, by name, from those of `augcam.comparison.models.compare`."""
    mean = similarity_mean(tables, metrics)
    return {
        "similarity_mean": mean,
        "similarity_summary": similarity_summary(mean, metrics),
        "excluded_values": excluded_values(tables, metrics),
        "correlation_maps": correlation_maps(mean, metrics),
        "extreme_images": extreme_images(mean, metrics, augmentations),
    }


def similarity_mean(tables: Mapping[Model, pd.DataFrame], metrics: list[str]) -> pd.DataFrame:
    """Mean of each metric over the starting states, by image and condition (step 12, section 4).

    `tables`: (condition, state) → the table of `augcam.comparison.models.compare`; all list the
    same images in the same order. Returns image_id, condition, then `metrics`, one condition after
    the other. Undefined values (NaN) are left out of the mean; NaN where no state has a value.
    """
    conditions = list(dict.fromkeys(condition for condition, _ in tables))
    ids = next(iter(tables.values()))["image_id"].to_numpy()
    # Filled in place: a million images make tables of half a gigabyte.
    means = {metric: np.empty(len(conditions) * len(ids)) for metric in metrics}
    for number, condition in enumerate(conditions):
        states = [tables[model] for model in tables if model[0] == condition]
        rows = slice(number * len(ids), (number + 1) * len(ids))
        for metric, column in means.items():
            column[rows] = mean_of_defined(np.stack([t[metric] for t in states]), axis=0)
    head = {
        "image_id": np.tile(ids, len(conditions)),
        "condition": np.repeat(np.array(conditions, dtype=object), len(ids)),
    }
    return pd.DataFrame(head | means, copy=False)


def _by_condition(mean: pd.DataFrame, metric: str) -> pd.DataFrame:
    """A metric of the table of `similarity_mean`, one row an image, one column a condition."""
    names = mean["condition"].unique()
    values = mean[metric].to_numpy().reshape(len(names), -1).T
    return pd.DataFrame(values, mean["image_id"].iloc[: len(values)], names)


def excluded_values(tables: Mapping[Model, pd.DataFrame], metrics: list[str]) -> pd.DataFrame:
    """What summaries leave out, and how many maps are degenerate.

    Returns condition, state, metric, n_images, n_excluded (undefined values),
    n_degenerate_baseline, n_degenerate_augmented.
    """
    rows = [
        {
            "condition": condition,
            "state": state,
            "metric": metric,
            "n_images": len(table),
            "n_excluded": int(table[metric].isna().sum()),
            "n_degenerate_baseline": int(table["degenerate_baseline"].sum()),
            "n_degenerate_augmented": int(table["degenerate_augmented"].sum()),
        }
        for (condition, state), table in tables.items()
        for metric in metrics
    ]
    return pd.DataFrame(rows)


def similarity_summary(mean: pd.DataFrame, metrics: list[str]) -> pd.DataFrame:
    """Quartiles and mean over images of each condition's averaged metric.

    Returns condition, metric, n_images (with a value), n_excluded, mean, std, min, q1, median,
    q3, max: the numbers behind the boxplots.
    """
    rows = []
    for condition, group in mean.groupby("condition", sort=False):
        for metric in metrics:
            values = group[metric].dropna()
            low, q1, median, q3, high = values.quantile([0, 0.25, 0.5, 0.75, 1])
            rows.append(
                {
                    "condition": condition,
                    "metric": metric,
                    "n_images": len(values),
                    "n_excluded": int(group[metric].isna().sum()),
                    "mean": values.mean(),
                    "std": values.std(),
                    "min": low,
                    "q1": q1,
                    "median": median,
                    "q3": q3,
                    "max": high,
                }
            )
    return pd.DataFrame(rows)


def correlation_maps(mean: pd.DataFrame, metrics: list[str]) -> pd.DataFrame:
    """Pearson's r over test images between the averaged metrics of every two conditions.

    Returns metric, condition_a, condition_b (every ordered pair and the diagonal), r,
    n_images: the images on which both have a value. r is NaN where it is undefined.
    """
    names = list(dict.fromkeys(mean["condition"]))
    rows = []
    for metric in metrics:
        wide = _by_condition(mean, metric)
        r = wide.corr(min_periods=2)
        defined = wide.notna().to_numpy(dtype=np.int64)
        count = pd.DataFrame(defined.T @ defined, names, names)
        rows += [(metric, a, b, r.loc[a, b], count.loc[a, b]) for a in names for b in names]
    columns = ["metric", "condition_a", "condition_b", "r", "n_images"]
    return pd.DataFrame(rows, columns=columns)


def pair_counts(maps: pd.DataFrame, augmentations: list[str], k: int) -> pd.DataFrame:
    """How often each pair is among the `k` strongest and weakest of a metric's map (tables 1, 2).

    `maps`: the table of `correlation_maps`; only pairs of `augmentations` count, so that controls
    do not. Returns kind (strongest, weakest), condition_a, condition_b, count: every pair
    with a count, the most frequent first. Each kind sums to `k` × number of metrics, unless in a
    metric `k` is not below half of the defined pairs: then fewer count, so that no pair is both;
    none where all of these are equal. Ties in r are decided by the order of `augmentations`.
    """
    pairs = list(combinations(augmentations, 2))
    counts = {(kind, *pair): 0 for kind in ("strongest", "weakest") for pair in pairs}
    for _, group in maps.groupby("metric", sort=False):
        r = group.set_index(["condition_a", "condition_b"])["r"]
        known = [pair for pair in pairs if not np.isnan(r[pair])]
        fewer = min(k, max(0, (len(known) - 1) // 2))
        strongest, weakest = (sorted(known, key=lambda p: sign * r[p])[:fewer] for sign in (-1, 1))
        if fewer and r[strongest[-1]] > r[weakest[-1]]:
            for kind, chosen in (("strongest", strongest), ("weakest", weakest)):
                for pair in chosen:
                    counts[kind, *pair] += 1
    columns = ["kind", "condition_a", "condition_b", "count"]
    table = pd.DataFrame([(*key, n) for key, n in counts.items() if n], columns=columns)
    return table.sort_values(
        ["kind", "count"], ascending=[True, False], kind="stable", ignore_index=True
    )


def extreme_images(
    mean: pd.DataFrame, metrics: list[str], augmentations: list[str]
) -> pd.DataFrame:
    """For each metric the images of highest mean, highest standard deviation and lowest mean over
    augmentations (appendix A of the paper).

    `mean`: the table of `similarity_mean`. Only images with a value for each of `augmentations`
    count; a standard deviation needs two of these. Returns metric, extreme, image_id, mean, std;
    the first image on ties, no row where no image counts.
    """
    rows = []
    for metric in metrics:
        wide = _by_condition(mean, metric)[augmentations].dropna()
        over = pd.DataFrame({"mean": wide.mean(axis=1), "std": wide.std(axis=1)})
        found = {
            "highest_mean": over["mean"],
            "highest_std": over["std"].dropna(),
            "lowest_mean": -over["mean"],
        }
        for extreme, values in found.items():
            if len(values):
                image = values.idxmax()
                row = {"metric": metric, "extreme": extreme, "image_id": image}
                rows.append(row | over.loc[image].to_dict())
    return pd.DataFrame(rows, columns=["metric", "extreme", "image_id", "mean", "std"])
