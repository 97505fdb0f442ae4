"""timm's networks and a user's own: built, laid out as maps, explained, and refused."""

import importlib.util
import json
import sys

import pytest
import torch
from conftest import ROOT
from projects import copy_project, planned, run
from torch import nn

from augcam.config.messages import parse_config
from augcam.config.network import absent_files, folder
from augcam.entries import Network, entries
from augcam.errors import AugcamError
from augcam.explanation.maps import explain_batch
from augcam.explanation.rehearsal import rehearse
from augcam.files.json import read_json
from augcam.files.tensors import read_tensors
from augcam.networks.build import build, head_tensors
from augcam.networks.freezing import freeze
from augcam.networks.layers import describe_network, get_layer, map_layout
from augcam.networks.layouts import Layout, find_layout, layout_in
from augcam.networks.normalisation import normalisation
from augcam.networks.rehearsal import refuse_a_batch_of_one, rehearse_training

OWN = str(ROOT / "tests" / "own_networks.py")
VIT = "timm/vit_tiny_patch16_224"
SMALL = {"embed_dim": 24, "depth": 2, "num_heads": 2}


def tool():
    """The script that holds all networks against captum and pytorch-grad-cam."""
    path = ROOT / "tools" / "network_maps.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = sys.modules.setdefault(path.stem, importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize(
    "architecture,size,layer,layout",
    [
        ("timm/resnet18", 128, "layer4.1", Layout("NCHW", 4, 4)),
        ("timm/convnext_atto", 128, "stages.3", Layout("NCHW", 4, 4)),
        (VIT, 64, "blocks.11.norm1", Layout("NLC", 4, 4, 1)),
        ("timm/vit_small_patch16_dinov3", 64, "blocks.11.norm1", Layout("NLC", 4, 4, 5)),
        ("timm/swin_tiny_patch4_window7_224", 224, "norm", Layout("NHWC", 7, 7)),
        ("vit_b_32", 128, "encoder.layers.encoder_layer_11.ln_1", Layout("NLC", 4, 4, 1)),
        ("swin_t", 128, "permute", Layout("NCHW", 4, 4)),
        (f"{OWN}:Net", 16, "body.3", Layout("NCHW", 8, 8)),
        ("timm/levit_128s", 224, "stages.2", Layout("NLC", 4, 4)),
        (f"{OWN}:Tokens", 16, "norm1", Layout("NLC", 4, 4, 1)),
        (str(ROOT / "examples" / "my_model.py:Net"), 32, "features.2.2", Layout("NCHW", 4, 4)),
    ],
)
def test_layer_and_grid_are_found(architecture, size, layer, layout):
    description = describe_network(build(architecture, 10, {}, 0, size), size)
    assert description["cam_layer"] == layer
    assert layout_in(description) == layout


def test_a_small_input_hides_no_layer():
    """At 96 pixels the last maps of Inception are single ones, and a branch would be found."""
    with pytest.raises(AugcamError, match=r"the feature map of 'Mixed_7c' is 1×1"):
        describe_network(build("timm/inception_v3", 10, {}, 0, 96), 96)


@pytest.mark.parametrize(
    "shape,prefix,grid,expected",
    [
        ((2, 8, 5, 5), None, None, Layout("NCHW", 5, 5)),
        ((2, 5, 5, 8), None, None, Layout("NHWC", 5, 5)),
        ((2, 5, 5, 5), None, None, Layout("NCHW", 5, 5)),
        ((2, 26, 8), None, None, Layout("NLC", 5, 5, 1)),
        ((2, 30, 8), 5, None, Layout("NLC", 5, 5, 5)),
        ((2, 26, 8), None, (6, 4), Layout("NLC", 6, 4, 2)),
        ((2, 8, 6, 4), None, (6, 4), Layout("NCHW", 6, 4)),
        ((2, 6, 4, 8), None, (6, 4), Layout("NHWC", 6, 4)),
    ],
)
def test_layouts_are_found_and_undone(shape, prefix, grid, expected):
    output = torch.rand(shape)
    layout = find_layout(output, "layer", prefix, grid)
    assert layout == expected
    found = layout.to_map(output)
    assert found.shape == (2, shape[1] if layout.order == "NCHW" else 8, *expected[1:3])
    if layout.order == "NLC":  # row by row
        width = layout.width
        assert torch.equal(found[:, :, 1, 2], output[:, layout.prefix + width + 2])


