"""Explanations: logits and raw class activation maps of every test image, from one forward pass."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from augcam.data.images import ImageStore
from augcam.errors import AugcamError
from augcam.explain.methods import CAM_METHODS, CamMethod, gradcam
from augcam.files.arrays import write_arrays
from augcam.files.tables import write_columns
from augcam.networks.layers import get_layer

_BATCH = 32  # fits caches; larger ones are slower on a CPU and no faster on a GPU


@contextmanager
def feature_map(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Make the output of `layer` the leaf of the gradient graph, and collect it.

    Everything before the leaf stays outside the graph, so that a gradient costs no more than the
    head. The network goes on with a copy: a later in-place operation cannot reach what is kept.
    """
    kept: list[Tensor] = []

    def cut(_module: nn.Module, _inputs: tuple, output: Tensor) -> Tensor:
        leaf = output.detach().requires_grad_()
        kept.append(leaf)
        return leaf.clone()

    handle = layer.register_forward_hook(cut)
    try:
        yield kept
    finally:
        handle.remove()


def explain_each(
    model: nn.Module,
    layer: nn.Module,
    images: Tensor,
    method: CamMethod,
    targets: Sequence[Tensor | None],
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Logits (B, C) of `images`, and of each of `targets` the raw CAMs (B, h, w) and the classes
    (B,): one forward pass, and one gradient a target.

    A target is (B,) int64, the classes to explain, or None: the predicted ones. The model must be
    in evaluation mode with frozen parameters (`model.requires_grad_(False)`).
    """
    gradients, explained = [], []
    with torch.enable_grad(), feature_map(layer) as kept:
        logits = model(images)
        (activations,) = kept
        for target in targets:
            classes = logits.argmax(1) if target is None else target
            # One image's score does not depend on another's features: the sum gives all gradients.
            score = logits.gather(1, classes[:, None]).sum()
            gradients += torch.autograd.grad(score, activations, retain_graph=True)
            explained.append(classes)
    with torch.no_grad():
        cams = [method(activations.detach(), gradient) for gradient in gradients]
        return logits.detach(), cams, explained


def explain_batch(
    model: nn.Module,
    layer: nn.Module,
    images: Tensor,
    method: CamMethod = gradcam,
    targets: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """`explain_each` of one target: logits (B, C), raw CAMs (B, h, w), explained classes (B,)."""
    logits, (cam,), (classes,) = explain_each(model, layer, images, method, [targets])
    return logits, cam, classes


def rehearse(model: nn.Module, layer_name: str, input_size: int) -> None:
    """Explain two images. Raises AugcamError where `layer_name` does not lend itself to it."""
    model = model.eval().requires_grad_(False)
    try:
        explain_batch(model, get_layer(model, layer_name), torch.rand(2, 3, input_size, input_size))
    except Exception as error:  # whatever hooks and gradients raise
        raise AugcamError(
            f"model.cam_layer: '{layer_name}' cannot be explained ({error}); take a layer that "
            "runs once in each forward pass and on which the output depends."
        ) from error


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
    method: str = "gradcam",
    targets: Tensor | None = None,
    others: Sequence[Tensor | None] = (),
) -> Explanations:
    """Explain images `ids` of `store`: the classes `targets` (N,), and those of each of `others`,
    from the same forward pass; None: the predicted ones.

    Raises AugcamError where logits or maps are not finite numbers.
    """
    model = model.eval().requires_grad_(False)
    layer = get_layer(model, layer_name)
    parts = []
    chunks = torch.arange(len(ids)).split(_BATCH)
    for rows in tqdm(chunks, unit="batch", mininterval=5, ascii=True, desc="explaining"):
        wanted = [None if t is None else t[rows].to(store.device) for t in (targets, *others)]
        logits, cams, (classes, *_) = explain_each(
            model, layer, store.inputs(ids[rows]), CAM_METHODS[method], wanted
        )
        parts.append([result.cpu().numpy() for result in (logits, classes, *cams)])
    logits, target, *cams = (np.concatenate(part) for part in zip(*parts))
    if not all(np.isfinite(values).all() for values in (logits, *cams)):
        raise AugcamError(
            "the network's outputs are not finite numbers: its training has diverged; lower "
            "training.learning_rate."
        )
    cam, *more = (cam.astype(np.float32) for cam in cams)
    return Explanations(ids.numpy(), cam, target, logits, more)


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
