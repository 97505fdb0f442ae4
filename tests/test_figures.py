"""Figures: they draw what the tables say, and no label covers another."""

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.text import Text

from augcam.comparison.explained import SEGMENTS, Explained
from augcam.data.geometry import CROP, Fit
from augcam.entries import augmentation_named
from augcam.names import BOTH_CONTROLS, PAPER_AUGMENTATIONS
from augcam.paper.aggregation import correlation_maps, extreme_images, pair_counts
from augcam.paper.segments import by_condition, segment_summary, segment_tests, segment_values
from augcam.report import pictures, style
from augcam.report.charts import (
    correlation_map,
    metric_boxplot,
    pair_bars,
    segment_boxplot,
    segments_overview,
)
from augcam.report.examples import as_pixels, example_ids, most_confident, shown_copy
from augcam.report.extremes import LABELS, extreme_figures
from augcam.report.performance import architecture_curves, architecture_times, performance_bars

SEVEN = [*PAPER_AUGMENTATIONS, *BOTH_CONTROLS]
TWENTY = [*PAPER_AUGMENTATIONS, *(f"augmentation {i}" for i in range(13)), *BOTH_CONTROLS]
METRICS = ["mad", "class_kld"]


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def mean_table(conditions, images=60):
    rng = np.random.default_rng(0)
    parts = [
        pd.DataFrame(
            {
                "image_id": np.arange(images),
                "condition": name,
                "mad": rng.random(images),
                "class_kld": rng.exponential(size=images),
            }
        )
        for name in conditions
    ]
    table = pd.concat(parts, ignore_index=True)
    table.loc[:2, "mad"] = np.nan
    return table


def performance_table(conditions):
    rng = np.random.default_rng(1)
    rows = [(name, state, rng.uniform(0.4, 0.6)) for name in conditions for state in (1, 2, 3)]
    return pd.DataFrame(rows, columns=["condition", "state", "accuracy"])


def overlapping_texts(figure):
    """Pairs of texts of a drawn figure that cover each other."""
    figure.canvas.draw()
    texts = []
    for axes in figure.axes:
        texts += [*axes.get_xticklabels(), *axes.get_yticklabels()]
        texts += [axes.xaxis.label, axes.yaxis.label]
        texts += [part for part in axes.get_children() if isinstance(part, Text)]  # and titles
    boxes = [
        (text.get_text(), text.get_window_extent())
        for text in texts
        if text.get_text() and text.get_visible() and text.get_in_layout()
    ]

    def covers(a, b):
        width = min(a.x1, b.x1) - max(a.x0, b.x0)
        height = min(a.y1, b.y1) - max(a.y0, b.y0)
        return width > 1 and height > 1

    return [(a, b) for (a, p), (b, q) in combinations(boxes, 2) if covers(p, q)]


def drawings(conditions):
    mean = mean_table(conditions)
    maps = correlation_maps(mean, METRICS)
    yield performance_bars(performance_table(conditions), "accuracy", conditions, ("none", 1))
    for metric in METRICS:
        yield metric_boxplot(mean, metric, conditions)
        yield correlation_map(maps, metric, conditions)
    yield metric_boxplot(mean, "class_kld", conditions, linear=True)
    yield pair_bars(pair_counts(maps, conditions[:-2], 4), 4, len(METRICS))


@pytest.mark.slow
@pytest.mark.parametrize("conditions", [SEVEN, TWENTY, SEVEN[-3:]], ids=["7", "20", "1"])
def test_no_label_covers_another(conditions):
    for figure in drawings(conditions):
        assert overlapping_texts(figure) == []


def segment_tables(conditions):
    rng = np.random.default_rng(2)
    mean = mean_table(conditions)
    return {
        (name, state): mean[mean["condition"] == name].assign(segment=rng.choice(SEGMENTS, 60))
        for name in conditions
        for state in (1, 2)
    }


