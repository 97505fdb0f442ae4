"""Scores of the maps of one model: what each map says by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from augcam.comparison.maps import even_chunks
from augcam.comparison.rawmaps import RawMaps
from augcam.data.geometry import Fit
from augcam.data.masks import Masks
from augcam.entries import score_named
from augcam.errors import AugcamError
from augcam.files.arrays import array_blocks
from augcam.files.tables import read_columns, write_columns
from augcam.names import of_part

_BLOCK_IMAGES = 1024  # that are worked on at once


def score_maps(
    cam: np.ndarray,
    size: int,
    scores: Sequence[str],
    parts: Mapping[str, np.ndarray] | None = None,
    threads: int = 1,
) -> dict[str, np.ndarray]:
    """Every score of raw maps (N, h, w), enlarged to `size`: name → float64 (N,), NaN where it is
    undefined; results do not depend on threads.

    `parts`: name → which pixels show it, bool (N, size, size). A score that needs masks has a value
    for each part, under a name of both (`augcam.names.of_part`), undefined where no pixel shows it.
    """
    known = {name: score_named(name) for name in scores}
    parts = parts or {}
    names = [*_columns(scores, list(parts))]
    found = {name: np.empty(len(cam)) for name in names}

    def score_chunk(rows: slice) -> None:
        maps = RawMaps(cam[rows], size)
        for name, score in known.items():
            if score.needs == "maps":
                found[name][rows] = score.function(maps)
        for part, pixels in parts.items():
            inside = pixels[rows]
            there = inside.any(axis=(1, 2))
            for name, score in known.items():
                if score.needs == "masks":
                    values = np.where(there, score.function(maps, inside), np.nan)
                    found[of_part(name, part)][rows] = values

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(score_chunk, even_chunks(len(cam), size, threads)):
            pass
    return found


def _columns(scores: Sequence[str], parts: Sequence[str]) -> Iterator[str]:
    for name in scores:
        if score_named(name).needs == "masks":
            yield from (of_part(name, part) for part in parts)
        else:
            yield name


def parts_of(masks: Masks, image_id: np.ndarray, size: int, fit: Fit) -> dict[str, np.ndarray]:
    """Which pixels of images show each part that `masks` show, bool (N, size, size), by name.

    `image_id` (N,), of networks that see images at `size` × `size`, with `fit` left to do
    (`stats.json`). Of images without a mask no pixel shows anything.
    """
    seen = masks.of(image_id).seen(size, fit)
    return {name: seen == value for name, value in masks.shown.items()}


def areas(masks: Masks, image_id: np.ndarray, size: int, fit: Fit) -> dict[str, list]:
    """Columns of a table of the parts that masks name: `part`, `n_images` that show it,
    `n_without` (of these images, those without a mask), and `area`, its share of an image, which a
    map that is the same everywhere has on it. Arguments as of `parts_of`."""
    parts: dict[str, np.ndarray] = {}
    for start in range(0, len(image_id), _BLOCK_IMAGES):
        block = parts_of(masks, image_id[start : start + _BLOCK_IMAGES], size, fit)
        for name, pixels in block.items():
            parts[name] = np.append(parts.get(name, []), pixels.mean(axis=(1, 2)))
    known = np.isin(image_id, masks.image_id)
    return {
        "part": list(parts),
        "n_images": [int((shares > 0).sum()) for shares in parts.values()],
        "n_without": [int((~known).sum())] * len(parts),
        "area": [float(shares[known].mean()) for shares in parts.values()],
    }


def score_files(
    cams_path: str | Path,
    predictions_path: str | Path,
    output: str | Path,
    scores: Sequence[str],
    size: int,
    masks: Masks | None = None,
    fit: Fit | None = None,
    threads: int = 1,
) -> None:
    """`score_maps` of one model, from its files to a table: image_id, right (whether it predicts
    the image's class), and every score.

    Raises AugcamError naming a file that is broken, does not fit the other, or holds maps that are
    no finite numbers.
    """
    seen = read_columns(predictions_path, ["image_id", "label", "predicted"])
    blocks: list[dict[str, np.ndarray]] = []
    for arrays in array_blocks(cams_path, ["image_id", "cam"], _BLOCK_IMAGES):
        ids, cam = arrays["image_id"], arrays["cam"]
        if not np.isfinite(cam).all():
            raise AugcamError(
                f"{cams_path}: it holds values that are no finite numbers; delete it and run again "
                "to make it anew."
            )
        parts = parts_of(masks, ids, size, fit or Fit()) if masks else None
        blocks.append({"image_id": ids} | score_maps(cam, size, scores, parts, threads))
    columns = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    if not np.array_equal(columns["image_id"], seen["image_id"]):
        raise AugcamError(f"{predictions_path}: its images are not those of {cams_path}.")
    right = (seen["label"] == seen["predicted"]).astype(np.int8)
    write_columns({"image_id": columns.pop("image_id"), "right": right, **columns}, output)
