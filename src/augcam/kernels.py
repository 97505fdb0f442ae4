"""The inner loops of `augcam.similarity`, compiled by numba. Definitions and checks are there.

Maps are C-contiguous float32 (N, pixels) of finite numbers ≥ 0. Every kernel treats its maps one by
one, so that no result depends on the other maps of a chunk, and releases the interpreter's lock, so
that several threads can work on chunks of their own.
"""

from collections.abc import Callable

import numpy as np
from numba import njit

_DIGITS = 1024  # of a radix sort with 3 digits of 10 bits: all that differ between floats in [0, 2)
_PLACE_BITS = np.uint64(26)  # below the value, in the same word: where in the map it stands
_PLACE = np.uint64((1 << 26) - 1)


def _compiled(function: Callable) -> Callable:
    """Compile `function` when first called, and keep the code for the jobs that follow.

    It is kept beside this file or, where that is read-only, in the user's cache. Sums may be taken
    in another order (as vectors); nothing else is relaxed.
    """
    options = {"nogil": True, "fastmath": {"reassoc", "nsz"}, "error_model": "numpy"}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # nowhere to keep it: compiled by every job, which takes seconds
        return njit(**options)(function)


@_compiled
def _sort_by_digit(
    items: np.ndarray, target: np.ndarray, size: int, counts: np.ndarray, shift: np.uint64
) -> None:
    """Put the first `size` items into `target` by the digit at `shift`, equal ones as they stand.

    From both ends at once: neighbouring pixels are alike, so that one chain would wait at every
    step for the counter that it has just written.
    """
    begins, ends = np.empty(_DIGITS, np.uint32), np.empty(_DIGITS, np.uint32)
    total, one, digit = np.uint32(0), np.uint32(1), np.uint64(_DIGITS - 1)
    for d in range(_DIGITS):
        begins[d] = total
        total += counts[d]
        ends[d] = total
    for i in range(size // 2):
        item, last = items[i], items[size - 1 - i]
        d = (item >> shift) & digit
        target[begins[d]] = item
        begins[d] += one
        d = (last >> shift) & digit
        ends[d] -= one
        target[ends[d]] = last
    if size % 2:
        item = items[size // 2]
        target[begins[(item >> shift) & digit]] = item


@_compiled
def rank(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each map's values in ascending order, and twice the average rank (from 1) of each pixel.

    Returns float32 and int32, both (N, pixels). Values must be below 2. A radix sort: the bits of
    a float ≥ 0, read as an integer, are in the float's order. Zeros, many after ReLU, stay out.
    """
    count, pixels = maps.shape
    ordered = np.zeros((count, pixels), np.uint32)
    ranks = np.empty((count, pixels), np.int32)
    items, spare = np.empty(pixels, np.uint64), np.empty(pixels, np.uint64)
    digit, one = np.uint32(_DIGITS - 1), np.uint32(1)
    unsigned = np.uint32(2**31 - 1)  # −0 is 0
    for n in range(count):
        bits = maps[n].view(np.uint32)
        counts = np.zeros((3, _DIGITS), np.uint32)
        first, second, third = counts[0], counts[1], counts[2]
        size = 0
        for i in range(pixels):
            key = bits[i] & unsigned
            if key != np.uint32(0):
                first[key & digit] += one
                second[(key >> np.uint32(10)) & digit] += one
                third[(key >> np.uint32(20)) & digit] += one
                items[size] = (np.uint64(key) << _PLACE_BITS) | np.uint64(i)
                size += 1
        zeros = pixels - size
        _sort_by_digit(items, spare, size, first, _PLACE_BITS)
        _sort_by_digit(spare, items, size, second, _PLACE_BITS + np.uint64(10))
        _sort_by_digit(items, spare, size, third, _PLACE_BITS + np.uint64(20))

        # Pixels of one value share the mean of the first and the last rank among them. Both are
        # carried along without a branch, which ties would make unpredictable.
        values = ordered[n, zeros:]
        for i in range(size):
            values[i] = np.uint32(spare[i] >> _PLACE_BITS)
        begin, previous = np.uint64(0), np.uint32(0)
        for i in range(size):
            begin = begin if values[i] == previous else np.uint64(i)
            previous = values[i]
            items[i] = (begin << _PLACE_BITS) | (spare[i] & _PLACE)
        row = ranks[n]
        row[:] = np.int32(zeros + 1)
        end, previous = np.int64(0), np.uint32(0)
        for i in range(size - 1, -1, -1):
            end = end if values[i] == previous else np.int64(i)
            previous = values[i]
            begin = items[i] >> _PLACE_BITS
            row[items[i] & _PLACE] = np.int32(begin) + np.int32(end) + np.int32(2 * zeros + 2)
    return ordered.view(np.float32), ranks


@_compiled
def sums(maps: np.ndarray) -> np.ndarray:
    """(N,) float64: Σ of each row."""
    totals = np.zeros(len(maps))
    for n in range(len(maps)):
        total = 0.0
        for i in range(maps.shape[1]):
            total += np.float64(maps[n, i])
        totals[n] = total
    return totals


@_compiled
def centred_products(
    p: np.ndarray, q: np.ndarray, p_mean: np.ndarray, q_mean: np.ndarray
) -> np.ndarray:
    """(N,) float64: Σ (p − p_mean)(q − q_mean) of each row; `p`, `q` of any one real dtype."""
    totals = np.zeros(len(p))
    for n in range(len(p)):
        total = 0.0
        for i in range(p.shape[1]):
            total += (np.float64(p[n, i]) - p_mean[n]) * (np.float64(q[n, i]) - q_mean[n])
        totals[n] = total
    return totals


@_compiled
def absolute_differences(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """(N,) float64: Σ |p − q| of each row."""
    totals = np.zeros(len(p))
    for n in range(len(p)):
        total = 0.0
        for i in range(p.shape[1]):
            total += abs(np.float64(p[n, i]) - np.float64(q[n, i]))
        totals[n] = total
    return totals


@_compiled
def squared_differences(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """(N,) float64: Σ (p − q)² of each row."""
    totals = np.zeros(len(p))
    for n in range(len(p)):
        total = 0.0
        for i in range(p.shape[1]):
            total += (np.float64(p[n, i]) - np.float64(q[n, i])) ** 2
        totals[n] = total
    return totals


@_compiled
def overlaps(
    p: np.ndarray, q: np.ndarray, p_threshold: np.ndarray, q_threshold: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(N,) int64 each: how many pixels reach both thresholds (N,), and how many reach either."""
    both, either = np.zeros(len(p), np.int64), np.zeros(len(p), np.int64)
    for n in range(len(p)):
        in_both, in_either = np.int32(0), np.int32(0)
        for i in range(p.shape[1]):
            a, b = p[n, i] >= p_threshold[n], q[n, i] >= q_threshold[n]
            in_both += np.int32(a & b)
            in_either += np.int32(a | b)
        both[n], either[n] = in_both, in_either
    return both, either
