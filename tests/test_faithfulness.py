"""Scores that ask the network, against pytorch-grad-cam and plain loops, also on nasty maps."""

import numpy as np
import pandas as pd
import pytest
import torch
from pytorch_grad_cam.metrics.cam_mult_image import DropInConfidence, IncreaseInConfidence
from pytorch_grad_cam.metrics.perturbation_confidence import (
    PerturbationConfidenceMetric,
    RemoveLeastRelevantFirst,
    RemoveMostRelevantFirst,
)
from pytorch_grad_cam.metrics.road import NoisyLinearImputer
from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget
from scipy.ndimage import gaussian_filter
from torch import nn

from augcam.comparison import imputation
from augcam.comparison.faithfulness import faithfulness_of_file
from augcam.comparison.imputation import impute
from augcam.comparison.maps import to_maps, upsample
from augcam.comparison.probe import Probe, area, places
from augcam.comparison.rawmaps import RawMaps
from augcam.data.sample import sample
from augcam.entries import Score, entries, score_named
from augcam.errors import AugcamError
from augcam.files.arrays import write_arrays

# pytorch-grad-cam's imputation hands tensors to numpy.
pytestmark = pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")

SIDE, CLASSES = 16, 4
ASKING = [name for name, score in entries(Score).items() if score.needs == "network"]


@pytest.fixture(scope="module")
def model():
    """A small network whose confidence depends a great deal on what it sees."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, 2, 1), nn.ReLU(),
        nn.Flatten(), nn.Linear(8 * SIDE * SIDE // 4, CLASSES),
    )  # fmt: skip
    network[-1].weight.data *= 6
    return network.eval().requires_grad_(False)


def probe_of(model, cam, seed=0, first_id=100):
    """A probe of as many random images, and the classes that are explained."""
    images = torch.randn(len(cam), 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    target = np.arange(len(cam)) % CLASSES
    maps = RawMaps(cam, SIDE)
    return Probe(model, images, target, first_id + np.arange(len(cam)), maps)


def found(name, probe):
    return score_named(name).function(probe.maps, probe)


def distinct_maps(rng, count=6):
    """Raw maps at the input's own resolution, positive and without ties."""
    order = np.argsort(rng.random((count, SIDE * SIDE)), axis=1)
    return (1 + order.reshape(count, SIDE, SIDE)).astype(np.float32) / SIDE**2


def nasty_maps(rng):
    """Maps with ties, of every kind that goes wrong somewhere."""
    point = np.zeros((4, 4))
    point[1, 2] = 3
    maps = [
        rng.standard_normal((4, 4)),  # ReLU: many zeros
        np.round(rng.random((4, 4)) * 2),
        point,
        1e-30 * rng.random((4, 4)),
        1e30 * rng.random((4, 4)),
        np.full((4, 4), 2.0),
        np.zeros((4, 4)),
        -rng.random((4, 4)),
        -point,
        np.full((4, 4), np.nan),
    ]
    return np.stack(maps).astype(np.float32)


UNDEFINED = [False] * 5 + [True] * 5


# ------------------------------------------------------------------------ deletion and insertion


def confidence(model, image, target):
    with torch.no_grad():
        return model(image[None]).double().softmax(1)[0, target].item()


def walked(model, image, target, order, start, finish):
    """The area under the curve, one pixel and one image at a time."""
    now, curve = start.clone(), [confidence(model, start, target)]
    for at, pixel in enumerate(order):
        y, x = divmod(int(pixel), SIDE)
        now[:, y, x] = finish[:, y, x]
        if at % SIDE == SIDE - 1:
            curve.append(confidence(model, now, target))
    return np.trapezoid(curve, dx=1 / SIDE)


