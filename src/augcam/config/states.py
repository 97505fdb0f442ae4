"""What a starting state varies, in words."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from augcam.names import SEED_CONTROL, SOURCES, STEP_CONTROL, display_name, is_control

if TYPE_CHECKING:  # jobs that only write sentences need no pydantic
    from augcam.config.experiment import Config


def joined(names: Iterable[str]) -> str:
    """`a, b and c`; empty for none."""
    *first, last = [*names] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def varied(variation: Iterable[str]) -> str:
    """What states vary, for people: `augmentation draws and network noise`."""
    return joined(SOURCES[source] for source in variation)


def note(config: "Config", random_layers: bool) -> str:
    """What to know before training where all models of a condition will be equal; else empty.

    `random_layers`: whether training the network draws random numbers.
    """
    repeating = config.repeating(random_layers)
    if not repeating:
        return ""
    reason = f"states vary {varied(config.variation)} alone"
    if config.varies("network") and not random_layers:
        reason = f"{display_name(config.model.architecture)} has no random layers, and {reason}"
    controls = [name for name in repeating if is_control(name)]
    if {condition for condition, _ in config.models} == set(repeating):
        meaning = "a further state shows nothing new"
    elif controls:
        meaning = f"the report has no seed noise, and nothing is tested against {_quoted(controls)}"
    else:
        meaning = "its states are no replicates"
    more = ", ".join([*config.variation, "order"])
    return (
        f"note: {reason}. So all models of {_quoted(repeating)} will be equal: each condition of "
        f"these counts as one model, {meaning}. With `variation: [{more}]` they differ."
    )


def remarks(config: "Config") -> list[str]:
    """What the config does not say in so many words, a sentence each."""
    found = []
    if config.brought:
        what = "Networks" if config.checkpoints else "Maps"
        found.append(
            f"{what} were brought, and nothing was trained here: in what the states of a condition "
            "differ, and how conditions were trained, is not known. There are no examples of "
            "augmentations, there is no control of the step count, and the paper's claims say "
            f"nothing of {_quoted(config.augmented)}."
        )
        return found
    if config.training.augmented == "replaced":
        found.append(
            "Augmented images replace the originals (training.augmented), so that all conditions "
            f"take as many steps: the control '{STEP_CONTROL}' would equal '{SEED_CONTROL}', and "
            "is left out."
        )
    if config.training.early_stopping is not None:
        found.append(
            "Trainings end early (training.early_stopping), each at an epoch of its own: effects "
            "are those of images and of longer or shorter trainings together."
        )
    others = [name for name in config.augmented if name not in config.of_paper]
    if others:
        known = _quoted(config.of_paper) or "none"
        found.append(
            "The paper's claims are held against its own augmentations alone, of which this run "
            f"has {known}; they say nothing about {_quoted(others)}."
        )
    definitions = config.augmentation_parameters
    swept = [getattr(definition, "sweep", "") for definition in definitions.values()]
    unused = [n for n in definitions if n not in [*config.augmentations, *swept]]
    if unused:
        found.append(
            f"augmentation_parameters defines {_quoted(unused)}, which augmentations does not "
            "name: no network is trained with it."
        )
    return found


def _quoted(names: Iterable[str]) -> str:
    return joined(f"'{name}'" for name in names)
