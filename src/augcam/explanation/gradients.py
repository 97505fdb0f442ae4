"""Feature maps and their gradients, from one forward pass, at the cost of the network's head."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from augcam.networks.layers import prefix_tokens
from augcam.networks.layouts import Layout, find_layout


@contextmanager
def feature_maps(layers: Sequence[nn.Module]) -> Iterator[list[list[Tensor]]]:
    """Collect what each of `layers` gives, by layer and run, so that gradients can be taken there.

    The output of whichever runs first becomes the leaf of the gradient graph, so that a gradient
    costs no more than what follows it; those of the others stay in the graph. The network goes on
    with copies: a later in-place operation cannot reach what is kept. Parameters must be frozen.
    """
    kept: list[list[Tensor]] = [[] for _ in layers]

    def keeping(found: list[Tensor]) -> Callable[..., Tensor]:
        def keep(_module: nn.Module, _inputs: tuple, output: Tensor) -> Tensor:
            found.append(output if output.requires_grad else output.detach().requires_grad_())
            return found[-1].clone()

        return keep

    handles = [layer.register_forward_hook(keeping(found)) for layer, found in zip(layers, kept)]
    try:
        yield kept
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def feature_map(layer: nn.Module) -> Iterator[list[Tensor]]:
    """`feature_maps` of one layer: what it gives, by run."""
    with feature_maps([layer]) as kept:
        yield kept[0]


class Site(NamedTuple):
    """A layer of a network, and how its output holds a map; None: found from its shape."""

    layer: nn.Module
    layout: Layout | None = None


def class_logit(logits: Tensor, classes: Tensor) -> Tensor:
    """What is explained unless a method says otherwise: (B,) of logits (B, C) and classes (B,)."""
    return logits.gather(1, classes[:, None])[:, 0]


Score = Callable[[Tensor, Tensor], Tensor]


class Asked(NamedTuple):
    """A score whose gradients are wanted: `target` (B,) int64, the classes to explain, or None: the
    predicted ones; the places, in a list of sites, where its gradients are wanted."""

    target: Tensor | None
    score: Score = class_logit
    sites: tuple[int, ...] = ()


class Answer(NamedTuple):
    """The classes (B,) that are explained, their scores (B,), and by site the gradients there, as
    maps (B, channels, h, w)."""

    classes: Tensor
    scores: Tensor
    gradients: dict[int, Tensor]


class Pass(NamedTuple):
    """One forward pass of B images: logits (B, C), by site the layer's output as a map (B,
    channels, h, w) and the layout of its output, and what was asked."""

    logits: Tensor
    activations: list[Tensor]
    layouts: list[Layout]
    answers: list[Answer]


def forward(
    model: nn.Module, sites: Sequence[Site], images: Tensor, asked: Sequence[Asked]
) -> Pass:
    """Run `model` on `images` once, and compute gradients at the layers of `sites`.

    The model must be in evaluation mode with frozen parameters (`model.requires_grad_(False)`).
    Raises ValueError for a layer that does not run once.
    """
    answers = []
    with torch.enable_grad(), feature_maps([site.layer for site in sites]) as kept:
        logits = model(images)
        outputs = [output for (output,) in kept]
        layouts = [
            layout or find_layout(output, type(layer).__name__, prefix_tokens(model))
            for (layer, layout), output in zip(sites, outputs)
        ]
        for target, score, places in asked:
            classes = logits.detach().argmax(1) if target is None else target
            scores = score(logits, classes)
            # One image's score does not depend on another's features: the sum gives all gradients.
            found = (
                torch.autograd.grad(
                    scores.sum(), [outputs[place] for place in places], retain_graph=True
                )
                if places
                else ()
            )
            gradients = {i: layouts[i].to_map(gradient) for i, gradient in zip(places, found)}
            answers.append(Answer(classes, scores.detach(), gradients))
    maps = [layout.to_map(output.detach()) for layout, output in zip(layouts, outputs)]
    return Pass(logits.detach(), maps, layouts, answers)