def blurred_in_a_loop(image):
    """Every pixel of the blurred image by itself; 0 beyond the image."""
    point = np.zeros((11, 11))
    point[5, 5] = 1
    kernel = gaussian_filter(point, 5)
    assert kernel.sum() == pytest.approx(1)
    wide = np.pad(image.numpy().astype(np.float64), ((0, 0), (5, 5), (5, 5)))
    result = np.empty(image.shape)
    for y in range(SIDE):
        for x in range(SIDE):
            result[:, y, x] = (wide[:, y : y + 11, x : x + 11] * kernel).sum(axis=(1, 2))
    return torch.from_numpy(result).float()


def expected(model, probe, name, orders):
    values = []
    for i, order in enumerate(orders):
        image, target = probe.images[i], int(probe.target[i])
        ends = {
            "deletion": (image, torch.zeros_like(image)),
            "insertion": (blurred_in_a_loop(image), image),
        }
        values.append(walked(model, image, target, order, *ends[name]))
    return np.array(values)


@pytest.mark.parametrize("name", ["deletion", "insertion"])
def test_areas_are_those_of_a_plain_loop(model, rng, name):
    cam = distinct_maps(rng)
    probe = probe_of(model, cam)
    orders = [np.argsort(-one.ravel()) for one in cam]
    reference = expected(model, probe, name, orders)
    np.testing.assert_allclose(found(name, probe), reference, atol=1e-5)
    assert reference.std() > 0.02  # the test would see a difference


@pytest.mark.parametrize("name", ["deletion", "insertion"])
def test_areas_of_nasty_maps_are_those_of_a_plain_loop_or_undefined(model, rng, name):
    cam = nasty_maps(rng)
    probe = probe_of(model, cam)
    with np.errstate(all="raise"):
        values = found(name, probe)
    assert np.isnan(values).tolist() == UNDEFINED
    positive = RawMaps(cam, SIDE).positive.reshape(len(cam), -1)
    orders = [
        sorted(range(SIDE**2), key=lambda pixel, i=i: int(probe.places[i].ravel()[pixel]))
        for i in range(5)
    ]
    for values_of, order in zip(positive, orders):
        assert (np.diff(values_of[order]) <= 0).all()
        assert sorted(order) == list(range(SIDE**2))
    np.testing.assert_allclose(values[:5], expected(model, probe, name, orders), atol=1e-5)


def test_equal_pixels_are_in_an_order_that_is_random_and_the_images_own(model):
    cam = np.zeros((2, 4, 4), np.float32)
    cam[:, 0, 0] = 1
    first, second = probe_of(model, cam), probe_of(model, cam, seed=1)
    assert torch.equal(first.places, second.places)  # whatever model and pixels
    assert not torch.equal(first.places[0], first.places[1])
    far = first.places[0][SIDE // 2 :].float()  # all 0: no drift from the top to the bottom
    assert abs(far.mean() - (SIDE**2 + (first.maps.positive[0] > 0).sum() - 1) / 2) < 12
    values = np.array([1.0, 3, 3, 0, 3])
    assert places(values, np.random.default_rng(0))[[0, 3]].tolist() == [3, 4]
    firsts = {int(np.argmin(places(values, np.random.default_rng(i)))) for i in range(30)}
    assert firsts == {1, 2, 4}


def test_the_area_of_known_curves():
    curves = np.array([[1, 1, 1], [0, 0, 1], [1.0, 0.5, 0]])
    assert area(curves).tolist() == [1, 0.25, 0.5]


# ------------------------------------------------------------------------------ pytorch-grad-cam


def targets(probe):
    return [ClassifierOutputSoftmaxTarget(int(target)) for target in probe.target]


def test_drop_and_increase_are_pytorch_grad_cams(model, rng):
    cam = np.concatenate([rng.random((40, 4, 4)), nasty_maps(rng)[:5]]).astype(np.float32)
    probe = probe_of(model, cam)
    given = probe.images, to_maps(cam, SIDE), targets(probe), model
    drop, up = DropInConfidence()(*given), IncreaseInConfidence()(*given)
    np.testing.assert_allclose(
        found("average_drop", probe), drop / probe.confidence, atol=1e-4, rtol=1e-4
    )
    np.testing.assert_array_equal(found("increase", probe), up)
    assert 0 < up.sum() < len(up) and (drop == 0).sum() == up.sum()


def test_a_map_that_hides_nothing_takes_nothing():
    class Sum(nn.Module):
        def forward(self, x):
            total = x.sum((1, 2, 3))
            return torch.stack([total, -total], 1)

    cam = np.ones((1, SIDE, SIDE), np.float32)
    cam[0, 0, 0] = 0
    maps = RawMaps(cam, SIDE)
    images = torch.zeros(1, 3, SIDE, SIDE)
    images[0, :, 5, 5] = 0.1
    probe = Probe(Sum(), images, np.array([0]), np.array([7]), maps)
    assert found("average_drop", probe) == pytest.approx(0, abs=1e-6)
    assert found("increase", probe) == [0]
    images[0, :, 0, 0] = -0.1  # what the map hides speaks against the class
    assert found("increase", Probe(Sum(), images, np.array([0]), np.array([7]), maps)) == [1]
    images[0, :, 0, 0] = 0.1  # what it hides speaks for it
    probe = Probe(Sum(), images, np.array([0]), np.array([7]), maps)
    of_half, of_all = (1 / (1 + np.exp(-2 * total)) for total in (0.3, 0.6))
    assert found("average_drop", probe)[0] == pytest.approx((of_all - of_half) / of_all, rel=1e-5)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.98])
