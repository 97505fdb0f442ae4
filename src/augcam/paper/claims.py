"""The paper's claims, held against this run.

Each claim is a statement of the paper, a criterion that can be checked, the paper's own value
where it gives one, and a function that finds this run's value. Where the paper gives no number the
criterion is ours; it is written beside the answer. Claims are about the paper's augmentations:
others count for nothing. A claim about an augmentation or metric that the run lacks is "not
applicable".
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pandas as pd

from augcam.names import MEASURES, display_name
from augcam.paper.run import (
    LITTLE_EFFECT,
    SIMILAR_PERFORMANCE,
    VISIBLE_SHARE,
    Finding,
    NotApplicable,
    Run,
)


class Claim(NamedTuple):
    """One statement of the paper: section, statement, criterion, the paper's value, check."""

    section: str
    statement: str
    criterion: str
    paper: str
    check: Callable[[Run], Finding]


def _beats_baseline(measure: str) -> Claim:
    def check(run: Run) -> Finding:
        gains = (run.scores(measure) - run.baseline(measure)).sort_values()
        text = f"{(gains > 0).sum()} of {len(gains)}; {_ends(gains, '+.3f')}"
        return Finding(text, bool((gains > 0).all()))

    return Claim(
        "5.2.1",
        f"every augmentation improves on the baseline: {display_name(measure)}",
        "mean over states above the baseline's, for every augmentation",
        "7 of 7",
        check,
    )


def _affine_is_best(measure: str) -> Claim:
    def check(run: Run) -> Finding:
        if "affine" not in run.augmentations:
            raise NotApplicable("no augmentation 'affine'")
        scores = run.scores(measure)
        place = int((scores > scores["affine"]).sum()) + 1
        best = scores.idxmax()
        text = f"affine {scores['affine']:.3f}, place {place}; best: {best} {scores[best]:.3f}"
        return Finding(text, place == 1)

    return Claim(
        "5.2.1",
        f"affine is best: {display_name(measure)}",
        "highest mean over states of all augmentations",
        "place 1",
        check,
    )


def _similar_performance(run: Run) -> Finding:
    scores = run.scores("accuracy")
    spread = scores.max() - scores.min()
    text = f"{_ends(scores, '.3f')}; spread {spread:.3f}"
    return Finding(text, bool(spread <= SIMILAR_PERFORMANCE))


def _overlap_falls(run: Run) -> Finding:
    medians = pd.DataFrame({top: run.medians(f"overlap_{top}") for top in (20, 10, 5)})
    falls = (medians[20] > medians[10]) & (medians[10] > medians[5])
    means = " → ".join(f"{medians[top].mean():.3f}" for top in (20, 10, 5))
    return Finding(f"{falls.sum()} of {len(falls)}; mean of medians {means}", bool(falls.all()))


def _top_5_correlates_less(run: Run) -> Finding:
    top_20, top_5 = run.correlations("overlap_20"), run.correlations("overlap_5")
    top_20, top_5 = top_20.align(top_5, join="inner")
    if top_5.empty:
        raise NotApplicable("no pair has both correlations")
    text = f"mean r {top_20.mean():.2f} → {top_5.mean():.2f}; lower in {(top_5 < top_20).sum()} "
    return Finding(f"{text}of {len(top_5)} pairs", bool(top_5.mean() < top_20.mean()))


def _top_5_mostly_low(run: Run) -> Finding:
    r = run.correlations("overlap_5")
    low = r.round(2) <= 0.5
    return Finding(f"{low.sum()} of {len(r)} pairs; {_range(r)}", bool(low.mean() > 0.5))


def _median_below_half(metric: str) -> Claim:
    def check(run: Run) -> Finding:
        medians = run.medians(metric)
        text = f"{(medians < 0.5).sum()} of {len(medians)}; {_ends(medians, '.3f')}"
        return Finding(text, bool((medians < 0.5).all()))

    return Claim(
        "5.2.3",
        f"moderate alikeness: median {display_name(metric)} below 0.5 for all augmentations",
        "median over images < 0.5 for every augmentation",
        "7 of 7",
        check,
    )


