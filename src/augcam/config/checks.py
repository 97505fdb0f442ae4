"""What holds for an experiment as a whole: checks of sections against each other, and the scores
that follow from them."""

import re
from typing import TYPE_CHECKING

from augcam.config.choices import AUGMENTATIONS, CONTROLS
from augcam.config.network import too_small, unsuited
from augcam.config.suggestions import suggestion
from augcam.config.views import refuse_equal, refuse_samples_beyond
from augcam.entries import score_named
from augcam.names import MAP_SCORES, MASK_SCORES, SEED_CONTROL, STEP_CONTROL

if TYPE_CHECKING:
    from augcam.config.experiment import Config


def scored(config: "Config") -> list[str]:
    """The scores of maps, those that need masks where there are some."""
    chosen = [*MAP_SCORES, *(MASK_SCORES if config.has_masks else ())]
    return chosen if config.scores is None else list(config.scores)


def scores_of_maps(config: "Config") -> list[str]:
    """Those of them that take maps, and masks, alone."""
    return [name for name in scored(config) if score_named(name).needs != "network"]


def scores_of_networks(config: "Config") -> list[str]:
    """Those of them that ask the network again, for a sample of the test images."""
    return [name for name in scored(config) if score_named(name).needs == "network"]


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
        if score_named(name).needs == "network" and config.maps:
            raise ValueError(
                f"scores.{i}: '{name}' asks the network, and maps have none; bring checkpoints "
                "instead, or remove it"
            )


def a_baseline_is_a_control_or_brought(config: "Config") -> None:
    if not config.brought and config.baseline.condition not in CONTROLS:
        raise ValueError(
            f"baseline.condition: unknown control '{config.baseline.condition}'"
            f"{suggestion(config.baseline.condition, CONTROLS)}"
        )


def names_stand_for_conditions(config: "Config") -> None:
    known = dict.fromkeys([*config.titles, *AUGMENTATIONS, *CONTROLS])
    for condition in config.without:
        if condition not in known:
            hint = suggestion(condition, known)
            raise ValueError(f"without.{condition}: unknown condition '{condition}'{hint}")


def a_baseline_is_trained_in_its_own_way(config: "Config") -> None:
    if config.training.augmented == "replaced" and config.baseline.condition == STEP_CONTROL:
        raise ValueError(
            "baseline.condition: with training.augmented 'replaced' there are no copies, and "
            f"'{STEP_CONTROL}' would be '{SEED_CONTROL}'; take '{SEED_CONTROL}'"
        )


def a_batch_is_in_the_training_set(config: "Config") -> None:
    limit, share = config.dataset.train_limit, config.split.validation_fraction
    own = config.dataset.validation
    if limit and config.training.batch_size > (limit if own else limit * (1 - share)):
        and_share = "" if own else f" and split.validation_fraction {share}"
        raise ValueError(
            f"training.batch_size: {config.training.batch_size} is larger than the training set "
            f"that dataset.train_limit {limit}{and_share} leave{'s' if own else ''}"
        )


def a_split_of_its_own_does_not_vary(config: "Config") -> None:
    if config.dataset.validation and config.varies("split"):
        raise ValueError(
            "variation: 'split' draws training and validation images anew, but "
            "dataset.validation names them; remove one"
        )


def experiment_is_a_folder_name(config: "Config") -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", config.experiment):
        raise ValueError(
            f"experiment: '{config.experiment}' cannot name a folder; use letters, digits, "
            "'.', '_' and '-', starting with a letter or digit"
        )


def compared_networks_could_be_explained(config: "Config") -> None:
    for name in config.architectures or []:
        size = config.model.input_size
        if reason := too_small(name, size) or unsuited(name, size):
            raise ValueError(
                f"architectures: '{name}' is no candidate at model.input_size {size}, as {reason}"
            )


def further_baselines_are_trained(config: "Config") -> None:
    states = config.baseline.states or []
    trained = {
        state for condition, state in config.models if condition == config.baseline.condition
    }
    missing = sorted(set(states) - trained)
    if missing:
        raise ValueError(
            f"baseline.states: {missing[0]} is not a state of '{config.baseline.condition}'; "
            f"known: {', '.join(map(str, sorted(trained)))}"
        )


def views_need_networks(config: "Config") -> None:
    if config.views and config.maps:
        raise ValueError(
            "views: with maps there are no networks that could be explained in another way; remove "
            "views, or bring checkpoints"
        )


def views_differ(config: "Config") -> None:
    refuse_equal(config.looks)


def views_fit_the_test_images(config: "Config") -> None:
    if config.dataset.test_limit:
        refuse_samples_beyond(config.looks, config.dataset.test_limit)


CHECKS = (
    a_baseline_is_a_control_or_brought,
    names_stand_for_conditions,
    clusters_name_conditions,
    models_left_out_can_be_missed,
    scores_have_what_they_need,
    a_baseline_is_trained_in_its_own_way,
    a_batch_is_in_the_training_set,
    a_split_of_its_own_does_not_vary,
    experiment_is_a_folder_name,
    compared_networks_could_be_explained,
    further_baselines_are_trained,
    views_need_networks,
    views_differ,
    views_fit_the_test_images,
)
"""Each raises ValueError where something is wrong; the message begins with the dotted key."""