@pytest.mark.parametrize("shape", [(9, 9), (5, 12)])
def test_imputation_is_pytorch_grad_cams(rng, share, shape):
    image = rng.standard_normal((3, *shape)).astype(np.float32)
    removed = rng.random((4, *shape)) < share
    removed[0, 2:4, 1:] = True
    removed[1, 0] = True
    reference = NoisyLinearImputer(noise=0)
    for ours, gone in zip(impute(image, removed), removed):
        theirs = reference(torch.from_numpy(image), torch.from_numpy(~gone).float()).numpy()
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
        np.testing.assert_array_equal(ours[:, ~gone], image[:, ~gone])


def test_imputation_adds_its_noise_to_what_is_removed_alone(rng):
    image, noise = rng.standard_normal((2, 3, 8, 8)).astype(np.float32)
    removed = rng.random((2, 8, 8)) < 0.5
    plain, noisy = impute(image, removed), impute(image, removed, noise)
    np.testing.assert_allclose(noisy - plain, noise * removed[:, None], atol=1e-6)
    nothing = np.zeros((1, 8, 8), bool)
    np.testing.assert_array_equal(impute(image, nothing, noise)[0], image)
    with pytest.raises(ValueError, match="no pixel is left"):
        impute(image, ~nothing)


def test_road_is_pytorch_grad_cams_combined(model, rng, monkeypatch):
    monkeypatch.setattr(imputation, "NOISE", 0)
    cam = distinct_maps(rng)
    probe = probe_of(model, cam)
    sides = []
    for kind in (RemoveLeastRelevantFirst, RemoveMostRelevantFirst):
        steps = [
            PerturbationConfidenceMetric(kind(percentile, NoisyLinearImputer(noise=0)))(
                probe.images, cam, targets(probe), model, return_diff=False
            )
            for percentile in (10, 20, 30, 40, 50, 60, 70, 80, 90)
        ]
        sides.append(np.mean(steps, axis=0))
    reference = (sides[0] - sides[1]) / 2
    np.testing.assert_allclose(found("road", probe), reference, atol=1e-4)
    assert reference.std() > 0.01


