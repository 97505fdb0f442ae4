"""Means over values of which some are undefined (NaN)."""

import numpy as np


def mean_of_defined(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean of the defined values; NaN, without a warning, where there is none."""
    count = (~np.isnan(values)).sum(axis=axis)
    total = np.nansum(values, axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def variance_of_defined(values: np.ndarray) -> np.ndarray:
    """Variance of the defined values over the last axis."""
    return mean_of_defined((values - mean_of_defined(values, axis=-1)[..., None]) ** 2, axis=-1)
