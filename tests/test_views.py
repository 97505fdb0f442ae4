"""Several views of the same images: each what it is by itself, from no more passes than needed."""

import numpy as np
import pytest
import pytorch_grad_cam
import torch
from torch import nn

from augcam.entries import CamMethod, entries
from augcam.errors import AugcamError
from augcam.explanation.gradients import Site, forward
from augcam.explanation.maps import Wanted, explain, explain_shown, explain_views
from augcam.explanation.rehearsal import rehearse
from augcam.explanation.views import View, plan
from augcam.networks.build import build

LAYERS = ("layer3.0", "layer1.0", "layer2.0")


@pytest.fixture
def model():
    return build("resnet8", 10, {}, seed=3).eval().requires_grad_(False)


@pytest.fixture
def ids(store):
    return store.ids("test")


@pytest.fixture
def labels(store, ids):
    return store.labels.cpu()[ids]


def equal(found, expected):
    return all(
        np.array_equal(getattr(found, name), getattr(expected, name))
        for name in ("image_id", "cam", "target", "logits")
    )


@pytest.mark.slow
def test_each_view_is_what_it_is_by_itself(store, model, ids, labels):
    """Bit by bit, whatever else is looked at: other layers, classes and methods."""
    ids, labels = ids[:36], labels[:36]
    methods = ("gradcam", "fem", "finercam", "ablationcam")
    wanted = [
        Wanted(method, layer, None, target)
        for method in methods
        for layer in LAYERS
        for target in (None, labels)
    ]
    for each, found in zip(wanted, explain_views(model, store, ids, wanted)):
        assert equal(found, explain(model, each.layer, store, ids, each.method, each.target))


def test_views_share_passes_and_gradients(store, model, ids, labels, monkeypatch):
    passes, gradients, take = [], [], torch.autograd.grad

    def counted(score, places, **options):
        gradients.append(len(places))
        return take(score, places, **options)

    monkeypatch.setattr(torch.autograd, "grad", counted)
    handle = model.register_forward_hook(lambda *given: passes.append(len(given[1][0])))
    wanted = [
        Wanted(method, layer, None, target)
        for method in ("gradcam", "hirescam", "eigencam")
        for layer in LAYERS[:2]
        for target in (None, labels, labels.clone())
    ]
    explain_views(model, store, ids, wanted)
    handle.remove()
    planning = [32] * 3  # of the first batch: both layers, and each alone
    assert passes == [*planning, 32, 28]
    assert gradients[3:] == [2, 2] * 2  # a batch: two classes, both layers at once


def test_no_gradient_is_taken_where_none_is_needed(store, model, ids, monkeypatch):
    monkeypatch.setattr(torch.autograd, "grad", lambda *_, **__: pytest.fail("a gradient"))
    wanted = [Wanted(method, "layer3.0") for method in ("eigencam", "fem", "kpcacam")]
    assert len(explain_views(model, store, ids, wanted)) == 3


def test_some_rows_are_those_of_all(store, model, ids, labels):
    rows = np.array([3, 31, 32, 50])
    methods = ("gradcam", "scorecam")
    some = explain_views(
        model, store, ids, [Wanted(m, "layer3.0", None, labels, rows) for m in methods]
    )
    both = explain_views(
        model, store, ids, [Wanted("gradcam", "layer3.0"), *(
            Wanted(m, "layer3.0", None, labels, rows) for m in methods
        )],
    )[1:]  # fmt: skip
    for method, found, beside in zip(methods, some, both):
        every = explain(model, "layer3.0", store, ids, method, labels)
        for name in ("image_id", "target"):
            np.testing.assert_array_equal(getattr(found, name), getattr(every, name)[rows])
        for each in (found, beside):
            np.testing.assert_allclose(each.cam, every.cam[rows], rtol=1e-4, atol=1e-6)


def test_one_object_of_the_library_serves_all(store, model, ids, labels, monkeypatch):
    """An image is masked once for each class: `labels` and predictions are often the same."""
    made, targets = [], []
    library, weigh = pytorch_grad_cam.ScoreCAM, pytorch_grad_cam.ScoreCAM.get_cam_weights

    class Counted(library):
        def __init__(self, *given):
            made.append(self)
            super().__init__(*given)

        def get_cam_weights(self, images, layer, wanted, *given):
            assert len(images) == len(wanted)  # it would cut off what is too much
            targets.extend(wanted)
            return weigh(self, images, layer, wanted, *given)

    monkeypatch.setattr(pytorch_grad_cam, "ScoreCAM", Counted)
    some = ids[:40]
    wanted = [Wanted("scorecam", "layer3.0", None, t) for t in (None, labels[:40], None)]
    first, second, third = explain_views(model, store, some, wanted)
    assert len(made) == 1
    differ = int((first.target != second.target).sum())
    assert 0 < differ < 40
    assert len(targets) == 40 + differ
    np.testing.assert_array_equal(first.cam, third.cam)
    alike = first.target == second.target
    np.testing.assert_array_equal(first.cam[alike], second.cam[alike])


