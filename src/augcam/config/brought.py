"""Networks that the user brings, trained elsewhere, or only their maps: nothing is trained then."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator

from augcam.config.choices import Architecture
from augcam.config.fields import Section, Seed, Text


def _file(value: Any) -> Any:
    """A path alone stands for `{file: path}`."""
    return value if isinstance(value, Mapping) else {"file": value}


class Checkpoint(Section):
    """A network that was trained elsewhere."""

    file: Text
    """Its weights: safetensors, or a state dict that `torch.save` wrote."""
    architecture: Architecture | None = None
    """Its architecture; `model.architecture` when not given."""
    cam_layer: Text | None = None
    """The layer to explain; the last feature map before pooling when not given."""


class BroughtMaps(Section):
    """The maps of a network, from any method and framework."""

    file: Text
    """`.npz` with `cam`, (N, h, w), of any sign, of the N test images in their order, or in that of
    the array `image`, the images' names (`source` of `data/index.parquet`)."""
    predictions: Text | None = None
    """CSV or parquet, one row per map: `logit_0` …, or `probability_0` …, and `label` where it is
    known. When not given, the file beside the maps of the same name, `.parquet` or `.csv`."""

    @property
    def predictions_file(self) -> str:
        """The file of predictions; of two beside the maps, `.parquet` before `.csv`."""
        if self.predictions:
            return self.predictions
        parquet = Path(self.file).with_suffix(".parquet")
        return str(parquet if parquet.exists() else parquet.with_suffix(".csv"))


def _folder_names(models: Any) -> Any:
    """Refuse names of conditions that cannot name a folder, and conditions without a model."""
    for name, states in models.items() if isinstance(models, Mapping) else ():
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", str(name)):
            raise ValueError(
                f"'{name}' cannot name a condition; use letters, digits, '.', '_' and '-', "
                "starting with a letter or digit"
            )
        if not isinstance(states, Mapping) or not states:
            raise ValueError(f"'{name}' needs a file for each of its states, as {{0: <file>}}")
    return models


Checkpoints = Annotated[
    dict[str, dict[Seed, Annotated[Checkpoint, BeforeValidator(_file)]]],
    BeforeValidator(_folder_names),
]


Maps = Annotated[
    dict[str, dict[Seed, Annotated[BroughtMaps, BeforeValidator(_file)]]],
    BeforeValidator(_folder_names),
]


_OF_TRAINING = (
    "augmentations", "augmentation_parameters", "controls", "starting_states", "variation",
    "without", "architectures",
)  # fmt: skip


def with_brought(values: Any) -> Any:
    """The values of a config in which what follows from `checkpoints` or `maps` is filled in: the
    baseline (the first model that is named), the other conditions, and the states.

    Raises ValueError with a sentence that begins with the key that is wrong.
    """
    given = isinstance(values, Mapping)
    keys = [key for key in ("checkpoints", "maps") if given and values.get(key)]
    if not keys:
        return values
    if len(keys) == 2:
        raise ValueError("maps: a run has checkpoints or maps, not both; remove one")
    (key,) = keys
    models = values[key]
    if not isinstance(models, Mapping) or not all(
        isinstance(states, Mapping) and states and all(isinstance(s, int) for s in states)
        for states in models.values()
    ):
        return values  # its own check says what is wrong
    for other in _OF_TRAINING:
        if other in values:
            raise ValueError(f"{other}: with {key} nothing is trained; remove {other}")
    more = [name for name in values.get("training") or {} if name != "threads"]
    if more:
        raise ValueError(
            f"training.{more[0]}: with {key} nothing is trained; remove training.{more[0]}"
        )
    if len(models) < 2:
        raise ValueError(f"{key}: a comparison takes two conditions or more")
    first = next(iter(models))
    baseline = {"condition": first, **(values.get("baseline") or {})}
    base = baseline["condition"]
    if base not in models:
        known = ", ".join(map(str, models))
        raise ValueError(f"baseline.condition: '{base}' is not among {key}; known: {known}")
    baseline.setdefault("state", next(iter(models[base])))
    if baseline["state"] not in models[base]:
        known = ", ".join(map(str, models[base]))
        raise ValueError(
            f"baseline.state: '{base}' has no state {baseline['state']}; known: {known}"
        )
    states = list(dict.fromkeys(state for of in models.values() for state in of))
    filled = {
        "augmentations": [name for name in models if name != base],
        "controls": [],
        "starting_states": [baseline["state"], *(s for s in states if s != baseline["state"])],
        "baseline": baseline,
    }
    if key == "maps":  # these explain what they explain
        statistics = values.get("statistics") or {}
        for name in ("targets", "sanity"):
            if statistics.get(name):
                raise ValueError(
                    f"statistics.{name}: it needs networks, and maps have none; remove it"
                )
        filled["statistics"] = {**statistics, "targets": False}
    return {**values, **filled}


Models = Mapping[str, Mapping[int, Checkpoint | BroughtMaps]]


def missing_files(models: Models) -> str:
    """One sentence for each file that is not there; empty where all are."""
    return "\n".join(
        f"config: {key}: there is no file '{path}'{hint}."
        for key, path, hint in named_files(models)
        if not Path(path).is_file()
    )


def named_files(models: Models) -> Iterator[tuple[str, str, str]]:
    """Every file of the models: the key that names it, its path, and what else would do."""
    for condition, states in models.items():
        for state, model in states.items():
            of_model = f"{condition}.{state}"
            if isinstance(model, Checkpoint):
                yield f"checkpoints.{of_model}", model.file, ""
                continue
            hint = "" if model.predictions else ", the predictions beside the maps, nor a .parquet"
            yield f"maps.{of_model}", model.file, ""
            yield f"maps.{of_model}", model.predictions_file, hint