@pytest.mark.parametrize("conditions", [SEVEN, TWENTY], ids=["7", "20"])
def test_segments_are_legible(conditions):
    tables = segment_tables(conditions)
    summary, tests = segment_summary(tables, METRICS), segment_tests(tables, METRICS)
    assert overlapping_texts(segments_overview(summary, tests, METRICS, conditions)) == []
    name, pooled = next(by_condition(tables))
    figure = segment_boxplot(segment_values(pooled, "mad"), "mad", name)
    assert overlapping_texts(figure) == []
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    sizes = [int(label.rpartition("= ")[2]) for label in labels]
    assert sum(sizes) == pooled["mad"].notna().sum()


def test_a_boxplot_counts_what_it_leaves_out():
    mean = mean_table(SEVEN)
    figure = metric_boxplot(mean, "mad", SEVEN)
    label = figure.axes[0].get_xticklabels()[0].get_text()
    assert label == "Affine\nn = 57\n3 excluded"


def test_the_kld_is_shown_on_both_scales():
    mean = mean_table(SEVEN)
    assert metric_boxplot(mean, "class_kld", SEVEN).axes[0].get_yscale() == "symlog"
    linear = metric_boxplot(mean, "class_kld", SEVEN, linear=True)
    assert linear.axes[0].get_yscale() == "linear"


def test_architectures_are_drawn_epoch_by_epoch():
    table = pd.DataFrame(
        {
            "architecture": ["resnet20"] * 2 + ["resnet32"] * 2,
            "epoch": [1, 2] * 2,
            "accuracy": [0.1, 0.4, 0.2, 0.3],
            "seconds": [60.0, 65.0, 100.0, 101.0],
        }
    )
    figure = architecture_curves(table, "accuracy")
    assert [line.get_ydata().tolist() for line in figure.axes[0].lines] == [[0.1, 0.4], [0.2, 0.3]]
    times = architecture_times(table)
    assert times.axes[0].get_xlabel() == "minutes for 2 epochs"
    assert [text.get_text() for text in times.axes[0].texts] == ["2.1", "3.4"]
    assert overlapping_texts(times) == []


def test_a_colour_belongs_to_a_name():
    assert style.colour("affine") == augmentation_named("affine").colour
    assert style.colour("my own") == style.colour("my own")


# -------------------------------------------------------------------------------------- pictures


def explained(seed, images, classes=3):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(images, classes))
    return Explained(
        np.arange(10, 10 + images), rng.normal(size=(images, 4, 4)).astype(np.float32), logits,
        rng.random(images) < 0.5,
    )  # fmt: skip


def test_extreme_grids_show_every_model_of_the_right_image():
    rng = np.random.default_rng(0)
    models = {("none", 1): explained(0, 6)}
    similarity = {}
    for i, model in enumerate([("affine", 1), ("affine", 2), ("cutmix", 1), ("cutmix", 2)]):
        models[model] = explained(i + 1, 6)
        similarity[model] = pd.DataFrame({"image_id": np.arange(10, 16), "mad": rng.random(6)})
    mean = pd.concat(
        [
            pd.DataFrame(
                {
                    "image_id": np.arange(10, 16),
                    "condition": name,
                    "mad": (similarity[name, 1]["mad"] + similarity[name, 2]["mad"]) / 2,
                }
            )
            for name in ("affine", "cutmix")
        ]
    )
    extremes = extreme_images(mean, ["mad"], ["affine", "cutmix"])
    images = rng.integers(0, 256, (16, 12, 20, 3), dtype=np.uint8)
    index = pd.DataFrame({"image_id": np.arange(16), "label": np.arange(16) % 3})
    index["class_name"] = [f"class {label}" for label in index["label"]]
    drawn = dict(extreme_figures(extremes, ["mad"], models, similarity, mean, images, index, CROP))
    assert set(drawn) == {"highest_mean_mad", "highest_std_mad", "lowest_mean_mad"}
    image = extremes.loc[extremes["extreme"] == "highest_mean", "image_id"].item()
    figure = drawn["highest_mean_mad"]
    title = " ".join(text.get_text() for text in figure.texts)
    assert f"test image {image} Class class {image % 3}, mean" in title
    texts = [text.get_text() for text in figure.axes[0].texts]
    for model, table in similarity.items():
        row = image - 10
        predicted = models[model].logits[row].argmax()
        mark = "✓" if models[model].right[row] else "✗"
        assert f"{mark} class {predicted}  {table['mad'][row]:.3f}" in texts
    assert overlapping_texts(figure) == []


