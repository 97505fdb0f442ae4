"""augcam without a workflow: explain networks and compare their maps, in a notebook or a script.

`augcam.explain`, `augcam.compare` and `augcam.compare_models` are these functions.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from augcam.comparison.explained import Explained
from augcam.comparison.models import compare as compare_explained
from augcam.entries import Metric, entries, metric_named
from augcam.errors import AugcamError
from augcam.names import PAPER_METHOD, PAPER_METRICS

if TYPE_CHECKING:
    from torch import Tensor, nn

    from augcam.explanation.maps import Explanations

_EPSILON = 2.2204e-16  # of the paper's divergence


def explain(
    model: "nn.Module",
    images: "Tensor",
    *,
    method: str = PAPER_METHOD,
    layer: str | None = None,
    targets: "Tensor | Sequence[int] | None" = None,
    batch_size: int = 32,
) -> "Explanations":
    """The class activation map of each image.

    `images`: float (N, 3, s, s), normalised as the network wants them. `method`: a name in
    docs/explanations.md. `layer`: dotted name of the layer to explain; None: the last feature map
    before pooling. `targets`: the N classes to explain; None: those that the network predicts. The
    network computes where its parameters lie; its mode, and which of its parameters are trained,
    stay as they are.

    Returns `image_id` (N,), which count from 0, `cam` float32 (N, h, w), raw and signed, at the
    layer's resolution, `target` int64 (N,), `logits` float32 (N, C). Raises AugcamError for images
    of another shape, classes that do not fit, a layer without a map, a method that does not fit the
    network, and outputs that are no finite numbers.
    """
    import torch

    from augcam.explanation.maps import Wanted, explain_shown
    from augcam.networks.layers import find_cam_layer

    if images.ndim != 4 or images.shape[1] != 3 or not len(images):
        raise AugcamError(f"images: their shape is {tuple(images.shape)}; it must be (N, 3, h, w).")
    wanted = None if targets is None else torch.as_tensor(targets)
    if wanted is not None and wanted.shape != (len(images),):
        raise AugcamError(f"targets: {wanted.numel()} classes for {len(images)} images.")
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    was_training, device = model.training, next(model.parameters()).device
    model.eval().requires_grad_(False)

    def shown(chunks: "Sequence[Tensor]") -> "Iterator[Tensor]":
        return (images[rows].to(device) for rows in chunks)

    try:
        where = layer or find_cam_layer(model, images.shape[-1])
        (found,) = explain_shown(
            model,
            shown,
            torch.arange(len(images)),
            [Wanted(method, where, target=wanted)],
            batch_size,
            "The network's outputs are no finite numbers.",
        )
    finally:
        model.train(was_training)
        for parameter in trained:
            parameter.requires_grad_(True)
    return found


def compare(
    maps_a: np.ndarray,
    maps_b: np.ndarray,
    metrics: Sequence[str] | None = None,
    *,
    size: int = 224,
    logits_a: np.ndarray | None = None,
    logits_b: np.ndarray | None = None,
) -> pd.DataFrame:
    """How far the maps of one network lie from those of another, image by image.

    Maps: raw, any sign, (N, h, w), from any method; the two may differ in h and w, as both are
    compared at `size` × `size` pixels, after ReLU and scaling to [0, 1]. `metrics`: names; None:
    the paper's, without those that need logits where none are given. `logits`: (N, C).

    Returns one row per image: image_id (from 0), degenerate_a, degenerate_b (constant maps, and
    those with fewer pixels above 0 than a metric looks at), then the metrics, NaN where undefined.
    Raises AugcamError for unknown metrics, maps that do not fit each other, and values that are no
    finite numbers.
    """
    given = logits_a is not None and logits_b is not None
    if metrics is None:
        metrics = [m for m in PAPER_METRICS if given or metric_named(m).needs == "maps"]
    for name in metrics:
        if name not in entries(Metric):
            raise AugcamError(f"metrics: no metric '{name}'; known: {', '.join(entries(Metric))}.")
        if metric_named(name).needs == "logits" and not given:
            raise AugcamError(
                f"metrics: '{name}' compares predictions; give logits_a and logits_b."
            )
    a = _explained("maps_a", maps_a, "logits_a", logits_a)
    b = _explained("maps_b", maps_b, "logits_b", logits_b)
    if len(a.cam) != len(b.cam):
        raise AugcamError(f"maps_b: {len(b.cam)} maps, but maps_a has {len(a.cam)}.")
    (table,) = compare_explained(a, [b], list(metrics), size, _EPSILON)
    names = {"degenerate_baseline": "degenerate_a", "degenerate_augmented": "degenerate_b"}
    return table.drop(columns="segment").rename(columns=names)


def _explained(name: str, maps: Any, name_of_logits: str, logits: Any) -> Explained:
    """Checked maps and logits of one network."""
    maps = np.ascontiguousarray(maps, dtype=np.float32)
    if maps.ndim != 3 or not len(maps):
        raise AugcamError(f"{name}: its shape is {maps.shape}; it must be (N, h, w).")
    values = np.zeros((len(maps), 1)) if logits is None else np.ascontiguousarray(logits)
    if values.ndim != 2 or len(values) != len(maps):
        raise AugcamError(
            f"{name_of_logits}: its shape is {values.shape}; it must be ({len(maps)}, C)."
        )
    for what, found in ((name, maps), (name_of_logits, values)):
        if not np.isfinite(found).all():
            raise AugcamError(f"{what}: it holds values that are no finite numbers.")
    return Explained(np.arange(len(maps)), maps, values, np.ones(len(maps), bool))


def compare_models(
    models: "Mapping[str, nn.Module]",
    images: "Tensor",
    labels: Sequence[int] | None = None,
    *,
    baseline: str | None = None,
    metrics: Sequence[str] | None = None,
    **explaining: Any,
) -> pd.DataFrame:
    """Explain the same images by several networks, and set each against the baseline.

    `models`: name → network; they may differ in architecture. `images` as for `explain`, which also
    takes `explaining`. `baseline`: the name of one of them; None: the first. `labels`: the N true
    classes.

    Returns one row per network (the baseline left out) and image: model, image_id, predicted,
    predicted_baseline, label, right, right_baseline (where there are labels), and what `compare`
    returns, with the baseline as a. Raises as these two do.
    """
    names = list(models)
    if len(names) < 2:
        raise AugcamError("models: a comparison takes two networks or more.")
    base = names[0] if baseline is None else baseline
    if base not in models:
        raise AugcamError(f"baseline: no model '{base}'; known: {', '.join(names)}.")
    if labels is not None and len(labels) != len(images):
        raise AugcamError(f"labels: {len(labels)} labels for {len(images)} images.")
    found = {name: explain(model, images, **explaining) for name, model in models.items()}
    tables = []
    for name in names:
        if name == base:
            continue
        a, b = found[base], found[name]
        if a.logits.shape != b.logits.shape:
            raise AugcamError(
                f"models: '{name}' tells {b.logits.shape[1]} classes apart, but '{base}' "
                f"{a.logits.shape[1]}."
            )
        table = compare(
            a.cam, b.cam, metrics, size=images.shape[-1], logits_a=a.logits, logits_b=b.logits
        )
        own = {"predicted": b.logits.argmax(1), "predicted_baseline": a.logits.argmax(1)}
        if labels is not None:
            own["label"] = truth = np.asarray(labels)
            own |= {"right": own["predicted"] == truth}
            own |= {"right_baseline": own["predicted_baseline"] == truth}
        for place, (column, values) in enumerate(own.items(), start=1):
            table.insert(place, column, values)
        table.insert(0, "model", name)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
