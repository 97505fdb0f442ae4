"""Random samples of images, the same whatever is done with them."""

import numpy as np


def sample(count: int, limit: int, seed: int) -> np.ndarray:
    """Rows of at most `limit` of `count` images, drawn from `seed`: int64, ascending; all of them
    where there are no more. Said aloud, as fewer than asked for might be taken for an error."""
    if limit > count:
        print(f"images: {limit} are asked for, there are {count}: all of them")
    return np.sort(np.random.default_rng(seed).permutation(count)[:limit])
