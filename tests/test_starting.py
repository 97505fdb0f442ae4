"""Starting weights from files and from the folder of pretrained ones."""

import collections
import hashlib
import importlib.util

import pytest
import torch
from conftest import ROOT
from safetensors.torch import save_file
from torch import nn

from augcam.errors import AugcamError
from augcam.networks.build import build, head_tensors
from augcam.networks.pretrained import Source, fetched, pretrained_source
from augcam.networks.starting import start_from, starting_weights

OWN = str(ROOT / "tests" / "own_networks.py")
HEAD = {"head.weight", "head.bias"}


def network(num_classes=3, seed=0, **arguments):
    return build(f"{OWN}:Net", num_classes, arguments, seed)


def state_of(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def equal(model, state):
    found = model.state_dict()
    return {name for name in found if name in state and torch.equal(found[name], state[name])}


@pytest.fixture
def trained():
    """Weights of another network of the same kind, batch statistics and all."""
    model = network(seed=7)
    model(torch.rand(8, 3, 16, 16))
    return state_of(model)


def prefixed(prefix, state):
    return {f"{prefix}{name}": value for name, value in state.items()}


FORMS = {
    "plain.pt": lambda state: state,
    "ordered.pth": lambda state: collections.OrderedDict(state),
    "parallel.pt": lambda state: prefixed("module.", state),
    "compiled.pt": lambda state: prefixed("_orig_mod.module.", state),
    "lightning.pt": lambda state: {"epoch": 3, "state_dict": prefixed("model.", state)},
    "beside.pt": lambda state: {"model": state, "optimizer": {"lr": 0.1}, "epoch": 3},
}


@pytest.mark.parametrize("form", FORMS)
def test_checkpoints_are_understood(tmp_path, trained, form):
    torch.save(FORMS[form](trained), tmp_path / form)
    model = network()
    said = start_from(model, tmp_path / form, HEAD)
    assert equal(model, trained) == set(trained)
    assert len(said) == 1 and "the head is taken over" in said[0]


def test_safetensors_and_their_absent_counts_are_understood(tmp_path, trained):
    counts = [name for name in trained if name.endswith("num_batches_tracked")]
    save_file({n: v for n, v in trained.items() if n not in counts}, tmp_path / "a.safetensors")
    model = network()
    start_from(model, tmp_path / "a.safetensors", HEAD)
    assert equal(model, trained) == set(trained) - set(counts)


def test_a_head_for_other_classes_is_drawn_anew_and_said(tmp_path, trained):
    torch.save(trained, tmp_path / "three.pt")
    definition = {"architecture": f"{OWN}:Net", "num_classes": 5, "arguments": {}}
    model = network(num_classes=5, seed=2)
    assert head_tensors(model, **definition) == HEAD
    drawn = state_of(model)
    record = starting_weights(model, definition, str(tmp_path / "three.pt"), "weights")
    assert equal(model, drawn) >= HEAD
    assert equal(model, trained) == set(trained) - HEAD
    (said,) = record["said"]
    assert "the head is drawn anew (head.weight [5, 4], [3, 4] there, head.bias" in said
    assert record["sha256"] == hashlib.sha256((tmp_path / "three.pt").read_bytes()).hexdigest()


def test_weights_that_fill_the_network_leave_nothing_to_vary(tmp_path, trained):
    torch.save(trained, tmp_path / "all.pt")
    definition = {"architecture": f"{OWN}:Net", "num_classes": 3, "arguments": {}}
    with pytest.raises(AugcamError, match=r"^variation: 'weights' varies what is drawn"):
        starting_weights(network(), definition, str(tmp_path / "all.pt"), "weights", varied=True)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_converted_and_said(tmp_path, trained, kind):
    cast = {n: v.to(kind) if v.is_floating_point() else v for n, v in trained.items()}
    torch.save(cast, tmp_path / "half.pt")
    model = network()
    said = start_from(model, tmp_path / "half.pt", HEAD)
    assert f"{str(kind).removeprefix('torch.')} is converted to float32" in said[0]
    assert all(v.dtype != kind for v in model.state_dict().values())
    torch.testing.assert_close(
        model.state_dict()["stem.0.weight"], cast["stem.0.weight"].float(), rtol=0, atol=0
    )


@pytest.mark.filterwarnings("ignore")  # torch's own, on quantisation to come
def quantised():
    class Quantised(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(4, 3)

    return torch.ao.quantization.quantize_dynamic(Quantised(), {nn.Linear}).state_dict()


class Settings:
    """What some save beside the weights."""


def broken(state, kind):
    """Files that will not do: their content."""
    found = dict(state)
    if kind == "missing":
        del found["stem.0.weight"]
    if kind == "unknown":
        found["neck.weight"] = torch.zeros(2)
    if kind == "shape":
        found["stem.0.weight"] = torch.zeros(5, 3, 3, 3)
    if kind == "integers":
        found["head.weight"] = torch.zeros(3, 4, dtype=torch.int8)
    if kind == "nan":
        found["stem.0.weight"] = torch.full((4, 3, 3, 3), torch.nan)
    if kind == "objects":
        found = {"state_dict": found, "settings": Settings()}
    if kind == "no weights":
        found = {"epoch": 3}
    if kind == "a list":
        found = [1, 2]
    if kind == "a network":
        found = nn.Linear(2, 2)
    return found


@pytest.mark.parametrize(
    "kind,sentence",
    [
        ("missing", r"not weights of this network: 1 of 16 tensors are missing \(e\.g\. 'stem\.0"),
        ("unknown", r"1 are unknown to the network \(e\.g\. 'neck\.weight'\)"),
        ("shape", r"1 have another shape \(e\.g\. 'stem\.0\.weight' \[5, 3, 3, 3\], not \[4, 3"),
        ("integers", "these weights are quantised"),
        ("nan", "'stem.0.weight' holds values that are no finite numbers"),
        ("objects", r"holds objects of [\w.]+\.Settings, which could run code"),
        ("a network", "which could run code when they are read"),
        ("no weights", "no weights were found in it; .* it holds epoch"),
        ("a list", "a state dict is needed .* not a list"),
    ],
)
def test_other_files_are_refused_in_one_sentence(tmp_path, trained, kind, sentence):
    path = tmp_path / "weights.pt"
    torch.save(broken(trained, kind), path)
    with pytest.raises(AugcamError, match=sentence) as caught:
        start_from(network(), path, HEAD)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore")
def test_quantised_files_are_refused(tmp_path):
    path = tmp_path / "small.pt"
    torch.save(quantised(), path)
    with pytest.raises(AugcamError, match=r"small\.pt: "):
        start_from(network(), path, HEAD)


def test_files_that_are_not_there_or_damaged_are_named(tmp_path):
    with pytest.raises(AugcamError, match=r"absent\.pt: the file is missing"):
        start_from(network(), tmp_path / "absent.pt", HEAD)
    for name in ("damaged.pt", "damaged.safetensors"):
        (tmp_path / name).write_bytes(b"no weights")
        with pytest.raises(AugcamError, match=rf"{name}: the file cannot be read"):
            start_from(network(), tmp_path / name, HEAD)


@pytest.mark.parametrize("architecture", ["timm/vit_tiny_patch16_224", "vit_b_32"])
def test_position_embeddings_are_resampled_to_the_input(tmp_path, architecture):
    small = {"num_heads": 2} if architecture == "vit_b_32" else {"embed_dim": 24, "depth": 1}
    sizes = (96, 64) if architecture.startswith("timm") else (160, 128)
    if architecture == "vit_b_32":
        small = {"num_layers": 1, "hidden_dim": 24, "mlp_dim": 24, "num_heads": 2}
        pytest.importorskip("torchvision")
        from torchvision.models import VisionTransformer

        large, model = (
            VisionTransformer(size, 32, num_classes=3, **small).train() for size in sizes
        )
        head = {"heads.head.weight", "heads.head.bias"}
    else:
        large, model = (build(architecture, 3, small | {"num_heads": 2}, 0, s) for s in sizes)
        head = HEAD
    save_file(large.state_dict(), tmp_path / "large.safetensors")
    start_from(model, tmp_path / "large.safetensors", head)
    assert model(torch.rand(1, 3, sizes[1], sizes[1])).isfinite().all()


def test_densenets_old_names_and_auxiliary_heads_are_understood(tmp_path):
    model = build("densenet121", 3, {}, 0)
    old = {
        name.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): value
        for name, value in build("densenet121", 3, {}, 1).state_dict().items()
    }
    torch.save(old | {"aux1.fc1.weight": torch.zeros(1)}, tmp_path / "old.pth")
    said = start_from(model, tmp_path / "old.pth", {"classifier.weight", "classifier.bias"})
    assert "auxiliary classifiers are left out (1 tensors)" in said[0]


def test_pretrained_weights_are_fetched_once_and_checked(tmp_path):
    content = b"weights"
    sum_of = hashlib.sha256(content).hexdigest()
    there = tmp_path / "there" / f"net-{sum_of[:8]}.pth"
    there.parent.mkdir()
    there.write_bytes(content)
    source = Source(there.name, there.as_uri(), sum_of[:8])
    path = fetched(source, tmp_path / "kept")
    assert path.read_bytes() == content
    there.unlink()
    assert fetched(source, tmp_path / "kept") == path
    path.write_bytes(b"other")
    with pytest.raises(AugcamError, match=r"wrong checksum .* delete it and run again"):
        fetched(source, tmp_path / "kept")
    path.unlink()
    with pytest.raises(AugcamError, match=rf"download {source.url} elsewhere and put it .* as '/"):
        fetched(source, tmp_path / "kept")
    there.write_bytes(b"other")
    with pytest.raises(AugcamError, match="invalid hash value"):
        fetched(source, tmp_path / "kept")
    assert not path.exists()


def test_what_is_pretrained_is_known_without_a_network():
    source = pretrained_source("resnet18")
    assert source.place == "resnet18-f37072fd.pth" and source.sha256 == "f37072fd"
    source = pretrained_source("timm/convnext_atto")
    assert source.place == "timm/convnext_atto.d2_in1k/model.safetensors"
    assert source.url.endswith(f"{source.place.rpartition('/')[0]}/resolve/main/model.safetensors")
    with pytest.raises(AugcamError, match="there are no pretrained weights of 'resnet20'"):
        pretrained_source("resnet20")


def test_real_weights_recognise_two_photographs(tmp_path):
    """ImageNet's palace (698) and daisy (985), as the package's weights in timm's network."""
    from sklearn.datasets import load_sample_image

    path = ROOT / "examples" / "efficientnet_lite0.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    save_file(example.pretrained(), tmp_path / "lite0.safetensors")
    model = build("timm/efficientnet_lite0", 1000, {}, 0)
    start_from(model, tmp_path / "lite0.safetensors", {"classifier.weight", "classifier.bias"})
    photographs = [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]
    images = torch.stack([torch.tensor(p).permute(2, 0, 1) for p in photographs]) / 255
    side = min(images.shape[-2:])
    left = (images.shape[-1] - side) // 2
    images = nn.functional.interpolate(
        images[..., left : left + side], (224, 224), mode="bilinear", antialias=True
    )
    with torch.no_grad():
        classes = model.eval()((images - 0.498) / 0.502).argmax(1)
    assert classes.tolist() == [698, 985]
