"""Feature maps and their gradients, from one forward pass, at the cost of the network's head."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from augcam.errors import AugcamError
from augcam.networks.layers import get_layer


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


class Pass(NamedTuple):
    """One forward pass of B images: logits (B, C), the layer's output (B, channels, h, w), and for
    each target its gradient (likewise) and the classes (B,) that it explains."""

    logits: Tensor
    activations: Tensor
    gradients: list[Tensor]
    classes: list[Tensor]


def forward(
    model: nn.Module,
    layer: nn.Module,
    images: Tensor,
    targets: Sequence[Tensor | None],
    with_gradients: bool = True,
) -> Pass:
    """Run `model` on `images`, and compute the gradient of each target's score at `layer`.

    A target is (B,) int64, the classes to explain, or None: the predicted ones. The model must be
    in evaluation mode with frozen parameters (`model.requires_grad_(False)`).
    """
    gradients: list[Tensor] = []
    with torch.enable_grad(), feature_map(layer) as kept:
        logits = model(images)
        (activations,) = kept
        classes = [logits.argmax(1) if target is None else target for target in targets]
        for wanted in classes if with_gradients else []:
            # One image's score does not depend on another's features: the sum gives all gradients.
            score = logits.gather(1, wanted[:, None]).sum()
            gradients += torch.autograd.grad(score, activations, retain_graph=True)
    return Pass(logits.detach(), activations.detach(), gradients, classes)


def rehearse(model: nn.Module, layer_name: str, input_size: int) -> None:
    """Try it on two images. Raises AugcamError where `layer_name` does not lend itself to it."""
    model = model.eval().requires_grad_(False)
    try:
        forward(
            model, get_layer(model, layer_name), torch.rand(2, 3, input_size, input_size), [None]
        )
    except Exception as error:  # whatever hooks and gradients raise
        raise AugcamError(
            f"model.cam_layer: '{layer_name}' cannot be explained ({error}); take a layer that "
            "runs once in each forward pass and on which the output depends."
        ) from error
