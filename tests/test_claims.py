"""Each claim's answer on tables for which it is known."""

import numpy as np
import pandas as pd
import pytest

from augcam.comparison.explained import SEGMENTS
from augcam.names import MEASURES, PAPER_AUGMENTATIONS, PAPER_METRICS
from augcam.paper.aggregation import correlation_maps, pair_counts
from augcam.paper.claims import CLAIMS, check_claims
from augcam.paper.run import Run
from augcam.paper.segments import segment_tests

NAMES = list(PAPER_AUGMENTATIONS)
HIGHER = dict(zip(PAPER_METRICS, (0.2, 0.1, 0.4, 0.45, 0.5, 0.4, 0.3, 0.5)))


def paperlike_run(**changes) -> Run:
    """Tables made so that the paper's claims about values hold; pairs are as they come."""
    rng = np.random.default_rng(0)
    images = 400
    common = rng.normal(size=(images, len(PAPER_METRICS)))
    parts = []
    for name in NAMES:
        own = rng.normal(size=(images, len(PAPER_METRICS)))
        own[:, PAPER_METRICS.index("class_kld")] *= 0.3
        own[:, PAPER_METRICS.index("overlap_5")] *= 1.6
        values = np.array([HIGHER[m] for m in PAPER_METRICS]) + 0.25 * (common + 0.75 * own)
        frame = pd.DataFrame(values, columns=list(PAPER_METRICS))
        frame.insert(0, "condition", name)
        frame.insert(0, "image_id", np.arange(images))
        parts.append(frame)
    mean = pd.concat(parts, ignore_index=True)
    scores = {name: 0.60 + 0.001 * i for i, name in enumerate(reversed(NAMES))}
    performance = pd.DataFrame(
        [
            {"condition": condition, "state": state} | dict.fromkeys(MEASURES, score)
            for condition, score in {"none": 0.5, **scores}.items()
            for state in (1, 2)
        ]
    )
    maps = correlation_maps(mean, list(PAPER_METRICS))
    tables = {(n, 1): part.assign(segment=rng.choice(SEGMENTS, images))
              for n, part in zip(NAMES, parts)}  # fmt: skip
    values = {
        "performance": performance,
        "mean": mean,
        "maps": maps,
        "pairs": pair_counts(maps, NAMES, 4),
        "segment_tests": segment_tests(tables, list(PAPER_METRICS)),
        "augmentations": NAMES,
        "reference": ("none", 1),
    }
    return Run(**values | changes)


def answers(run):
    table = check_claims(run)
    assert len(table) == len(CLAIMS)
    assert list(table.columns) == ["section", "statement", "criterion", "paper", "here", "holds"]
    return table.set_index("statement")


def test_claims_hold_where_they_should():
    table = answers(paperlike_run())
    assert table["holds"].isin(["yes", "no"]).all()
    for start in (
        "every augmentation improves",
        "affine is best",
        "all augmented models perform alike",
        "the overlap rate falls",
        "top-5 correlations between",
        "moderate alikeness",
        "a significant amount",
        "Pearson's values",
        "no augmentation stands out",
        "the class-prediction KLD mostly",
        "in most metrics",
        "who is right",
    ):
        matching = table[table.index.str.startswith(start)]
        assert len(matching) and (matching["holds"] == "yes").all(), matching["here"].tolist()
    gain = table.loc["every augmentation improves on the baseline: Accuracy", "here"]
    assert gain == "7 of 7; randcrop +0.100 to affine +0.106"


@pytest.mark.slow
def test_claims_fail_where_they_should():
    run = paperlike_run()
    worse = run.performance.copy()
    worse.loc[worse["condition"] == "affine", "accuracy"] = 0.3
    upside_down = run.mean.rename(columns={"overlap_20": "overlap_5", "overlap_5": "overlap_20"})
    alike = run.mean.assign(pearson=0.9, spearman=0.2)
    tests = run.segment_tests.assign(epsilon_squared=0.2)
    cases = {
        "every augmentation improves on the baseline: Accuracy": {"performance": worse},
        "affine is best: Accuracy": {"performance": worse},
        "all augmented models perform alike": {"performance": worse},
        "the overlap rate falls from the top 20 % to 10 % to 5 % for all augmentations": {
            "mean": upside_down
        },
        "moderate alikeness: median Pearson correlation below 0.5 for all augmentations": {
            "mean": alike
        },
        "Pearson's values are lower than Spearman's on average": {"mean": alike},
        "who is right changes the distributions little, in all metrics": {"segment_tests": tests},
    }
    for statement, changes in cases.items():
        assert answers(paperlike_run(**changes)).loc[statement, "holds"] == "no", statement
    here = answers(paperlike_run(performance=worse)).loc["affine is best: Accuracy", "here"]
    assert here == "affine 0.300, place 7; best: cutmix 0.605"


@pytest.mark.parametrize("count,expected", [(8, "yes"), (4, "yes"), (3, "no"), (0, "no")])
def test_pairs_are_counted_in_either_order(count, expected):
    pairs = pd.DataFrame(
        [("weakest", "cutmix", "gaussblur", count), ("strongest", "cutmix", "gaussblur", 8)],
        columns=["kind", "condition_a", "condition_b", "count"],
    )
    row = answers(paperlike_run(pairs=pairs)).loc[
        "Gaussian blur – CutMix is among the weakest pairs"
    ]
    assert (row["here"], row["holds"]) == (f"{count} of 8", expected)


def test_claims_about_what_a_run_lacks_are_not_applicable():
    run = paperlike_run(augmentations=["cutmix"])
    table = answers(run)
    assert table.loc["affine is best: Accuracy", "holds"] == "not applicable"
    assert (table.loc[table.index.str.contains("among the"), "holds"] == "not applicable").all()
    few = paperlike_run(maps=run.maps[run.maps["metric"] == "mad"])
    row = answers(few).loc["Pearson's correlation map is lower than Spearman's on average"]
    assert (row["here"], row["holds"]) == ("no metric 'pearson'", "not applicable")


def test_withheld_claims_are_all_there_without_an_answer():
    claims = check_claims(None, withheld="withheld: the networks learned nothing")
    assert len(claims) == len(CLAIMS)
    assert set(claims["holds"]) == {"withheld"}
    assert set(claims["here"]) == {"withheld: the networks learned nothing"}


def test_undefined_values_are_no_crash():
    run = paperlike_run()
    mean = run.mean.assign(pearson=np.nan)
    table = answers(paperlike_run(mean=mean, maps=correlation_maps(mean, list(PAPER_METRICS))))
    row = table.loc[
        "moderate alikeness: median Pearson correlation below 0.5 for all augmentations"
    ]
    assert row["holds"] == "not applicable"
    assert row["here"].startswith("'pearson' is undefined for affine, ")
    some = run.mean.assign(pearson=run.mean["pearson"].where(run.mean["condition"] != "affine"))
    table = answers(paperlike_run(mean=some))
    row = table.loc[
        "moderate alikeness: median Pearson correlation below 0.5 for all augmentations"
    ]
    assert (row["here"], row["holds"]) == ("'pearson' is undefined for affine", "not applicable")
