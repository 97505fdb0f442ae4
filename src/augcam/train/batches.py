"""Batches: what is shown to a network in each step, equal for equal seeds."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from augcam.augment.draws import generator
from augcam.augment.recipe import Recipe
from augcam.config.schema import Training
from augcam.data.images import ImageStore
from augcam.data.pixels import send
from augcam.errors import AugcamError
from augcam.train.loss import balanced_weights


class Batch(NamedTuple):
    """`images` (B, 3, s, s) float32, normalised; `labels` (B,) int64; `targets`: what the loss
    compares with, either `labels` or class probabilities (B, C)."""

    images: Tensor
    labels: Tensor
    targets: Tensor


class Course:
    """The batches of one condition and state: what is shown to the network, epoch by epoch.

    `order` int64 ((1 + copies)·N, 2) as made by `augcam.data.split.draw_order`: its images are
    trained on, the others that are not for testing validate. Where nothing is added to the
    originals these alone are shown, in the same relative order. `steps`: what is done to copies, as
    `augcam.augment.recipe.Recipe` takes them. `seeds`: of the `augmentation` draws and of the
    `network` noise, both `state` where not given.
    """

    def __init__(
        self,
        store: ImageStore,
        order: np.ndarray,
        condition: str,
        steps: Sequence[dict[str, Any]],
        state: int,
        training: Training,
        sampling_seed: int,
        seeds: Mapping[str, int] | None = None,
    ):
        self.store, self.order = store, order
        self.condition, self.state = condition, state
        self.recipe = Recipe(steps)
        self.training, self.sampling_seed = training, sampling_seed
        self.seeds = seeds or {"augmentation": state, "network": state}
        self.train_ids = np.unique(order[:, 0])
        others = store.index["image_id"][store.index["split"] != "test"]
        self.validation_ids = torch.from_numpy(np.setdiff1d(others, self.train_ids))
        if training.batch_size > len(self.train_ids):
            raise AugcamError(
                f"training.batch_size: {training.batch_size} is larger than the training set of "
                f"{len(self.train_ids)} images."
            )
        if self.recipe.mixes and len(self.train_ids) < 2:
            raise AugcamError(f"{condition} needs two training images or more.")

    @property
    def _adds(self) -> bool:
        return self.recipe.has_copies and self.training.augmented == "added"

    def __len__(self) -> int:
        """Images an epoch."""
        return len(self.order) if self._adds else len(self.train_ids)

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return -(-len(self) // self.training.batch_size)

    def class_weights(self) -> Tensor | None:
        """What the loss weighs images of each class with (C,), on the device; None: all alike.
        Raises AugcamError where a class has no training image."""
        if self.training.class_weights == "equal":
            return None
        labels = self.store.index["label"][np.isin(self.store.index["image_id"], self.train_ids)]
        weights = balanced_weights(labels, self.store.stats["class_names"])
        return weights.to(self.store.device)

    def epoch_order(self, epoch: int) -> np.ndarray:
        """(images an epoch, 2): (image_id, copy) in the order of `epoch`; copy 0 is the original,
        or what has replaced it."""
        order = self.order
        if self.training.reshuffle:
            rng = np.random.default_rng([self.sampling_seed, epoch])
            order = order[rng.permutation(len(order))]
        return order if self._adds else order[order[:, 1] == 0]

    def augmented_rows(self, order: np.ndarray) -> np.ndarray:
        """Which rows of an epoch's order show an image augmented, bool."""
        if self._adds:
            return order[:, 1] > 0
        return np.full(len(order), self.recipe.has_copies)

    def batches(self, epoch: int) -> Iterator[Batch]:
        """The batches of `epoch`; equal for equal arguments, whatever was asked for before."""
        order = self.epoch_order(epoch)
        for number in range(self.steps):
            batch = self._batch(order, epoch, number)
            if number + 1 < self.steps:
                self.store.expect(self._ids(order, number + 1))
            yield batch

    def batch(self, epoch: int, number: int) -> Batch:
        """One of the batches of `epoch`, counted from 0."""
        return self._batch(self.epoch_order(epoch), epoch, number)

    def _batch(self, order: np.ndarray, epoch: int, number: int) -> Batch:
        store, ids = self.store, self._ids(order, number)
        rows = self._rows(order, number)
        places = np.flatnonzero(self.augmented_rows(rows))
        labels = store.labels[send(ids, store.device)]
        images = self._pixels(ids)
        targets = labels
        if len(places):
            drawn_in = 0 if self.training.refresh == "once" else epoch
            rng = generator(self.seeds["augmentation"], drawn_in, number)
            where = send(torch.from_numpy(places), store.device)
            shown = self.recipe(
                images[where],
                labels[where],
                store.num_classes,
                rng,
                partners=lambda rng: self._partners(rows[places, 0], rng),
            )
            images = images.index_copy(0, where, shown.images)
            if shown.targets.ndim > 1:
                targets = F.one_hot(labels, store.num_classes).float()
                targets = targets.index_copy(0, where, shown.targets)
        return Batch(store.prepared(images), labels, targets)

    def _rows(self, order: np.ndarray, number: int) -> np.ndarray:
        """The part of an epoch's order that is batch `number`."""
        size = self.training.batch_size
        return order[number * size : (number + 1) * size]

    def _ids(self, order: np.ndarray, number: int) -> Tensor:
        return torch.from_numpy(self._rows(order, number)[:, 0].copy())

    def _pixels(self, ids: Tensor) -> Tensor:
        """Images at the resolution at which they are augmented."""
        images = self.store.raw(ids)
        return self.store.resized(images) if self.training.augment_at == "input" else images

    def _partners(self, ids: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        others = torch.from_numpy(other_images(self.train_ids, ids, rng))
        return self._pixels(others), self.store.labels[send(others, self.store.device)]


def other_images(train_ids: np.ndarray, ids: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each of `ids` another training image, uniformly drawn; never the image itself.

    `train_ids` are sorted, two at least, and hold all of `ids`.
    """
    step = rng.integers(1, len(train_ids), size=len(ids))
    return train_ids[(np.searchsorted(train_ids, ids) + step) % len(train_ids)]
