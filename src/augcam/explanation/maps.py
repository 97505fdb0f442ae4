"""Explanations: logits and raw class activation maps of every test image, from one forward pass."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from augcam.data.images import ImageStore
from augcam.entries import method_named
from augcam.errors import AugcamError
from augcam.explanation.gradients import forward
from augcam.files.arrays import write_arrays
from augcam.files.tables import write_columns
from augcam.names import PAPER_METHOD
from augcam.networks.layers import get_layer
from augcam.networks.layouts import Layout

_BATCH = 32  # fits caches; larger ones are slower on a CPU and no faster on a GPU


def explain_each(
    model: nn.Module,
    layer: nn.Module,
    images: Tensor,
    method: str,
    targets: Sequence[Tensor | None],
    layout: Layout | None = None,
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Logits (B, C) of `images`, and of each of `targets` the raw CAMs (B, h, w) and the classes
    (B,): one forward pass, and one gradient per target where the method needs it.

    `model`, targets and `layout` as for `augcam.explanation.gradients.forward`.
    """
    cam = method_named(method)
    done = forward(model, layer, images, targets, cam.needs == "gradients", layout)
    with torch.no_grad():
        if cam.needs == "gradients":
            cams = [cam.function(done.activations, gradient) for gradient in done.gradients]
        else:
            cams = [cam.function(done.activations)] * len(targets)
    return done.logits, cams, done.classes


def explain_batch(
    model: nn.Module,
    layer: nn.Module,
    images: Tensor,
    method: str = PAPER_METHOD,
    targets: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """`explain_each` of one target: logits (B, C), raw CAMs (B, h, w), explained classes (B,)."""
    logits, (cam,), (classes,) = explain_each(model, layer, images, method, [targets])
    return logits, cam, classes


class Explanations(NamedTuple):
    """Of N images, in the order of `image_id`: `cam` float32 (N, h, w), raw and signed, at the
    layer's resolution; `target` int64 (N,); `logits` float32 (N, C); `others`: further CAMs like
    `cam`, of other targets."""

    image_id: np.ndarray
    cam: np.ndarray
    target: np.ndarray
    logits: np.ndarray
    others: list[np.ndarray]


def explain(
    model: nn.Module,
    layer_name: str,
    store: ImageStore,
    ids: Tensor,
    method: str = PAPER_METHOD,
    targets: Tensor | None = None,
    others: Sequence[Tensor | None] = (),
    layout: Layout | None = None,
) -> Explanations:
    """Explain images `ids` of `store`: the classes `targets` (N,), and those of each of `others`,
    from the same forward pass; None: the predicted ones. `layout`: of the layer's output, where it
    shall not be found from its shape.

    Raises AugcamError where logits or maps are not finite numbers.
    """
    model = model.eval().requires_grad_(False)
    layer = get_layer(model, layer_name)
    parts = []
    chunks = torch.arange(len(ids)).split(_BATCH)
    shown = store.inputs_in_turn([ids[rows] for rows in chunks])
    for rows in tqdm(chunks, unit="batch", mininterval=5, ascii=True, desc="explaining"):
        wanted = [None if t is None else t[rows].to(store.device) for t in (targets, *others)]
        outputs, maps, (classes, *_) = explain_each(
            model, layer, next(shown), method, wanted, layout
        )
        parts.append([result.cpu().numpy() for result in (outputs, classes, *maps)])
    logits, target, *cams = (np.concatenate(part) for part in zip(*parts))
    if not all(np.isfinite(values).all() for values in (logits, *cams)):
        raise AugcamError(
            "the network's outputs are not finite numbers: its training has diverged; lower "
            "training.learning_rate."
        )
    cam, *more = (cam.astype(np.float32) for cam in cams)
    return Explanations(ids.numpy(), cam, target, logits, more)


class Wanted(NamedTuple):
    """One view of a network: CAM `method`, `layer` with its `layout` (found where None), `target`
    int64 (N,), the class to explain of each of the N images (None: the predicted one), and `rows`
    int64, which of the N images (None: all)."""

    method: str
    layer: str
    layout: Layout | None
    target: Tensor | None
    rows: np.ndarray | None


def explain_views(
    model: nn.Module, store: ImageStore, ids: Tensor, wanted: Sequence[Wanted]
) -> list[Explanations]:
    """Explain images `ids` (N,) of `store` in several ways; of each way its own images alone.

    Raises AugcamError where logits or maps are not finite numbers.
    """
    found = []
    for view in wanted:
        rows = torch.arange(len(ids)) if view.rows is None else torch.from_numpy(view.rows)
        target = None if view.target is None else view.target[rows]
        shown = ids[rows]
        found.append(
            explain(model, view.layer, store, shown, view.method, target, layout=view.layout)
        )
    return found


def save_explanations(
    explanations: Explanations,
    labels: np.ndarray,
    layer: str,
    method: str,
    cams_path: str | Path,
    predictions_path: str | Path,
) -> None:
    """Write `cams.npz` (cam, image_id, target, layer, method) and `predictions.parquet`
    (image_id, label, predicted, logit_0 …)."""
    logits = explanations.logits
    predictions = {
        "image_id": explanations.image_id,
        "label": labels,
        "predicted": logits.argmax(1).astype(np.int64),
    } | {f"logit_{i}": column for i, column in enumerate(logits.T)}
    write_columns(predictions, predictions_path)
    write_arrays(
        cams_path,
        cam=explanations.cam,
        image_id=explanations.image_id,
        target=explanations.target,
        layer=layer,
        method=method,
    )
