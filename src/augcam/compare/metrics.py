"""The metrics: distances between two maps of one image, or two predictions."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from augcam.compare.maps import Maps


def mad(p: Maps, q: Maps) -> np.ndarray:
    """Mean absolute difference, in [0, 1]; 0 for equal maps."""
    return p.differences(q).absolute / p.pixels


def msd(p: Maps, q: Maps) -> np.ndarray:
    """Mean squared difference, in [0, 1]; 0 for equal maps."""
    return p.differences(q).squared / p.pixels


def pearson(p: Maps, q: Maps) -> np.ndarray:
    """Pearson's correlation over pixels, in [−1, 1]; NaN where a map is constant."""
    return _correlation(p.differences(q).product, p.norm * q.norm, p.constant | q.constant)


def spearman(p: Maps, q: Maps) -> np.ndarray:
    """Spearman's rank correlation (average ranks on ties), in [−1, 1]; NaN for constant maps."""
    from augcam.compare import kernels

    covariance = kernels.rank_products(p.ranks, q.ranks, p.pixels, p.counts)
    return _correlation(covariance, p.rank_norm * q.rank_norm, p.constant | q.constant)


def _correlation(covariance: np.ndarray, scale: np.ndarray, undefined: np.ndarray) -> np.ndarray:
    undefined = undefined | (scale == 0)
    r = covariance / np.where(undefined, 1, scale)
    return np.where(undefined, np.nan, r.clip(-1, 1))


def overlap(p: Maps, q: Maps, top: int) -> np.ndarray:
    """Overlap rate: |A∩B| / |A∪B| of the pixels at or above their map's (100 − top)th percentile.

    In [0, 1]; 1 for equal maps. The threshold is a value, so ties can select more than `top` %.
    """
    from augcam.compare import kernels

    thresholds = p.threshold(top), q.threshold(top)
    both, either = kernels.overlaps(p.distinct, q.distinct, *thresholds, p.counts)
    return both / either


def class_kld(p_logits: np.ndarray, q_logits: np.ndarray, epsilon: float) -> np.ndarray:
    """Class-prediction KLD: Σ Q·log(ε + Q/P) over softmax probabilities; 0 for equal predictions.

    Logits (N, C) of any float type; computed in float64 as log(ε + exp(log Q − log P)), so that
    P → 0 neither divides by zero nor overflows.
    """
    log_p, log_q = _log_softmax(p_logits), _log_softmax(q_logits)
    return (np.exp(log_q) * np.logaddexp(np.log(epsilon), log_q - log_p)).sum(axis=1)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    # One layout in memory: numpy adds the columns of another in another order.
    logits = np.ascontiguousarray(logits, dtype=np.float64)
    logits = logits - logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


class Metric(NamedTuple):
    """A map metric and what holds for it: `range` of its values, its value `at_equality` (of maps
    that are not constant), whether P and Q may be swapped, whether constant maps leave it
    undefined."""

    function: Callable[[Maps, Maps], np.ndarray]
    range: tuple[float, float]
    at_equality: float
    symmetric: bool = True
    undefined_on_constant: bool = False


MAP_METRICS: dict[str, Metric] = {
    "mad": Metric(mad, (0, 1), 0),
    "msd": Metric(msd, (0, 1), 0),
    "pearson": Metric(pearson, (-1, 1), 1, undefined_on_constant=True),
    "spearman": Metric(spearman, (-1, 1), 1, undefined_on_constant=True),
} | {f"overlap_{top}": Metric(partial(overlap, top=top), (0, 1), 1) for top in range(1, 100)}
"""By the name used in the config (`similarity.metrics`); `class_kld` compares predictions."""


def largest_top(metrics: list[str]) -> int | None:
    """The largest Y among the overlap rates asked for."""
    tops = [int(name.removeprefix("overlap_")) for name in metrics if name.startswith("overlap_")]
    return max(tops, default=None)