@pytest.mark.parametrize("fit", [CROP, Fit("pad", (10, 200, 90)), Fit("squash")])
def test_maps_are_drawn_on_the_square_that_networks_see(fit):
    """Of an image of 12×48 whose left end is red: lost by crop, on a ground with pad."""
    mean = mean_table(["affine"]).query("image_id == 10")
    images = np.zeros((11, 12, 48, 3), np.uint8)
    images[:, :, :12] = (255, 0, 0)
    drawn = extreme_figures(
        extreme_images(mean, ["mad"], ["affine"]), ["mad"],
        {("none", 1): explained(0, 1, classes=1), ("affine", 1): explained(1, 1, classes=1)},
        {("affine", 1): pd.DataFrame({"image_id": [10], "mad": [0.5]})}, mean, images,
        pd.DataFrame({"image_id": [10], "label": [0], "class_name": ["a"]}), fit,
    )  # fmt: skip
    canvas = dict(drawn)["highest_mean_mad"].axes[0].images[0].get_array()
    tile = canvas[: pictures.TILE, LABELS : LABELS + pictures.TILE]
    red = (tile == (255, 0, 0)).all(axis=2)
    assert red.mean() == {"crop": 0, "pad": 1 / 16, "squash": 1 / 4}[fit.how]
    ground = (tile == (10, 200, 90)).all(axis=2)
    assert ground.mean() == {"crop": 0, "pad": 3 / 4, "squash": 0}[fit.how]


def test_an_extreme_that_no_image_has_is_said():
    mean = mean_table(["affine"]).assign(mad=np.nan)
    extremes = extreme_images(mean, ["mad", "class_kld"], ["affine"])
    assert list(extremes["metric"]) == ["class_kld"] * 2  # one augmentation has no deviation
    drawn = extreme_figures(
        extremes, ["mad"], {("none", 1): explained(0, 6)}, {}, mean,
        np.zeros((1, 4, 4, 3), np.uint8),
        pd.DataFrame({"image_id": [0], "label": [0], "class_name": ["a"]}), CROP,
    )  # fmt: skip
    figure = dict(drawn)["highest_mean_mad"]
    assert "no test image has the values" in figure.texts[0].get_text()


def test_an_overlay_is_the_grey_image_where_the_map_is_zero():
    pixels = np.full((8, 8, 3), 90, np.uint8)
    cam = np.zeros((4, 4), np.float32)
    assert (pictures.overlay(pixels, cam) == 90).all()
    cam[0, 0] = 1
    coloured = pictures.overlay(pixels, cam)
    assert (coloured[-1, -1] == 90).all() and (coloured[0, 0] != 90).any()


def test_examples_are_what_training_shows(make_course):
    course = make_course(
        "affine", {"degrees": 30, "translate": (0, 0), "scale": (1, 1), "shear": 5}
    )
    store = course.store
    image = example_ids(store, [course.order])[0]
    shown = shown_copy(course, image, epoch=1)
    order = course.epoch_order(1)
    position = int(np.flatnonzero((order[:, 0] == image) & (order[:, 1] == 1))[0])
    batches = list(course.batches(1))
    batch = batches[position // course.training.batch_size]
    expected = as_pixels(store, batch.images[position % course.training.batch_size])
    np.testing.assert_array_equal(shown, expected)
    assert not np.array_equal(shown, shown_copy(course, image, epoch=0))


def test_pixels_survive_the_way_to_the_network_and_back(store):
    raw = store.resized(store.raw(torch.tensor([5])))
    expected = (raw[0].permute(1, 2, 0) * 255).round().byte().numpy()
    np.testing.assert_array_equal(as_pixels(store, store.inputs(torch.tensor([5]))[0]), expected)


def test_the_most_confident_right_prediction():
    logits = np.array([[9.0, 0], [3, 0], [5, 0]])
    assert most_confident(logits, np.array([False, True, True])) == 2
    assert most_confident(logits, np.array([False, False, False])) == 0
    assert most_confident(logits * 1000, np.array([False, True, False])) == 1
