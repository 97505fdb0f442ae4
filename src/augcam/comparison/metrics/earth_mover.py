"""Earth mover's distance: how far the mass of one map has to be moved to make the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Metric

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.maps import Maps


def earth_mover(p: Maps, q: Maps) -> np.ndarray:
    """Earth mover's distance (Rubner, Tomasi and Guibas 2000) of the maps with sum 1 at the layer's
    own resolution: the mean distance that mass moves, Euclidean, as a share of the image's side; in
    [0, √2], exact. NaN where a map is constant.

    Grows with the third power of the cells: about .3 ms at 7 × 7, and 10 ms at 14 × 14.
    """
    import numpy as np

    from augcam.comparison import distance_kernels

    height, width = p.small.shape[1:]
    y, x = np.divmod(np.arange(height * width), width)
    places = np.stack([(y + 0.5) / height, (x + 0.5) / width])
    cost = np.sqrt(((places[:, :, None] - places[:, None]) ** 2).sum(axis=0))
    shares, undefined = [], p.constant | q.constant
    for maps in (p, q):
        flat = maps.small.reshape(len(maps.small), -1).astype(np.float64)
        total = flat.sum(axis=1)
        undefined = undefined | (total == 0)
        shares.append(flat / np.where(total > 0, total, 1)[:, None])
    moved = [np.where(undefined[:, None], 1 / cost.shape[0], share) for share in shares]
    return np.where(undefined, np.nan, distance_kernels.earth_mover(*moved, cost))


ENTRY = Metric(
    name="earth_mover",
    display_name="Earth mover's distance",
    definition="least mean distance to move P's mass to Q's, of maps with sum 1 at the layer's "
    "resolution; 1: the image's side",
    function=earth_mover,
    range=(0, 2**0.5),
    at_equality=0,
    section="difference",
    undefined_on_constant=True,
)
