"""The network of an experiment, its starting weights, and what they are made for."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from augcam.config.choices import Architecture
from augcam.config.fields import Grown, Pixels, Section, Seed, Share, Text
from augcam.config.suggestions import suggestion
from augcam.entries import Network, entries, is_own
from augcam.names import PAPER_ARCHITECTURES


class Normalisation(Section):
    mean: tuple[Share, Share, Share]
    """Mean of red, green and blue, of values in [0, 1]."""
    std: tuple[PositiveFloat, PositiveFloat, PositiveFloat]
    """Their standard deviation."""


def _known_normalisation(value: Any) -> Any:
    """A union of a name and a section says everything twice: so its one sentence is made here."""
    if value in ("dataset", "pretrained") or isinstance(value, Normalisation):
        return value
    if isinstance(value, str):
        raise ValueError(f"unknown value '{value}'{suggestion(value, ['dataset', 'pretrained'])}")
    try:
        return Normalisation.model_validate(value)
    except ValidationError:
        raise ValueError(
            "'dataset', 'pretrained', or mean and deviation of three channels are needed, e.g. "
            f"{{mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}} (it is {value})"
        ) from None


WEIGHT_FILES = (".safetensors", ".pt", ".pth", ".bin")


def folder(architecture: str) -> str:
    """The name of a network as that of a folder."""
    return re.sub(r"[^\w.+-]", "-", architecture)


def too_small(architecture: str, input_size: int) -> str:
    """Why inputs of this size are too small for a network to be explained; empty where they are
    not, or nothing is known of it."""
    known = entries(Network).get(architecture)
    if known is None or input_size >= known.smallest_input:
        return ""
    return (
        "its last feature map would be smaller than 4×4; the smallest that works is "
        f"{known.smallest_input}"
    )


def unsuited(architecture: str, input_size: int) -> str:
    """Why a network does not take inputs of this size; empty where it does, as far as is known."""
    known = entries(Network).get(architecture)
    if known is None or input_size % known.multiple_of == 0:
        return ""
    return f"it takes multiples of {known.multiple_of} alone"


class Model(Grown):
    came_later = ("cam_grid", "weights", "weights_root", "normalisation")

    architecture: Architecture = PAPER_ARCHITECTURES[0]
    """A torchvision classifier by name, or one of the CIFAR networks of He et al. 2016: `resnet20`,
    `resnet32`, `resnet44`, `resnet56`, and the smaller `resnet8` and `resnet14`; `timm/<name>`, one
    of timm's; `<file>.py:<name>`, a class or function of your own that takes `num_classes` and
    gives a module (docs/networks.md)."""
    input_size: Pixels = 224
    """Side in pixels of the network's input; images are resized to it."""
    fit: Literal["crop", "pad", "squash"] = "crop"
    """What networks see of images that are not square: the largest square in their centre (`crop`),
    all of them on `dataset.background` (`pad`), or all of them, squashed (`squash`)."""
    cam_layer: Text | None = None
    """Dotted name of the layer to explain; found automatically when not given: the last feature map
    before pooling, in transformers the normalised tokens of the last block."""
    cam_grid: tuple[PositiveInt, PositiveInt] | None = None
    """Rows and columns of that layer's map; found automatically when not given. Tokens beyond rows
    × columns stand before them and are dropped."""
    weights: Text = "random"
    """Starting weights: `random`, drawn from `weight_seed`; `pretrained`, the default ones of
    torchvision or timm; or a file, safetensors or a state dict of torch's. A head for other classes
    is drawn from `weight_seed`."""
    weights_root: Text = "weights"
    """The folder that holds, or receives, pretrained weights."""
    normalisation: Annotated[
        Literal["dataset", "pretrained"] | Normalisation, BeforeValidator(_known_normalisation)
    ] = "dataset"
    """How inputs are normalised: by mean and deviation of the training images, of the images that
    the network's `pretrained` weights are made for, or by those given: `{mean: [r, g, b], std: [r,
    g, b]}`."""
    weight_seed: Seed = 0
    """Seed of the starting weights, shared by all models, or by those of one state
    (`variation`)."""

    @model_validator(mode="after")
    def _feature_map_is_large_enough(self):
        # Another layer has another resolution: it is checked where the network is at hand.
        name, size = self.architecture, self.input_size
        if self.cam_layer is None and (reason := too_small(name, size)):
            raise ValueError(f"model.input_size {size} is too small for '{name}': {reason}")
        if reason := unsuited(name, size):
            raise ValueError(f"model.input_size {size} does not suit '{name}': {reason}")
        return self

    @model_validator(mode="after")
    def _weights_can_be_had(self):
        name = self.architecture
        known = entries(Network).get(name)
        has_some = known.pretrained if known else not is_own(name)
        if self.weights == "pretrained" and not has_some:
            raise ValueError(
                f"model.weights: there are no pretrained weights of '{name}'; name a file, or take "
                "'random'"
            )
        if self.normalisation == "pretrained" and not has_some:
            raise ValueError(
                f"model.normalisation: nothing is known of weights of '{name}'; give mean and "
                "deviation, e.g. {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}"
            )
        if self.weights not in ("random", "pretrained") and not self.weights.endswith(WEIGHT_FILES):
            hint = suggestion(self.weights, ["random", "pretrained"])
            raise ValueError(
                f"model.weights: '{self.weights}' is no file of weights ({', '.join(WEIGHT_FILES)})"
                f"{hint}"
            )
        return self

    @property
    def weights_file(self) -> str | None:
        """The file that `weights` names."""
        return None if self.weights in ("random", "pretrained") else self.weights


def absent_files(model: Model, architectures: Iterable[str]) -> str:
    """One sentence for each file of the user's that is named, but is not there."""
    named = {f"model.architecture: {model.architecture}": model.architecture}
    named |= {f"architectures: {name}": name for name in architectures}
    files = {key: name.rpartition(":")[0] for key, name in named.items() if is_own(name)}
    if model.weights_file:
        files[f"model.weights: {model.weights_file}"] = model.weights_file
    return "\n".join(
        f"config: {key}: there is no such file (looked for from {Path.cwd()})."
        for key, file in files.items()
        if not Path(file).is_file()
    )
