"""What one model explained, read and checked, and which of two models is right."""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np

from augcam.errors import AugcamError
from augcam.files.arrays import array_blocks
from augcam.files.tables import table_blocks

_BLOCK_IMAGES = 4096  # that are read at once


SEGMENTS = ("both_right", "only_baseline", "only_augmented", "both_wrong")


class Explained(NamedTuple):
    """What `augcam.explanation.maps` wrote for one model, checked: rows agree in `image_id`."""

    image_id: np.ndarray
    cam: np.ndarray
    logits: np.ndarray
    right: np.ndarray


def explained_blocks(
    cams_path: str | Path, predictions_path: str | Path, rows: int = _BLOCK_IMAGES
) -> Iterator[Explained]:
    """Read one model's explanations, `rows` images at a time.

    Raises AugcamError naming a file that is broken, does not fit the other, or holds what is no
    finite number.
    """
    cams = array_blocks(cams_path, ["image_id", "cam"], rows)
    for arrays, predictions in zip_longest(cams, table_blocks(predictions_path, rows)):
        if (
            arrays is None
            or predictions is None
            or not np.array_equal(arrays["image_id"], predictions["image_id"])
        ):
            raise AugcamError(f"{predictions_path}: its images are not those of {cams_path}.")
        # In one layout, whatever the reader's: sums depend on it in their last bit.
        logits = np.ascontiguousarray(predictions.filter(regex=r"^logit_\d+$").to_numpy())
        for path, values in ((cams_path, arrays["cam"]), (predictions_path, logits)):
            if not np.isfinite(values).all():
                raise AugcamError(
                    f"{path}: it holds values that are no finite numbers; delete it and run again "
                    "to make it anew."
                )
        right = (predictions["label"] == predictions["predicted"]).to_numpy()
        yield Explained(arrays["image_id"], arrays["cam"], logits, right)


def read_explained(cams_path: str | Path, predictions_path: str | Path) -> Explained:
    """Read all of one model's explanations; raises as `explained_blocks`."""
    blocks = list(explained_blocks(cams_path, predictions_path))
    return Explained(*(np.concatenate(parts) for parts in zip(*blocks)))


def segments(baseline_right: np.ndarray, other_right: np.ndarray) -> np.ndarray:
    """(N,) names: which of the two models is right (appendix C)."""
    return np.array(SEGMENTS)[2 * ~baseline_right + ~other_right * 1]