@pytest.mark.parametrize("method", entries(CamMethod))
def test_a_network_is_left_as_it_was(store, model, ids, method):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    layers = dict(model.named_modules())
    explain(model, "layer3.0", store, ids[:3], method)
    assert dict(model.named_modules()) == layers
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert all(p.grad is None and not p.requires_grad for p in model.parameters())


def test_a_layer_is_put_back_after_an_error(monkeypatch):
    """Ablation replaces it for a while; here the network fails meanwhile."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5))
    model.append(nn.ReLU()).eval().requires_grad_(False)
    layer, calls = model[1], []

    def fail(*_):
        calls.append(1)
        if len(calls) > 4:
            raise RuntimeError("on purpose")

    model[3].register_forward_hook(fail)
    images = torch.randn(2, 3, 8, 8)
    with pytest.raises(RuntimeError, match="on purpose"):
        explain_shown(
            model, lambda chunks: (images[c] for c in chunks), torch.arange(2),
            [Wanted("ablationcam", "1")], 2,
        )  # fmt: skip
    assert model[1] is layer and len(calls) == 5


def test_where_sharing_would_change_bits_each_layer_has_its_own_pass():
    """torchvision's attention takes a faster path as long as nothing before it wants a gradient."""
    from torchvision.models import VisionTransformer

    torch.manual_seed(0)
    model = VisionTransformer(32, 8, 3, 2, 16, 32, num_classes=10)
    nn.init.normal_(model.heads.head.weight)
    model.eval().requires_grad_(False)
    images = torch.randn(40, 3, 32, 32)
    names = [f"encoder.layers.encoder_layer_{i}.ln_1" for i in (2, 0)]
    sites = [Site(model.get_submodule(name)) for name in names]
    views = [View(entries(CamMethod)["gradcam"], i) for i in (0, 1)]
    together = forward(model, sites, images[:32], [])
    alone = forward(model, sites[:1], images[:32], [])
    share = torch.equal(together.logits, alone.logits)
    assert (plan(model, sites, views, images[:32]).groups == [(0, 1)]) == share

    def look(*layers):
        wanted = [Wanted("gradcam", name) for name in layers]
        shown = lambda chunks: (images[c] for c in chunks)  # noqa: E731
        return explain_shown(model, shown, torch.arange(40), wanted, 32)

    for found, name in zip(look(*names), names):
        assert equal(found, look(name)[0])


# ---------------------------------------------------------------------------------- what is refused


def test_maps_that_are_no_numbers_name_the_method(store, model, ids, monkeypatch):
    broken = CamMethod(
        name="broken",
        display_name="Broken",
        function=lambda activations: activations.mean(1) / 0 * 0,
        needs="activations",
    )
    monkeypatch.setitem(entries(CamMethod), "broken", broken)
    for explaining in (
        lambda: explain(model, "layer3.0", store, ids, "broken"),
        lambda: rehearse(model, "layer3.0", 32, methods=["gradcam", "broken"]),
    ):
        with pytest.raises(AugcamError, match=r"the maps that 'broken' makes of \d+ of \d+ images"):
            explaining()


@pytest.mark.parametrize("method", entries(CamMethod))
def test_the_rehearsal_tries_a_method(model, method):
    assert rehearse(model, "layer3.0", 32, methods=[method]) == (True, True, 64)


VIT = ("timm/vit_tiny_patch16_224", {"depth": 2, "embed_dim": 24, "num_heads": 3})


def test_what_does_not_fit_is_refused_before_anything_is_trained(monkeypatch):
    architecture, arguments = VIT
    model = build(architecture, 10, arguments, 0, 64)
    with pytest.raises(AugcamError, match=r"^cam\.method: FullGrad adds up.*'blocks\.0\.norm1'"):
        rehearse(model, "blocks.1.norm1", 64, methods=["fullgrad"])
    with pytest.raises(AugcamError, match=r"does not depend on the map of 'blocks\.1\.norm2'"):
        rehearse(model, "blocks.1.norm2", 64, methods=["eigencam", "gradcam"])
    rehearse(model, "blocks.1.norm2", 64, methods=["eigencam", "fem", "kpcacam"])
    fails = CamMethod(name="fails", display_name="Fails", function=lambda a, g: a.view(7, -1) + g)
    monkeypatch.setitem(entries(CamMethod), "fails", fails)
    with pytest.raises(AugcamError, match=r"^cam\.method: 'fails' cannot explain the layer.*\.$"):
        rehearse(model, "blocks.1.norm1", 64, methods=["fails"])
