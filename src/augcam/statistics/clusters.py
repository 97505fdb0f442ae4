"""Clusters: which augmentations are alike, how well supported, and are the paper's there?"""

from itertools import combinations

import numpy as np
import pandas as pd

from augcam.entries import metric_named
from augcam.statistics.decoupling import Correlations
from augcam.statistics.resampling import interval, parts_of

CONSENSUS = "consensus"
LINKAGE = ["left", "right", "height", "n_members"]  # the columns of scipy's linkage

_ALIKE = 1e-9  # rounding, of distances of order 1


Clade = frozenset[int]


def redundant_groups(metrics: list[str]) -> list[list[str]]:
    """Metrics that say nearly the same together: those of one section of the report."""
    families: dict[str, list[str]] = {}
    for metric in metrics:
        families.setdefault(metric_named(metric).section, []).append(metric)
    return list(families.values())


def consensus(found: dict[str, np.ndarray]) -> np.ndarray:
    """Mean over metrics, each family of redundant metrics counting once."""
    families = redundant_groups(list(found))
    return np.mean([np.mean([found[m] for m in family], axis=0) for family in families], axis=0)


def average_linkage(distance: np.ndarray) -> np.ndarray:
    """The average-linkage tree of (C, C) distances, as scipy has it: (C - 1, 4), root last."""
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    return linkage(squareform(distance, checks=False), "average")


def clades(tree: np.ndarray) -> list[Clade]:
    """The members of each node of a tree (C - 1, 4), root last."""
    nodes: list[Clade] = [frozenset([i]) for i in range(len(tree) + 1)]
    for left, right, *_ in tree:
        nodes.append(nodes[int(left)] | nodes[int(right)])
    return nodes[len(tree) + 1 :]


def cophenetic_correlation(distance: np.ndarray) -> float:
    """How well the tree keeps the distances: their correlation with its heights (1: perfectly)."""
    from scipy.cluster.hierarchy import cophenet
    from scipy.spatial.distance import squareform

    condensed = squareform(distance, checks=False)
    if len(condensed) < 3 or np.ptp(condensed) == 0:
        return np.nan
    return float(cophenet(average_linkage(distance), condensed)[0])


def tree_table(replicates: np.ndarray, names: list[str], source: str, metric: str) -> pd.DataFrame:
    """The tree of the estimated distances, and its support in the resamples of images and states
    together: (3 R + 1, C, C), as in `distances.parts_of`.

    Returns source, metric, node (joined later: larger), the row of the linkage (left, right,
    height, n_members: leaves count from 0, nodes from C), members (joined by " + ", in the order of
    the leaves), support (share of resamples whose tree has a node with exactly these members; the
    root has none), cophenetic. Empty where a distance is undefined, or all are equal.
    """
    columns = [
        "source", "metric", "node", *LINKAGE, "members", "support", "cophenetic"
    ]  # fmt: skip
    replicates = _as_distances(replicates)
    estimate, together, *_ = parts_of(replicates)
    apart = estimate[np.triu_indices(len(names), 1)]
    if len(names) < 3 or np.isnan(apart).any() or np.ptp(apart) <= _ALIKE:
        return pd.DataFrame(columns=columns)
    tree = average_linkage(estimate)
    nodes = clades(tree)
    seen = dict.fromkeys(nodes, 0)
    usable = [sample for sample in together if not np.isnan(sample).any()]
    for sample in usable:
        for node in clades(average_linkage(sample)):
            if node in seen:
                seen[node] += 1
    fit = cophenetic_correlation(estimate)
    rows = []
    for number, (node, (left, right, height, count)) in enumerate(zip(nodes, tree)):
        proper = len(node) < len(names) and usable
        support = seen[node] / len(usable) if proper else np.nan
        members = " + ".join(names[i] for i in sorted(node))
        joined = int(left), int(right), height, int(count)
        rows.append((source, metric, number, *joined, members, support, fit))
    return pd.DataFrame(rows, columns=columns)


