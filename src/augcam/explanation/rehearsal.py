"""A rehearsal of explaining: what cannot be explained is refused before anything is trained."""

import copy
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from augcam.entries import method_named
from augcam.errors import AugcamError
from augcam.explanation.gradients import Asked, Site, forward
from augcam.explanation.heads import Head, describe_head
from augcam.explanation.maps import Wanted, explain_shown
from augcam.files.usercode import one_line
from augcam.names import PAPER_METHOD
from augcam.networks.layers import get_layer
from augcam.networks.layouts import Layout


def rehearse(
    model: nn.Module,
    layer_name: str,
    input_size: int,
    layout: Layout | None = None,
    methods: Iterable[str] = (PAPER_METHOD,),
) -> Head:
    """Try each of `methods` on two images, and find out what follows the layer.

    Raises AugcamError where `layer_name` does not lend itself to explaining, or a method does not
    fit the layer or the network. Methods of activations alone need no gradient at the layer.

    Weights that are all zero at the start, as of torchvision's heads of transformers, are drawn
    here: training makes them something else, and a gradient of zero would say nothing.
    """
    model = without_zeros(model).eval().requires_grad_(False)
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(2, 3, input_size, input_size, generator=rng)
    layer, methods = get_layer(model, layer_name), list(methods)
    with_gradients = any(method_named(name).needs != "activations" for name in methods)
    asked = [Asked(None, sites=(0,))] if with_gradients else []
    try:
        done = forward(model, [Site(layer, layout)], images, asked)
    except Exception as error:  # whatever hooks and gradients raise
        raise AugcamError(
            f"model.cam_layer: '{layer_name}' cannot be explained ({error}); take a layer that "
            "runs once in each forward pass and on which the output depends."
        ) from error
    gradients = [answer.gradients[0] for answer in done.answers]
    if not all(bool(t.isfinite().all()) for t in (done.logits, *done.activations, *gradients)):
        raise AugcamError(
            f"model.architecture: for random images the network's outputs, or the gradients at "
            f"'{layer_name}', are no finite numbers (NaN or infinite)."
        )
    if not all(gradient.any() for gradient in gradients):
        raise AugcamError(
            f"model.cam_layer: the output does not depend on the map of '{layer_name}', as its "
            "gradient is zero everywhere; take an earlier layer, in a transformer the "
            "normalisation before the last attention."
        )
    for method in methods:
        _try(model, images, Wanted(method, layer_name, layout))
    return describe_head(model, layer, layout, images)


def _try(model: nn.Module, images: Tensor, wanted: Wanted) -> None:
    """Explain `images`. Raises AugcamError where the method fails."""

    def shown(chunks: Sequence[Tensor]) -> Iterator[Tensor]:
        return (images[rows] for rows in chunks)

    try:
        explain_shown(model, shown, torch.arange(len(images)), [wanted], len(images))
    except AugcamError:
        raise
    except Exception as error:  # whatever methods of other libraries raise
        raise AugcamError(
            f"cam.method: '{wanted.method}' cannot explain the layer '{wanted.layer}' of this "
            f"network ({type(error).__name__}: {one_line(error)}); take another method, or another "
            "layer with model.cam_layer."
        ) from error


def without_zeros(model: nn.Module) -> nn.Module:
    """A copy in which no matrix of weights is zero."""
    model = copy.deepcopy(model)
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1 and not parameter.any():
                parameter.copy_(torch.randn(parameter.shape, generator=rng) * 0.02)
    return model