def test_road_has_the_noise_that_is_published(model, rng):
    cam = upsample(rng.random((1, 4, 4)).astype(np.float32), SIDE)
    from augcam.comparison.scores.road import without

    probe = probe_of(model, cam)
    counts = np.array([SIDE**2 // 2])
    noisy = without(probe, 0, counts)[1]
    gone = (probe.places[0] < SIDE**2 // 2).numpy()
    plain = impute(probe.images[0].numpy(), gone[None])[0]
    added = (noisy - plain)[:, gone]
    assert added.std() == pytest.approx(0.01, rel=0.15) and abs(added.mean()) < 0.002
    np.testing.assert_array_equal(noisy, without(probe, 0, counts)[1])


# ---------------------------------------------------------------------------------- what all share


@pytest.mark.parametrize("name", ASKING)
def test_degenerate_maps_are_undefined_and_touch_no_neighbour(model, rng, name):
    cam = nasty_maps(rng)
    values = found(name, probe_of(model, cam))
    assert np.isnan(values).tolist() == UNDEFINED
    low, high = score_named(name).range
    assert (values[:5] >= low).all() and (values[:5] <= high).all()
    alone = found(name, probe_of(model, cam[:2]))
    np.testing.assert_allclose(alone, values[:2], atol=1e-6)


@pytest.mark.parametrize("name", ASKING)
def test_properties_that_a_score_declares(model, rng, name):
    score = score_named(name)
    cam = rng.random((3, 4, 4)).astype(np.float32)
    np.testing.assert_allclose(
        found(name, probe_of(model, 1024 * cam)), found(name, probe_of(model, cam)), atol=1e-4
    )
    assert score.undefined_on_constant and not score.signed
    assert score.range[0] <= score.neutral <= score.range[1]
    assert "{part}" not in score.higher + score.lower


def test_batches_change_nothing(model, rng):
    cam = rng.random((5, 4, 4)).astype(np.float32)
    whole, small = probe_of(model, cam), probe_of(model, cam)
    small.batch = 7
    for name in ASKING:
        np.testing.assert_allclose(found(name, small), found(name, whole), atol=1e-6)


# ------------------------------------------------------------------------------------------ files


def test_a_sample_is_the_seeds_and_all_where_there_are_no_more(capsys):
    rows = sample(1000, 50, 3)
    assert len(set(rows)) == 50 and (np.diff(rows) > 0).all() and rows.max() < 1000
    np.testing.assert_array_equal(rows, sample(1000, 50, 3))
    assert set(rows) != set(sample(1000, 50, 4))
    assert not capsys.readouterr().out
    assert sample(5, 50, 3).tolist() == [0, 1, 2, 3, 4]
    assert "50 are asked for, there are 5: all of them" in capsys.readouterr().out


def test_scores_of_a_file_are_of_its_sample_and_depend_on_no_other_image(
    model, store, rng, tmp_path
):
    ids = store.ids("test").numpy()[10:50]
    cam = rng.standard_normal((40, 4, 4)).astype(np.float32)
    target = rng.integers(CLASSES, size=40)
    write_arrays(tmp_path / "cams.npz", cam=cam, image_id=ids, target=target)
    few, all_ = (
        pd.DataFrame(faithfulness_of_file(model, store, tmp_path / "cams.npz", ASKING, n, 1))
        for n in (18, 40)
    )
    assert list(few) == ["image_id", *ASKING] and len(few) == 18
    same = all_[all_["image_id"].isin(few["image_id"])].reset_index(drop=True)
    np.testing.assert_allclose(same, few, atol=1e-6)
    i = 25
    image = store.inputs(torch.from_numpy(ids[[i]]))
    probe = Probe(model, image, target[[i]], ids[[i]], RawMaps(cam[[i]], SIDE))
    for name in ASKING:
        assert all_[name][i] == pytest.approx(found(name, probe)[0], abs=1e-6)
    cam[3, 0, 0] = np.inf
    write_arrays(tmp_path / "cams.npz", cam=cam, image_id=ids, target=target)
    with pytest.raises(AugcamError, match=r"cams\.npz: it holds values that are no finite"):
        faithfulness_of_file(model, store, tmp_path / "cams.npz", ASKING, 40, 1)
