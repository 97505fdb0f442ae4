"""Three explanations of every image from one forward pass: how much change is another class."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from augcam.distances import Model, at_equality
from augcam.explanations import CAM_METHODS, CamMethod, feature_map, gradcam
from augcam.models import get_layer
from augcam.similarity import Explained, compare
from augcam.training import ImageStore

TARGETS = ("predicted", "label", "baseline")
"""The model's own prediction, the true label, the baseline's prediction."""

_BATCH = 32


def explain_each(
    model: nn.Module,
    layer: nn.Module,
    images: Tensor,
    targets: list[Tensor | None],
    method: CamMethod = gradcam,
) -> list[Tensor]:
    """One raw CAM (B, h, w) of `images` for each of `targets`: classes (B,), None: the predicted.

    The model must be in evaluation mode with frozen parameters.
    """
    with torch.enable_grad(), feature_map(layer) as kept:
        logits = model(images)
        (activations,) = kept
        gradients = []
        for classes in targets:
            classes = logits.argmax(1) if classes is None else classes
            score = logits.gather(1, classes[:, None]).sum()
            gradients += torch.autograd.grad(score, activations, retain_graph=True)
    with torch.no_grad():
        return [method(activations.detach(), gradient) for gradient in gradients]


def explain_targets(
    model: nn.Module,
    layer_name: str,
    store: ImageStore,
    ids: Tensor,
    labels: Tensor,
    baseline: Tensor,
    method: str = "gradcam",
) -> dict[str, np.ndarray]:
    """cam_predicted, cam_label, cam_baseline: raw CAMs, float32 (N, h, w), and image_id (N,).

    `labels` and `baseline` (N,) int64: the true classes and those the baseline predicts.
    """
    model = model.eval().requires_grad_(False)
    layer = get_layer(model, layer_name)
    parts: list[list[np.ndarray]] = [[], [], []]
    for rows in torch.arange(len(ids)).split(_BATCH):
        classes = [None, labels[rows].to(store.device), baseline[rows].to(store.device)]
        images = store.inputs(ids[rows])
        maps = explain_each(model, layer, images, classes, CAM_METHODS[method])
        for part, cam in zip(parts, maps):
            part.append(cam.cpu().numpy().astype(np.float32))
    cams = {f"cam_{name}": np.concatenate(part) for name, part in zip(TARGETS, parts)}
    return {"image_id": ids.numpy(), **cams}


def target_changes(
    models: Mapping[Model, dict[str, np.ndarray]],
    reference: Model,
    metrics: list[str],
    size: int,
    threads: int = 1,
) -> pd.DataFrame:
    """The maps' distance to the baseline's when both explain the same kind of target.

    `models`: model → the arrays of `explain_targets`. Returns augmentation, state, metric, target,
    n_images (with a value), `mean`, and share_of_change: the part of the distance between
    explanations of the own predictions that is gone with this target.
    """
    metrics = [metric for metric in metrics if metric != "class_kld"]
    others = [model for model in models if model != reference]
    tables = {}
    for target in TARGETS:
        first, *rest = (_explained(models[model], target) for model in (reference, *others))
        tables[target] = compare(first, rest, metrics, size, 1e-16, threads)
    rows = []
    for number, (condition, state) in enumerate(others):
        for metric in metrics:
            own = tables["predicted"][number][metric].mean()
            distance = own - at_equality(metric)
            for target in TARGETS:
                values = tables[target][number][metric].dropna()
                share = (own - values.mean()) / distance if distance else np.nan
                rows.append((condition, state, metric, target, len(values), values.mean(), share))
    columns = [
        "augmentation", "state", "metric", "target", "n_images", "mean", "share_of_change"
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _explained(arrays: dict[str, np.ndarray], target: str) -> Explained:
    count = len(arrays["image_id"])
    nothing = np.zeros((count, 1), np.float32), np.ones(count, dtype=bool)
    return Explained(arrays["image_id"], arrays[f"cam_{target}"], *nothing)
