"""What is said of maps and those of random weights; apart, so that who reads it needs no metric."""

from typing import NamedTuple

import numpy as np

RANDOM, OTHER_IMAGE = "random weights", "another image"
"""What maps are compared with."""


class Likeness(NamedTuple):
    """Of N maps with N others, float64 (N,), NaN where it is undefined: Spearman's correlation of
    their values and of their absolute values, and SSIM of the latter (Adebayo et al. 2018)."""

    spearman: np.ndarray
    spearman_absolute: np.ndarray
    ssim: np.ndarray
