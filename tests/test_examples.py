"""Figures of examples: the copies that trainings see, and the surest right prediction's map."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from augcam.comparison.explained import Explained
from augcam.comparison.maps import to_maps
from augcam.config.conditions import built_in_step
from augcam.config.schema import Training
from augcam.data.images import read_order
from augcam.report.examples import augmentation_figures, cam_figure

AFFINE = [built_in_step("affine")]
TRAINING = Training(epochs=2, batch_size=32)
SEEDS = {state: {"augmentation": state, "network": state} for state in (1, 2, 3)}


@pytest.fixture
def drawn(store, data_folder):
    """Axes by row and column of the figure of one augmentation, by the orders of the states."""

    def draw(orders, **parameters):
        seeds = {state: SEEDS[state] for state in orders}
        figures = augmentation_figures(store, orders, parameters, seeds, TRAINING, 0)
        for name, figure in figures:
            axes = np.array(figure.axes).reshape(3, -1)
            plt.close(figure)
            yield name, axes

    return draw


def test_copies_are_those_that_trainings_see(drawn, make_course, data_folder, store):
    order = read_order(data_folder / "order.npy")
    ((name, axes),) = drawn(dict.fromkeys((1, 2, 3), order), affine=AFFINE)
    assert name == "augmentation_affine"
    titles = [panel.get_title() for panel in axes[0]]
    draws = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)]
    assert titles == ["Original", *(f"state {state}, epoch {epoch}" for state, epoch in draws)]
    pictures = [[panel.images[0].get_array().data for panel in row] for row in axes]
    for column, (state, epoch) in enumerate(draws, start=1):
        batches = make_course("affine", AFFINE[0], state=state).batches(epoch - 1)
        shown = torch.cat([batch.images for batch in batches])
        shown = (store.denormalised(shown) * 255).round().byte().permute(0, 2, 3, 1).numpy()
        for row in pictures:
            assert (shown == row[column]).all(axis=(1, 2, 3)).any()
    assert all((row[0] != copy).any() for row in pictures for copy in row[1:])


def test_states_that_share_no_image_show_the_first_states_copies(drawn, data_folder):
    order = read_order(data_folder / "order.npy")
    images = np.unique(order[:, 0])
    halves = [order[np.isin(order[:, 0], part)] for part in np.array_split(images, 2)]
    ((_, axes),) = drawn({1: halves[0], 2: halves[1]}, identity={})
    titles = [panel.get_title() for panel in axes[0]]
    assert titles == ["Original", "state 1, epoch 1", "state 1, epoch 2"]


def test_the_map_of_the_surest_right_prediction_is_drawn_step_by_step(store, rng):
    ids = store.ids("test").numpy()[:4]
    logits = np.zeros((4, store.num_classes), np.float32)
    logits[np.arange(4), [5, 2, 3, 4]] = [9, 1, 3, 2]
    right = np.array([False, True, True, True])
    cam = rng.standard_normal((4, 4, 4)).astype(np.float32)
    figure = cam_figure(store, Explained(ids, cam, logits, right))
    image, raw, normalised, overlay = (axes.images[0] for axes in figure.axes[:4])
    expected = f"Baseline, test image {ids[2]}: {store.stats['class_names'][3]}, predicted"
    assert figure.get_suptitle().startswith(expected)
    seen = store.denormalised(store.inputs(torch.from_numpy(ids[2:3])))[0].permute(1, 2, 0)
    np.testing.assert_allclose(image.get_array(), seen.clamp(0, 1) * 255, atol=0.51)
    np.testing.assert_array_equal(raw.get_array(), cam[2])
    assert raw.get_clim() == (-abs(cam[2]).max(), abs(cam[2]).max())
    np.testing.assert_array_equal(normalised.get_array(), to_maps(cam[2:3], 16)[0])
    assert overlay.get_array().shape == (192, 192, 3)
    plt.close(figure)