def _as_distances(values: np.ndarray) -> np.ndarray:
    """Symmetric, not negative, 0 on the diagonal."""
    values = np.maximum((values + values.swapaxes(-1, -2)) / 2, 0)
    diagonal = np.arange(values.shape[-1])
    values[..., diagonal, diagonal] = 0
    return values


def is_defined(square: np.ndarray, at: list[int]) -> bool:
    """Is every entry of (C, C) between two different ones of `at` defined?"""
    part = square[np.ix_(at, at)]
    return not np.isnan(part[np.triu_indices(len(at), 1)]).any()


def with_consensus(
    found: dict[str, Correlations], at: list[int]
) -> dict[tuple[str, str], np.ndarray]:
    """(kind, metric) → r, (3 R + 1, C, C), of every metric, and of the consensus of those
    that are defined among the conditions `at` (none where there are none)."""
    result: dict[tuple[str, str], np.ndarray] = {}
    for kind in Correlations._fields:
        maps = {metric: getattr(c, kind) for metric, c in found.items()}
        result |= {(kind, metric): r for metric, r in maps.items()}
        defined = {metric: r for metric, r in maps.items() if is_defined(r[0], at)}
        if defined:
            result[kind, CONSENSUS] = consensus(defined)
    return result


def trees(
    distances: dict[tuple[str, str], np.ndarray], at: list[int], names: list[str]
) -> pd.DataFrame:
    """`tree_table` of the conditions `at` for each (source, metric), and `left_out`: the metrics
    (joined by " + ") that the consensus lacks, as they are undefined among these conditions."""
    tables = []
    for (source, metric), d in distances.items():
        others = [m for s, m in distances if s == source and metric == CONSENSUS]
        left_out = [m for m in others if not is_defined(distances[source, m][0], at)]
        table = tree_table(d[:, at][:, :, at], names, source, metric)
        tables.append(table.assign(left_out=" + ".join(left_out)))
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else tables[0]


def suggested_clusters(
    likeness: dict[tuple[str, str], np.ndarray],
    conditions: list[str],
    augmentations: list[str],
    suggested: list[list[str]],
    n_states: int,
    alpha: float,
) -> pd.DataFrame:
    """Are the members of a suggested cluster more alike than others?

    `likeness`: (kind, metric) → replicates (3 R + 1, C, C) of a measure that is larger for
    conditions that are more alike. `margin`: its mean between members minus its mean between
    members and others; for a cluster of one, the mean among the others minus that with it. Returns
    cluster, kind, metric, margin, low, high (bootstrap over images and states), p (share of all
    equally large sets of augmentations with a margin as large), smallest_p. Members that are not
    studied are left out; so are clusters of none, or of all.
    """
    at = [conditions.index(name) for name in augmentations]
    rows = []
    for wanted in suggested:
        members = [i for i, name in enumerate(augmentations) if name in wanted]
        if not 0 < len(members) < len(augmentations) or len(augmentations) < 3:
            continue
        sets = list(combinations(range(len(augmentations)), len(members)))
        title = " + ".join(augmentations[i] for i in members)
        for (kind, metric), replicates in likeness.items():
            r = replicates[:, at][:, :, at]
            margin = _margin(r, members)
            low, high = map(float, interval(margin, n_states, alpha))
            every = np.array([_margin(r[:1], list(chosen))[0] for chosen in sets])
            p = (every >= margin[0] - 1e-12).mean() if not np.isnan(margin[0]) else np.nan
            rows.append((title, kind, metric, margin[0], low, high, p, 1 / len(sets)))
    columns = ["cluster", "kind", "metric", "margin", "low", "high", "p", "smallest_p"]
    return pd.DataFrame(rows, columns=columns)


def _margin(r: np.ndarray, members: list[int]) -> np.ndarray:
    """(R, C, C) → (R,): mean within the members minus mean between them and the others."""
    others = [i for i in range(r.shape[-1]) if i not in members]
    alike = members if len(members) > 1 else others
    first, second = zip(*combinations(alike, 2)) if len(alike) > 1 else ((), ())
    within = r[:, first, second].mean(axis=1) if first else np.full(len(r), np.nan)
    return within - r[:, members][:, :, others].mean(axis=(1, 2))
