"""Maps of networks whose weights become random, and what is said of maps that do not notice."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity
from torch import nn

from augcam.comparison.maps import normalise, upsample
from augcam.comparison.sanity import (
    OTHER_IMAGE,
    Likeness,
    likeness,
    of_other_images,
    sanity_table,
)
from augcam.config.messages import parse_config
from augcam.errors import AugcamError
from augcam.explanation.maps import explain
from augcam.explanation.sanity import FEWEST, MOST, blocks, randomise, randomised_maps
from augcam.networks.build import build
from augcam.report.sanity import randomisation
from augcam.statistics.sanity import sanity, verdicts

SIZE = 16

NETWORKS = {
    "resnet20": (["fc", "layer3", "layer2", "layer1", "stem.1", "stem.0"], 32),
    "efficientnet_b0": (["classifier.1", *(f"features.{i}" for i in range(8, -1, -1))], 64),
    "densenet121": (["classifier", "features.norm5", "features.denseblock4"], 64),
    "vit_b_16": (["heads.head", "encoder.ln", "encoder.layers.encoder_layer_11"], 32),
    "timm/vit_tiny_patch16_224": (["head", "norm", "blocks.11"], 32),
    "googlenet": (["fc", "inception5b", "inception5a"], 64),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_blocks_are_all_of_a_network_from_the_top_down(name):
    expected, size = NETWORKS[name]
    with torch.device("meta"):
        model = build(name, 10, {}, 0, size)
    found = blocks(model, size)
    assert FEWEST <= len(found) <= MOST
    firsts = [block.name.partition(" … ")[0] for block in found]
    assert firsts[0] == expected[0]
    if len(found) < MOST:
        assert firsts[: len(expected)] == expected
    tensors = [tensor for block in found for tensor in block.tensors]
    assert sorted(tensors) == sorted(model.state_dict())


def test_neighbours_are_joined_where_there_are_many_blocks():
    model = nn.Sequential(*(nn.Conv2d(3, 3, 3, padding=1) for _ in range(20)))
    found = blocks(model, 8)
    assert len(found) == MOST
    assert found[0].name == "19 … 18" and found[-1].name == "0"


def test_names_are_cut_later_where_that_leaves_too_few():
    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.net1 = nn.Sequential(*(nn.Conv2d(3, 3, 1) for _ in range(4)))
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x):
            return self.net1(x) * self.scale

    found = blocks(Wrapped(), 8)
    assert [block.name for block in found] == [f"net1.{i}" for i in (3, 2, 1, 0)]
    assert "scale" in found[-1].tensors


def test_blocks_become_random_one_after_another():
    model, fresh = (build("resnet20", 5, {}, seed) for seed in (0, 1))
    before = {name: t.clone() for name, t in model.state_dict().items()}
    before["stem.1.running_mean"] += 3
    model.load_state_dict(before)
    after, order = fresh.state_dict(), blocks(model, 32)
    for done, name in enumerate(randomise(model, fresh, order), start=1):
        assert name == order[done - 1].name
        random = {tensor for block in order[:done] for tensor in block.tensors}
        for tensor, value in model.state_dict().items():
            assert torch.equal(value, (after if tensor in random else before)[tensor])
    assert done == len(order) and not torch.equal(before["stem.0.weight"], after["stem.0.weight"])


# -------------------------------------------------------------------------------------- likeness


def by_hand(cam, other, size=SIZE):
    """The three measures of one pair, from scipy and scikit-image."""
    result = []
    for change in (lambda x: x, np.abs):
        p, q = (normalise(upsample(change(x)[None], size))[0] for x in (cam, other))
        result.append((spearmanr(p.ravel(), q.ravel()).statistic, p, q))
    (values, *_), (absolute, p, q) = result
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    map_of = structural_similarity(p, q, data_range=1, full=True, win_size=11, **options)[1]
    return values, absolute, map_of[5:-5, 5:-5].mean()


def test_likeness_is_that_of_other_libraries(rng):
    cam, other = rng.standard_normal((2, 12, 4, 4)).astype(np.float32)
    other[:6] += 2 * cam[:6]
    other[0] = -cam[0]
    found = likeness(1e-12 * cam, 1e6 * other, SIZE)
    expected = [by_hand(*pair) for pair in zip(cam, other)]
    np.testing.assert_allclose(np.stack(found, 1), expected, atol=2e-5)
    assert found.spearman[0] == pytest.approx(-1) and found.spearman_absolute[0] == pytest.approx(1)
    assert found.ssim[0] == pytest.approx(1)


def test_maps_that_say_nothing_have_no_likeness(rng):
    cam = rng.standard_normal((6, 4, 4)).astype(np.float32)
    other = cam.copy()
    other[0], other[1], other[2] = 0, 7, np.nan
    other[3, 0, 0] = np.inf
    other[4] = np.where(other[4] > 0, 1, -1)  # absolute values are the same everywhere
    found = likeness(cam, other, SIZE)
    assert np.isnan(found.spearman).tolist() == [True] * 4 + [False] * 2
    assert np.isnan(found.spearman_absolute).tolist() == [True] * 5 + [False]
    assert np.isnan(found.ssim).tolist() == [True] * 5 + [False]
    assert [measure[5] for measure in found] == pytest.approx([1, 1, 1])


def test_two_different_images_are_never_one(rng):
    cam = rng.standard_normal((50, 4, 4))
    found = of_other_images(cam, SIZE, seed=0)
    assert len(found.spearman) == 50 and found.spearman.max() < 0.99
    assert abs(found.spearman.mean()) < 0.15
    assert len(of_other_images(cam[:1], SIZE, 0).spearman) == 0


# -------------------------------------------------------------------------------- whole networks


class Edges(nn.Module):
    """How strong edges are: a layer without weights, before all that is learned."""

    def forward(self, x):
        grey = x.mean(1, keepdim=True)
        down = nn.functional.pad(grey.diff(dim=2), (0, 0, 0, 1))
        right = nn.functional.pad(grey.diff(dim=3), (0, 1))
        return torch.cat([down.abs(), right.abs()], 1)


def trained(store, *front, channels=3):
    """A small network that has learned the digits, and the same as it starts."""

    def new(seed):
        torch.manual_seed(seed)
        return nn.Sequential(
            *front,
            nn.Conv2d(channels, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, store.num_classes),
        )  # fmt: skip

    model, ids = new(0).train(), store.ids("train")
    images, labels = store.inputs(ids), store.labels[ids]
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
    model.eval()
    accuracy = (model(images).argmax(1) == labels).float().mean()
    assert accuracy > 0.8
    return model, [new(seed) for seed in (11, 12, 13)]


def checked(store, network, layer, method):
    """The table of the check, as the workflow makes it."""
    model, fresh = network
    ids = store.ids("test")
    state = {name: value.clone() for name, value in model.state_dict().items()}
    maps = explain(model, layer, store, ids, method)
    steps = {}
    for draw in fresh:
        model.load_state_dict(state)
        targets = torch.from_numpy(maps.target)
        for name, cam in randomised_maps(model, draw, layer, store, ids, targets, method):
            steps.setdefault(name, []).append(likeness(maps.cam, cam, SIZE))
    return sanity_table("main", method, of_other_images(maps.cam, SIZE, 0), steps)


def test_grad_cam_of_a_trained_network_notices_random_weights(store):
    table = checked(store, trained(store), "8", "gradcam")
    (verdict,) = verdicts(table)
    assert verdict.notices is True
    assert verdict.level < 0.5
    ((topic, text),) = sanity(table)
    assert topic == "sanity"
    assert text.startswith("Grad-CAM (view 'main') notices what the network has learned: with all")
    steps = table[table["compared_with"] != OTHER_IMAGE]
    assert steps["layer"].tolist() == ["11", "7", "6", "4", "3", "1", "0"]
    assert (steps["n_images"] + steps["n_undefined"] == 3 * 60).all()
    assert table["n_images"].iloc[0] + table["n_undefined"].iloc[0] == 60


def test_an_edge_detector_is_named(store):
    network = trained(store, Edges(), channels=2)
    table = checked(store, network, "0", "layercam_without_gradients")
    (verdict,) = verdicts(table)
    assert verdict.notices is False and verdict.level == pytest.approx(1)
    ((_, text),) = sanity(table)
    assert "(view 'main') does not notice what the network has learned" in text
    assert "Distances between its maps say nothing of what augmentation changes." in text


@pytest.fixture(autouse=True)
def _ignorant_method(monkeypatch):
    """A way of explaining that adds up what a layer shows, whatever that means for the class."""
    from augcam import entries

    entry = entries.CamMethod(
        name="layercam_without_gradients",
        display_name="Sum of channels",
        function=lambda activations: activations.sum(1),
        needs="activations",
    )
    known = entries.entries(entries.CamMethod) | {entry.name: entry}
    files = entries._found(entries.CamMethod)[1]
    monkeypatch.setitem(entries._READ, entries.CamMethod, (known, files))


# --------------------------------------------------------------------------------------- verdicts


def table_of(other, full, view="main"):
    """The table of maps whose two correlations fall to these."""
    one = [Likeness(*(np.full(4, value) for value in (*values, 0.5))) for values in (other, full)]
    start = Likeness(np.ones(4), np.ones(4), np.ones(4))
    return sanity_table(view, "gradcam", one[0], {"head": [start], "stem": [one[1], one[1]]})


@pytest.mark.parametrize(
    ("other", "full", "notices"),
    [
        ((0, 0), (0.49, 0.49), True),
        ((0, 0), (0.51, 0.0), False),
        ((0, 0), (-1, 0.51), False),  # upside down
        ((0.6, 0.2), (0.7, 0.5), True),
        ((0.6, 0.2), (0.7, 0.7), False),
        ((1, 1), (1 - 1e-9, 1), False),  # the same map for all images, whatever the weights
        ((1, 1), (0.2, 0.2), True),
        ((0, 0), (np.nan, np.nan), None),
        ((np.nan, np.nan), (0, 0), None),
        ((0, np.nan), (0.1, 0.1), True),  # the other measure tells
    ],
)
def test_maps_that_keep_more_than_half_do_not_notice(other, full, notices):
    (verdict,) = verdicts(table_of(other, full))
    assert verdict.notices is notices
    ((_, text),) = sanity(table_of(other, full))
    assert ("does not notice" in text) == (notices is False)
    assert ("cannot be told" in text) == (notices is None)
    assert "nan" not in text


def test_every_view_has_its_sentence_and_its_panel():
    table = pd.concat([table_of((0, 0), (0.1, 0.2)), table_of((0, 0), (1, 1), "pixels")])
    texts = [text for _, text in sanity(table)]
    assert "(view 'main') notices" in texts[0] and "(view 'pixels') does not notice" in texts[1]
    assert list(sanity(None)) == []
    figure = randomisation(table)
    assert len(figure.axes) >= 2
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert labels == ["none", "head", "stem"]


def test_the_config_refuses_it_where_there_is_no_network():
    assert not parse_config({}).statistics.sanity
    assert "sanity" not in parse_config({}).record()["statistics"]
    assert parse_config({"statistics": {"sanity": True}}).record()["statistics"]["sanity"]
    maps = {"maps": {"a": {0: "a.npz"}, "b": {0: "b.npz"}}, "statistics": {"sanity": True}}
    with pytest.raises(AugcamError) as error:
        parse_config(maps)
    assert "statistics.sanity: it needs networks, and maps have none; remove it" in str(error.value)
