"""A rehearsal of training: what cannot be trained is refused before anything is."""

import torch
import torch.nn.functional as F
from torch import nn

from augcam.errors import AugcamError

CHANNELS = 3


def rehearse_training(model: nn.Module, input_size: int) -> bool:
    """Forward and backward pass of a training step on two images; changes running means.

    Returns whether it drew random numbers (dropout, stochastic depth), wherever in the network.

    Raises AugcamError where that fails: which options a builder takes says not which ones work.
    """
    keys = f"model.input_size {input_size}, architecture_arguments"
    images = torch.rand(2, CHANNELS, input_size, input_size)
    before = torch.get_rng_state()
    try:
        loss = F.cross_entropy(model.train()(images), torch.tensor([0, 1]))
        loss.backward()
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
