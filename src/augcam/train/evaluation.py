"""How well a network does: loss and accuracy, and the measures of the paper."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augcam.data.images import ImageStore
from augcam.train.measures import performance

EVALUATION_BATCH = 256


@torch.inference_mode()
def evaluate(model: nn.Module, store: ImageStore, ids: Tensor) -> tuple[float, float]:
    """(mean cross-entropy, accuracy) of `model` on images `ids`."""
    loss, right = 0.0, 0
    for logits, labels in _outputs(model, store, ids):
        loss += F.cross_entropy(logits, labels, reduction="sum").item()
        right += int((logits.argmax(1) == labels).sum())
    return loss / len(ids), right / len(ids)


def _outputs(model: nn.Module, store: ImageStore, ids: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """(logits, labels) of images `ids`, batch by batch."""
    model.eval()
    chunks = ids.split(EVALUATION_BATCH)
    for chunk, images in zip(chunks, store.inputs_in_turn(chunks)):
        yield model(images), store.labels[chunk.to(store.device)]


@torch.inference_mode()
def test_measures(model: nn.Module, store: ImageStore) -> dict[str, float]:
    """The performance measures of `model` on the test images."""
    outputs = [(o.argmax(1).cpu(), y.cpu()) for o, y in _outputs(model, store, store.ids("test"))]
    predicted, labels = (torch.cat(part).numpy() for part in zip(*outputs))
    return performance(labels, predicted, store.num_classes)
