"""Three explanations of every image: how much of the change of maps is another class explained."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from augcam.comparison.explained import Explained
from augcam.comparison.models import compare
from augcam.entries import metric_named
from augcam.statistics.distances import Model, at_equality

TARGETS = ("predicted", "label", "baseline")
"""The model's own prediction, the true label, the baseline's prediction."""


def target_changes(
    models: Mapping[Model, dict[str, np.ndarray]],
    reference: Model,
    metrics: list[str],
    size: int,
    threads: int = 1,
) -> pd.DataFrame:
    """The maps' distance to the baseline's when both explain the same kind of target.

    `models`: model → image_id (N,) and the raw CAMs cam_predicted, cam_label and cam_baseline,
    float32 (N, h, w) each. Returns condition, state, metric, target,
    n_images (with a value), `mean`, and share_of_change: the part of the distance between
    explanations of the own predictions that is gone with this target.
    """
    metrics = [metric for metric in metrics if metric_named(metric).needs == "maps"]
    others = [model for model in models if model != reference]
    tables = {}
    for target in TARGETS:
        first, *rest = (_explained(models[model], target) for model in (reference, *others))
        tables[target] = compare(first, rest, metrics, size, 1e-16, threads)
    rows = []
    for number, (condition, state) in enumerate(others):
        for metric in metrics:
            own = tables["predicted"][number][metric].mean()
            distance = own - at_equality(metric)
            for target in TARGETS:
                values = tables[target][number][metric].dropna()
                share = (own - values.mean()) / distance if distance else np.nan
                rows.append((condition, state, metric, target, len(values), values.mean(), share))
    columns = [
        "condition", "state", "metric", "target", "n_images", "mean", "share_of_change"
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _explained(arrays: dict[str, np.ndarray], target: str) -> Explained:
    count = len(arrays["image_id"])
    nothing = np.zeros((count, 1), np.float32), np.ones(count, dtype=bool)
    return Explained(arrays["image_id"], arrays[f"cam_{target}"], *nothing)
