"""Warnings: what a run knows to be wrong with its data, trainings and maps, in plain sentences.

They stand where they cannot be missed: in the terminal at the end of the run, on top of the report,
and before the conclusions, which are withheld where the networks learned nothing.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from augcam.config.states import joined, varied
from augcam.data.notes import Note, counted, listed, note, warning
from augcam.names import display_name, is_control
from augcam.statistics.chance import ALPHA, CANNOT_BE_TOLD, NO, YES, Model, at_least

IMBALANCE = 10
"""Images of the largest class for one of the smallest, from which on accuracy misleads: more than 9
counts as highly imbalanced (Fernández et al. 2008)."""

DEGENERATE = 0.1
"""Share of a model's maps: where one in ten has no correlation, the other means are not of all
images, either."""

NOTHING_LEARNED = "nothing learned"


def warnings(
    stats: Mapping[str, Any],
    notes: Iterable[Note],
    chance: pd.DataFrame,
    histories: Mapping[Model, pd.DataFrame],
    excluded: pd.DataFrame,
    left_out: Iterable[Model] = (),
) -> pd.DataFrame:
    """All that is known to be wrong: topic, level, text; warnings first, no row where nothing is.

    `stats`: of the data; `notes`: what else is known, most of it from when the data were read;
    `chance`: the table of `augcam.statistics.chance`, the baseline first; `histories`: model →
    history of the training; `excluded`: the table `excluded_values`; `left_out`: models that the
    config leaves out.
    """
    trainings = _trainings(chance, stats, histories)
    learned = trainings[trainings["learned"]]
    found = [
        *of_chance(chance, set(zip(learned["condition"], learned["state"]))),
        *_of_validation(trainings, sum(stats["counts"]["val"].values())),
        *([] if histories else _of_preprocessing(trainings)),
        *of_left_out(left_out),
        *_of_maps(excluded, (chance["condition"].iloc[0], chance["state"].iloc[0])),
        *notes,
        *of_balance(stats),
        *_of_epochs(histories),
    ]
    return as_table(found)


def as_table(notes: Iterable[Note]) -> pd.DataFrame:
    """Notes as a table of topic, level, text; each once, in one line, warnings first."""
    columns = ["topic", "level", "text"]
    table = pd.DataFrame(list(notes), columns=columns, dtype=object).drop_duplicates()
    table["text"] = table["text"].map(lambda text: " ".join(text.split()))
    first = table["level"] == "warning"
    return pd.concat([table[first], table[~first]], ignore_index=True)


def of_chance(chance: pd.DataFrame, learned: Collection[Model] | None = ()) -> Iterator[Note]:
    """What the table of `augcam.statistics.chance`, the baseline first, has to warn of.

    `learned`: models that learned what does not serve for the test images, as a short cut: their
    maps show it, so that there is something to conclude. None: not known; then nothing is said of
    what is concluded.
    """
    first = chance.iloc[0]
    n, majority = first["n_images"], f"'{first['majority_class']}'"
    always = "always naming the most frequent class, "
    always += f"{majority}, is right for {_percent(first['majority_share'])}"
    at = chance[chance["better_than_chance"] == NO]
    if len(at):
        text = (
            f"{_which(at, chance, 'is', 'are')} no better than chance on the {n} test images "
            f"({_names(at)}: {_percent(*_range(at['accuracy']))} right; {always})."
        )
        models = list(zip(at["condition"], at["state"]))
        dead = [] if learned is None else [model for model in models if model not in learned]
        if 2 * len(dead) > len(chance):
            rest = " Nothing is concluded from networks that learned nothing."
            yield warning(NOTHING_LEARNED, text + rest)
        elif (first["condition"], first["state"]) in dead:
            rest = (
                " The baseline, which all others are compared with, is one: nothing is concluded."
            )
            yield warning(NOTHING_LEARNED, text + rest)
        else:
            yield warning("chance", text)
    if (chance["better_than_chance"] == CANNOT_BE_TOLD).any():
        few = f"all of class {majority}" if first["majority_share"] == 1 else "which are too few"
        text = (
            f"Whether networks are better than chance cannot be told from {n} test images, {few}."
        )
        yield warning("chance", text)
    same = chance[(chance["n_named"] == 1) & (chance["majority_share"] < 1)]
    if len(same):
        text = (
            f"{_which(same, chance, 'names', 'name')} one class for all {n} test images "
            f"({_names(same)}): the training diverged (lower training.learning_rate), has not "
            "begun to learn (train longer), or sees too few images of the other classes."
        )
        yield warning("one class", text)
    partly = chance[(chance["better_than_chance"] == YES) & (chance["p_majority"] >= ALPHA)]
    if len(partly):
        text = (
            f"{_which(partly, chance, 'is', 'are')} better than chance, but not shown to be right "
            f"more often than without looking ({_names(partly)}: "
            f"{_percent(*_range(partly['accuracy']))}; {always}): accuracy misleads here; read "
            "macro recall and F1."
        )
        yield warning("accuracy", text)


def of_left_out(models: Iterable[Model]) -> Iterator[Note]:
    """Models that are missing from all tables because the config says so."""
    names = [f"{condition}/{state}" for condition, state in models]
    if names:
        text = (
            f"{counted(len(names), 'model')} left out of everything, as `without` in the config "
            f"asks for ({listed(names)}): other conditions have more starting states."
        )
        yield warning("left out", text)


def _trainings(
    chance: pd.DataFrame, stats: Mapping[str, Any], histories: Mapping[Model, pd.DataFrame]
) -> pd.DataFrame:
    """The models that are at chance on the test images: condition, state, `best` validation
    accuracy of any epoch, whether it shows that they `learned` something, and whether it could
    (`testable`). Tested is the best of E epochs: p is multiplied by E."""
    counts = stats["counts"]["val"].values()
    at = chance[chance["better_than_chance"] == NO].copy()
    if not histories:  # nothing was trained here
        return at.assign(best=np.nan, learned=False, testable=False)
    n, majority = sum(counts), max(counts) / sum(counts)
    trained = [histories[model] for model in zip(at["condition"], at["state"])]
    at["best"] = [history["val_accuracy"].max() for history in trained]

    def significant(accuracies) -> list[bool]:
        pairs = zip(accuracies, trained)
        return [at_least(round(a * n), n, majority) * len(h) < ALPHA for a, h in pairs]

    for column, accuracies in (("learned", at["best"]), ("testable", [1.0] * len(at))):
        at[column] = pd.Series(significant(accuracies), at.index, dtype=bool)
    return at


def _of_preprocessing(at: pd.DataFrame) -> Iterator[Note]:
    """What is amiss, most likely, where networks that were trained elsewhere are at chance."""
    if len(at):
        text = (
            f"If {_names(at)} serve elsewhere, their images were prepared in another way, or their "
            "classes have another order: compare model.normalisation, model.input_size, model.fit, "
            "and class_names in data/stats.json with those of their training."
        )
        yield warning("preprocessing", text)


def _of_validation(at: pd.DataFrame, n: int) -> Iterator[Note]:
    """Where test accuracy is at chance: whether the training failed, or what it learned is of no
    use for the test images. `at`: see `_trainings`; `n`: of validation images."""
    if (learned := at["learned"]).any():
        text = (
            f"What {_names(at[learned])} learned serves for the {n} validation images (up to "
            f"{_percent(at['best'][learned].max())} right), but not for the test images: is "
            "it a short cut, or do classes and looks not match those of the training images?"
        )
        yield warning("validation", text)
    if (failed := at["testable"] & ~learned).any():
        text = (
            f"Training failed: in no epoch {_names(at[failed])} did better than chance on the {n} "
            f"validation images ({_percent(at['best'][failed].max())} right at best)."
        )
        yield warning("validation", text)


def _of_maps(excluded: pd.DataFrame, reference: Model) -> Iterator[Note]:
    """Models of whose maps many are degenerate, which are the same ones for all metrics."""
    one = excluded.drop_duplicates(["condition", "state"])
    columns = ["condition", "state", "share"]
    baseline = [*reference, (one["n_degenerate_baseline"] / one["n_images"]).iloc[0]]
    others = zip(one["condition"], one["state"], one["n_degenerate_augmented"] / one["n_images"])
    models = pd.DataFrame([baseline, *others], columns=columns)
    many = models[models["share"] >= DEGENERATE]
    if len(many):
        text = (
            f"{_percent(*_range(many['share']))} of the maps of "
            f"{_which(many, models).lower()} are degenerate ({_names(many)}): constant, without "
            "any correlation, or so sparse that overlap rates count every pixel."
        )
        yield warning("maps", text)


def of_states(equal: pd.DataFrame, variation: Sequence[str]) -> Iterator[Note]:
    """Conditions whose models are equal, as nothing of `variation` reaches them; `equal`: the table
    `equal_models`."""
    names = list(dict.fromkeys(equal["condition"]))
    if not names:
        return
    if not variation:  # nothing was trained here
        text = (
            f"Models of {joined(map(display_name, names))} are equal to an earlier one of the same "
            "condition, and count once: are their files the right ones?"
        )
        yield warning("equal models", text)
        return
    controls = [name for name in names if is_control(name)]
    text = (
        f"The models of {joined(map(display_name, names))} are equal at all starting states: what "
        f"these vary here ({varied(variation)}) does not reach them. "
    )
    if controls:
        text += "This run has no seed noise, and nothing is tested against "
        text += f"{joined(map(display_name, controls))}. "
    more = f"`variation: [{', '.join([*variation, 'order'])}]`"
    text += f"Equal models count once; with {more} they differ."
    yield (warning if controls else note)("equal models", text)


def of_balance(stats: Mapping[str, Any]) -> Iterator[Note]:
    """Classes of which there are many more images than of others."""
    unbalanced = []
    for part, words in (("train", "training image"), ("test", "test image")):
        counts = {name: count for name, count in stats["counts"][part].items() if count}
        largest, smallest = (f(counts, key=counts.__getitem__) for f in (max, min))
        if counts[largest] > IMBALANCE * counts[smallest]:
            many = f"{counted(counts[largest], words)} of class '{largest}'"
            unbalanced.append(f"{many} but {counts[smallest]:,} of '{smallest}'")
    if unbalanced:
        text = "accuracy says little about rare classes; read macro recall and F1."
        yield warning("imbalance", f"{', '.join(unbalanced)}: {text}")


def _of_epochs(histories: Mapping[Model, pd.DataFrame]) -> Iterator[Note]:
    """Trainings whose last epoch is the best, where these are the most. Where a learning rate has
    come down at the end, that is its purpose."""
    last = [
        model
        for model, history in histories.items()
        if len(history) > 1 and history["val_accuracy"].idxmax() == history.index[-1]
        if not _comes_down(history)
    ]
    if 2 * len(last) > len(histories):
        text = (
            f"{len(last)} of {len(histories)} trainings were best in their last epoch: they may "
            "not have ended; more training.epochs would tell."
        )
        yield note("epochs", text)


def _comes_down(history: pd.DataFrame) -> bool:
    """Whether the learning rate is lower at the end than it once was; it is recorded where it
    varies."""
    rates = history.get("learning_rate")
    return rates is not None and rates.iloc[-1] < rates.max()


def nothing_learned(warnings: pd.DataFrame) -> bool:
    """Whether the table of `warnings` says that the networks learned nothing."""
    return NOTHING_LEARNED in set(warnings["topic"])


def with_warnings(warnings: pd.DataFrame, findings: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Conclusions with the warnings before them: topic, finding. Where the networks learned nothing
    `findings` is not asked, and a sentence says so."""
    rows = [("warning", text) for text in warnings.loc[warnings["level"] == "warning", "text"]]
    if nothing_learned(warnings):
        text = "There are no conclusions: the networks learned nothing (see the warning)."
        rows.append(("withheld", text))
    else:
        rows += findings().itertuples(index=False, name=None)
    return pd.DataFrame(rows, columns=["topic", "finding"])


def _which(rows: pd.DataFrame, of: pd.DataFrame, one: str = "", several: str = "") -> str:
    """'3 of 6 networks' of tables with a row a model, and the verb in its number."""
    every = "Both" if len(of) == 2 else f"All {len(of)}"
    who = every if len(rows) == len(of) else f"{len(rows)} of {len(of)}"
    return f"{who} networks {one if len(rows) == 1 else several}".rstrip()


def _range(values: pd.Series) -> tuple[float, float]:
    return values.min(), values.max()


def _names(rows: pd.DataFrame) -> str:
    """Models of a table as `condition/state`, the first few."""
    return listed([f"{c}/{s}" for c, s in zip(rows["condition"], rows["state"])])


def _percent(low: float, high: float | None = None) -> str:
    """'40.0 to 52.5 %', or one value."""
    ends = [f"{100 * end:.1f}" for end in (low, low if high is None else high)]
    return f"{' to '.join(dict.fromkeys(ends))} %"
