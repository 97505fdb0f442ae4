"""Explanations: logits and raw class activation maps of every test image, from one forward pass."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from augcam.data.images import ImageStore
from augcam.entries import method_named
from augcam.explanation.gradients import Site
from augcam.explanation.views import Shown, View, look, look_at_batch
from augcam.files.arrays import write_arrays
from augcam.files.tables import read_columns, write_columns
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

    A target is (B,) int64, the classes to explain, or None: the predicted ones. `layout`: how the
    layer's output holds its map; found from its shape where it is not given. `model` as for
    `augcam.explanation.gradients.forward`.
    """
    found = look_at_batch(model, Site(layer, layout), images, method_named(method), targets)
    maps = [seen.cam for seen in found if seen.cam is not None]
    return found[0].logits, maps, [seen.classes for seen in found]


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


def target_classes(labels: Tensor, baseline: str | Path | None = None) -> dict[str, Tensor | None]:
    """By each kind of target (`cam.target`) the classes of all images, int64 (N,); None: those that
    a model predicts. `baseline`: the baseline's predictions; none for the baseline itself."""
    predicted = read_columns(baseline, ["predicted"])["predicted"] if baseline else None
    of_baseline = None if predicted is None else torch.tensor(predicted)
    return {"predicted": None, "label": labels, "baseline": of_baseline}


class Explanations(NamedTuple):
    """Of N images, in the order of `image_id`: `cam` float32 (N, h, w), raw and signed, at the
    layer's resolution; `target` int64 (N,); `logits` float32 (N, C); `others`: further CAMs like
    `cam`, of other targets."""

    image_id: np.ndarray
    cam: np.ndarray
    target: np.ndarray
    logits: np.ndarray
    others: list[np.ndarray]


class Wanted(NamedTuple):
    """A view of images: by which method, at which layer (dotted name) with which layout of its
    output (None: found from its shape), for which classes: int64 (N,) for all N images, or None:
    the predicted ones. `rows`: which of the images, int64, ascending; None: all."""

    method: str
    layer: str
    layout: Layout | None = None
    target: Tensor | None = None
    rows: np.ndarray | None = None


def explain_views(
    model: nn.Module, store: ImageStore, ids: Tensor, wanted: Sequence[Wanted]
) -> list[Explanations]:
    """Explain images `ids` (N,) of `store` in several ways, from one forward pass of each image
    where that changes no bit of what each way gives by itself, else from one for each layer.

    Methods that need the network itself make passes of their own: as many as their entries say,
    once for each method, layer, image and class.

    Raises AugcamError where logits or maps are not finite numbers, where there is no such layer or
    method, and where a method does not fit the network.
    """

    def shown(chunks: Sequence[Tensor]) -> Iterator[Tensor]:
        return store.inputs_in_turn([ids[rows] for rows in chunks])

    return explain_shown(model, shown, ids, wanted, _BATCH)


_DIVERGED = (
    "the network's outputs are not finite numbers: its training has diverged; lower "
    "training.learning_rate."
)


def explain_shown(
    model: nn.Module,
    shown: Shown,
    ids: Tensor,
    wanted: Sequence[Wanted],
    batch: int,
    diverged: str = _DIVERGED,
) -> list[Explanations]:
    """`explain_views` of images that `shown` gives from rows of `ids`, `batch` at a time."""
    model = model.eval().requires_grad_(False)
    sites = list(dict.fromkeys((each.layer, each.layout) for each in wanted))
    views = [
        View(method_named(w.method), sites.index((w.layer, w.layout)), w.target, w.rows)
        for w in wanted
    ]
    layers = [Site(get_layer(model, name), layout) for name, layout in sites]
    found = look(model, layers, views, shown, ids, batch, diverged)
    image_ids = ids.numpy()
    return [
        Explanations(
            image_ids if each.rows is None else image_ids[each.rows],
            seen.cam,
            seen.classes,
            seen.logits,
            [],
        )
        for each, seen in zip(wanted, found)
    ]


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

    Raises as `explain_views` does.
    """
    wanted = [Wanted(method, layer_name, layout, target) for target in (targets, *others)]
    first, *more = explain_views(model, store, ids, wanted)
    return first._replace(others=[other.cam for other in more])


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
