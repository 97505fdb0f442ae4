"""Batches: what is shown to a network in each step, equal for equal seeds."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from augcam.augment.draws import Size, draw, generator
from augcam.config.schema import Training
from augcam.data.images import ImageStore, send
from augcam.entries import augmentation_named
from augcam.errors import AugcamError


class Batch(NamedTuple):
    """`images` (B, 3, s, s) float32, normalised; `labels` (B,) int64; `targets`: what the loss
    compares with, either `labels` or class probabilities (B, C)."""

    images: Tensor
    labels: Tensor
    targets: Tensor


class Course:
    """The batches of one condition and state: what is shown to the network, epoch by epoch.

    `order` int64 (2·N, 2) as made by `augcam.data.split.draw_order`: its images are trained on, the
    others that are not for testing validate. A condition without copies takes the originals alone,
    in the same relative order. `seeds`: of the `augmentation` draws and of the `network` noise,
    both `state` where not given.
    """

    def __init__(
        self,
        store: ImageStore,
        order: np.ndarray,
        condition: str,
        parameters: dict[str, Any],
        state: int,
        training: Training,
        sampling_seed: int,
        seeds: Mapping[str, int] | None = None,
    ):
        self.store, self.order = store, order
        self.condition, self.parameters, self.state = condition, parameters, state
        self.augmentation = augmentation_named(condition)
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

    def __len__(self) -> int:
        """Images an epoch."""
        return len(self.train_ids) * (1 + self.augmentation.copies)

    def epoch_order(self, epoch: int) -> np.ndarray:
        """(images an epoch, 2): (image_id, copy) in the order of `epoch`."""
        order = self.order
        if self.training.reshuffle:
            rng = np.random.default_rng([self.sampling_seed, epoch])
            order = order[rng.permutation(len(order))]
        return order if self.augmentation.copies else order[order[:, 1] == 0]

    def batches(self, epoch: int) -> Iterator[Batch]:
        """The batches of `epoch`; equal for equal arguments, whatever was asked for before."""
        order = self.epoch_order(epoch)
        for number in range(-(-len(order) // self.training.batch_size)):
            yield self._batch(order, epoch, number)

    def batch(self, epoch: int, number: int) -> Batch:
        """One of the batches of `epoch`, counted from 0."""
        return self._batch(self.epoch_order(epoch), epoch, number)

    def _batch(self, order: np.ndarray, epoch: int, number: int) -> Batch:
        store, size = self.store, self.training.batch_size
        rows = order[number * size : (number + 1) * size]
        ids, is_copy = torch.from_numpy(rows[:, 0].copy()), torch.from_numpy(rows[:, 1] == 1)
        labels = store.labels[send(ids, store.device)]
        images = store.raw(ids)
        at_input = self.training.augment_at == "input"
        if at_input:
            images = store.resized(images)
        targets = labels
        if is_copy.any():
            drawn_in = 0 if self.training.refresh == "once" else epoch
            rng = generator(self.seeds["augmentation"], drawn_in, number)
            copies = is_copy.nonzero().squeeze(1)
            images, targets = self._augmented(images, labels, ids, copies, rng, at_input)
        return Batch(store.prepared(images), labels, targets)

    def _augmented(
        self,
        images: Tensor,
        labels: Tensor,
        ids: Tensor,
        copies: Tensor,
        rng: np.random.Generator,
        at_input: bool,
    ) -> tuple[Tensor, Tensor]:
        """Images with those at positions `copies` augmented, and the loss's targets."""
        store, augmentation = self.store, self.augmentation
        if augmentation.apply is None:
            return images, labels
        size: Size = (images.shape[-2], images.shape[-1])
        draws = draw(augmentation, rng, len(copies), size, self.parameters)
        draws = {name: send(value, store.device) for name, value in draws.items()}
        places = send(copies, store.device)
        targets = labels
        if augmentation.mixes:
            if len(self.train_ids) < 2:
                raise AugcamError(f"{self.condition} needs two training images or more.")
            partner_ids = other_images(self.train_ids, ids[copies].numpy(), rng)
            partners = store.raw(torch.from_numpy(partner_ids))
            draws["partners"] = store.resized(partners) if at_input else partners
            pasted = augmentation.label_share(draws, size, self.parameters)
            if pasted is not None:
                share = torch.zeros(len(labels), 1, device=store.device)
                share[places, 0] = pasted.float()
                other = labels.clone()
                other[places] = store.labels[send(torch.from_numpy(partner_ids), store.device)]
                hot = F.one_hot(torch.stack([labels, other]), store.num_classes).float()
                targets = (1 - share) * hot[0] + share * hot[1]
        augmented = augmentation.apply(images[places], **draws)
        return images.index_copy(0, places, augmented), targets


def other_images(train_ids: np.ndarray, ids: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each of `ids` another training image, uniformly drawn; never the image itself.

    `train_ids` are sorted, two at least, and hold all of `ids`.
    """
    step = rng.integers(1, len(train_ids), size=len(ids))
    return train_ids[(np.searchsorted(train_ids, ids) + step) % len(train_ids)]
