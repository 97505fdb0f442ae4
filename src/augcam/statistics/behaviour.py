"""Behaviour: how predictions change, and how much of the maps' change goes with them."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from augcam.entries import metric_named
from augcam.statistics.distances import Model, at_equality


def jensen_shannon(p_logits: np.ndarray, q_logits: np.ndarray) -> np.ndarray:
    """Jensen–Shannon divergence of softmax probabilities (N, C), in bits: (N,), 0 to 1.

    Symmetric and bounded, other than the Kullback–Leibler divergence (Lin 1991).
    """
    p, q = (_softmax(logits) for logits in (p_logits, q_logits))
    middle = (p + q) / 2
    return (0.5 * (_relative_entropy(p, middle) + _relative_entropy(q, middle))).clip(0, 1)


def _softmax(logits: np.ndarray) -> np.ndarray:
    logits = logits.astype(np.float64)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def _relative_entropy(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Σ p log2(p / q), (N,); 0 · log 0 = 0."""
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    return (p * np.log2(ratio)).sum(axis=1)


def error_consistency(p_right: np.ndarray, q_right: np.ndarray) -> float:
    """Cohen's κ of two models' being right (N,) bool (Geirhos et al. 2020): 0 as often alike as two
    independent models of these accuracies, 1 always, NaN where that is certain anyway."""
    p, q = p_right.mean(), q_right.mean()
    observed, expected = (p_right == q_right).mean(), p * q + (1 - p) * (1 - q)
    return float((observed - expected) / (1 - expected)) if expected < 1 else np.nan


def predicted_otherwise(
    predictions: Mapping[Model, pd.DataFrame],
    similarity: Mapping[Model, pd.DataFrame],
    reference: Model,
    metrics: list[str],
) -> dict[str, pd.DataFrame]:
    """The tables of this step, by name, from predictions and distances of every model."""
    return {
        "behaviour": behaviour(predictions, reference),
        "class_changes": class_changes(similarity, predictions, reference, metrics),
    }


def behaviour(predictions: Mapping[Model, pd.DataFrame], reference: Model) -> pd.DataFrame:
    """Every model's predictions against the reference's.

    `predictions`: model → image_id, label, predicted, logit_…. Returns condition, state, accuracy,
    disagreement (share of images with another predicted class), jensen_shannon (mean, bits),
    error_consistency.
    """
    base = predictions[reference]
    base_logits = base.filter(regex=r"^logit_\d+$").to_numpy()
    base_right = (base["label"] == base["predicted"]).to_numpy()
    rows = []
    for (condition, state), table in predictions.items():
        if (condition, state) == reference:
            continue
        right = (table["label"] == table["predicted"]).to_numpy()
        logits = table.filter(regex=r"^logit_\d+$").to_numpy()
        rows.append(
            {
                "condition": condition,
                "state": state,
                "accuracy": right.mean(),
                "disagreement": (table["predicted"] != base["predicted"]).mean(),
                "jensen_shannon": jensen_shannon(base_logits, logits).mean(),
                "error_consistency": error_consistency(base_right, right),
            }
        )
    return pd.DataFrame(rows)


def class_changes(
    similarity: Mapping[Model, pd.DataFrame],
    predictions: Mapping[Model, pd.DataFrame],
    reference: Model,
    metrics: list[str],
) -> pd.DataFrame:
    """How much of the maps' change goes with another predicted class, over all states.

    `similarity`: model → table of `augcam.comparison.models.compare` with the reference. Returns
    condition, metric, n_values (images × states), other_class (share of them whose two models
    predict different classes), `mean`, mean_same_class, mean_other_class, and `share_of_change`:
    the part of the mean distance that would vanish if images with different classes were like the
    others. Metrics of predictions change with the class by definition and are left out.
    """
    base = predictions[reference]["predicted"].to_numpy()
    rows = []
    for condition in dict.fromkeys(c for c, _ in similarity):
        models = [model for model in similarity if model[0] == condition]
        other = np.concatenate([predictions[m]["predicted"].to_numpy() != base for m in models])
        for metric in metrics:
            if metric_named(metric).needs == "logits":
                continue
            values = np.concatenate([similarity[m][metric].to_numpy() for m in models])
            defined = ~np.isnan(values)
            values, differs = values[defined], other[defined]
            if not len(values):
                continue
            means = [part.mean() if len(part) else np.nan for part in
                     (values, values[~differs], values[differs])]  # fmt: skip
            distance = means[0] - at_equality(metric)
            share = (means[0] - means[1]) / distance if distance else np.nan
            rows.append((condition, metric, len(values), differs.mean(), *means, share))
    columns = [
        "condition", "metric", "n_values", "other_class", "mean", "mean_same_class",
        "mean_other_class", "share_of_change",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
