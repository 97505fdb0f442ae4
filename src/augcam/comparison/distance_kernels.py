"""The inner loops of further metrics, compiled by numba as `augcam.comparison.kernels` are;
definitions and checks are with the metrics."""

import numpy as np

from augcam.comparison.kernels import _compiled


@_compiled
def jensen_shannon(p: np.ndarray, q: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(N,) float64: ½ Σ p·log₂(p/m) + ½ Σ q·log₂(q/m) of distributions (N, D), float64, of which
    column i stands for `counts[i]` equal pixels; m is their mean."""
    totals = np.zeros(len(p))
    for n in range(len(p)):
        total = 0.0
        for i in range(p.shape[1]):
            a, b = p[n, i], q[n, i]
            middle = (a + b) / 2
            if a > 0:
                total += counts[i] * a * np.log2(a / middle)
            if b > 0:
                total += counts[i] * b * np.log2(b / middle)
        totals[n] = total / 2
    return totals


@_compiled
def similar_structure(
    p: np.ndarray, q: np.ndarray, window: np.ndarray, c1: float, c2: float
) -> np.ndarray:
    """(N,) float64: the mean of SSIM over all places of a separable `window` (K,) that lie within
    maps (N, H, W); `c1`, `c2`: its constants."""
    number, height, width = p.shape
    k = len(window)
    wide = np.zeros((5, height, width - k + 1))
    totals = np.zeros(number)
    for n in range(number):
        for y in range(height):
            for x in range(width - k + 1):
                a, b, aa, bb, ab = 0.0, 0.0, 0.0, 0.0, 0.0
                for i in range(k):
                    u, v = np.float64(p[n, y, x + i]), np.float64(q[n, y, x + i])
                    w = window[i]
                    a += w * u
                    b += w * v
                    aa += w * (u * u)
                    bb += w * (v * v)
                    ab += w * (u * v)
                wide[0, y, x], wide[1, y, x] = a, b
                wide[2, y, x], wide[3, y, x], wide[4, y, x] = aa, bb, ab
        total = 0.0
        for y in range(height - k + 1):
            for x in range(width - k + 1):
                a, b, aa, bb, ab = 0.0, 0.0, 0.0, 0.0, 0.0
                for i in range(k):
                    w = window[i]
                    a += w * wide[0, y + i, x]
                    b += w * wide[1, y + i, x]
                    aa += w * wide[2, y + i, x]
                    bb += w * wide[3, y + i, x]
                    ab += w * wide[4, y + i, x]
                top = (2 * a * b + c1) * (2 * (ab - a * b) + c2)
                bottom = (a * a + b * b + c1) * ((aa - a * a) + (bb - b * b) + c2)
                total += top / bottom
        totals[n] = total / ((height - k + 1) * (width - k + 1))
    return totals


@_compiled
def earth_mover(p: np.ndarray, q: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """(N,) float64: the least cost of turning distributions p into q, (N, C) float64 each, where
    to move all mass from cell i to cell j costs `cost[i, j]` (C, C), a metric.

    Exact: successive shortest paths with potentials (Ahuja, Magnanti and Orlin 1993, section 9.7)
    between what p has too much of and what it has too little of; mass that is common to both stays
    where it is, which is optimal for a metric.
    """
    results = np.zeros(len(p))
    cells = p.shape[1]
    for n in range(len(p)):
        sources, sinks = np.zeros(cells, np.int64), np.zeros(cells, np.int64)
        supply, demand = np.zeros(cells), np.zeros(cells)
        rows, columns = 0, 0
        for i in range(cells):
            surplus = p[n, i] - q[n, i]
            if surplus > 0:
                sources[rows], supply[rows] = i, surplus
                rows += 1
            elif surplus < 0:
                sinks[columns], demand[columns] = i, -surplus
                columns += 1
        flow = np.zeros((rows, columns))
        u, v = np.zeros(rows), np.zeros(columns)
        while True:
            # Dijkstra from all sources with supply left, over reduced costs.
            to_row, to_column = np.full(rows, np.inf), np.full(columns, np.inf)
            row_done, column_done = np.zeros(rows, np.bool_), np.zeros(columns, np.bool_)
            from_column, from_row = np.full(rows, -1), np.full(columns, -1)
            left = False
            for i in range(rows):
                if supply[i] > 0:
                    to_row[i], left = 0.0, True
            goal = -1
            while left and goal < 0:
                best, is_row, at = np.inf, True, -1
                for i in range(rows):
                    if not row_done[i] and to_row[i] < best:
                        best, is_row, at = to_row[i], True, i
                for j in range(columns):
                    if not column_done[j] and to_column[j] < best:
                        best, is_row, at = to_column[j], False, j
                if at < 0:
                    break
                if is_row:
                    row_done[at] = True
                    for j in range(columns):
                        reduced = cost[sources[at], sinks[j]] - u[at] - v[j]
                        if best + max(reduced, 0.0) < to_column[j]:
                            to_column[j], from_row[j] = best + max(reduced, 0.0), at
                else:
                    column_done[at] = True
                    if demand[at] > 0:
                        goal = at
                    for i in range(rows):
                        if flow[i, at] > 0:
                            reduced = u[i] + v[at] - cost[sources[i], sinks[at]]
                            if best + max(reduced, 0.0) < to_row[i]:
                                to_row[i], from_column[i] = best + max(reduced, 0.0), at
            if goal < 0:
                break
            reach = to_column[goal]
            for i in range(rows):
                u[i] += reach - min(to_row[i], reach)
            for j in range(columns):
                v[j] -= reach - min(to_column[j], reach)
            amount, j = demand[goal], goal
            while True:
                i = from_row[j]
                if from_column[i] < 0:
                    amount = min(amount, supply[i])
                    break
                amount = min(amount, flow[i, from_column[i]])
                j = from_column[i]
            demand[goal] -= amount
            j = goal
            while True:
                i = from_row[j]
                flow[i, j] += amount
                if from_column[i] < 0:
                    supply[i] -= amount
                    break
                flow[i, from_column[i]] -= amount
                j = from_column[i]
        for i in range(rows):
            for j in range(columns):
                results[n] += flow[i, j] * cost[sources[i], sinks[j]]
    return results
