"""Figures of the report's second half: the listed ones are drawn, from what the tables say."""

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from test_likeness import maps_of, random_cams
from test_statistics import simulated

from augcam.config.messages import parse_config
from augcam.report.catalogue import figures
from augcam.report.statistics import NULL_STYLES, TARGET_STYLES, draw_all, forest, null_levels
from augcam.report.structure import dendrograms
from augcam.statistics.clusters import tree_table, trees, with_consensus
from augcam.statistics.decoupling import map_table
from augcam.statistics.effects import effects, variance_split
from augcam.statistics.modelspace import (
    condition_replicates,
    condition_table,
    distance,
    pair_sums,
    positions,
)
from augcam.statistics.planning import plan
from augcam.statistics.resampling import group_images

CONDITIONS = ["affine", "cutmix", "elastic", "none", "identity"]
METRICS = ["mad", "pearson"]


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def tables_of(d, controls):
    found = maps_of(d, 50)
    cams, models = random_cams()
    named = dict(zip("abc", ("affine", "none", "identity")))
    models = [(named[condition], state) for condition, state in models]
    rng = np.random.default_rng(0)
    sums = pair_sums(cams, 20, *group_images(40, rng))
    replicates, names = condition_replicates(sums, models, 40, 20, rng)
    apart = {("models", m): distance(values, m) for m, values in replicates.items()}
    quartiles = {"min": 0.0, "q1": 0.2, "median": 0.3, "q3": 0.5, "max": 0.9}
    summary = [{"condition": c, "metric": m} | quartiles for c in CONDITIONS for m in METRICS]
    nulls = [{"null": n, "metric": m, "median": 0.1} for n in NULL_STYLES for m in METRICS]
    at = [i for i, c in enumerate(d.conditions) if c != "none"]
    grown = {key: 1 - r for key, r in with_consensus(found, at).items()}
    changes = [(c, m, t, 0.2) for c in CONDITIONS for m in METRICS for t in TARGET_STYLES]
    columns = ["condition", "metric", "target", "mean"]
    return {
        "target_changes": pd.DataFrame(changes, columns=columns),
        "equal_models": pd.DataFrame(columns=["condition", "state", "equal_to"]),
        "similarity_summary": pd.DataFrame(summary),
        "null_levels": pd.DataFrame(nulls),
        "effects": effects(d, controls, 100),
        "variance_split": variance_split(d),
        "decoupled_maps": map_table(found, d),
        "correlation_trees": trees(grown, at, [d.conditions[i] for i in at]),
        "model_trees": trees(apart, list(range(len(names))), names),
        "model_positions": positions(sums, models),
        "condition_similarity": condition_table(replicates, names, models, 0.05),
        "planning": plan(d, controls),
    }


@pytest.mark.slow
@pytest.mark.parametrize("states,controls", [(3, ["none", "identity"]), (1, ["identity"]), (1, [])])
def test_what_the_report_lists_is_drawn_also_where_there_is_nothing_to_tell(states, controls):
    d = simulated(states=states)
    values = {
        "augmentations": CONDITIONS[:3],
        "controls": ["none", "identity"] if controls else [],
        "starting_states": list(range(1, states + 1)),
        "similarity": {"metrics": METRICS},
    }
    listed = {i.name for i in figures(parse_config(values)) if i.family == "statistics"}
    arguments = METRICS, CONDITIONS, CONDITIONS, controls, 0.8
    names = []
    for name, figure in draw_all(tables_of(d, controls), *arguments):
        figure.draw_without_rendering()
        names.append(name)
        plt.close(figure)
    assert set(names) == listed and len(names) == len(listed)


def test_a_forest_shows_farther_to_the_right_for_every_metric():
    d = simulated(states=4, shift=2.0)
    figure = forest(effects(d, ["identity"], 100), "identity", METRICS)
    for panel in figure.axes[:2]:
        points = [line for line in panel.lines if line.get_marker() == "o"]
        first = points[0]  # affine, farther in both metrics
        assert first.get_xdata()[0] > 0
        assert first.get_markerfacecolor() != "white"


def test_the_legend_holds_what_any_panel_shows():
    """Class predictions have no mean map, and may come first."""
    metrics = ["class_kld", "mad"]
    quartiles = {"min": 0.0, "q1": 0.2, "median": 0.3, "q3": 0.5, "max": 0.9}
    summary = pd.DataFrame([{"condition": "none", "metric": m} | quartiles for m in metrics])
    shown = [("other_image", "class_kld"), *((null, "mad") for null in NULL_STYLES)]
    nulls = pd.DataFrame(
        [{"null": null, "metric": metric, "median": 0.1} for null, metric in shown]
    )
    figure = null_levels(summary, nulls, metrics, ["none"])
    (legend,) = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == [label for _, label in NULL_STYLES.values()]
    assert not null_levels(summary, nulls.iloc[:0], metrics, ["none"]).legends


def test_a_tree_shows_its_leaves_and_the_support_of_its_nodes():
    distance_of = np.array([[0, 1, 4, 4], [1, 0, 4, 4], [4, 4, 0, 2], [4, 4, 2, 0]], float)
    replicates = np.repeat(distance_of[None], 7, axis=0)
    table = tree_table(replicates, ["affine", "cutmix", "elastic", "none"], "models", "msd")
    figure = dendrograms(table.assign(left_out=""))
    axes = figure.axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert sorted(labels) == ["Affine", "CutMix", "Elastic", "None"]
    assert abs(labels.index("Affine") - labels.index("CutMix")) == 1
    assert [text.get_text() for text in axes.texts] == ["100", "100"]


def test_support_stands_apart_in_a_dense_tree():
    """Nine leaves that join at nearly the same height: no number touches another."""
    rng = np.random.default_rng(0)
    names = [f"leaf {i}" for i in range(9)]
    replicates = 0.4 + 0.02 * rng.random((31, 9, 9))
    table = tree_table(replicates, names, "models", "msd").assign(left_out="")
    figure = dendrograms(table)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 7
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    assert figure.axes[0].get_xlim()[0] > 0.3
