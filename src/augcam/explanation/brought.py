"""Maps and predictions that the user brings, from any method and framework."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from augcam.errors import AugcamError
from augcam.explanation.maps import Explanations
from augcam.files.atomic import reading

SCORES = ("logit_", "probability_")
_SUM = 1e-3  # by which probabilities may miss 1


def brought(
    maps_path: str | Path,
    predictions_path: str | Path,
    image_id: np.ndarray,
    names: list[str],
    labels: np.ndarray,
    n_classes: int,
) -> Explanations:
    """The maps of one network for the N test images, in their order, with its predictions.

    `image_id`, `labels` int64 (N,) and `names` (N,): of the test images. The maps are `cam`
    (N, h, w), of any sign, in an `.npz` (its only array may have any name), or a `.npy`. Where the
    `.npz` has `image`, and the predictions a column `image`, these name the images in their own
    order; else the order is that of the test images, and a column `label` shows that it is.
    Raises AugcamError naming the file for whatever does not fit.
    """
    arrays = _arrays(Path(maps_path))
    cam = arrays["cam"]
    if cam.ndim != 3 or cam.dtype.kind not in "fiu":
        raise AugcamError(
            f"{maps_path}: its maps are {cam.dtype} of shape {cam.shape}; numbers (N, h, w) are "
            "needed."
        )
    cam = cam[_order(maps_path, len(cam), arrays.get("image"), names)].astype(np.float32)
    if not np.isfinite(cam).all():
        raise AugcamError(f"{maps_path}: it holds values that are no finite numbers.")
    table = read_predictions(Path(predictions_path))
    images = table["image"].to_numpy() if "image" in table else None
    table = table.iloc[_order(predictions_path, len(table), images, names)]
    if "label" in table and (wrong := np.flatnonzero(table["label"].to_numpy() != labels)).size:
        first = wrong[0]
        raise AugcamError(
            f"{predictions_path}: its label of image {first} ('{names[first]}') is "
            f"{table['label'].iloc[first]}, but the data set's is {labels[first]} "
            f"({wrong.size:,} of {len(labels):,} differ): the images are in another order, or the "
            "classes are; name the images in a column `image` (`source` of data/index.parquet)."
        )
    logits = _logits(predictions_path, table, n_classes)
    return Explanations(image_id, cam, logits.argmax(1).astype(np.int64), logits, [])


def read_predictions(path: Path) -> pd.DataFrame:
    """A user's table. Raises AugcamError naming a file that cannot be read."""
    with reading(path):
        return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with reading(path):
        loaded: Any = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"cam": loaded}
        arrays = {name: loaded[name] for name in loaded.files}
    if "cam" not in arrays and len(arrays) != 1:
        raise AugcamError(f"{path}: it has no array `cam`; found: {', '.join(arrays) or 'none'}.")
    return arrays if "cam" in arrays else {"cam": next(iter(arrays.values()))}


def _order(path: str | Path, count: int, images: np.ndarray | None, names: list[str]) -> np.ndarray:
    """Where in a file of `count` rows each of the test images `names` stands."""
    if images is None:
        if count != len(names):
            raise AugcamError(
                f"{path}: it is about {count:,} images, but the data set has {len(names):,} for "
                "testing; they must be the same, in their order, or named by `image`."
            )
        return np.arange(count)
    places = {str(name): place for place, name in enumerate(images)}
    if len(places) < len(images):
        raise AugcamError(f"{path}: `image` names {len(images) - len(places):,} images twice.")
    if missing := [name for name in names if name not in places]:
        raise AugcamError(
            f"{path}: `image` lacks {len(missing):,} of {len(names):,} test images, such as "
            f"'{missing[0]}'; they are called as `source` in data/index.parquet calls them."
        )
    return np.array([places[name] for name in names])


def _logits(path: str | Path, table: pd.DataFrame, n_classes: int) -> np.ndarray:
    """Logits (N, C), float64; of probabilities their logarithms."""
    for prefix in SCORES:
        columns = [f"{prefix}{i}" for i in range(n_classes)]
        found = [name for name in table if str(name).startswith(prefix)]
        if not found:
            continue
        if set(found) != set(columns):
            raise AugcamError(
                f"{path}: it has {len(found)} columns {prefix}…, but the data set has {n_classes} "
                f"classes: {columns[0]} to {columns[-1]} are needed."
            )
        values = table[columns].to_numpy(np.float64)
        if not np.isfinite(values).all():
            raise AugcamError(f"{path}: {prefix}… holds values that are no finite numbers.")
        if prefix == "logit_":
            return np.ascontiguousarray(values)
        if (values < 0).any() or (abs(values.sum(axis=1) - 1) > _SUM).any():
            raise AugcamError(f"{path}: the probabilities of an image must be ≥ 0 and add up to 1.")
        return np.log(np.maximum(values, np.finfo(np.float64).tiny))
    raise AugcamError(f"{path}: it needs columns logit_0 … or probability_0 …, one per class.")
