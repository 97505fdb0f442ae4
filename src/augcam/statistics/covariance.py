"""Covariances and correlations over images, of which some values may be undefined."""

from collections.abc import Iterator

import numpy as np

from augcam.statistics.resampling import chunks

CHUNK = 2 * 10**6  # numbers in the matrices of the resamples that are worked on at a time


NO_VARIANCE = 1e-18  # rounding, of values of order 1


def covariances(
    rows: np.ndarray, order: np.ndarray, starts: np.ndarray, images: np.ndarray
) -> Iterator[tuple[np.ndarray, slice]]:
    """Covariances of `rows` (T, N) over the images that both rows define, for resampled images.

    `order` of the images and `starts` of the groups in it; `images` (R, G): weights of the groups.
    Yields (r, T, T) for chunks of the rows of `images`, and the chunk's slice.
    """
    count = len(rows)
    rows = (rows - row_means(rows)[:, None])[:, order]
    defined = ~np.isnan(rows)
    used = np.flatnonzero(defined.any(axis=1))
    rows, defined = np.nan_to_num(rows[used]), defined[used].astype(np.float64)
    ends = [*starts[1:], rows.shape[1]]
    spans = [slice(start, end) for start, end in zip(starts, ends)]
    complete = bool(defined.all())
    products = np.stack([(rows[:, g] @ rows[:, g].T).ravel() for g in spans])
    if complete:
        sums = np.stack([rows[:, g].sum(axis=1) for g in spans])
        numbers = np.array([float(g.stop - g.start) for g in spans])
    else:
        sums = np.stack([(rows[:, g] @ defined[:, g].T).ravel() for g in spans])
        numbers = np.stack([(defined[:, g] @ defined[:, g].T).ravel() for g in spans])
    side = len(used)
    for part in chunks(len(images), max(1, CHUNK // count**2)):
        w = images[part]
        product = (w @ products).reshape(len(w), side, side)
        if complete:
            number = (w @ numbers)[:, None, None]
            mean = (w @ sums)[:, :, None] / number
            covariance = product / number - mean * mean.transpose(0, 2, 1)
        else:
            number = (w @ numbers).reshape(len(w), side, side)
            number = np.where(number > 1, number, np.nan)
            mean = (w @ sums).reshape(len(w), side, side) / number
            covariance = product / number - mean * mean.transpose(0, 2, 1)
        full = np.zeros((len(w), count, count))
        full[:, used[:, None], used] = np.nan_to_num(covariance)
        yield full, part


def row_means(rows: np.ndarray) -> np.ndarray:
    number = (~np.isnan(rows)).sum(axis=1)
    return np.nansum(rows, axis=1) / np.maximum(number, 1)


def scaled(covariance: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """Covariance / √(both variances); NaN where a variance is not positive."""
    diagonal = np.diagonal(variances, axis1=1, axis2=2)
    with np.errstate(invalid="ignore"):
        root = np.sqrt(np.where(diagonal > NO_VARIANCE, diagonal, np.nan))
    return covariance / (root[:, :, None] * root[:, None])


def pearson(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted Pearson's r of every two of the rows (C, N), over the images that both define; NaN
    where one does not vary on them."""
    defined = (~np.isnan(rows)).astype(np.float64)
    rows = np.nan_to_num(rows - row_means(rows)[:, None])
    weighted = rows * weights
    number = (defined * weights) @ defined.T
    number = np.where(number > 0, number, np.nan)
    mean = weighted @ defined.T / number
    variance = (weighted * rows) @ defined.T / number - mean**2
    root = np.sqrt(np.where(variance > NO_VARIANCE, variance, np.nan))
    return (weighted @ rows.T / number - mean * mean.T) / (root * root.T)


def ratio(total: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Total / weight; NaN where nothing has a weight."""
    return np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0)