def _visibly_negative(metric: str) -> Claim:
    def check(run: Run) -> Finding:
        values = run.values(metric)
        share = (values < 0).sum() / values.notna().sum()
        return Finding(f"share of images: {_ends(share, '.3f')}", bool(share.min() > VISIBLE_SHARE))

    return Claim(
        "5.2.3",
        f"a significant amount of maps is inversely related to the baseline's: "
        f"{display_name(metric)}",
        f"more than {VISIBLE_SHARE:.0%} of the images below 0, for every augmentation",
        "visible in figures 24 and 26",
        check,
    )


def _pearson_map_below_spearman(run: Run) -> Finding:
    pearson, spearman = run.correlations("pearson").mean(), run.correlations("spearman").mean()
    return Finding(f"mean r {pearson:.3f} against {spearman:.3f}", bool(pearson < spearman))


def _pearson_values_below_spearman(run: Run) -> Finding:
    pearson, spearman = run.medians("pearson").mean(), run.medians("spearman").mean()
    text = f"mean of medians {pearson:.3f} against {spearman:.3f}"
    return Finding(text, bool(pearson < spearman))


def _map_within(metric: str, low: float, high: float, digits: int) -> Callable[[Run], Finding]:
    def check(run: Run) -> Finding:
        r = run.correlations(metric)
        rounded = r.round(digits)
        return Finding(_range(r), bool(rounded.between(low, high).all()))

    return check


def _alike_distributions(metric: str) -> Claim:
    def check(run: Run) -> Finding:
        values = run.values(metric)
        spread = values.median().max() - values.median().min()
        box = (values.quantile(0.75) - values.quantile(0.25)).min()
        text = f"medians differ by {spread:.3f}, smallest box {box:.3f}"
        return Finding(text, bool(spread < box / 2 or not spread))

    return Claim(
        "5.2.4",
        f"no augmentation stands out: {display_name(metric)}",
        "medians of the augmentations differ by less than half the smallest box (q3 − q1)",
        "no number given",
        check,
    )


def _kld_within_one(run: Run) -> Finding:
    values = run.values("class_kld")
    share = (values <= 1).sum() / values.notna().sum()
    return Finding(f"share of images: {_ends(share, '.3f')}", bool(share.min() > 0.5))


def _kld_map_is_high(run: Run) -> Finding:
    r = run.correlations("class_kld")
    return Finding(_range(r), bool(r.round(2).min() >= 0.84))


def _maps_mostly_above_half(run: Run) -> Finding:
    shares = pd.Series({metric: (run.correlations(metric) > 0.5).mean() for metric in run.metrics})
    text = f"{(shares > 0.5).sum()} of {len(shares)} metrics; {_ends(shares, '.2f')}"
    return Finding(text, bool((shares > 0.5).mean() > 0.5))


def _pair(kind: str, pair: tuple[str, str], paper: str) -> Claim:
    def check(run: Run) -> Finding:
        if run.others:
            raise NotApplicable(f"pairs with {', '.join(run.others[:3])} … are counted, too")
        count, metrics = run.pair_count(kind, pair), len(run.metrics)
        return Finding(f"{count} of {metrics}", count >= metrics / 2)

    return Claim(
        "5.2.6",
        f"{' – '.join(map(display_name, pair))} is among the {kind} pairs",
        "in at least half of the metrics",
        paper,
        check,
    )


def _segments_change_little(run: Run) -> Finding:
    effect = run.segment_tests.groupby(["metric", "condition"])["epsilon_squared"].mean()
    effect = effect[effect.index.get_level_values("condition").isin(run.augmentations)]
    by_metric = effect.groupby("metric").mean().loc[run.metrics].dropna()
    if by_metric.empty:
        raise NotApplicable("no segments can be compared")
    return Finding(f"ε² {_ends(by_metric, '.3f')}", bool(by_metric.max() < LITTLE_EFFECT))


def _ends(values: pd.Series, form: str) -> str:
    """Lowest and highest of named values."""
    values = values.dropna()
    if values.empty:
        return "no value"
    low, high = values.idxmin(), values.idxmax()
    return f"{low} {values[low]:{form}} to {high} {values[high]:{form}}"


def _range(r: pd.Series) -> str:
    return f"r from {r.min():.2f} to {r.max():.2f}"


