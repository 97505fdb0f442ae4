"""Scores that ask the network: whether its answers to changed images bear out its maps."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from augcam.comparison.probe import Probe
from augcam.comparison.rawmaps import RawMaps
from augcam.data.images import ImageStore
from augcam.data.sample import sample
from augcam.entries import score_named
from augcam.errors import AugcamError
from augcam.files.arrays import read_arrays

_BLOCK_IMAGES = 16  # whose changed versions are in memory at once


def faithfulness(
    model: nn.Module,
    store: ImageStore,
    image_id: np.ndarray,
    cam: np.ndarray,
    target: np.ndarray,
    scores: Sequence[str],
) -> dict[str, np.ndarray]:
    """Every one of `scores` of raw maps (N, h, w) of images `image_id` of `store`, which explain
    the classes `target` of `model` (on the store's device): name → float64 (N,), NaN where it is
    undefined. What is drawn depends on the image's id alone.
    """
    model = model.eval().requires_grad_(False)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in scores}
    blocks = np.split(np.arange(len(cam)), range(_BLOCK_IMAGES, len(cam), _BLOCK_IMAGES))
    shown = store.inputs_in_turn([torch.from_numpy(image_id[rows]) for rows in blocks])
    for rows in tqdm(blocks, unit="block", mininterval=5, ascii=True, desc="asking"):
        maps = RawMaps(cam[rows], store.input_size)
        probe = Probe(model, next(shown), target[rows], image_id[rows], maps)
        for name in scores:
            parts[name].append(score_named(name).function(maps, probe))
    return {name: np.concatenate(values) for name, values in parts.items()}


def faithfulness_of_file(
    model: nn.Module,
    store: ImageStore,
    cams_path: str | Path,
    scores: Sequence[str],
    limit: int,
    seed: int,
) -> dict[str, np.ndarray]:
    """`faithfulness` of the maps of one model in its `cams.npz`, for at most `limit` images drawn
    from `seed`, the same for all models: columns image_id, and every score.

    Raises AugcamError naming a file that is broken, or holds maps that are no finite numbers.
    """
    arrays = read_arrays(cams_path)
    rows = sample(len(arrays["image_id"]), limit, seed)
    image_id, cam, target = (arrays[name][rows] for name in ("image_id", "cam", "target"))
    if not np.isfinite(cam).all():
        raise AugcamError(
            f"{cams_path}: it holds values that are no finite numbers; delete it and run again to "
            "make it anew."
        )
    return {"image_id": image_id} | faithfulness(model, store, image_id, cam, target, scores)
