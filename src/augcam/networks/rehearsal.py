"""A rehearsal of training: what cannot be trained is refused before anything is."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augcam.errors import AugcamError
from augcam.files.usercode import one_line

CHANNELS = 3


def rehearse_training(model: nn.Module, input_size: int, num_classes: int | None = None) -> bool:
    """Forward and backward pass of a training step on two images; changes running means.

    Returns whether it drew random numbers (dropout, stochastic depth), wherever in the network.

    Raises AugcamError where that fails: which options a builder takes says not which ones work; or
    where what comes out is not one row of logits an image, for `num_classes` classes.
    """
    keys = f"model.input_size {input_size}, architecture_arguments"
    images = torch.rand(2, CHANNELS, input_size, input_size)
    before = torch.get_rng_state()
    try:
        logits = model.train()(images)
        _refuse_other_outputs(logits, num_classes)
        loss = F.cross_entropy(logits, torch.tensor([0, 1]))
        loss.backward()
    except AugcamError:
        raise
    except Exception as error:  # whatever the network's layers raise
        reason = str(error).strip().partition("\n")[0]
        raise AugcamError(
            f"{keys}: the network cannot be trained with these values ({reason})."
        ) from error
    model.zero_grad()
    if not loss.isfinite():
        raise AugcamError(
            f"{keys}: with these values the first loss already is no finite number; see that all "
            "probabilities are below 1."
        )
    return not torch.equal(before, torch.get_rng_state())


def _refuse_other_outputs(logits: Any, num_classes: int | None) -> None:
    wanted = (2, num_classes or "classes")
    if not isinstance(logits, Tensor):
        raise AugcamError(
            f"model.architecture: the network returns a {type(logits).__name__}, but logits are "
            "needed, one tensor (images, classes); wrap it in a module of your own that returns "
            "these alone, `my_model.py:Net`."
        )
    shape = tuple(logits.shape)
    if len(shape) != 2 or shape[0] != 2 or (num_classes and shape[1] != num_classes):
        raise AugcamError(
            f"model.architecture: for two images the network returns a tensor of shape {shape}, "
            f"but logits of shape ({wanted[0]}, {wanted[1]}) are needed."
        )


def refuse_a_batch_of_one(model: nn.Module, input_size: int, batch_size: int, images: int) -> None:
    """Raises AugcamError where an epoch of so many images ends in a batch of one, from which the
    network cannot learn: batch normalisation after pooling has nothing to normalise by."""
    if images % batch_size != 1:
        return
    try:
        model.train()(torch.rand(1, CHANNELS, input_size, input_size))
    except Exception as error:
        raise AugcamError(
            f"training.batch_size: {images} images an epoch in batches of {batch_size} leave a "
            f"last batch of one, which this network cannot be trained on ({one_line(error)}); "
            "take another batch size."
        ) from error
