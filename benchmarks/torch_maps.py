"""The metrics of `augcam.comparison.metrics` in torch: for many maps on a GPU, with equal values.

The workflow compares on the CPU, where the comparisons of a run take minutes beside hours of
training. This is for those who have millions of maps and a GPU at hand.
"""

import numpy as np
import torch
from torch import Tensor

from augcam.comparison.maps import bilinear


def to_maps(cam: Tensor, size: int) -> Tensor:
    """Raw CAMs (N, h, w) → float32 (N, size, size) in [0, 1]: `augcam.comparison.maps.to_maps`, bit
    by bit, because ranks depend on exact ties."""
    return _normalise(_upsample(_normalise(cam.float().clamp(min=0)), size))


def _normalise(cam: Tensor) -> Tensor:
    cam = cam - cam.amin((1, 2), keepdim=True)
    return cam / (cam.amax((1, 2), keepdim=True) + np.float32(1e-7).item())


def _upsample(cam: Tensor, size: int) -> Tensor:
    for axis in (2, 1):
        low, weight = (torch.from_numpy(x).to(cam.device) for x in bilinear(cam.shape[axis], size))
        last = cam.narrow(axis, cam.shape[axis] - 1, 1)
        steps = torch.diff(cam, dim=axis, append=last).index_select(axis, low)
        steps *= weight if axis == 2 else weight[:, None]
        cam = steps + cam.index_select(axis, low)
    return cam


class _Maps:
    """What the metrics need of flattened maps (N, pixels)."""

    def __init__(self, maps: Tensor):
        self.values = maps.flatten(1)
        self.ordered, self._order = self.values.sort(dim=1)
        self.constant = self.ordered[:, 0] == self.ordered[:, -1]

    def ranks(self) -> Tensor:
        """Twice the average ranks, from 1, int64 (N, pixels)."""
        pixels = self.values.shape[1]
        place = torch.arange(pixels, device=self.values.device).expand_as(self.values)
        change = torch.ones_like(self.values, dtype=torch.bool)
        change[:, 1:] = self.ordered[:, 1:] != self.ordered[:, :-1]
        first = torch.where(change, place, 0).cummax(1).values
        ends = torch.where(change.roll(-1, 1), place, pixels - 1)
        last = ends.flip(1).cummin(1).values.flip(1)
        return torch.empty_like(first).scatter_(1, self._order, first + last + 2)

    def threshold(self, top: int) -> Tensor:
        """(N, 1): the (100 − top)th percentile, as `augcam.comparison.maps.Maps.threshold`."""
        pixels = self.values.shape[1]
        position = (pixels - 1) * ((100 - top) / 100)
        low = int(position)
        share = position - low
        below, above = self.ordered[:, [low]], self.ordered[:, [min(low + 1, pixels - 1)]]
        step = above - below
        return above - step * (1 - share) if share >= 0.5 else below + step * share


def map_metrics(p_cam: Tensor, q_cam: Tensor, metrics: list[str], size: int) -> dict[str, Tensor]:
    """The map metrics between raw CAMs (N, h, w) of the baseline and of another model.

    `metrics`: any of mad, msd, pearson, spearman and overlap_Y. Returns float64 (N,) each, on the
    maps' device; definitions, ranges and NaN as in `augcam.comparison.metrics`. Takes about 80
    bytes a pixel of the compared maps: call it for some thousand maps at a time.
    """
    p, q = (_Maps(to_maps(cam, size)) for cam in (p_cam, q_cam))
    difference = p.values.double() - q.values.double()
    undefined = p.constant | q.constant

    def one(name: str) -> Tensor:
        if name == "mad":
            return difference.abs().mean(1)
        if name == "msd":
            return difference.square().mean(1)
        if name == "pearson":
            return _correlation(p.values, q.values, undefined)
        if name == "spearman":
            return _correlation(p.ranks(), q.ranks(), undefined)
        top = int(name.removeprefix("overlap_"))
        a, b = p.values >= p.threshold(top), q.values >= q.threshold(top)
        return (a & b).sum(1).double() / (a | b).sum(1)

    return {name: one(name) for name in metrics}


def _correlation(p: Tensor, q: Tensor, undefined: Tensor) -> Tensor:
    p, q = (x.double() - x.double().mean(1, keepdim=True) for x in (p, q))
    scale = (p.square().sum(1) * q.square().sum(1)).sqrt()
    undefined = undefined | (scale == 0)
    r = (p * q).sum(1) / torch.where(undefined, 1.0, scale)
    return torch.where(undefined, torch.nan, r.clamp(-1, 1))
