"""Three explanations from one forward pass are those of three passes."""

import numpy as np
import pytest
import torch

from augcam.explanations import CAM_METHODS, explain_batch
from augcam.models import build, find_cam_layer, get_layer
from augcam.targets import TARGETS, explain_each, explain_targets, target_changes


@pytest.fixture
def model():
    return build("resnet20", 10, {}, seed=3).eval().requires_grad_(False)


@pytest.mark.parametrize("method", CAM_METHODS)
def test_each_target_is_its_own_explanation(model, method):
    layer = get_layer(model, find_cam_layer(model, 32))
    images = torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    classes = [None, torch.arange(5), torch.full((5,), 7)]
    maps = explain_each(model, layer, images, classes, CAM_METHODS[method])
    for targets, ours in zip(classes, maps):
        _, expected, _ = explain_batch(model, layer, images, CAM_METHODS[method], targets)
        torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-7)


def test_a_change_that_is_only_another_class_is_gone_with_one_class(store, model):
    """The same network twice, said to predict other classes: all change is the class explained."""
    layer = find_cam_layer(model, 16)
    ids = store.ids("test")[:20]
    labels = store.labels.cpu()[ids]
    arrays = explain_targets(model, layer, store, ids, labels, (labels + 1) % 10)
    assert set(arrays) == {"image_id", *(f"cam_{target}" for target in TARGETS)}
    other = arrays | {"cam_predicted": arrays["cam_baseline"]}
    models = {("none", 1): arrays, ("affine", 2): other}
    table = target_changes(models, ("none", 1), ["mad", "class_kld"], 16)
    assert table["metric"].unique().tolist() == ["mad"]
    row = table.set_index("target")
    assert row.loc["predicted", "mean"] > 0
    assert row.loc["predicted", "share_of_change"] == 0
    for target in ("label", "baseline"):
        assert row.loc[target, "mean"] == pytest.approx(0, abs=1e-9)
        assert row.loc[target, "share_of_change"] == pytest.approx(1)
    assert np.array_equal(arrays["image_id"], ids.numpy())
