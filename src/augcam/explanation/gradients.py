"""Feature maps and their gradients, from one forward pass, at the cost of the network's head."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from augcam.errors import AugcamError
from augcam.networks.layers import get_layer, prefix_tokens
from augcam.networks.layouts import Layout, find_layout


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
    """One forward pass of B images: logits (B, C), the layer's output as a map (B, channels, h, w),
    and for each target its gradient (likewise) and the classes (B,) that it explains."""

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
    layout: Layout | None = None,
) -> Pass:
    """Run `model` on `images`, and compute the gradient of each target's score at `layer`.

    A target is (B,) int64, the classes to explain, or None: the predicted ones. The model must be
    in evaluation mode with frozen parameters (`model.requires_grad_(False)`). `layout`: how the
    layer's output holds its map; found from its shape where it is not given.
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
    layout = layout or find_layout(activations, type(layer).__name__, prefix_tokens(model))
    maps = layout.to_map(activations.detach())
    return Pass(logits.detach(), maps, [layout.to_map(g) for g in gradients], classes)


def rehearse(
    model: nn.Module, layer_name: str, input_size: int, layout: Layout | None = None
) -> None:
    """Try it on two images. Raises AugcamError where `layer_name` does not lend itself to it.

    Weights that are all zero at the start, as of torchvision's heads of transformers, are drawn
    here: training makes them something else, and a gradient of zero would say nothing.
    """
    model = without_zeros(model).eval().requires_grad_(False)
    images = torch.rand(2, 3, input_size, input_size)
    try:
        done = forward(model, get_layer(model, layer_name), images, [None], layout=layout)
    except Exception as error:  # whatever hooks and gradients raise
        raise AugcamError(
            f"model.cam_layer: '{layer_name}' cannot be explained ({error}); take a layer that "
            "runs once in each forward pass and on which the output depends."
        ) from error
    (gradient,) = done.gradients
    if not all(bool(t.isfinite().all()) for t in (done.logits, done.activations, gradient)):
        raise AugcamError(
            f"model.architecture: for random images the network's outputs, or the gradients at "
            f"'{layer_name}', are no finite numbers (NaN or infinite)."
        )
    if not gradient.any():
        raise AugcamError(
            f"model.cam_layer: the output does not depend on the map of '{layer_name}', as its "
            "gradient is zero everywhere; take an earlier layer, in a transformer the "
            "normalisation before the last attention."
        )


def without_zeros(model: nn.Module) -> nn.Module:
    """A copy in which no matrix of weights is zero."""
    model = copy.deepcopy(model)
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1 and not parameter.any():
                parameter.copy_(torch.randn(parameter.shape, generator=rng) * 0.02)
    return model
