"""What holds for an experiment as a whole: checks of sections against each other, and the scores
that follow from them."""

from typing import TYPE_CHECKING

from augcam.config.choices import AUGMENTATIONS, CONTROLS
from augcam.config.suggestions import suggestion
from augcam.entries import score_named
from augcam.names import MAP_SCORES, MASK_SCORES, STEP_CONTROL

if TYPE_CHECKING:
    from augcam.config.experiment import Config


def scored(config: "Config") -> list[str]:
    """The scores of maps, those that need masks where there are some."""
    chosen = [*MAP_SCORES, *(MASK_SCORES if config.has_masks else ())]
    return chosen if config.scores is None else list(config.scores)


def score_controls(config: "Config") -> list[str]:
    """What scores are set against: the baseline's condition, then the steps. A score needs no
    baseline, so that its model counts, too."""
    trained = {condition for condition, _ in config.models}
    both = dict.fromkeys([config.baseline.condition, STEP_CONTROL])
    return [condition for condition in both if condition in trained]


def clusters_name_conditions(config: "Config") -> None:
    known = [*AUGMENTATIONS, *config.augmented]
    for i, cluster in enumerate(config.statistics.clusters):
        for j, name in enumerate(cluster):
            if name not in known:
                raise ValueError(
                    f"statistics.clusters.{i}.{j}: unknown augmentation '{name}'"
                    f"{suggestion(name, known)}"
                )


def models_left_out_can_be_missed(config: "Config") -> None:
    for condition, states in config.without.items():
        where, (base, state) = f"without.{condition}", config.reference
        if condition == base and state in states:
            raise ValueError(
                f"{where}: state {state} is the baseline, with which all others are compared; "
                "choose another one with baseline.state"
            )
        if unknown := set(states) - set(config.starting_states):
            known = ", ".join(map(str, config.starting_states))
            raise ValueError(f"{where}: {min(unknown)} is no starting state; known: {known}")
        if condition in config.conditions and set(states) == set(config.starting_states):
            key = "controls" if condition in CONTROLS else "augmentations"
            raise ValueError(
                f"{where}: this leaves no model of it; take '{condition}' out of {key} instead"
            )


def scores_have_what_they_need(config: "Config") -> None:
    for i, name in enumerate(config.scores or []):
        if score_named(name).needs == "masks" and not config.has_masks:
            raise ValueError(
                f"scores.{i}: '{name}' needs masks, which this data set has not; name them in "
                "dataset.masks, or remove it"
            )


CHECKS = (clusters_name_conditions, models_left_out_can_be_missed, scores_have_what_they_need)
"""Each raises ValueError where something is wrong; the message begins with the dotted key."""
