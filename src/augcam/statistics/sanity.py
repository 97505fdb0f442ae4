"""Does a way of explaining notice that the network's weights are random? If not, its distances
between models say nothing of what these have learned."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from augcam.comparison.likeness import OTHER_IMAGE, RANDOM, Likeness
from augcam.entries import method_named

MEASURES = Likeness._fields[:2]
"""Spearman's correlations. SSIM is shown, but does not decide: smooth maps are all alike in it."""

HALF = 0.5
"""Of the way from the same maps (1) to those of two different images, which have lost all that a
map can: a map that keeps more than half of it with random weights owes most of what it shows to the
image and not to the network."""


_ROUNDING = 1e-6  # a correlation of equal maps may lie just below 1


class Verdict(NamedTuple):
    """Of one view: `notices` is None where it cannot be told; of the measure in which maps keep the
    most, its level with all weights random, that of two different images, and the limit."""

    view: str
    method: str
    notices: bool | None
    measure: str
    level: float
    other: float
    limit: float


def verdicts(table: pd.DataFrame) -> Iterator[Verdict]:
    """Of each view in the table of `augcam.comparison.sanity.sanity_table`."""
    for (view, method), rows in table.groupby(["view", "method"], sort=False):
        full = rows[rows["compared_with"] == RANDOM].sort_values("step").iloc[-1]
        (other,) = (row for _, row in rows[rows["compared_with"] == OTHER_IMAGE].iterrows())
        found = []
        for measure in MEASURES:
            level, apart = float(full[measure]), float(other[measure])
            limit = 1 - HALF * (1 - apart)
            found.append(
                Verdict(view, method, bool(level < limit - _ROUNDING), measure, level, apart, limit)
            )
        told = [v for v in found if not np.isnan(v.limit + v.level)]
        worst = max(told, key=lambda v: v.level - v.limit, default=found[0]._replace(notices=None))
        yield worst


def sanity(table: pd.DataFrame | None) -> Iterator[tuple[str, str]]:
    """A sentence of the conclusions for each view; `table`: `sanity`, where it was asked for."""
    for v in [] if table is None else verdicts(table):
        name = f"{method_named(v.method).display_name} (view '{v.view}')"
        if v.notices is None:
            text = (
                f"Whether {name} notices random weights cannot be told: with them its maps, or "
                "those of two images, are the same everywhere."
            )
        else:
            signs = "" if v.measure == MEASURES[0] else " of absolute values"
            numbers = (
                f"with all weights random its maps correlate with those of the trained network at "
                f"{v.level:.2f} (Spearman{signs}; two different images' maps: {v.other:.2f}, equal "
                "maps: 1)"
            )
            text = (
                f"{name} notices what the network has learned: {numbers}."
                if v.notices
                else f"{name} does not notice what the network has learned: {numbers}. Distances "
                "between its maps say nothing of what augmentation changes."
            )
        yield "sanity", text
