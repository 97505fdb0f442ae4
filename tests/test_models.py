"""Networks: the layer that is explained, starting weights, and the catalogue of architectures."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from augcam.entries import Network, entries, entry_file, network_named
from augcam.errors import AugcamError
from augcam.explanation.rehearsal import rehearse
from augcam.networks.adapted import RepeatablePool, pooled_by_products
from augcam.networks.build import build
from augcam.networks.catalogue import describe
from augcam.networks.layers import describe_network, find_cam_layer, get_layer, map_size
from augcam.networks.rehearsal import rehearse_training
from augcam.networks.weights import load_weights, save_weights


@pytest.mark.parametrize(
    "architecture,layer",
    [
        ("efficientnet_b0", "features.8"),
        ("resnet18", "layer4.1"),
        ("densenet121", "features.relu5"),
        ("resnet20", "layer3.2"),
        ("vgg11", "features.19"),
        ("googlenet", "inception5b"),
        ("mobilenet_v2", "features.18"),
        ("convnext_tiny", "features.7.2"),
        ("swin_t", "permute"),
        ("vit_b_32", "encoder.layers.encoder_layer_11.ln_1"),
    ],
)
def test_cam_layer_is_the_last_feature_map(architecture, layer):
    with torch.device("meta"):
        model = build(architecture, 10, {}, seed=0)
        assert find_cam_layer(model, 224) == layer
        assert network_named(architecture).cam_layer == layer


def described(architecture):
    multiple = network_named(architecture).multiple_of
    return describe(lambda size: build(architecture, 10, {}, 0, size), multiple)


def known(architecture):
    network = network_named(architecture)
    facts = {"cam_layer": network.cam_layer, "smallest_input": network.smallest_input}
    return facts | ({"multiple_of": network.multiple_of} if network.sized else {})


def test_a_network_without_maps_or_tokens_says_so():
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 10))
    with pytest.raises(AugcamError, match="no feature map was found"):
        find_cam_layer(model, 32)


@pytest.mark.slow
@pytest.mark.parametrize(
    "architecture",
    [
        "efficientnet_b0",
        "resnet18",
        "squeezenet1_1",
        "maxvit_t",
        *(name for name in entries(Network) if entry_file(Network, name).stem != "torchvision"),
    ],
)
def test_what_is_known_of_a_network_is_so(architecture):
    """If this fails: mend its entry, or for torchvision's: python -m augcam.networks.catalogue"""
    assert described(architecture) == known(architecture)


def test_the_smallest_input_is_the_smallest():
    smallest = network_named("resnet20").smallest_input
    model = build("resnet20", 10, {}, seed=0)
    assert map_size(model, "layer3.2", smallest) == (4, 4)
    with pytest.raises(AugcamError, match=r"feature map of 'layer3\.2' is 3×3"):
        map_size(model, "layer3.2", smallest - 1)


def test_resnet20_is_that_of_the_paper():
    """He et al. 2016, table 6: 0.27 million parameters, 20 weighted layers, 32×32 → 8×8."""
    model = build("resnet20", 10, {}, seed=0)
    weighted = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(weighted) == 20
    assert sum(p.numel() for p in model.parameters()) == 269_722
    description = describe_network(model, 32)
    assert description["feature_map"] == [8, 8]
    assert description["cam_layer"] == "layer3.2"


def test_densenet_with_visible_relu_computes_the_same():
    from torchvision.models import densenet121

    ours = build("densenet121", 10, {}, seed=0).eval()
    theirs = densenet121(num_classes=10).eval()
    theirs.load_state_dict(ours.state_dict())
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(ours(images), theirs(images))


@pytest.mark.parametrize("size", [(7, 7), (12, 5), (6, 13), (1, 3), (14, 21)])
@pytest.mark.parametrize("bins", [(7, 7), (6, 6)])
def test_pooling_by_products_is_torchs_pooling(size, bins):
    ours = torch.rand(2, 3, *size).contiguous(memory_format=torch.channels_last).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    weight = torch.rand(2, 3, *bins)
    results = pooled_by_products(ours, bins), F.adaptive_avg_pool2d(theirs, bins)
    torch.testing.assert_close(*results, rtol=0, atol=1e-6)
    for result in results:
        (result * weight).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-6, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["alexnet", "vgg11_bn"])
