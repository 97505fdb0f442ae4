"""Three explanations from one forward pass are those of three passes."""

import numpy as np
import pytest
import torch

from augcam.entries import CamMethod, entries
from augcam.explanation.maps import explain, explain_batch, explain_each
from augcam.networks.build import build
from augcam.networks.layers import find_cam_layer, get_layer
from augcam.statistics.targets import TARGETS, target_changes


@pytest.fixture
def model():
    return build("resnet20", 10, {}, seed=3).eval().requires_grad_(False)


ONE_PASS = [name for name, method in entries(CamMethod).items() if method.needs != "model"]


@pytest.mark.parametrize("method", ONE_PASS)
def test_each_target_is_its_own_explanation(model, method):
    layer = get_layer(model, find_cam_layer(model, 32))
    images = torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    classes = [None, torch.arange(5), torch.full((5,), 7)]
    passes = []
    counter = model.register_forward_hook(lambda *_: passes.append(1))
    logits, maps, explained = explain_each(model, layer, images, method, classes)
    counter.remove()
    assert len(passes) == 1
    for targets, ours, found in zip(classes, maps, explained):
        expected = explain_batch(model, layer, images, method, targets)
        torch.testing.assert_close((logits, ours, found), expected, rtol=1e-5, atol=1e-7)


def test_further_targets_leave_the_first_as_it_is(store, model):
    """Bit for bit, so that explaining three in an existing run changes no file of the first."""
    layer, ids = find_cam_layer(model, 16), store.ids("test")[:40]
    labels = store.labels.cpu()[ids]
    alone = explain(model, layer, store, ids)
    three = explain(model, layer, store, ids, others=[labels, (labels + 1) % 10])
    for name in ("image_id", "cam", "target", "logits"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(three, name))
    assert alone.others == [] and len(three.others) == 2
    np.testing.assert_array_equal(
        three.others[0], explain(model, layer, store, ids, targets=labels).cam
    )


def test_a_change_that_is_only_another_class_is_gone_with_one_class(store, model):
    """The same network twice, said to predict other classes: all change is the class explained."""
    layer = find_cam_layer(model, 16)
    ids = store.ids("test")[:20]
    labels = store.labels.cpu()[ids]
    found = explain(model, layer, store, ids, others=[labels, (labels + 1) % 10])
    maps = dict(zip(TARGETS, [found.cam, *found.others]))
    arrays = {"image_id": found.image_id} | {f"cam_{name}": cam for name, cam in maps.items()}
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
