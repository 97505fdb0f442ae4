"""What is known to be wrong: accuracy against chance, and what is said of it where."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from augcam.data.notes import note, warning
from augcam.files.tables import read_table, write_table
from augcam.statistics.chance import ALPHA, CANNOT_BE_TOLD, at_least, chance
from augcam.statistics.warnings import (
    as_table,
    nothing_learned,
    of_balance,
    of_chance,
    of_left_out,
    warnings,
    with_warnings,
)

CLASSES = ["cat", "dog", "emu"]
BALANCED = np.repeat([0, 1], 50)


def predicted(labels, named):
    return pd.DataFrame({"label": labels, "predicted": named})


def table_of(labels, **named):
    """The table of models a run has, the baseline first, by the classes that each names."""
    models = {(name, 1): predicted(labels, classes) for name, classes in named.items()}
    return chance(models, CLASSES)


def some_right(labels, right):
    """Classes named by a network that is right for the first `right` images of each class."""
    first = np.concatenate([np.arange((labels == c).sum()) < right for c in np.unique(labels)])
    return np.where(first, labels, 1 - labels)


def said(table):
    return {item["topic"]: item["text"] for item in of_chance(table)}


# --------------------------------------------------------------------------------------- chance


@given(st.integers(1, 300), st.data())
def test_the_test_is_scipys_exact_binomial_test(n, data):
    right = data.draw(st.integers(0, n))
    share = data.draw(st.floats(0.01, 1))
    expected = binomtest(right, n, share, alternative="greater").pvalue
    assert at_least(right, n, share) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_the_table_of_chance_by_hand():
    labels = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 2])
    named = np.array([0, 0, 1, 1, 1, 2, 2, 2, 2, 0])
    (row,) = table_of(labels, none=named).to_dict("records")
    assert (row["n_images"], row["n_right"], row["accuracy"]) == (10, 8, 0.8)
    assert (row["majority_class"], row["majority_share"], row["n_named"]) == ("emu", 0.5, 3)
    assert row["p_majority"] == pytest.approx(binomtest(8, 10, 0.5, alternative="greater").pvalue)
    assert row["chance"] == pytest.approx(0.3 * 0.3 + 0.2 * 0.3 + 0.5 * 0.4)
    assert row["p_chance"] == pytest.approx(binomtest(8, 10, 0.35, alternative="greater").pvalue)
    assert row["better_than_chance"] == "yes"


@pytest.mark.parametrize("labels", [BALANCED, np.repeat([0, 1], [95, 5]), np.repeat([0, 1, 2], 9)])
def test_networks_that_do_not_look_pass_at_most_at_the_stated_rate(labels, rng):
    """Whatever the classes, and however often they are named."""
    passed = []
    for _ in range(300):
        named = rng.choice(3, len(labels), p=rng.dirichlet([0.5] * 3))
        passed.append(table_of(labels, none=named)["better_than_chance"].item() == "yes")
    assert np.mean(passed) <= ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / 300)


def test_what_few_images_can_tell():
    def verdict(labels, named):
        return table_of(np.array(labels), none=np.array(named))["better_than_chance"].item()

    assert verdict([0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1, 1, 0]) == "yes"
    assert verdict([0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1, 1, 0]) == "no"
    # Not even four of four are shown to be no chance: 1/2 to the power of 4 is .06.
    assert verdict([0, 0, 1, 1], [0, 0, 1, 1]) == CANNOT_BE_TOLD
    assert verdict([0, 0, 1, 1], [1, 1, 1, 1]) == "no"
    assert verdict([0] * 50, [0] * 50) == CANNOT_BE_TOLD


# ------------------------------------------------------------------------------------ sentences


def test_networks_that_learned_nothing_conclude_nothing():
    table = table_of(BALANCED, none=BALANCED * 0, affine=BALANCED * 0 + 1)
    text = said(table)
    assert text["nothing learned"] == (
        "Both networks are no better than chance on the 100 test images (none/1, affine/1: "
        "50.0 % right; always naming the most frequent class, 'cat', is right for 50.0 %). "
        "Nothing is concluded from networks that learned nothing."
    )
    assert "name one class for all 100 test images" in text["one class"]
    assert nothing_learned(as_table(of_chance(table)))


@pytest.mark.parametrize(
    "dead,withheld",
    [(["none"], True), (["affine"], False), (["affine", "cutmix"], True), ([], False)],
)
def test_the_baseline_or_most_networks_decide(dead, withheld):
    names = ["none", "affine", "cutmix"]
    table = table_of(BALANCED, **{n: some_right(BALANCED, 24 if n in dead else 45) for n in names})
    notes = as_table(of_chance(table))
    assert nothing_learned(notes) == withheld
    assert list(notes["topic"]) == (
        [] if not dead else ["nothing learned" if withheld else "chance"]
    )
    assert all(f"{name}/1" in notes["text"][0] for name in dead)
    assert ("The baseline" in notes["text"].sum()) == (dead == ["none"]) if dead else True


def test_where_learning_is_not_known_nothing_is_said_of_conclusions():
    notes = as_table(of_chance(table_of(BALANCED, none=BALANCED * 0, affine=BALANCED), None))
    assert not nothing_learned(notes)
    assert "concluded" not in notes["text"].sum()
    assert "chance" in set(notes["topic"])


@pytest.mark.parametrize("learned,withheld", [([], True), ([("none", 1)], False)])
def test_a_baseline_that_learned_a_short_cut_is_no_dead_one(learned, withheld):
    table = table_of(BALANCED, none=some_right(BALANCED, 24), affine=BALANCED)
    assert nothing_learned(as_table(of_chance(table, learned))) == withheld


def test_a_rare_class_that_is_found_is_something_learned_though_accuracy_does_not_show_it():
    labels = np.repeat([0, 1], [1000, 50])
    named = labels.copy()
    named[:40], named[1000:1020] = 1, 0  # 30 of 50 found, 40 false alarms: .943 right
    table = table_of(labels, none=named)
    assert table["better_than_chance"].item() == "yes"
    assert table["p_majority"].item() > 0.5
    text = said(table)
    assert list(text) == ["accuracy"]
    assert (
        "94.3 %; always naming the most frequent class, 'cat', is right for 95.2 %"
        in (text["accuracy"])
    )


def test_one_class_and_few_images_are_said():
    one = said(table_of(np.zeros(30, int), none=np.zeros(30, int)))
    assert one == {
        "chance": "Whether networks are better than chance cannot be told from 30 test images, all "
        "of class 'cat'."
    }
    few = said(table_of(np.array([0, 1]), none=np.array([0, 1])))
    assert "from 2 test images, which are too few" in few["chance"]


def histories(best, epochs=3):
    """By model: validation accuracy rises to `best` in the second epoch."""
    values = [0.1, best, *[best] * (epochs - 2)]
    return {(name, 1): pd.DataFrame({"val_accuracy": values}) for name in ("none", "affine")}


def counts(train=(100, 100), test=(50, 50), val=(20, 20)):
    parts = {"train": train, "val": val, "test": test}
    return {"counts": {part: dict(zip(CLASSES, numbers)) for part, numbers in parts.items()}}


def excluded(baseline=0, augmented=0, n=100):
    row = {
        "condition": "affine", "state": 1, "n_images": n, "n_excluded": 0,
        "n_degenerate_baseline": baseline, "n_degenerate_augmented": augmented,
    }  # fmt: skip
    return pd.DataFrame([row | {"metric": metric} for metric in ("mad", "pearson")])


HEALTHY = table_of(BALANCED, none=some_right(BALANCED, 48), affine=some_right(BALANCED, 47))
DEAD = table_of(BALANCED, none=BALANCED * 0, affine=BALANCED * 0)


def warned(stats=None, notes=(), table=HEALTHY, best=0.9, maps=None):
    maps = excluded() if maps is None else maps
    found = warnings(stats or counts(), list(notes), table, histories(best), maps)
    assert list(found.columns) == ["topic", "level", "text"]
    assert not found["text"].str.contains("nan").any()
    return found.groupby("topic", sort=False)["text"].agg(" ".join)


def test_a_healthy_run_has_no_warning():
    assert warned().empty


def test_validation_tells_a_failed_training_from_test_images_of_another_kind():
    failed = warned(table=DEAD, best=0.55)["validation"]
    assert failed == (
        "Training failed: in no epoch none/1, affine/1 did better than chance on the 40 validation "
        "images (55.0 % right at best)."
    )
    assert (
        "serves for the 40 validation images (up to 95.0 % right)"
        in (warned(table=DEAD, best=0.95)["validation"])
    )
    # What was learned can be seen in maps, though test images do not reward it.
    assert "nothing learned" in warned(table=DEAD, best=0.55)
    assert "nothing learned" not in warned(table=DEAD, best=0.95)
    assert "no better than chance" in warned(table=DEAD, best=0.95)["chance"]
    # Three epochs of four images: not even 4 of 4 right would tell.
    assert "validation" not in warned(counts(val=(2, 2)), table=DEAD, best=1.0)


@pytest.mark.parametrize(
    "maps,expected",
    [
        (excluded(9, 9), None),
        (excluded(10, 9), "10.0 % of the maps of 1 of 2 networks are degenerate (none/1)"),
        (excluded(100, 40), "40.0 to 100.0 % of the maps of both networks are degenerate"),
    ],
)
def test_degenerate_maps_are_said_from_one_in_ten_on(maps, expected):
    found = warned(maps=maps)
    assert found.empty if expected is None else expected in found["maps"]


@pytest.mark.parametrize(
    "train,test,expected",
    [
        ((100, 10), (50, 5), None),
        ((101, 10), (50, 5), "101 training images of class 'cat' but 10 of 'dog': accuracy says"),
        (
            (20, 1210),
            (51, 5),
            "1,210 training images of class 'dog' but 20 of 'cat', 51 test images of class 'cat' "
            "but 5 of 'dog': accuracy says little about rare classes; read macro recall and F1.",
        ),
    ],
)
def test_unbalanced_classes_are_said_beyond_ten_to_one(train, test, expected):
    texts = [item["text"] for item in of_balance(counts(train, test))]
    assert [expected is not None and text.startswith(expected) for text in texts] == (
        [True] if expected else []
    )


def test_models_left_out_are_named():
    (found,) = of_left_out([("cutmix", 2), ("none", 3)])
    assert found["level"] == "warning"
    assert found["text"].startswith("2 models left out of everything")
    assert "(cutmix/2, none/3)" in found["text"]
    assert list(of_left_out([])) == []


def test_a_class_without_images_is_no_class_of_one_image():
    assert list(of_balance(counts((100, 100, 0)))) == []


def test_notes_on_the_data_are_passed_on_warnings_first_each_once_in_a_line():
    notes = [note("files", "3 left\nout."), warning("leak", "A leak."), warning("leak", "A leak.")]
    table = warnings(counts(), notes, HEALTHY, histories(0.9), excluded())
    assert table.to_numpy().tolist() == [
        ["leak", "warning", "A leak."],
        ["files", "note", "3 left out."],
    ]


def test_trainings_that_may_not_have_ended_are_a_note():
    table = warnings(counts(), [], HEALTHY, histories(0.9, epochs=2), excluded())
    assert table["level"].tolist() == ["note"]
    assert "2 of 2 trainings were best in their last epoch" in table["text"][0]


@pytest.mark.parametrize("rates,noted", [([1e-4, 1e-3], True), ([1e-3, 1e-4], False)])
def test_a_learning_rate_that_comes_down_ends_a_training(rates, noted):
    trained = {k: h.assign(learning_rate=rates) for k, h in histories(0.9, epochs=2).items()}
    assert (len(warnings(counts(), [], HEALTHY, trained, excluded())) == 1) == noted


# --------------------------------------------------------------------------- before conclusions


def test_conclusions_begin_with_the_warnings_and_end_there_where_nothing_was_learned():
    findings = pd.DataFrame({"topic": ["effects"], "finding": ["Farther."]})
    notes = as_table([note("epochs", "Longer."), warning("leak", "A leak.")])
    table = with_warnings(notes, lambda: findings)
    assert table.to_numpy().tolist() == [["warning", "A leak."], ["effects", "Farther."]]

    def unasked():
        raise AssertionError("nothing is concluded")

    table = with_warnings(as_table(of_chance(DEAD)), unasked)
    assert table["topic"].tolist() == ["warning", "warning", "withheld"]
    assert list(table.columns) == ["topic", "finding"]


def test_a_table_without_a_row_is_a_table(tmp_path):
    write_table(as_table([]), tmp_path / "w.parquet", tmp_path / "w.csv")
    empty = read_table(tmp_path / "w.parquet")
    assert list(empty.columns) == ["topic", "level", "text"]
    assert not nothing_learned(empty)
    findings = pd.DataFrame({"topic": ["effects"], "finding": ["Farther."]})
    assert with_warnings(empty, lambda: findings).equals(findings)
    assert (tmp_path / "w.csv").read_text() == "topic,level,text\n"
