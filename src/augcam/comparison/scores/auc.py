"""Whether pixels of the object have higher values than others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import Score

if TYPE_CHECKING:
    import numpy as np

    from augcam.comparison.rawmaps import RawMaps


def auc(maps: RawMaps, inside: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of the positive map's values against the mask, in [0, 1]; .5: no
    better than chance. Ties, many where a map is 0, count half (as in scikit-learn). NaN where all
    pixels are inside."""
    import numpy as np

    from augcam.comparison import score_kernels

    flat = inside.reshape(len(inside), -1)
    n_in = flat.sum(axis=1, dtype=np.int64)
    n_out = maps.pixels - n_in
    ranks = score_kernels.ranks_inside(maps.ranked[2], flat) / 2
    wins = ranks - n_in * (n_in + 1) / 2
    pairs = np.where(n_in * n_out > 0, n_in * n_out, np.nan)
    return maps.defined(wins / pairs, needs_order=True)


ENTRY = Score(
    name="auc",
    display_name="AUC against the mask",
    definition="how often a pixel inside has a higher value than one outside (ties: ½)",
    source="Judd et al. 2012; Cong et al. 2018 (area under the ROC curve; Fawcett 2006)",
    function=auc,
    range=(0, 1),
    needs="masks",
    neutral=0.5,
    undefined_on_constant=True,
    higher="rank the {part} higher",
    lower="rank the {part} lower",
)
