"""Examples: what the network is shown in training, and one explained test image."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from augcam.comparison.explained import Explained
from augcam.config.schema import Training
from augcam.data.images import ImageStore
from augcam.report.pictures import Seen, augmentation_examples, cam_example
from augcam.report.texts import shortened
from augcam.train.batches import Course

IMAGES, COPIES = 3, 5  # of one figure


def example_ids(store: ImageStore, orders: Iterable[np.ndarray]) -> list[int]:
    """Of each of the first classes the first image that all of `orders` train on."""
    images = store.index["image_id"]
    trained = np.all([np.isin(images, order[:, 0]) for order in orders], axis=0)
    _, first = np.unique(store.index["label"][trained], return_index=True)
    return images[trained][first[:IMAGES]].tolist()


def example_draws(epochs: int, states: list[int]) -> list[tuple[int, int]]:
    """(state, epoch from 0) of the copies to show: epochs of the first state, then of the next."""
    return list(islice(product(states, range(epochs)), COPIES))


def shown_copy(course: Course, image_id: int, epoch: int) -> np.ndarray:
    """The augmented copy of an image exactly as trained on in `epoch`: uint8 (s, s, 3)."""
    order = course.epoch_order(epoch)
    position = np.flatnonzero((order[:, 0] == image_id) & course.augmented_rows(order))[0]
    number, place = divmod(int(position), course.training.batch_size)
    return as_pixels(course.store, course.batch(epoch, number).images[place])


def shown_original(store: ImageStore, image_id: int) -> np.ndarray:
    """An image as the network sees it: uint8 (s, s, 3)."""
    return as_pixels(store, store.inputs(torch.tensor([image_id]))[0])


def as_pixels(store: ImageStore, image: torch.Tensor) -> np.ndarray:
    """Network input (3, s, s) → uint8 (s, s, 3)."""
    pixels = (store.denormalised(image).clamp(0, 1) * 255).round().byte()
    return pixels.permute(1, 2, 0).cpu().numpy()


def most_confident(logits: np.ndarray, right: np.ndarray) -> int:
    """Row of the right prediction (of any, where none is right) with the highest probability."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    confidence = 1 / np.exp(shifted).sum(axis=1)
    return int(np.argmax(np.where(right, confidence + 1, confidence)))


def augmentation_figures(
    store: ImageStore,
    orders: Mapping[int, np.ndarray],
    steps: Mapping[str, Sequence[dict[str, Any]]],
    seeds: Mapping[int, Mapping[str, int]],
    training: Training,
    sampling_seed: int,
) -> Iterator[tuple[str, Figure]]:
    """(name, figure) of every augmentation; `steps`: those of each condition; `orders`,
    `seeds`: those of each starting state."""
    draws = example_draws(training.epochs, list(orders))
    ids = example_ids(store, [orders[state] for state, _ in draws])
    if not ids:  # so few images that no two states train on the same ones
        draws = draws[: training.epochs]
        ids = example_ids(store, [orders[draws[0][0]]])
    originals = [shown_original(store, image) for image in ids]
    labels = [f"state {state}, epoch {epoch + 1}" for state, epoch in draws]
    for name, values in steps.items():
        courses = {
            state: Course(
                store, orders[state], name, values, state, training, sampling_seed, seeds[state]
            )
            for state, _ in draws
        }
        copies = [[shown_copy(courses[s], image, epoch) for s, epoch in draws] for image in ids]
        yield f"augmentation_{name}", augmentation_examples(originals, copies, labels, name)


def cam_figure(store: ImageStore, baseline: Explained) -> Figure:
    """The baseline's map of the test image of which it is rightly most sure, step by step."""
    row = most_confident(baseline.logits, baseline.right)
    image = int(baseline.image_id[row])
    predicted = store.stats["class_names"][baseline.logits[row].argmax()]
    seen = Seen(baseline.cam[row], predicted, bool(baseline.right[row]))
    name = shortened(predicted, 60)
    title = f"Baseline, test image {image}: {name}, predicted with most confidence"
    return cam_example(shown_original(store, image), seen, store.input_size, title)