@pytest.mark.parametrize(
    "shape,grid", [((2, 8), None), ((2, 3, 8), (5, 5)), ((2, 8, 5, 5), (4, 4))]
)
def test_what_is_no_map_is_refused(shape, grid):
    with pytest.raises(AugcamError, match=r"^model\.cam_layer: the output of 'x' is no map"):
        find_layout(torch.rand(shape), "x", None, grid)


@pytest.mark.parametrize(
    "architecture,size,arguments",
    [
        (VIT, 64, SMALL),
        ("timm/vit_small_patch16_dinov3", 64, SMALL),
        ("timm/swin_tiny_patch4_window7_224", 128, {"embed_dim": 12, "depths": (1, 1, 1, 1)}),
        ("timm/convnext_atto", 128, {"depths": (1, 1, 1, 1), "dims": (8, 8, 16, 16)}),
        ("timm/mobilenetv4_conv_small_035", 128, {}),
        (f"{OWN}:Tokens", 16, {}),
    ],
)
def test_maps_are_those_of_captum_and_pytorch_grad_cam(monkeypatch, architecture, size, arguments):
    """docs/networks.md holds all of the catalogue and more of timm against both."""
    tools = tool()
    monkeypatch.setattr(tools, "build", lambda *given: build(*given[:2], arguments, *given[3:]))
    row = tools.compared(architecture, size)
    assert row["captum"] <= 1e-5 and row["pytorch_grad_cam"] <= 5e-4


def test_a_grid_of_ones_own_is_taken():
    model = build(VIT, 10, SMALL, 0, 96).eval()
    layer = "blocks.1.norm1"
    wide = map_layout(model, layer, 96, (4, 8))
    assert wide == Layout("NLC", 4, 8, 5)
    model.requires_grad_(False)
    images = torch.rand(2, 3, 96, 96)
    _, found, _ = explain_batch(model, get_layer(model, layer), images)
    assert found.shape == (2, 6, 6)
    rehearse(model, layer, 96, wide)


def test_tokens_that_no_longer_reach_the_class_token_are_refused():
    model = build(VIT, 10, SMALL, 0, 64)
    rehearse(model, "blocks.1.norm1", 64)
    with pytest.raises(AugcamError, match=r"does not depend on the map of 'blocks\.1\.norm2'"):
        rehearse(model, "blocks.1.norm2", 64)


def test_a_head_of_zeros_is_no_reason_to_refuse():
    """torchvision's vision transformers start with one."""
    with torch.no_grad():
        model = build(f"{OWN}:Tokens", 5, {}, 0, 16)
        model.head.weight.zero_()
    rehearse(model, "norm1", 16)
    assert not model.head.weight.any()


@pytest.mark.parametrize(
    "name,sentence",
    [
        ("Tuple", "returns a tuple, but logits are needed"),
        ("Dictionary", "returns a dict, but logits are needed"),
        ("wrong_count", r"a tensor of shape \(2, 4\), but logits of shape \(2, 3\)"),
        ("OneSize", "cannot be trained with these values"),
        ("no_module", "must give a torch.nn.Module"),
        ("Nothing", "has no class or function 'Nothing'"),
    ],
)
def test_networks_that_cannot_be_trained_are_refused(name, sentence):
    with pytest.raises(AugcamError, match=sentence) as caught:
        rehearse_training(build(f"{OWN}:{name}", 3, {}, 0), 24, 3)
    assert "\n" not in str(caught.value)


def test_networks_whose_outputs_are_no_numbers_are_refused():
    model = build(f"{OWN}:NotANumber", 3, {}, 0)
    rehearse_training(model, 16, 3)
    with pytest.raises(AugcamError, match="are no finite numbers"):
        rehearse(model, "body.3", 16)


def test_a_last_batch_of_one_is_refused_where_it_cannot_be_learnt_from():
    model = build(f"{OWN}:NormalisedHead", 3, {}, 0)
    refuse_a_batch_of_one(model, 16, batch_size=8, images=66)
    refuse_a_batch_of_one(build(f"{OWN}:Net", 3, {}, 0), 16, batch_size=8, images=65)
    with pytest.raises(
        AugcamError, match=r"^training\.batch_size: 65 images .* a last batch of one"
    ):
        refuse_a_batch_of_one(model, 16, batch_size=8, images=65)


