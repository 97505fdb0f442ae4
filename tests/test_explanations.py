"""Class activation maps against pytorch-grad-cam."""

import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, XGradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn

from augcam.comparison.explained import read_explained
from augcam.comparison.maps import to_maps
from augcam.entries import CamMethod, entries
from augcam.errors import AugcamError
from augcam.explanation.gradients import feature_map
from augcam.explanation.maps import explain, explain_batch, explain_each, save_explanations
from augcam.networks.build import build
from augcam.networks.layers import find_cam_layer, get_layer

LIBRARY = {
    "gradcam": GradCAM,
    "gradcam++": GradCAMPlusPlus,
    "xgradcam": XGradCAM,
    "hirescam": HiResCAM,
    "layercam": LayerCAM,
}
ARCHITECTURES = [
    ("efficientnet_b0", 128),
    ("resnet18", 128),
    ("densenet121", 128),
    ("resnet20", 32),
]


def network(architecture, size):
    """A network with lively batch statistics, in evaluation mode."""
    model = build(architecture, 10, {}, seed=3)
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
    return model.eval(), torch.randn(3, 3, size, size, generator=generator)


def library_maps(method, model, layer, images, targets=None):
    """Normalised maps as pytorch-grad-cam returns them."""
    for module in model.modules():
        if hasattr(module, "inplace"):  # otherwise it overwrites what the library has kept
            module.inplace = False
    model.requires_grad_(True)
    targets = targets and [ClassifierOutputTarget(target) for target in targets]
    with LIBRARY[method](model, [get_layer(model, layer)]) as cam:
        return cam(images.clone(), targets=targets)


@pytest.mark.parametrize("architecture,size", ARCHITECTURES)
def test_gradcam_agrees_with_pytorch_grad_cam(architecture, size):
    model, images = network(architecture, size)
    layer = find_cam_layer(model, size)
    with torch.no_grad():
        expected_logits = model(images)
    model.requires_grad_(False)
    logits, cam, targets = explain_batch(model, get_layer(model, layer), images)
    torch.testing.assert_close(logits, expected_logits, rtol=0, atol=1e-5)
    assert torch.equal(targets, logits.argmax(1))
    theirs = library_maps("gradcam", model, layer, images)
    assert theirs.max() > 0.99  # a comparison of zeros would show nothing
    np.testing.assert_allclose(to_maps(cam.numpy(), size), theirs, rtol=0, atol=1e-4)


@pytest.mark.parametrize("method", LIBRARY)
def test_every_method_agrees_with_pytorch_grad_cam(method):
    model, images = network("resnet20", 32)
    wanted = [4, 0, 7]
    model.requires_grad_(False)
    layer = get_layer(model, "layer3.2")
    _, cam, targets = explain_batch(model, layer, images, method, torch.tensor(wanted))
    assert targets.tolist() == wanted
    theirs = library_maps(method, model, "layer3.2", images, wanted)
    assert theirs.max() > 0.99
    np.testing.assert_allclose(to_maps(cam.numpy(), 32), theirs, rtol=0, atol=1e-4)


def test_a_method_may_need_no_gradient(monkeypatch):
    """The mean feature map, the same for every class."""
    method = CamMethod(
        name="mean",
        display_name="Mean feature map",
        function=lambda activations: activations.mean(1),
        needs="activations",
    )
    monkeypatch.setitem(entries(CamMethod), "mean", method)
    model, images = network("resnet20", 32)
    model.requires_grad_(False)
    layer = get_layer(model, "layer3.2")
    seen = []
    with torch.no_grad(), layer.register_forward_hook(lambda *args: seen.append(args[2])):
        expected = model(images)
    labels = torch.tensor([4, 0, 7])
    logits, maps, classes = explain_each(model, layer, images, "mean", [None, labels])
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-5)
    assert [c.tolist() for c in classes] == [expected.argmax(1).tolist(), labels.tolist()]
    for cam in maps:
        torch.testing.assert_close(cam, seen[0].mean(1))


def test_densenets_in_place_relu_does_not_reach_the_map():
    """Against torchvision's own DenseNet, its last ReLU worked out by hand."""
    from torchvision.models import densenet121

    model, images = network("densenet121", 128)
    model.requires_grad_(False)
    _, cam, targets = explain_batch(model, model.features.relu5, images)
    theirs = densenet121(num_classes=10).eval()
    theirs.load_state_dict(model.state_dict())
    activations = torch.relu(theirs.features(images)).detach().requires_grad_()
    logits = theirs.classifier(activations.mean((2, 3)))
    gradients = torch.autograd.grad(logits.gather(1, targets[:, None]).sum(), activations)[0]
    expected = (gradients.mean((2, 3), keepdim=True) * activations).sum(1).detach()
    torch.testing.assert_close(cam, expected, rtol=0, atol=1e-5)


def test_an_in_place_operation_after_the_layer_does_not_reach_the_map():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    model.eval().requires_grad_(False)
    images = torch.randn(2, 3, 8, 8)
    with feature_map(model[0]) as kept:
        model(images)
    assert torch.equal(kept[0], model[0](images))
    assert (kept[0] < 0).any()


def test_hooks_are_removed_after_an_error():
    model, _ = network("resnet20", 32)
    with pytest.raises(RuntimeError), feature_map(model.layer3[2]) as kept:
        model(torch.zeros(1, 5, 32, 32))
    model(torch.zeros(1, 3, 32, 32))
    assert not kept


def test_an_images_map_does_not_depend_on_its_batch():
    model, images = network("resnet20", 32)
    model.requires_grad_(False)
    layer = model.layer3[2]
    together = explain_batch(model, layer, images)[1]
    alone = torch.cat([explain_batch(model, layer, image[None])[1] for image in images])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


def test_explaining_twice_gives_equal_bytes(store, tmp_path):
    model = build("resnet20", store.num_classes, {}, seed=0)
    ids = store.ids("test")
    for name in ("a", "b"):
        explanations = explain(model, "layer3.2", store, ids)
        save_explanations(
            explanations,
            store.labels[ids].numpy(),
            "layer3.2",
            "gradcam",
            tmp_path / name / "cams.npz",
            tmp_path / name / "predictions.parquet",
        )
    for file in ("cams.npz", "predictions.parquet"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    read = read_explained(tmp_path / "a" / "cams.npz", tmp_path / "a" / "predictions.parquet")
    assert read.cam.shape == (60, 4, 4)
    assert read.cam.dtype == np.float32
    np.testing.assert_array_equal(read.logits, explanations.logits)
    np.testing.assert_array_equal(read.image_id, ids.numpy())


def test_a_diverged_network_is_refused(store):
    model = build("resnet20", store.num_classes, {}, seed=0)
    with torch.no_grad():
        model.fc.weight.fill_(float("nan"))
    with pytest.raises(AugcamError, match="training has diverged"):
        explain(model, "layer3.2", store, store.ids("test"))
