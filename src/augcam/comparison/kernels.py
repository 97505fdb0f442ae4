"""The inner loops of `augcam.comparison.maps`, compiled by numba. Definitions and checks are there.

Maps are C-contiguous float32 (N, D) of finite numbers ≥ 0, of which column i stands for
`counts[i]` equal pixels (int32). Every kernel treats its maps one by one, so that no result depends
on the other maps of a chunk, and releases the interpreter's lock, so that several threads can work
on chunks of their own.
"""

from collections.abc import Callable
from functools import partial

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
    compiler = partial(njit, nogil=True, fastmath={"reassoc", "nsz"}, error_model="numpy")
    try:
        return compiler(cache=True)(function)
    except RuntimeError:  # nowhere to keep it: compiled by every job, which takes seconds
        return compiler()(function)


@_compiled
def enlarge(
    cam: np.ndarray,
    row_low: np.ndarray,
    row_weight: np.ndarray,
    column_low: np.ndarray,
    column_weight: np.ndarray,
) -> np.ndarray:
    """Maps (N, h, w) at positions between their rows and columns, (N, rows, columns): of each the
    first neighbour and the second's weight, as `augcam.comparison.maps.bilinear` gives them."""
    number, height, width = cam.shape
    result = np.empty((number, len(row_low), len(column_low)), np.float32)
    wide = np.empty((height, len(column_low)), np.float32)
    for n in range(number):
        for y in range(height):
            for x in range(len(column_low)):
                low = column_low[x]
                value = cam[n, y, low]
                wide[y, x] = (cam[n, y, min(low + 1, width - 1)] - value) * column_weight[x] + value
        for y in range(len(row_low)):
            # In this form equal neighbours give exactly equal values: ranks depend on ties.
            above, below = wide[row_low[y]], wide[min(row_low[y] + 1, height - 1)]
            for x in range(len(column_low)):
                result[n, y, x] = (below[x] - above[x]) * row_weight[y] + above[x]
    return result


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
def rank(maps: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sorts each map: its values in ascending order, float32; how many pixels have one of them up
    to there, int32; and twice the average rank (from 1) of each of its values as they stand, int32.

    All (N, D). Values must be below 2. A radix sort: the bits of a float ≥ 0, read as an integer,
    are in the float's order. Zeros, many after ReLU, stay out.
    """
    number, distinct = maps.shape
    ordered = np.empty((number, distinct), np.uint32)
    upto, ranks = np.empty((number, distinct), np.int32), np.empty((number, distinct), np.int32)
    items, spare = np.empty(distinct, np.uint64), np.empty(distinct, np.uint64)
    tallies = np.empty((4, _DIGITS), np.uint32)
    first, second, third, other = tallies[0], tallies[1], tallies[2], tallies[3]
    digit, one = np.uint32(_DIGITS - 1), np.uint32(1)
    unsigned = np.uint32(2**31 - 1)  # −0 is 0
    for n in range(number):
        bits = maps[n].view(np.uint32)
        tallies[:] = 0
        size, zeros = 0, np.int32(0)
        for i in range(distinct):
            key = bits[i] & unsigned
            if key != np.uint32(0):
                items[size] = (np.uint64(key) << _PLACE_BITS) | np.uint64(i)
                size += 1
                first[key & digit] += one
                second[(key >> np.uint32(10)) & digit] += one
                # Neighbours share this digit: two counters, so that the second need not wait.
                if size % 2:
                    third[key >> np.uint32(20)] += one
                else:
                    other[key >> np.uint32(20)] += one
            else:
                zeros += counts[i]
        third += other
        _sort_by_digit(items, spare, size, first, _PLACE_BITS)
        _sort_by_digit(spare, items, size, second, _PLACE_BITS + np.uint64(10))
        _sort_by_digit(items, spare, size, third, _PLACE_BITS + np.uint64(20))

        ordered[n, : distinct - size] = 0
        upto[n, : distinct - size] = zeros
        ranks[n] = zeros + 1
        values, ends, own = ordered[n, distinct - size :], upto[n, distinct - size :], ranks[n]
        begin, below, total, previous = 0, zeros, zeros, np.uint32(0)
        for i in range(size):
            value = np.uint32(spare[i] >> _PLACE_BITS)
            values[i] = value
            if value != previous:
                # Equal pixels share the mean of the first and the last rank among them.
                for j in range(begin, i):
                    own[spare[j] & _PLACE] = below + total + np.int32(1)
                begin, below, previous = i, total, value
            total += counts[spare[i] & _PLACE]
            ends[i] = total
        for j in range(begin, size):
            own[spare[j] & _PLACE] = below + total + np.int32(1)
    return ordered.view(np.float32), upto, ranks


@_compiled
def order_statistics(ordered: np.ndarray, upto: np.ndarray, place: int) -> np.ndarray:
    """(2, N) float32: of each map the pixel number `place` in ascending order, from 0, and the one
    behind it; `ordered` and `upto` as from `rank`."""
    found = np.empty((2, len(ordered)), np.float32)
    for n in range(len(ordered)):
        for next in range(2):
            at = np.searchsorted(upto[n], np.int32(place + next), side="right")
            found[next, n] = ordered[n, min(at, ordered.shape[1] - 1)]
    return found


@_compiled
def sums(maps: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(N,) float64: Σ of each map."""
    totals = np.zeros(len(maps))
    for n in range(len(maps)):
        total = 0.0
        for i in range(maps.shape[1]):
            total += np.float64(maps[n, i]) * counts[i]
        totals[n] = total
    return totals


@_compiled
def differences(
    p: np.ndarray, q: np.ndarray, p_mean: np.ndarray, q_mean: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """(3, N) float64: Σ |p − q|, Σ (p − q)², Σ (p − p_mean)(q − q_mean) of each pair of maps."""
    totals = np.zeros((3, len(p)))
    for n in range(len(p)):
        absolute, squared, product = 0.0, 0.0, 0.0
        for i in range(p.shape[1]):
            a, b, count = np.float64(p[n, i]), np.float64(q[n, i]), np.float64(counts[i])
            absolute += count * abs(a - b)
            squared += count * ((a - b) * (a - b))
            product += count * ((a - p_mean[n]) * (b - q_mean[n]))
        totals[0, n], totals[1, n], totals[2, n] = absolute, squared, product
    return totals


@_compiled
def rank_products(p: np.ndarray, q: np.ndarray, pixels: int, counts: np.ndarray) -> np.ndarray:
    """(N,) float64: Σ (p − m)(q − m) of each pair of rows of doubled ranks, whose mean m is known:
    the number of pixels + 1."""
    totals = np.zeros(len(p))
    mean = np.float64(pixels + 1)
    for n in range(len(p)):
        total = 0.0
        for i in range(p.shape[1]):
            total += counts[i] * ((p[n, i] - mean) * (q[n, i] - mean))
        totals[n] = total
    return totals


@_compiled
def overlaps(
    p: np.ndarray,
    q: np.ndarray,
    p_threshold: np.ndarray,
    q_threshold: np.ndarray,
    counts: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """(N,) int64 each: how many pixels reach both thresholds (N,), and how many reach either."""
    both, either = np.zeros(len(p), np.int64), np.zeros(len(p), np.int64)
    for n in range(len(p)):
        in_both, in_either = np.int32(0), np.int32(0)
        for i in range(p.shape[1]):
            a, b = p[n, i] >= p_threshold[n], q[n, i] >= q_threshold[n]
            in_both += counts[i] if a & b else np.int32(0)
            in_either += counts[i] if a | b else np.int32(0)
        both[n], either[n] = in_both, in_either
    return both, either