def test_unknown_names_are_refused_with_what_was_meant(tmp_path):
    with pytest.raises(AugcamError, match="'convnext_ato'; did you mean 'convnext_atto'"):
        build("timm/convnext_ato", 10, {}, 0)
    with pytest.raises(AugcamError, match=r"architecture_arguments\.timm/resnet18: .*'breadth'"):
        build("timm/resnet18", 10, {"breadth": 2}, 0)
    broken = tmp_path / "broken.py"
    broken.write_text("import nothing_of_this_name\n")
    with pytest.raises(AugcamError, match=r"cannot be imported \(ModuleNotFoundError: No module"):
        build(f"{broken}:Net", 10, {}, 0)
    with pytest.raises(AugcamError, match="there is no such file"):
        build(f"{tmp_path}/absent.py:Net", 10, {}, 0)


def test_timms_stochastic_depth_counts_as_network_noise():
    assert not rehearse_training(build("timm/resnet18", 10, {}, 0), 64, 10)
    assert rehearse_training(build("timm/resnet18", 10, {"drop_path_rate": 0.2}, 0), 64, 10)


def test_what_is_frozen_stays():
    model = build(f"{OWN}:Net", 3, {}, 0)
    assert freeze(model, ["stem", "body.2"]) == [
        "stem.0.weight", "stem.0.bias", "stem.1.weight", "stem.1.bias",
        "body.2.weight", "body.2.bias",
    ]  # fmt: skip
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.Adam(p for p in model.parameters() if p.requires_grad)
    for _ in range(2):
        model.train()
        model(torch.rand(4, 3, 16, 16)).square().sum().backward()
        optimizer.step()
    after = model.state_dict()
    same = {name for name, value in before.items() if torch.equal(value, after[name])}
    assert same == {name for name in before if name.startswith(("stem.", "body.2."))}
    assert model.training and model.body[1].training and not model.stem[1].training


def test_a_prefix_is_a_whole_part_of_a_name():
    model = nn.Sequential()
    for i in range(11):
        model.add_module(str(i), nn.Linear(2, 2))
    assert freeze(model, ["1"]) == ["1.weight", "1.bias"]
    with pytest.raises(AugcamError, match=r"^training\.freeze: the network has no part '12'"):
        freeze(model, ["12"])
    with pytest.raises(AugcamError, match="freezes the whole network"):
        freeze(model, [str(i) for i in range(11)])


def test_the_head_is_what_depends_on_the_number_of_classes():
    network = {"architecture": VIT, "num_classes": 10, "arguments": SMALL, "input_size": 64}
    model = build(**network, seed=0)
    assert head_tensors(model, **network) == {"head.weight", "head.bias"}


def test_normalisation_is_that_of_the_weights():
    imagenet = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    assert normalisation("resnet18", "pretrained") == imagenet
    assert normalisation("googlenet", "pretrained") == ([0.5] * 3, [0.5] * 3)
    assert normalisation(VIT, "pretrained") == ([0.5] * 3, [0.5] * 3)
    assert normalisation("resnet18") is None
    given = parse_config(
        {"model": {"normalisation": {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}}}
    ).model.normalisation
    assert normalisation("resnet18", given) == ([0.1, 0.2, 0.3], [0.4, 0.5, 0.6])
    assert normalisation("resnet18", given.model_dump()) == ([0.1, 0.2, 0.3], [0.4, 0.5, 0.6])
    with pytest.raises(AugcamError, match=r"^model\.normalisation: nothing is known of weights"):
        normalisation("resnet20", "pretrained")


@pytest.mark.parametrize(
    "model,sentence",
    [
        ({"architecture": "timm/"}, "model.architecture: unknown architecture 'timm/'"),
        ({"architecture": "net.py:"}, "'net.py:' names no class or function of a file"),
        ({"architecture": "net.txt:Net"}, "'net.txt:Net' names no class or function of a file"),
        ({"architecture": "net.py:Net", "weights": "pretrained"}, "no pretrained weights of"),
        ({"architecture": "resnet20", "weights": "pretrained"}, "no pretrained weights of"),
        ({"architecture": "net.py:Net", "normalisation": "pretrained"}, "give mean and deviation"),
        ({"weights": "pretraind"}, "did you mean 'pretrained'?"),
        ({"weights": "weights.pkl"}, "is no file of weights (.safetensors, .pt"),
        ({"normalisation": "dataste"}, "unknown value 'dataste'; did you mean 'dataset'?"),
        ({"normalisation": {"mean": [0.5] * 3}}, "mean and deviation of three channels"),
        ({"architecture": "vit_b_16", "input_size": 100}, "it takes multiples of 16 alone"),
    ],
)
def test_a_config_that_cannot_work_is_refused_in_one_sentence(model, sentence):
    with pytest.raises(AugcamError) as caught:
        parse_config({"model": model})
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


