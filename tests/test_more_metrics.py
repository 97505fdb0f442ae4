"""Metrics beyond the paper's, against scikit-image, scipy and scikit-learn, also on nasty maps."""

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.spatial.distance import jensenshannon
from skimage.metrics import structural_similarity
from sklearn.metrics import jaccard_score
from sklearn.metrics.pairwise import cosine_similarity

from augcam.comparison import distance_kernels
from augcam.comparison.explained import Explained
from augcam.comparison.maps import Maps, to_maps
from augcam.comparison.models import compare
from augcam.config.messages import parse_config
from augcam.entries import metric_named
from augcam.names import PAPER_METRICS

NAMES = ["cosine", "jensen_shannon", "earth_mover", "overlap_half", "ssim"]
SIZE = 24


def raw(side=4):
    """Raw CAMs with their pitfalls: ties, sparse and constant maps, one pixel, tiny ranges."""
    rng = np.random.default_rng(side)
    maps = rng.standard_normal((10, side, side)).astype(np.float32)
    maps[3] = np.round(maps[3])
    maps[4][maps[4] < 1] = 0
    maps[5] = 0
    maps[5, 0, side - 1] = 1
    maps[6] = 0
    maps[7] = 2
    maps[8] = 1 + 1e-6 * maps[8]
    maps[9] = -1
    return maps


def moved(p, q):
    """The earth mover's distance of two maps (h, w) with sum 1, by linear programming."""
    height, width = p.shape
    y, x = np.mgrid[:height, :width]
    places = np.stack([(y.ravel() + 0.5) / height, (x.ravel() + 0.5) / width], axis=1)
    cost = np.linalg.norm(places[:, None] - places, axis=2)
    n = p.size
    leaves, arrives = np.kron(np.eye(n), np.ones((1, n))), np.kron(np.ones((1, n)), np.eye(n))
    sums = np.concatenate([p.ravel(), q.ravel()])
    # The last equation follows from the others; with rounding it might contradict them.
    found = linprog(cost.ravel(), A_eq=np.concatenate([leaves, arrives])[:-1], b_eq=sums[:-1])
    assert found.success
    return found.fun


def reference(name, p, q, small_p, small_q):
    """The metric of two maps (SIZE, SIZE), and of these at the layer's resolution."""
    x, y = p.ravel().astype(np.float64), q.ravel().astype(np.float64)
    if name == "ssim":
        return structural_similarity(
            p.astype(np.float64), q.astype(np.float64), data_range=1, gaussian_weights=True,
            sigma=1.5, use_sample_covariance=False,
        )  # fmt: skip
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    if name == "cosine":
        return cosine_similarity(x[None], y[None])[0, 0]
    if name == "jensen_shannon":
        return jensenshannon(x, y, base=2) ** 2
    if name == "overlap_half":
        return jaccard_score(x >= x.max() / 2, y >= y.max() / 2)
    shares = (m.astype(np.float64) / m.sum(dtype=np.float64) for m in (small_p, small_q))
    return moved(*shares)


@pytest.mark.parametrize("name", NAMES)
def test_metrics_agree_with_other_peoples(name):
    cams = raw()
    first, second = (rows.ravel() for rows in np.meshgrid(range(len(cams)), range(len(cams))))
    p, q = Maps.of(cams[first], SIZE), Maps.of(cams[second], SIZE)
    found = metric_named(name).function(p, q)
    big = to_maps(cams, SIZE)
    expected = [
        reference(name, big[i], big[j], p.small[n], q.small[n])
        for n, (i, j) in enumerate(zip(first, second))
    ]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7, equal_nan=True)
    assert np.isnan(found).any() == (name != "ssim")


def test_the_earth_movers_distance_of_plain_cases():
    cams = np.zeros((4, 1, 8), np.float32)
    cams[0, 0, 0] = cams[1, 0, 4] = cams[2, 0, [0, 4]] = cams[3, 0, 7] = 1
    maps = Maps.of(np.repeat(cams, 8, axis=1), 16)
    metric = metric_named("earth_mover").function
    rows = [Maps.of(np.repeat(cams[[i]], 8, axis=1), 16) for i in range(4)]
    assert metric(maps, maps) == pytest.approx(0)
    assert metric(rows[0], rows[1])[0] == pytest.approx(4 / 8)
    assert metric(rows[0], rows[2])[0] == pytest.approx(2 / 8)
    assert metric(rows[0], rows[3])[0] == pytest.approx(7 / 8)


@pytest.mark.parametrize("side", [7, 9])
def test_the_earth_movers_distance_is_exact_on_larger_grids(side):
    rng = np.random.default_rng(side)
    shares = rng.random((2, 4, side * side)) ** 4
    shares /= shares.sum(axis=2, keepdims=True)
    y, x = np.divmod(np.arange(side * side), side)
    places = np.stack([(y + 0.5) / side, (x + 0.5) / side], axis=1)
    cost = np.linalg.norm(places[:, None] - places, axis=2)
    found = distance_kernels.earth_mover(*shares, cost)
    expected = [moved(*(m.reshape(side, side) for m in pair)) for pair in zip(*shares)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7)  # what linprog allows


def test_maps_smaller_than_the_window_have_no_structural_similarity():
    maps = Maps.of(raw(), 10)
    assert np.isnan(metric_named("ssim").function(maps, maps)).all()


def test_they_are_off_by_default_and_do_not_depend_on_neighbours_and_threads():
    assert parse_config({}).similarity.metrics == list(PAPER_METRICS)
    assert parse_config({"similarity": {"metrics": NAMES}}).similarity.metrics == NAMES
    cams = np.tile(raw(), (30, 1, 1))
    rest = np.zeros((300, 3), np.float32), np.ones(300, bool)
    p, q = (Explained(np.arange(300), c, *rest) for c in (cams, np.roll(cams, 7, axis=0)))
    (one,), (many,) = (compare(p, [q], NAMES, 64, 1e-16, threads) for threads in (1, 3))
    assert one.equals(many)
    first = one[NAMES].to_numpy()
    np.testing.assert_array_equal(first[:140], first[140:280])
