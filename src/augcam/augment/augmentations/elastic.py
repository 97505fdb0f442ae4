"""Smooth random displacements."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from augcam.config.fields import Factor, Section
from augcam.entries import Augmentation

if TYPE_CHECKING:
    from torch import Tensor


class ElasticParameters(Section):
    alpha: Annotated[float, Field(ge=0, le=10_000)] = 50.0
    """Magnitude of the displacements (torchvision's definition)."""
    sigma: Factor = 5.0
    """Standard deviation in pixels of the Gaussian that smooths the displacements."""


def draw(rng, count, size, parameters):
    import numpy as np
    import torch

    height, width = size
    noise = torch.from_numpy(rng.uniform(-1, 1, (count, 2, height, width)).astype(np.float32))
    smooth_y = gaussian_matrix(height, parameters["sigma"])
    smooth_x = gaussian_matrix(width, parameters["sigma"])
    # In torchvision alpha / size is in half image widths, hence alpha / 2 in pixels.
    displacement = smooth_y @ noise @ smooth_x.T * (parameters["alpha"] / 2)
    return {"displacement": displacement.numpy()}


@cache
def gaussian_matrix(size: int, sigma: float) -> Tensor:
    """(size, size): Gaussian smoothing of a signal mirrored at its ends, as a matrix.

    As `scipy.ndimage.gaussian_filter1d(..., mode="mirror", truncate=4)`, whose import would take
    longer than all of an epoch's draws.
    """
    import numpy as np
    import torch

    radius = int(4 * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    period = max(2 * size - 2, 1)
    source = (np.arange(size)[:, None] + offsets) % period  # (size, 2·radius + 1)
    matrix = np.zeros((size, size))
    rows = np.broadcast_to(np.arange(size)[:, None], source.shape)
    np.add.at(matrix, (rows, np.minimum(source, period - source)), weights / weights.sum())
    return torch.from_numpy(matrix.astype(np.float32))


def apply(images: Tensor, displacement: Tensor) -> Tensor:
    """Move every pixel by `displacement` (B, 2: x and y, H, W), in pixels."""
    from augcam.augment.pixels import pixel_grid, sample

    x, y = pixel_grid(images.shape[-2:], images.device)
    return sample(images, x + displacement[:, 0], y + displacement[:, 1])


ENTRY = Augmentation(
    name="elastic",
    display_name="Elastic",
    colour="#117733",
    reference="Simard et al. 2003, torchvision's ElasticTransform",
    parameters=ElasticParameters,
    fixed=lambda parameters: not parameters["alpha"],
    draw=draw,
    apply=apply,
)