def test_keys_that_are_not_used_leave_no_trace_in_what_steps_take():
    config = parse_config({})
    assert set(config.model.model_dump()) == {
        "architecture", "input_size", "fit", "cam_layer", "weight_seed",
    }  # fmt: skip
    assert "freeze" not in config.training.model_dump()
    assert config.network("resnet18") == {"architecture": "resnet18", "arguments": {}}
    assert config.network("vit_b_16")["input_size"] == 224


def test_files_that_are_not_there_are_named_before_anything_starts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = parse_config({"model": {"architecture": "net.py:Net", "weights": "w.pt"}}).model
    assert absent_files(model, ["resnet18", "other.py:Net"]).splitlines() == [
        f"config: {key}: there is no such file (looked for from {tmp_path})."
        for key in (
            "model.architecture: net.py:Net", "architectures: other.py:Net", "model.weights: w.pt",
        )
    ]  # fmt: skip
    for name in ("net.py", "other.py", "w.pt"):
        (tmp_path / name).touch()
    assert absent_files(model, ["other.py:Net"]) == ""


def test_names_of_networks_name_folders():
    assert folder("timm/convnext_atto") == "timm-convnext_atto"
    assert folder("nets/mine.py:Net") == "nets-mine.py-Net"
    assert all(folder(name) == name for name in entries(Network))


@pytest.mark.workflow
def test_a_network_of_ones_own_starts_from_a_file_of_weights(tmp_path):
    """Rules, scripts and what they record; then what an edited file and other candidates start."""
    project = copy_project(tmp_path / "copy")
    (project / "mine.py").write_text((ROOT / "tests" / "own_networks.py").read_text())
    torch.save({"model": build(f"{OWN}:Net", 5, {}, 9).half().state_dict()}, project / "five.pt")
    config = {
        "experiment": "own",
        "dataset": {"name": "digits", "train_limit": 120, "test_limit": 30},
        "model": {
            "architecture": "mine.py:Net",
            "input_size": 16,
            "weights": "five.pt",
            "normalisation": {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]},
        },
        "architectures": ["mine.py:Net", "timm/convnext_atto"],
        "training": {"epochs": 1, "batch_size": 16, "freeze": ["stem", "body.1"]},
        "augmentations": ["affine"],
        "starting_states": [1],
    }
    (project / "own.yaml").write_text(json.dumps(config))
    explained = "results/own/explanations/main/none/1/cams.npz"
    run(project, "--cores", "1", "--configfile", "own.yaml", "--", explained)
    of = project / "results" / "own" / "models"
    description = read_json(of / "network.json")
    assert description["cam_layer"] == "body.3"
    assert description["normalisation"]["std"] == [0.25] * 3
    said = " ".join(description["weights"]["said"])
    assert "float16 is converted to float32" in said and "the head is drawn anew" in said
    initial, trained = (
        read_tensors(of / name) for name in ("initial.safetensors", "none/1/weights.safetensors")
    )
    given = torch.load(project / "five.pt", weights_only=True)["model"]
    assert torch.equal(initial["stem.0.weight"], given["stem.0.weight"].float())
    same = {name for name, value in initial.items() if torch.equal(value, trained[name])}
    assert same == {name for name in initial if name.startswith(("stem.", "body.1."))}

    with (project / "mine.py").open("a") as file:
        file.write("\n# edited\n")
    again = planned(project, "--configfile", "own.yaml", "--", explained)
    assert again.keys() == {
        "rehearse_network", "describe_network", "initial_weights", "train", "explain",
    }  # fmt: skip
    candidates = planned(project, "--configfile", "own.yaml", "--", "architectures")
    assert candidates["train_architecture"] == candidates["initial_weights_of_architecture"] == 2
