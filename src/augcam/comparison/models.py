"""Models compared: every metric of every test image, block by block."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pandas as pd

from augcam.comparison.explained import Explained, explained_blocks, segments
from augcam.comparison.maps import Maps, even_chunks
from augcam.entries import metric_named
from augcam.errors import AugcamError
from augcam.files.tables import table_writer


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
    known = {name: metric_named(name) for name in metrics}
    of_maps = {name: m.function for name, m in known.items() if m.needs == "maps"}
    of_logits = {name: m.function for name, m in known.items() if m.needs == "logits"}
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
    for name, function in of_logits.items():
        for other, table in zip(others, tables):
            table[name] = function(baseline.logits, other.logits, epsilon)
    top = max((m.top for m in known.values()), default=0)

    def flat(maps: Maps) -> np.ndarray:
        return maps.degenerate(top) if top else maps.constant

    def compare_chunk(rows: slice) -> None:
        p = Maps.of(baseline.cam[rows], size)
        for other, table in zip(others, tables):
            q = Maps.of(other.cam[rows], size)
            table["degenerate_baseline"][rows] = flat(p)
            table["degenerate_augmented"][rows] = flat(q)
            for name, function in of_maps.items():
                table[name][rows] = function(p, q)

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
