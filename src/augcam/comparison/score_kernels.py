"""The inner loops of scores, compiled by numba as `augcam.comparison.kernels` are; definitions and
checks are with the scores."""

import numpy as np

from augcam.comparison.kernels import _compiled


@_compiled
def moments(maps: np.ndarray) -> np.ndarray:
    """(3, N) float64: Σ x·ln x, Σ x·row and Σ x·column of maps (N, H, W) of numbers ≥ 0; rows and
    columns count from 0."""
    totals = np.zeros((3, len(maps)))
    for n in range(len(maps)):
        log, down, right = 0.0, 0.0, 0.0
        for y in range(maps.shape[1]):
            for x in range(maps.shape[2]):
                value = np.float64(maps[n, y, x])
                if value > 0:
                    log += value * np.log(value)
                down += value * y
                right += value * x
        totals[0, n], totals[1, n], totals[2, n] = log, down, right
    return totals


@_compiled
def weighted_ranks(ranks: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(N,) float64: Σ rank · value of doubled ranks (N, P), int32, and values (N, P)."""
    totals = np.zeros(len(ranks))
    for n in range(len(ranks)):
        total = 0.0
        for i in range(ranks.shape[1]):
            total += np.float64(ranks[n, i]) * np.float64(values[n, i])
        totals[n] = total
    return totals


@_compiled
def ranks_inside(ranks: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """(N,) int64: Σ of the doubled ranks (N, P), int32, of the pixels inside, bool (N, P)."""
    totals = np.zeros(len(ranks), np.int64)
    for n in range(len(ranks)):
        total = np.int64(0)
        for i in range(ranks.shape[1]):
            if inside[n, i]:
                total += ranks[n, i]
        totals[n] = total
    return totals


@_compiled
def above(values: np.ndarray, threshold: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """(4, N) int64: how many pixels (N, P) lie above their map's threshold (N,), how many of them
    inside; how many are equal to it, how many of them inside, bool (N, P)."""
    counts = np.zeros((4, len(values)), np.int64)
    for n in range(len(values)):
        for i in range(values.shape[1]):
            if values[n, i] >= threshold[n]:
                kind = 0 if values[n, i] > threshold[n] else 2
                counts[kind, n] += 1
                if inside[n, i]:
                    counts[kind + 1, n] += 1
    return counts


@_compiled
def highest_near(
    maps: np.ndarray, largest: np.ndarray, inside: np.ndarray, radius: float
) -> np.ndarray:
    """(N,) float64: of the pixels of maps (N, H, W) that have the highest value (N,), the share
    that has a pixel inside, bool (N, H, W), no farther away than `radius`."""
    shares = np.zeros(len(maps))
    _, height, width = maps.shape
    reach = int(radius)
    for n in range(len(maps)):
        found, near = 0, 0
        for y in range(height):
            for x in range(width):
                if maps[n, y, x] == largest[n]:
                    found += 1
                    is_near = False
                    for v in range(max(y - reach, 0), min(y + reach + 1, height)):
                        for u in range(max(x - reach, 0), min(x + reach + 1, width)):
                            if inside[n, v, u]:
                                d = (v - y) * (v - y) + (u - x) * (u - x)
                                if d <= radius * radius:
                                    is_near = True
                                    break
                        if is_near:
                            break
                    if is_near:
                        near += 1
        shares[n] = near / found if found else np.nan
    return shares
