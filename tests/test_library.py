"""The functions for notebooks, as docs/library.md shows them."""

import re

import matplotlib
import numpy as np
import pytest
import torch
from conftest import ROOT

import augcam
from augcam.errors import AugcamError
from augcam.explanation.maps import explain_batch
from augcam.networks.build import build
from augcam.networks.layers import get_layer

IMAGES = torch.randn(6, 3, 32, 32, generator=torch.Generator().manual_seed(0))
LABELS = [0, 1, 2, 0, 1, 2]


def network(seed: int, name: str = "resnet8") -> torch.nn.Module:
    return build(name, 3, {}, seed)


def test_explaining_gives_the_maps_of_the_workflow_and_leaves_the_network_as_it_was():
    model = network(0).train()
    model.fc.weight.requires_grad_(False)
    found = augcam.explain(model, IMAGES, batch_size=4)
    assert model.training
    assert [n for n, p in model.named_parameters() if not p.requires_grad] == ["fc.weight"]
    model.eval().requires_grad_(False)
    logits, cam, classes = explain_batch(model, get_layer(model, "layer3.0"), IMAGES)
    np.testing.assert_allclose(found.cam, cam, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found.logits, logits, rtol=1e-5)
    np.testing.assert_array_equal(found.target, classes)
    of_labels = augcam.explain(model, IMAGES, targets=LABELS, layer="layer2.0", method="hirescam")
    assert of_labels.cam.shape == (6, 16, 16)
    np.testing.assert_array_equal(of_labels.target, LABELS)


def test_models_are_compared_with_the_first_one_whatever_their_architecture():
    models = {"a": network(0), "b": network(1), "c": network(0, "resnet14")}
    table = augcam.compare_models(models, IMAGES, LABELS)
    assert list(table["model"]) == ["b"] * 6 + ["c"] * 6
    a, b = (augcam.explain(models[name], IMAGES) for name in "ab")
    alone = augcam.compare(a.cam, b.cam, ["mad", "overlap_20"], size=32)
    np.testing.assert_array_equal(table["mad"][:6], alone["mad"])
    np.testing.assert_array_equal(table["right"][:6], b.logits.argmax(1) == LABELS)
    assert {"class_kld", "label", "degenerate_a", "predicted_baseline"} <= set(table)


def test_a_network_does_not_differ_from_itself():
    maps = augcam.explain(network(0), IMAGES).cam
    table = augcam.compare(maps, maps, size=32)
    assert (table["mad"] == 0).all()
    assert "class_kld" not in table  # without logits


@pytest.mark.parametrize(
    "call,sentence",
    [
        (lambda: augcam.explain(network(0), IMAGES[0]), "images: their shape is (3, 32, 32); it"),
        (lambda: augcam.explain(network(0), IMAGES, targets=[1]), "targets: 1 classes for 6"),
        (lambda: augcam.compare(np.ones((2, 4, 4)), np.ones((3, 4, 4))), "maps_b: 3 maps, but"),
        (lambda: augcam.compare(np.full((2, 4, 4), np.nan), np.ones((2, 4, 4))), "maps_a: it h"),
        (lambda: augcam.compare(*np.ones((2, 2, 4, 4)), ["class_kld"]), "metrics: 'class_kld'"),
        (lambda: augcam.compare(*np.ones((2, 2, 4, 4)), ["mda"]), "metrics: no metric 'mda'"),
        (lambda: augcam.compare_models({"a": network(0)}, IMAGES), "models: a comparison takes"),
        (
            lambda: augcam.compare_models({"a": network(0), "b": network(0)}, IMAGES, [1]),
            "labels: 1 labels for 6 images.",
        ),
    ],
)
def test_bad_input_is_one_sentence(call, sentence):
    with pytest.raises(AugcamError, match=re.escape(sentence)):
        call()


def test_the_page_runs_as_printed(tmp_path, monkeypatch, capsys):
    matplotlib.use("agg")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/library.md").read_text(), re.DOTALL)
    known = {"images": IMAGES, "labels": LABELS, "augmented": network(2), "plain": network(0)}
    exec(blocks[0], known)
    assert (tmp_path / "overlap.png").exists()
    known |= {"plain": [network(0), network(1)], "augmented": [network(2)]}
    exec(blocks[1], known)
    assert "plain 1" in capsys.readouterr().out
    assert len(blocks) == 2
