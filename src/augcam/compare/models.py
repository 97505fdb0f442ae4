"""Models compared: every metric of every test image, block by block."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from augcam.compare.maps import Maps, even_chunks
from augcam.compare.metrics import MAP_METRICS, class_kld, largest_top
from augcam.errors import AugcamError
from augcam.files.arrays import array_blocks
from augcam.files.tables import table_blocks, table_writer

_BLOCK_IMAGES = 4096  # that are read, compared and written at once


SEGMENTS = ("both_right", "only_baseline", "only_augmented", "both_wrong")


class Explained(NamedTuple):
    """What `augcam.explanations` wrote for one model, checked: rows agree in `image_id`."""

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


def compare(
    baseline: Explained,
    others: Sequence[Explained],
    metrics: list[str],
    size: int,
    epsilon: float,
    threads: int = 1,
) -> list[pd.DataFrame]:
    """Compare each of `others` with the baseline, image by image; results do not depend on threads.

    Returns for each one row an image: image_id, segment, degenerate_baseline, degenerate_augmented
    (bool: a map that is constant or whose top pixels are all pixels), then `metrics`, float64.
    Raises AugcamError where models have explained different images.
    """
    for other in others:
        if not np.array_equal(baseline.image_id, other.image_id):
            raise AugcamError("the two models have explained different images; explain both anew.")
    count = len(baseline.image_id)
    map_metrics = [name for name in metrics if name != "class_kld"]
    tables = [
        {
            "image_id": baseline.image_id,
            "segment": segments(baseline.right, other.right),
            "degenerate_baseline": np.empty(count, bool),
            "degenerate_augmented": np.empty(count, bool),
        }
        | {name: np.empty(count) for name in metrics}
        for other in others
    ]
    if "class_kld" in metrics:
        for other, table in zip(others, tables):
            table["class_kld"] = class_kld(baseline.logits, other.logits, epsilon)
    top = largest_top(metrics)

    def flat(maps: Maps) -> np.ndarray:
        return maps.degenerate(top) if top else maps.constant

    def compare_chunk(rows: slice) -> None:
        p = Maps.of(baseline.cam[rows], size)
        for other, table in zip(others, tables):
            q = Maps.of(other.cam[rows], size)
            table["degenerate_baseline"][rows] = flat(p)
            table["degenerate_augmented"][rows] = flat(q)
            for name in map_metrics:
                table[name][rows] = MAP_METRICS[name].function(p, q)

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(compare_chunk, even_chunks(count, size, threads)):
            pass
    return [pd.DataFrame(table) for table in tables]


def compare_files(
    baseline: tuple[str | Path, str | Path],
    others: Sequence[tuple[str | Path, str | Path]],
    outputs: Sequence[str | Path],
    metrics: list[str],
    size: int,
    epsilon: float,
    threads: int = 1,
) -> None:
    """`compare` from files (cams, predictions) to one table a model, block by block.

    Memory does not grow with the number of images. Raises as `explained_blocks` and `compare`.
    """
    models = [explained_blocks(*paths) for paths in (baseline, *others)]
    with ExitStack() as stack:
        writers = [stack.enter_context(table_writer(path)) for path in outputs]
        for first, *rest in zip_longest(*models):
            if first is None or None in rest:
                raise AugcamError(
                    "the two models have explained different images; explain both anew."
                )
            tables = compare(first, rest, metrics, size, epsilon, threads)
            for write, table in zip(writers, tables):
                write(table)


def segments(baseline_right: np.ndarray, other_right: np.ndarray) -> np.ndarray:
    """(N,) names: which of the two models is right (appendix C)."""
    return np.array(SEGMENTS)[2 * ~baseline_right + ~other_right * 1]
