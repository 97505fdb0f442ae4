"""The numbers of a run, as the paper's claims ask for them."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

import pandas as pd

SIMILAR_PERFORMANCE = 0.05  # largest spread of mean accuracies that counts as similar


VISIBLE_SHARE = 0.05  # of images below zero


LITTLE_EFFECT = 0.06  # ε²; below it an effect is small by the usual convention (η² = .06, Cohen)


class NotApplicable(Exception):
    """The run lacks an augmentation or metric that a claim is about, or its values."""


@dataclass(frozen=True)
class Run:
    """The tables of one run (see `augcam.train.measures`, `augcam.paper.aggregation`,
    `augcam.paper.segments`), those of its augmentations that are the paper's, the baseline
    (condition, state), and its other augmentations."""

    performance: pd.DataFrame
    mean: pd.DataFrame
    maps: pd.DataFrame
    pairs: pd.DataFrame
    segment_tests: pd.DataFrame
    augmentations: list[str]
    reference: tuple[str, int]
    others: tuple[str, ...] = ()

    @cached_property
    def metrics(self) -> list[str]:
        return list(dict.fromkeys(self.maps["metric"]))

    def baseline(self, measure: str) -> float:
        """The baseline's performance."""
        table = self.performance
        at = (table["condition"] == self.reference[0]) & (table["state"] == self.reference[1])
        return table.loc[at, measure].item()

    def scores(self, measure: str) -> pd.Series:
        """Mean performance over states, by augmentation."""
        means = self.performance.groupby("condition")[measure].mean()
        return means.loc[self.augmentations]

    def values(self, metric: str) -> pd.DataFrame:
        """The metric by image (rows) and condition (columns), averaged over states."""
        self.needs(metric)
        wide = self.mean.pivot(index="image_id", columns="condition", values=metric)
        wide = wide[self.augmentations]
        without = [name for name in wide if wide[name].isna().all()]
        if without:
            raise NotApplicable(f"'{metric}' is undefined for {', '.join(without)}")
        return wide

    def medians(self, metric: str) -> pd.Series:
        return self.values(metric).median()

    def correlations(self, metric: str) -> pd.Series:
        """r of every pair of augmentations in the metric's map."""
        self.needs(metric)
        rows = self.maps[self.maps["metric"] == metric]
        r = rows.set_index(["condition_a", "condition_b"])["r"]
        pairs = list(combinations(self.augmentations, 2))
        r = r.loc[pairs].dropna() if pairs else r.iloc[:0]
        if r.empty:
            raise NotApplicable("no correlation is defined")
        return r

    def pair_count(self, kind: str, pair: tuple[str, str]) -> int:
        """In how many metrics `pair` is among the strongest or weakest."""
        for name in pair:
            if name not in self.augmentations:
                raise NotApplicable(f"no augmentation '{name}'")
        if self.pairs.empty:
            raise NotApplicable("no pair is strongest or weakest")
        rows = self.pairs[self.pairs["kind"] == kind]
        same = [{a, b} == set(pair) for a, b in zip(rows["condition_a"], rows["condition_b"])]
        return int(rows.loc[same, "count"].sum())

    def needs(self, *metrics: str) -> None:
        for metric in metrics:
            if metric not in self.metrics:
                raise NotApplicable(f"no metric '{metric}'")


class Finding(NamedTuple):
    """This run's value in words and numbers, and whether the criterion is met."""

    here: str
    holds: bool