CLAIMS: list[Claim] = [
    *(_beats_baseline(measure) for measure in MEASURES),
    *(_affine_is_best(measure) for measure in MEASURES),
    Claim(
        "5.2.1",
        "all augmented models perform alike",
        f"mean accuracies of the augmentations within {SIMILAR_PERFORMANCE}",
        "no number given",
        _similar_performance,
    ),
    Claim(
        "5.2.2",
        "the overlap rate falls from the top 20 % to 10 % to 5 % for all augmentations",
        "medians over images fall, for every augmentation",
        "7 of 7",
        _overlap_falls,
    ),
    Claim(
        "5.2.2",
        "top-5 correlations between augmentations are lower than top-20's",
        "mean r over pairs is lower",
        "lower",
        _top_5_correlates_less,
    ),
    Claim(
        "5.2.2",
        "most top-5 correlations are at or below 0.5",
        "r ≤ 0.5, rounded to two digits, for more than half of the pairs",
        "the majority",
        _top_5_mostly_low,
    ),
    *(_median_below_half(metric) for metric in ("pearson", "spearman")),
    *(_visibly_negative(metric) for metric in ("pearson", "spearman")),
    Claim(
        "5.2.3",
        "Pearson's correlation map is lower than Spearman's on average",
        "mean r over pairs is lower",
        "lower",
        _pearson_map_below_spearman,
    ),
    Claim(
        "5.2.3",
        "Pearson's values are lower than Spearman's on average",
        "mean over augmentations of the medians is lower",
        "lower",
        _pearson_values_below_spearman,
    ),
    *(_alike_distributions(metric) for metric in ("mad", "msd")),
    Claim(
        "5.2.6",
        "MAD's correlations lie between 0.58 and 0.67",
        "every pair within the range, rounded to two digits",
        "r from 0.58 to 0.67",
        _map_within("mad", 0.58, 0.67, 2),
    ),
    Claim(
        "5.2.4",
        "MSD's correlations are around 0.5 and 0.6",
        "every pair within 0.5 to 0.6, rounded to one digit",
        "r around 0.5 and 0.6",
        _map_within("msd", 0.5, 0.6, 1),
    ),
    Claim(
        "5.2.5",
        "the class-prediction KLD mostly lies between 0 and 1",
        "more than half of the images at or below 1, for every augmentation",
        "most values",
        _kld_within_one,
    ),
    Claim(
        "5.2.5",
        "the class-prediction KLD correlates highly between all augmentations",
        "every pair's r ≥ 0.84, rounded to two digits",
        "r from 0.84",
        _kld_map_is_high,
    ),
    Claim(
        "5.2.6",
        "in most metrics the correlation maps lie above 0.5",
        "r > 0.5 for more than half of the pairs, in more than half of the metrics",
        "most metrics",
        _maps_mostly_above_half,
    ),
    _pair("strongest", ("gaussblur", "elastic"), "7 of 8 (text), at most 6 (table 1)"),
    _pair("strongest", ("cutmix", "affine"), "6 of 8"),
    _pair("strongest", ("cutmix", "colorjitter"), "5 of 8"),
    _pair("strongest", ("colorjitter", "affine"), "6 of 8"),
    _pair("weakest", ("gaussblur", "cutmix"), "8 of 8"),
    _pair("weakest", ("cutmix", "equalize"), "7 of 8"),
    _pair("weakest", ("affine", "equalize"), "5 of 8"),
    Claim(
        "appendix C",
        "who is right changes the distributions little, in all metrics",
        f"ε² < {LITTLE_EFFECT} for every metric (mean over augmentations and states)",
        "minimal",
        _segments_change_little,
    ),
]


def check_claims(run: Run, withheld: str = "") -> pd.DataFrame:
    """Every claim with this run's answer.

    `withheld`: why no claim is checked, where this is so. Returns section, statement, criterion,
    paper, here, holds (yes, no, not applicable or withheld).
    """
    return pd.DataFrame(_rows(run, withheld))


def _rows(run: Run, withheld: str) -> Iterator[dict[str, str]]:
    for claim in CLAIMS:
        try:
            here, answer = withheld, "withheld"
            if not withheld:
                if not run.augmentations:
                    raise NotApplicable("this run has none of the paper's augmentations")
                here, holds = claim.check(run)
                answer = "yes" if holds else "no"
        except NotApplicable as reason:
            here, answer = str(reason), "not applicable"
        yield {
            "section": claim.section,
            "statement": claim.statement,
            "criterion": claim.criterion,
            "paper": claim.paper,
            "here": here,
            "holds": answer,
        }
