"""Feature maps projected on their first principal component.

As pytorch-grad-cam's, but from the smaller one of the two matrices of inner products, of cells or
of channels, of which all images are decomposed at once: h·w is some 50 where channels are 1,000.
The sign of an eigenvector is arbitrary, and here fixed: or two models' maps could not be compared.
"""

import torch
from torch import Tensor

_KERNEL_VALUES = 2**24  # of all images at once: 128 MiB


def _centred(maps: Tensor) -> Tensor:
    """(B, h·w, C), float64, each channel with mean 0 over cells."""
    rows = maps.flatten(2).transpose(1, 2).double()
    return rows - rows.mean(1, keepdim=True)


def first_component(maps: Tensor) -> Tensor:
    """Maps (B, C, h, w) → coordinates of cells on the first component (B, h, w), of any sign."""
    rows = _centred(maps)
    if rows.shape[1] <= rows.shape[2]:
        found = _leading(rows @ rows.mT)
    else:
        found = (rows @ torch.linalg.eigh(rows.mT @ rows)[1][..., -1:])[..., 0]
    return found.to(maps.dtype).view(len(maps), *maps.shape[2:])


def first_kernel_component(maps: Tensor) -> Tensor:
    """The same of a kernel PCA with scikit-learn's sigmoid kernel, tanh(x·y / C + 1)."""
    at_once = max(1, _KERNEL_VALUES // maps[0, 0].numel() ** 2)
    return torch.cat([_first_kernel_component(part) for part in maps.split(at_once)])


def _first_kernel_component(maps: Tensor) -> Tensor:
    rows = _centred(maps)
    kernel = torch.tanh(rows @ rows.mT / rows.shape[2] + 1)
    means = kernel.mean(1, keepdim=True)
    kernel = kernel - means - means.mT + kernel.mean((1, 2), keepdim=True)
    return _leading(kernel).to(maps.dtype).view(len(maps), *maps.shape[2:])


def _leading(products: Tensor) -> Tensor:
    """From inner products of cells (B, h·w, h·w), their coordinates on the first component."""
    values, vectors = torch.linalg.eigh(products)
    return vectors[..., -1] * values[:, -1:].clamp(min=0).sqrt()


def towards(found: Tensor, guide: Tensor) -> Tensor:
    """Each map (B, h, w) with the sign that correlates it positively with its guide (B, h, w)."""
    guide = guide - guide.mean((1, 2), keepdim=True)
    against = (found * guide).sum((1, 2), keepdim=True) < 0
    return torch.where(against, -found, found)


def upright(found: Tensor) -> Tensor:
    """Each map (B, h, w) with the sign that makes the value farthest from 0 positive."""
    hanging = -found.amin((1, 2), keepdim=True) > found.amax((1, 2), keepdim=True)
    return torch.where(hanging, -found, found)
