"""What follows the layer that is explained: some methods are one and the same on simple heads."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from augcam.explanation.gradients import Site, forward
from augcam.networks.layouts import Layout

_TOLERANCE = 1e-4  # of the largest gradient; float32 rounds at 1e-6


class Head(NamedTuple):
    """`pooled_linear`: whether logits are a linear function of the map's mean over its cells;
    `nonnegative`: whether no activation is below 0; `channels` of the map. As `network.json`
    records it."""

    pooled_linear: bool
    nonnegative: bool
    channels: int


def describe_head(
    model: nn.Module, layer: nn.Module, layout: Layout | None, images: Tensor
) -> Head:
    """Find out by trying, with `images` (B, 3, s, s), in float32.

    The head is linear after pooling where a random sum of the logits has the same gradient in all
    cells, and the same again once the layer's output is another one of any sign. `model` as for
    `augcam.explanation.gradients.forward`.
    """
    done = forward(model, [Site(layer, layout)], images, [])
    (maps,), (layout,) = done.activations, done.layouts
    rng = torch.Generator().manual_seed(0)
    weights = torch.randn(done.logits.shape, generator=rng).to(images.device)

    def gradient(change: Callable[[Tensor], Tensor]) -> Tensor:
        return layout.to_map(_gradient(model, layer, images, weights, change))

    def changed(output: Tensor) -> Tensor:
        noise = torch.randn(output.shape, generator=rng).to(output.device)
        return noise * output.std() - 2 * output

    one, other = gradient(torch.clone), gradient(changed)
    near = _TOLERANCE * one.abs().max()
    in_all_cells = one.mean((2, 3), keepdim=True)
    linear = all(bool(((g - in_all_cells).abs() <= near).all()) for g in (one, other))
    return Head(linear and bool(near > 0), bool((maps >= 0).all()), maps.shape[1])


def _gradient(
    model: nn.Module,
    layer: nn.Module,
    images: Tensor,
    weights: Tensor,
    change: Callable[[Tensor], Tensor],
) -> Tensor:
    """The gradient of a weighted sum of logits at the layer's output once this is changed."""
    kept: list[Tensor] = []

    def replace(_module: nn.Module, _inputs: tuple, output: Tensor) -> Tensor:
        kept.append(change(output.detach()).requires_grad_())
        return kept[-1].clone()

    handle = layer.register_forward_hook(replace)
    try:
        with torch.enable_grad():
            score = (model(images) * weights).sum()
            return torch.autograd.grad(score, kept, allow_unused=True, materialize_grads=True)[-1]
    finally:
        handle.remove()
