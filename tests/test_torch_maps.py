"""The metrics in torch against those of the CPU, which are tested against other people's."""

import numpy as np
import pytest
import torch

from augcam.comparison import maps
from augcam.comparison.maps import Maps
from augcam.entries import metric_named
from benchmarks.torch_maps import map_metrics, to_maps

NAMES = ["mad", "msd", "pearson", "spearman", "overlap_20", "overlap_10", "overlap_5", "overlap_1"]
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def raw_maps(seed):
    """Random, tied, sparse, all-zero, constant and tiny raw CAMs."""
    maps = np.random.default_rng(seed).standard_normal((18, 7, 7)).astype(np.float32)
    maps[3:6] = np.round(maps[3:6])
    maps[6:9][maps[6:9] < 1.5] = 0
    maps[9 + seed] = -1
    maps[12] = 2
    maps[13:15] *= np.float32(1e-9)
    return maps


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("size", [7, 24, 224])
def test_torch_agrees_with_the_cpu(device, size):
    p, q = raw_maps(0), raw_maps(1)
    tensors = [torch.from_numpy(cam).to(device) for cam in (p, q)]
    for cam, tensor in zip((p, q), tensors):
        np.testing.assert_array_equal(to_maps(tensor, size).cpu(), maps.to_maps(cam, size))
    theirs = map_metrics(*tensors, NAMES, size)
    pair = [Maps(maps.to_maps(cam, size)) for cam in (p, q)]
    for name in NAMES:
        ours = metric_named(name).function(*pair)
        values = theirs[name].cpu().numpy()
        assert values.dtype == np.float64
        np.testing.assert_allclose(values, ours, rtol=0, atol=1e-9, equal_nan=True)
    assert torch.isnan(theirs["spearman"]).sum() >= 3