def test_networks_that_pool_to_more_than_a_pixel_do_so_repeatably(architecture):
    from torchvision.models import get_model

    with torch.device("meta"):
        model = build(architecture, 10, {}, seed=0)
        theirs = get_model(architecture, weights=None, num_classes=10)
    assert isinstance(model.avgpool, RepeatablePool)
    assert model.avgpool.output_size == theirs.avgpool.output_size
    assert described(architecture) == known(architecture)


def test_only_networks_that_need_it_pool_by_products():
    with torch.device("meta"):
        for architecture in ("resnet18", "efficientnet_b0", "densenet121", "resnet20"):
            modules = build(architecture, 10, {}, seed=0).modules()
            assert not any(isinstance(module, RepeatablePool) for module in modules)


def test_weights_depend_on_the_seed_alone():
    torch.manual_seed(5)
    a = build("resnet20", 10, {}, seed=1).state_dict()
    expected = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(1), expected), "building must not touch the global generator"
    b = build("resnet20", 10, {}, seed=1).state_dict()
    c = build("resnet20", 10, {}, seed=2).state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["stem.0.weight"], c["stem.0.weight"])


def test_weights_survive_the_file_bit_by_bit(tmp_path):
    model = build("resnet20", 10, {}, seed=1)
    for name in ("a", "b"):
        save_weights(model, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    loaded = load_weights(build("resnet20", 10, {}, seed=2), tmp_path / "a").state_dict()
    assert all(torch.equal(value, loaded[name]) for name, value in model.state_dict().items())


def test_broken_and_foreign_weights_are_named(tmp_path):
    model = build("resnet20", 10, {}, seed=1)
    path = tmp_path / "weights.safetensors"
    with pytest.raises(AugcamError, match=r"weights\.safetensors: the file is missing"):
        load_weights(model, path)
    save_weights(build("resnet20", 7, {}, seed=1), path)
    with pytest.raises(AugcamError, match="weights of another network"):
        load_weights(model, path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(AugcamError, match=r"weights\.safetensors: the file cannot be read"):
        load_weights(model, path)


def test_unknown_layers_and_options_are_named():
    model = build("resnet20", 10, {}, seed=0)
    with pytest.raises(AugcamError, match=r"no layer 'layer3\.7'; near names: layer3"):
        get_layer(model, "layer3.7")
    with pytest.raises(AugcamError, match=r"architecture_arguments\.resnet20: .*'depth'"):
        build("resnet20", 10, {"depth": 3}, seed=0)
    with pytest.raises(AugcamError, match="the output of 'fc' is no map"):
        map_size(model, "fc", 32)


@pytest.mark.parametrize(
    "architecture,arguments,random",
    [
        ("resnet20", {}, False),
        ("resnet20", {"dropout": 0.1}, True),
        ("resnet20", {"stochastic_depth_prob": 0.1}, True),
        ("resnet18", {}, False),
        ("efficientnet_b0", {}, True),
        ("densenet121", {}, False),
        ("densenet121", {"drop_rate": 0.2}, True),  # a function, no layer
    ],
)
def test_random_layers_are_noticed(architecture, arguments, random):
    assert rehearse_training(build(architecture, 10, arguments, seed=0), 64) == random


@pytest.mark.parametrize(
    "architecture,arguments,input_size,layer",
    [
        ("resnet20", {"stochastic_depth_prob": 2}, 16, None),
        ("resnet20", {"stochastic_depth_prob": 1}, 16, None),  # divides by zero
        ("alexnet", {}, 16, "features.0"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_a_network_that_cannot_be_trained_is_refused(architecture, arguments, input_size, layer):
    model = build(architecture, 10, arguments, seed=0)
    keys = rf"model\.input_size {input_size}, architecture_arguments: "
    with pytest.raises(AugcamError, match=f"^{keys}") as caught:
        rehearse_training(model, input_size)
        describe_network(model, input_size, layer)
    assert "\n" not in str(caught.value)


def test_a_layer_that_runs_twice_is_refused():
    model = build("resnet18", 10, {}, seed=0)
    assert describe_network(model, 128, "layer4.1.relu")["feature_map"] == [4, 4]
    with pytest.raises(AugcamError, match=r"^model\.cam_layer: 'layer4\.1\.relu' cannot"):
        rehearse(model, "layer4.1.relu", 128)
    rehearse(build("resnet20", 10, {}, seed=0), "layer3.2", 16)
