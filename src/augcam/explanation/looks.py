"""What the views of a config are on one network: which layer each explains, and which images."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor, nn

from augcam.config.views import Look, refuse_equal, refuse_samples_beyond
from augcam.data.sample import sample as draw
from augcam.errors import AugcamError
from augcam.explanation.maps import Wanted
from augcam.explanation.rehearsal import rehearse
from augcam.names import MAIN
from augcam.networks.layers import describe_network
from augcam.networks.layouts import layout_in


def describe_views(
    model: nn.Module, looks: Mapping[str, Look], input_size: int, tested: int, **main: Any
) -> dict[str, dict[str, Any]]:
    """What `network.json` holds of a layer, for the layer of each view, and all that the view is
    (`augcam.config.views.Look`, the layer by its name).

    `tested`: the number of test images; `main`: `cam_layer` and `cam_grid` of the main view.
    Raises AugcamError where a layer does not lend itself to it, where a sample is larger than the
    test set, or where a view is another one again.
    """
    by_layer: dict[str | None, dict[str, Any]] = {}
    found = {}
    for name, look in looks.items():
        own = {} if look.layer != main.get("cam_layer") else main
        try:
            if look.layer not in by_layer:
                place = {"cam_layer": look.layer} | own
                by_layer[look.layer] = describe_network(model, input_size, **place)
            described = by_layer[look.layer]
            layer, layout = described["cam_layer"], layout_in(described)
            head = rehearse(model, layer, input_size, layout, [look.method])
        except AugcamError as error:
            raise AugcamError(_by_view(str(error), name)) from None
        found[name] = described | head._asdict() | look._replace(layer=layer)._asdict()
    try:
        refuse_equal(
            {name: look._replace(layer=found[name]["layer"]) for name, look in looks.items()}
        )
        refuse_samples_beyond(looks, tested)
    except ValueError as error:
        raise AugcamError(f"config: {error}.") from None
    return found


def _by_view(sentence: str, view: str) -> str:
    """A sentence about the keys of the main view, about those of another one."""
    if view == MAIN:
        return sentence
    for key, own in (("model.cam_layer", "layer"), ("cam.method", "method")):
        sentence = sentence.replace(key, f"views.{view}.{own}")
    return sentence


def sample(count: int, images: int | None, seed: int) -> np.ndarray | None:
    """Which of `count` images a view explains, int64 and ascending; None: all. Whatever the model,
    they are the same."""
    if images is None:
        return None
    return draw(count, images, seed)


def wanted(
    described: Mapping[str, Any], classes: Mapping[str, Tensor | None], count: int
) -> Wanted:
    """What the library is asked for by one view of `describe_views`; `classes`: of each kind of
    target the classes of all `count` images (N,), None: those that the model predicts."""
    return Wanted(
        described["method"],
        described["layer"],
        layout_in(described),
        classes[described["target"]],
        sample(count, described["images"], described["seed"]),
    )
