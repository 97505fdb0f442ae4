"""Similarity: how the maps and predictions of two models differ, image by image.

P is the baseline's, Q the other model's. Maps are compared at the network's input resolution, as
float32, with sums in float64. Definitions: section 5.1 of the paper.
"""

from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from augcam.errors import AugcamError
from augcam.files import read_arrays, read_table

_CHUNK_PIXELS = 4_000_000  # about 150 MB of working memory a chunk, whatever the number of images
SEGMENTS = ("both_right", "only_baseline", "only_augmented", "both_wrong")


# ------------------------------------------------------------------------------- normalised maps


def normalise(cam: np.ndarray) -> np.ndarray:
    """Shift and scale each map (N, h, w) to [0, 1], exactly as pytorch-grad-cam (ε = 1e-7).

    A constant map becomes 0 everywhere.
    """
    cam = cam - cam.min(axis=(1, 2), keepdims=True)
    return cam / (np.float32(1e-7) + cam.max(axis=(1, 2), keepdims=True))


def upsample(cam: np.ndarray, size: int) -> np.ndarray:
    """Bilinear resize of maps (N, h, w) to (N, size, size), half-pixel centres.

    The same as torch's `interpolate(mode="bilinear", align_corners=False)` and as OpenCV's.
    """
    for axis in (2, 1):
        low, high, weight = _bilinear(cam.shape[axis], size)
        weight = weight if axis == 2 else weight[:, None]
        # In this form equal neighbours give exactly equal values: ranks depend on ties.
        first, second = cam.take(low, axis), cam.take(high, axis)
        cam = first + weight * (second - first)
    return cam


