"""Further views: what a config may say of them, which layer and images they explain."""

import numpy as np
import pytest
import torch

from augcam.config.messages import parse_config, repeated_keys
from augcam.config.views import Look
from augcam.errors import AugcamError
from augcam.explanation.looks import describe_views, sample, wanted
from augcam.explanation.maps import Wanted, explain, explain_views
from augcam.networks.build import build
from augcam.networks.layouts import layout_in

MAIN = Look("gradcam", "predicted", None, None, 0)


def test_a_view_is_the_main_one_but_for_what_it_names():
    config = parse_config(
        {
            "cam": {"method": "hirescam", "target": "label"},
            "model": {"cam_layer": "layer3"},
            "views": {"early": {"layer": "layer2"}, "few": {"method": "gradcam", "images": 9}},
        }
    )
    assert config.looks == {
        "main": Look("hirescam", "label", "layer3", None, 0),
        "early": Look("hirescam", "label", "layer2", None, 0),
        "few": Look("gradcam", "label", "layer3", 9, 0),
    }
    assert config.looks_at("own")["few"].layer == "own"
    assert config.looks_at("own")["early"].layer == "layer2"


def test_a_record_without_views_is_what_it_was():
    assert "views" not in parse_config({}).record()
    assert "early" in parse_config({"views": {"early": {"layer": "a"}}}).record()["views"]


@pytest.mark.parametrize(
    "views,message",
    [
        ({"main": {"layer": "a"}}, "views: 'main' is the view that cam and model.cam_layer"),
        ({"a/b": {"layer": "a"}}, "views: 'a/b' cannot name a view; use letters, digits"),
        ({"..": {"layer": "a"}}, "views: '..' cannot name a view"),
        ({"-n": {"layer": "a"}}, "views: '-n' cannot name a view"),
        ({"a": None}, "views: 'a' says nothing; name a method, layer, target or images"),
        ({"a": {}}, "views.a: it is the main view again (gradcam, the main layer, target"),
        ({"a": {"target": "predicted"}}, "views.a: it is the main view again"),
        ({"a": {"seed": 3}}, "views.a: it is the main view again"),
        (
            {"a": {"layer": "x"}, "b": {"layer": "x", "method": "gradcam"}},
            "views.b: it is view 'a' again (gradcam, layer 'x', target predicted); name what",
        ),
        ({"a": {"layer": "x"}, "A": {"layer": "y"}}, "views: 'a' and 'A' would be one folder"),
        ({"a": {"method": "hirescan"}}, "views.a.method: unknown CAM method 'hirescan'; did you"),
        ({"a": {"target": "labels"}}, "views.a.target: unknown value 'labels'; did you mean"),
        ({"a": {"layr": "x"}}, "views.a.layr: unknown key; did you mean 'layer'?"),
        ({"a": {"images": 1}}, "views.a.images: input should be greater than or equal to 2"),
        ({"a": {"images": 41}}, "views.a.images: 41 is more than the 40 test images; take fewer"),
    ],
)
def test_a_view_that_makes_no_sense_is_one_sentence(views, message):
    with pytest.raises(AugcamError) as error:
        parse_config({"views": views, "dataset": {"test_limit": 40}})
    assert str(error.value).startswith(f"config: {message}")
    assert "\n" not in str(error.value)


def test_a_view_that_is_named_twice_is_refused_by_the_reader():
    (said,) = repeated_keys("views:\n  a: {layer: x}\n  b: {layer: y}\n  a: {layer: z}\n")
    assert said == "views.a: the key stands twice, in lines 2 and 4"


def test_brought_maps_have_no_views_and_brought_networks_do():
    files = {"a": {0: "a.npz"}, "b": {0: "b.npz"}}
    views = {"early": {"layer": "layer2"}}
    with pytest.raises(AugcamError, match="views: with maps there are no networks that could be"):
        parse_config({"maps": files, "views": views})
    assert list(parse_config({"checkpoints": files, "views": views}).looks) == ["main", "early"]


# ----------------------------------------------------------------------------------- explaining


@pytest.fixture
def model():
    return build("resnet20", 10, {}, seed=3).eval().requires_grad_(False)


def described(model, **views):
    looks = {"main": MAIN} | {name: MAIN._replace(**own) for name, own in views.items()}
    return describe_views(model, looks, 32, 60, cam_layer=None)


def test_every_view_has_its_layer_and_grid(model):
    found = described(model, early={"layer": "layer2.2"}, few={"method": "hirescam", "images": 9})
    assert [view["layer"] for view in found.values()] == ["layer3.2", "layer2.2", "layer3.2"]
    assert [view["feature_map"] for view in found.values()] == [[8, 8], [16, 16], [8, 8]]
    assert found["few"]["images"] == 9 and found["main"]["method"] == "gradcam"


@pytest.mark.parametrize(
    "view,message",
    [
        ({"layer": "layer9"}, "views.a.layer: the network has no layer 'layer9'; near names: lay"),
        ({"layer": "fc"}, "views.a.layer: the output of 'fc' is no map"),
        ({"layer": "layer3.2"}, "config: views.a: it is the main view again .*'layer3.2'"),
        ({"images": 61}, "config: views.a.images: 61 is more than the 60 test images"),
    ],
)
def test_what_cannot_be_explained_is_refused_by_the_name_of_the_view(model, view, message):
    with pytest.raises(AugcamError, match=message):
        described(model, a=view)


def test_a_sample_is_the_same_for_all_models_and_in_order():
    first = sample(1000, 50, seed=1)
    np.testing.assert_array_equal(first, sample(1000, 50, seed=1))
    assert (np.diff(first) > 0).all() and len(first) == 50 and first.max() < 1000
    assert not np.array_equal(first, sample(1000, 50, seed=2))
    np.testing.assert_array_equal(sample(50, 50, seed=1), np.arange(50))
    assert sample(1000, None, seed=1) is None


def test_views_are_what_explaining_one_by_one_gives(store, model):
    """Other layers, methods, targets and images, and the labels of these images."""
    ids = store.ids("test")[:30]
    labels = store.labels.cpu()[ids]
    classes = {"predicted": None, "label": labels, "baseline": None}
    views = {"early": {"layer": "layer2.2"}, "few": {"target": "label", "images": 11}}
    found = describe_views(
        model,
        {"main": MAIN} | {name: MAIN._replace(**own) for name, own in views.items()},
        16,
        30,
        cam_layer=None,
    )
    asked = [wanted(found[name], classes, 30) for name in views]
    assert asked[1].rows is not None and len(asked[1].rows) == 11
    early, few = explain_views(model, store, ids, asked)
    expected = explain(model, "layer2.2", store, ids)
    np.testing.assert_allclose(early.cam, expected.cam, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(early.image_id, ids.numpy())
    rows = torch.from_numpy(asked[1].rows)
    expected = explain(model, "layer3.2", store, ids[rows], targets=labels[rows])
    np.testing.assert_allclose(few.cam, expected.cam, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(few.target, labels[rows].numpy())
    np.testing.assert_array_equal(few.image_id, ids[rows].numpy())
    assert few.logits.shape == (11, 10)


def test_what_is_asked_for_names_method_layer_target_and_rows(model):
    view = described(model, few={"target": "label", "images": 9})["few"]
    labels = torch.arange(60)
    asked = wanted(view, {"label": labels}, 60)
    np.testing.assert_array_equal(asked.rows, sample(60, 9, 0))
    head = Wanted("gradcam", "layer3.2", layout_in(view), labels, asked.rows)
    assert asked == head