def _bilinear(length: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each of `size` outputs the two inputs of `length`, and the second one's weight."""
    scale = np.float32(length) / np.float32(size)
    position = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * scale - np.float32(0.5)
    position = position.clip(0)
    low = np.minimum(position.astype(np.int64), length - 1)
    return low, np.minimum(low + 1, length - 1), position - low.astype(np.float32)


def to_maps(cam: np.ndarray, size: int) -> np.ndarray:
    """Raw CAMs (N, h, w) → the maps that are compared: float32 (N, size, size) in [0, 1].

    ReLU, min-max, bilinear to `size`, min-max: pytorch-grad-cam's steps (section 2.4).
    """
    cam = np.maximum(cam.astype(np.float32, copy=False), 0)
    return normalise(upsample(normalise(cam), size))


class Maps:
    """A chunk of flattened maps, float32 (N, pixels) in [0, 1], with what metrics share."""

    def __init__(self, maps: np.ndarray):
        self.values = maps.reshape(len(maps), -1)
        self._thresholds: dict[int, np.ndarray] = {}

    @cached_property
    def constant(self) -> np.ndarray:
        """(N,) bool: maps with one value only, which have no correlation."""
        return self.values.max(axis=1) == self.values.min(axis=1)

    @cached_property
    def centred(self) -> np.ndarray:
        """Values minus their mean, float64 (N, pixels)."""
        return _centred(self.values)

    @cached_property
    def centred_ranks(self) -> np.ndarray:
        """Average ranks minus their mean, float64 (N, pixels)."""
        from scipy.stats import rankdata

        return _centred(rankdata(self.values, axis=1))

    def threshold(self, top: int) -> np.ndarray:
        """(N, 1): the (100 − top)th percentile of each map, numpy's default (linear) definition."""
        if top not in self._thresholds:
            percentile = np.percentile(self.values, 100 - top, axis=1, keepdims=True)
            self._thresholds[top] = percentile
        return self._thresholds[top]

    def degenerate(self, top: int) -> np.ndarray:
        """(N,) bool: maps so flat that their `top` % highest pixels are all pixels."""
        return self.threshold(top)[:, 0] <= self.values.min(axis=1)


def _centred(values: np.ndarray) -> np.ndarray:
    values = values.astype(np.float64, copy=False)
    return values - values.mean(axis=1, keepdims=True)


# -------------------------------------------------------------------------------------- metrics


def mad(p: Maps, q: Maps) -> np.ndarray:
    """Mean absolute difference, in [0, 1]; 0 for equal maps."""
    return np.abs(p.values.astype(np.float64) - q.values).mean(axis=1)


def msd(p: Maps, q: Maps) -> np.ndarray:
    """Mean squared difference, in [0, 1]; 0 for equal maps."""
    return np.square(p.values.astype(np.float64) - q.values).mean(axis=1)


def pearson(p: Maps, q: Maps) -> np.ndarray:
    """Pearson's correlation over pixels, in [−1, 1]; NaN where a map is constant."""
    return _correlation(p.centred, q.centred, p.constant | q.constant)


def spearman(p: Maps, q: Maps) -> np.ndarray:
    """Spearman's rank correlation (average ranks on ties), in [−1, 1]; NaN for constant maps."""
    return _correlation(p.centred_ranks, q.centred_ranks, p.constant | q.constant)


def _correlation(p: np.ndarray, q: np.ndarray, undefined: np.ndarray) -> np.ndarray:
    covariance = np.einsum("ij,ij->i", p, q)
    scale = np.sqrt(np.einsum("ij,ij->i", p, p) * np.einsum("ij,ij->i", q, q))
    undefined = undefined | (scale == 0)
    r = covariance / np.where(undefined, 1, scale)
    return np.where(undefined, np.nan, r.clip(-1, 1))


def overlap(p: Maps, q: Maps, top: int) -> np.ndarray:
    """Overlap rate: |A∩B| / |A∪B| of the pixels at or above their map's (100 − top)th percentile.

    In [0, 1]; 1 for equal maps. The threshold is a value, so ties can select more than `top` %.
    """
    a, b = p.values >= p.threshold(top), q.values >= q.threshold(top)
    return (a & b).sum(axis=1) / (a | b).sum(axis=1)


def class_kld(p_logits: np.ndarray, q_logits: np.ndarray, epsilon: float) -> np.ndarray:
    """Class-prediction KLD: Σ Q·log(ε + Q/P) over softmax probabilities; 0 for equal predictions.

    Logits (N, C) of any float type; computed in float64 as log(ε + exp(log Q − log P)), so that
    P → 0 neither divides by zero nor overflows.
    """
    log_p, log_q = _log_softmax(p_logits), _log_softmax(q_logits)
    return (np.exp(log_q) * np.logaddexp(np.log(epsilon), log_q - log_p)).sum(axis=1)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    logits = logits.astype(np.float64)
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


# ----------------------------------------------------------------------------------- comparison


class Explained(NamedTuple):
    """What `augcam.explanations` wrote for one model, checked: rows agree in `image_id`."""

    image_id: np.ndarray
    cam: np.ndarray
    logits: np.ndarray
    right: np.ndarray


def read_explained(cams_path: str | Path, predictions_path: str | Path) -> Explained:
    """Read one model's explanations. Raises AugcamError naming a broken or mismatched file."""
    arrays, predictions = read_arrays(cams_path), read_table(predictions_path)
    if not np.array_equal(arrays["image_id"], predictions["image_id"]):
        raise AugcamError(f"{predictions_path}: its images are not those of {cams_path}.")
    return Explained(
        arrays["image_id"],
        arrays["cam"],
        predictions.filter(regex=r"^logit_\d+$").to_numpy(),
        (predictions["label"] == predictions["predicted"]).to_numpy(),
    )


def compare(
    baseline: Explained, other: Explained, metrics: list[str], size: int, epsilon: float
) -> pd.DataFrame:
    """Compare two models image by image.

    Returns one row an image: image_id, segment, degenerate_baseline, degenerate_augmented (bool:
    a map that is constant or whose top pixels are all pixels), then `metrics`, float64.
    Raises AugcamError where the two models have explained different images.
    """
    if not np.array_equal(baseline.image_id, other.image_id):
        raise AugcamError("the two models have explained different images; explain both anew.")
    columns: dict[str, list[np.ndarray]] = {
        name: [] for name in ("degenerate_baseline", "degenerate_augmented", *metrics)
    }
    top = largest_top(metrics)
    step = max(1, _CHUNK_PIXELS // size**2)
    for start in range(0, len(baseline.image_id), step):
        rows = slice(start, start + step)
        p, q = (Maps(to_maps(model.cam[rows], size)) for model in (baseline, other))
        for name, maps in (("degenerate_baseline", p), ("degenerate_augmented", q)):
            columns[name].append(maps.degenerate(top) if top else maps.constant)
        for name in metrics:
            if name == "class_kld":
                values = class_kld(baseline.logits[rows], other.logits[rows], epsilon)
            else:
                values = MAP_METRICS[name].function(p, q)
            columns[name].append(values.astype(np.float64))
    head = {"image_id": baseline.image_id, "segment": segments(baseline.right, other.right)}
    return pd.DataFrame(head | {name: np.concatenate(parts) for name, parts in columns.items()})


def segments(baseline_right: np.ndarray, other_right: np.ndarray) -> np.ndarray:
    """(N,) names: which of the two models is right (appendix C)."""
    return np.array(SEGMENTS)[2 * ~baseline_right + ~other_right * 1]
