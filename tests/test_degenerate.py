"""Every statistic on tables that tell little: a table or a sentence, no crash and no falsehood."""

import re
import sys
import tempfile
from itertools import permutations as orders
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from experiments import drawn, followed, invented
from hypothesis import given, settings
from hypothesis import strategies as st

from augcam.comparison.repeats import distinct, equal_models, with_noise
from augcam.config.choices import AUGMENTATIONS
from augcam.config.messages import parse_config
from augcam.errors import AugcamError
from augcam.files.json import write_json
from augcam.files.tables import read_table, write_tables
from augcam.names import PAPER_METRICS as METRICS
from augcam.report.catalogue import figures, tables
from augcam.report.pages import table_page
from augcam.run import noise
from augcam.run.noise import as_markdown, noise_by_source
from augcam.statistics.clusters import tree_table
from augcam.statistics.distances import Distances
from augcam.statistics.modelspace import positions, separation
from augcam.statistics.pairs import permutations, top_counts
from augcam.statistics.warnings import of_states

pytestmark = pytest.mark.slow

KINDS = ("noise", "equal", "flat", "sure")


@st.composite
def experiments(draw):
    """(config, number of images, kind of every condition, seed)."""
    states = draw(st.integers(1, 3))
    controls = draw(st.lists(st.sampled_from(["none", "identity"]), unique=True))
    values = {
        "augmentations": draw(
            st.lists(st.sampled_from(AUGMENTATIONS), min_size=1, max_size=4, unique=True)
        ),
        "controls": controls,
        "starting_states": list(range(1, states + 1)),
        "baseline": {
            "condition": draw(st.sampled_from(["none", "none", "identity"])),
            "state": draw(st.sampled_from([None, states, 9])),
        },
        "similarity": {
            "metrics": draw(st.lists(st.sampled_from(METRICS), min_size=1, max_size=3, unique=True))
        },
        "statistics": {"resamples": 100},
        "analysis": {"pair_k": draw(st.integers(1, 5))},
    }
    config = parse_config(values)
    names = dict.fromkeys(condition for condition, _ in config.models)
    one = st.sampled_from(KINDS).map(lambda kind: dict.fromkeys(names, kind))
    each = st.fixed_dictionaries({name: st.sampled_from(KINDS) for name in names})
    kinds = draw(st.one_of(one, each))
    return config, draw(st.sampled_from([1, 2, 3, 20])), kinds, draw(st.integers(0, 99))


def check(config, found, kinds):
    """What holds for the tables of any experiment."""
    findings = " ".join(found["conclusions"]["finding"])
    assert not re.search(r"\b(nan|inf)\b", findings + " ".join(found["claims"]["here"]))
    for name, table in found.items():
        for column in [c for c in table if re.fullmatch(r"p(_.*)?|smallest_p.*", c)]:
            p = table[column].dropna().astype(float)
            assert p.between(0, 1).all(), (name, column)
        for low, high in (("low", "high"), ("pooled_low", "pooled_high")):
            if low in table:
                both = table[[low, high]].dropna().astype(float)
                assert (both[low] <= both[high]).all(), name
    pairs = found["pair_counts"].groupby("kind")["count"].sum().to_dict()
    most = config.counted_pairs * len(config.similarity.metrics)
    assert pairs.get("strongest", 0) == pairs.get("weakest", 0) <= most
    again = set(found["equal_models"]["condition"])
    base = config.reference[0]
    assert not again & set(found["effects"]["control"])
    assert not again & set(found["planning"]["control"])
    several = {c for c, _ in config.models if [m[0] for m in config.models].count(c) > 1}
    assert again == {c for c in several if kinds[c] == "equal"}
    if base in again:
        assert base not in set(found["similarity_mean"]["condition"])
        assert base not in set(found["behaviour"]["condition"])
        assert "seed noise: " not in findings and "two trainings that differ" not in findings


@given(experiments())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_the_second_half_of_any_experiment(experiment):
    config, images, kinds, seed = experiment
    models = invented(config, images, seed, kinds)
    found = followed(config, models)
    check(config, found, kinds)
    with tempfile.TemporaryDirectory() as folder:
        paths = {n: [Path(folder, f"{n}.parquet"), Path(folder, f"{n}.csv")] for n in found}
        write_tables(found, paths)
        for name, table in found.items():
            assert len(read_table(paths[name][0])) == len(table)
    for item in tables(config):
        if item.name in found:
            assert item.name in table_page(item.name, found[item.name])


@given(experiments())
@settings(max_examples=4, deadline=None, derandomize=True)
def test_every_figure_of_any_experiment(experiment):
    config, images, kinds, seed = experiment
    models = invented(config, images, seed, kinds)
    names = []
    for name, figure in drawn(config, models, followed(config, models)):
        figure.draw_without_rendering()
        plt.close(figure)
        names.append(name)
    made_of_data = {"examples", "architectures"}
    listed = [item.name for item in figures(config) if item.family not in made_of_data]
    assert sorted(names) == sorted(listed)


# ----------------------------------------------------------------------------------- equal models


def experiment(kinds=None, images=30, **values):
    config = parse_config(
        {"augmentations": ["affine", "cutmix", "elastic"], "statistics": {"resamples": 100}}
        | values
    )
    models = invented(config, images, 0, kinds)
    return config, models, followed(config, models)


def sentences(found):
    return found["conclusions"].groupby("topic", sort=False)["finding"].agg(" ".join)


def test_models_that_predict_alike_bit_by_bit_are_one():
    seen = {("none", 1): b"a", ("none", 2): b"b", ("none", 3): b"a", ("affine", 1): b"a"}
    equal = equal_models(seen)
    assert equal.to_numpy().tolist() == [["none", 3, 1]]
    kept = distinct([["none", 1], ["none", 3], ["affine", 1]], "xyz", equal)
    assert kept == {("none", 1): "x", ("affine", 1): "z"}
    assert with_noise(["none", "identity"], equal) == ["identity"]
    assert equal_models({}).empty and distinct([], [], equal) == {}


def test_controls_without_noise_are_left_out_wherever_they_would_stand():
    config, models, found = experiment({"none": "equal", "identity": "equal"})
    (note,) = of_states(found["equal_models"], config.variation)
    assert note["level"] == "warning" and note["text"] == (
        "The models of None and Identity are equal at all starting states: what these vary here "
        "(augmentation draws and network noise) does not reach them. This run has no seed noise, "
        "and nothing is tested against None and Identity. Equal models count once; with "
        "`variation: [augmentation, network, order]` they differ."
    )
    text = sentences(found)
    assert not {"scale", "effects", "step count", "size of the run"} & set(text.index)
    assert "seed noise" not in " ".join(text)
    assert found["effects"].empty and found["planning"].empty
    assert not found["separation"]["conditions"].str.contains("none|identity").any()
    # Without noise of their own identity's states are one model, and so are the baselines.
    rows = found["decoupled_maps"].query("kind == 'paper' and condition_a == 'identity'")
    assert rows["r"].notna().any() and rows[["low", "high"]].isna().all(axis=None)
    assert found["decoupled_maps"].query("kind != 'paper'")["r"].isna().all()
    assert "none" not in set(found["correlation_maps"]["condition_a"])
    assert found["pair_significance"]["p_null"].isna().all()
    words, labels = {}, []
    for name, figure in drawn(config, models, found):
        words[name] = [text.get_text() for text in figure.texts]
        if name == "boxplot_mad":
            labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
        plt.close(figure)
    assert [label.split("\n")[0] for label in labels] == ["Affine", "CutMix", "Elastic", "Identity"]
    for control in ("None", "Identity"):
        expected = [f"All models of '{control}' are equal: nothing to test against."]
        assert words[f"effects_{control.lower()}"] == expected
    assert "all its models equal the baseline's" in words["segments_mad_none"][0]
    assert "Planning needs a control" in words["planning"][0]


def test_controls_that_differ_are_as_they_were():
    """The same experiment with noise: nothing about equal models, and everything else is there."""
    _, _, found = experiment()
    assert found["equal_models"].empty
    assert not list(of_states(found["equal_models"], ["network"]))
    assert {"scale", "effects", "step count", "size of the run"} <= set(sentences(found).index)
    assert set(found["effects"]["control"]) == {"none", "identity"}


def test_an_augmentation_without_noise_counts_once():
    _, _, found = experiment({"cutmix": "equal"})
    row = found["effects"].query("control == 'identity' and condition == 'cutmix'").iloc[0]
    assert row["n_states"] == 1 and np.isnan(row["low"])
    others = found["effects"].query("control == 'identity' and condition == 'affine'")
    assert (others["n_states"] == 3).all()
    alone = experiment({"cutmix": "equal"}, augmentations=["affine", "elastic"])[2]
    index = ["control", "condition", "metric"]
    p = [t["effects"].set_index(index)["p"]["identity", "affine", "mad"] for t in (found, alone)]
    assert p[0] == pytest.approx(p[1])  # its states add no degrees of freedom
    (note,) = of_states(found["equal_models"], ["augmentation", "network"])
    assert note["level"] == "note" and note["text"].startswith("The models of CutMix are equal")
    assert "seed noise" not in note["text"]


def test_what_trainings_differ_in_is_named():
    def scale(**values):
        return sentences(experiment(**values)[2])["scale"]

    assert "nothing but random numbers reach" in scale()
    text = scale(variation=["augmentation", "network", "order"])
    assert "nothing but random numbers (network noise and training order) reach" in text


def test_a_second_training_without_a_value_is_not_said_to_be_missing():
    kinds = dict.fromkeys(["affine", "cutmix", "elastic", "none", "identity"], "flat")
    _, _, found = experiment(kinds, similarity={"metrics": ["pearson"]})
    text = sentences(found)
    assert text["scale"] == "No metric is defined between two trainings of 'none'."
    assert "No metric has a value to set against seed noise." in text["effects"]
    assert text["shared baseline"] == "No correlation between augmentations is defined."
    missing = experiment(controls=["identity"])[2]
    assert "There is no second training of 'none'" in sentences(missing)["scale"]


# ------------------------------------------------------------------------------ pairs, and the rest


@pytest.mark.parametrize("count,k", [(1, 0), (2, 0), (3, 1), (4, 2), (5, 4), (7, 4)])
def test_k_stays_below_half_of_the_pairs(count, k):
    config = parse_config({"augmentations": list(AUGMENTATIONS[:count])})
    assert config.counted_pairs == k
    pairs = count * (count - 1) // 2
    assert k == 4 or 2 * k < pairs <= 2 * (k + 1) or not k


@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 999))
@settings(deadline=None)
def test_no_pair_is_among_the_strongest_and_the_weakest_of_a_metric(pairs, k, seed):
    rng = np.random.default_rng(seed)
    r = rng.choice([-1, -0.5, 0.2, 0.9, np.nan], (1, pairs))  # with ties
    strongest, weakest = top_counts(r, k), top_counts(-r, k)
    assert not (strongest & weakest).any()
    assert strongest.sum() == weakest.sum() <= k


def test_three_augmentations_are_told_to_have_one_strongest_pair():
    text = sentences(experiment()[2])["pairs"]
    assert "The most frequent of the strongest pairs, counting 1 of 3 in each metric, is" in text
    two = sentences(experiment(augmentations=["affine", "cutmix"])[2])["pairs"]
    assert two == "2 augmentations make one pair: none is strongest or weakest."
    assert "pairs" not in sentences(experiment(augmentations=["affine"])[2])


def test_names_are_swapped_only_among_conditions_with_models_at_the_same_states():
    values = np.zeros((1, 4, 3, 1, 5))
    values[0, 2, 1:] = np.nan  # the third has one model
    d = Distances(values, ["mad"], list("abcd"), [1, 2, 3], "none", [1])
    labels = permutations(d, [0, 1, 2, 3], 200, np.random.default_rng(0))
    assert (labels[:, 2] == 2).all()
    assert (np.sort(labels[:, [0, 1, 3]], axis=1) == np.array([[0], [1], [3]])).all()
    assert {tuple(row) for row in labels[:, [0, 1, 3], 0]} == set(orders([0, 1, 3]))


def test_all_alike_is_no_group_and_no_place():
    models = [(c, s) for c in "abc" for s in (1, 2)]
    rng = np.random.default_rng(0)
    ones, zeros = np.ones((1, 6, 6)), np.zeros((1, 6, 6))
    sums = {"msd": zeros, "pearson": ones, "n_msd": ones, "n_pearson": ones}
    assert separation(sums, models, ["c"], 99, rng).empty
    assert positions(sums, models).empty
    assert tree_table(np.zeros((4, 3, 3)), list("abc"), "s", "m").empty


def test_what_does_not_vary_has_no_components():
    _, _, found = experiment()
    assert set(found["variance_split"]["metric"]) == set(METRICS)
    kinds = dict.fromkeys(["affine", "cutmix", "elastic", "none", "identity"], "flat")
    flat = experiment(kinds)[2]["variance_split"]
    assert set(flat["metric"]) == {"class_kld"}
    assert flat["share"].notna().all()


def test_a_metric_that_is_undefined_has_no_claim():
    kinds = {"cutmix": "flat"}
    claims = experiment(kinds)[2]["claims"].set_index("statement")
    row = claims.loc[
        "moderate alikeness: median Spearman correlation below 0.5 for all augmentations"
    ]
    assert (row["here"], row["holds"]) == ("'spearman' is undefined for cutmix", "not applicable")


# ------------------------------------------------------------------------------- noise by source


def finished(folder, kinds=None, **values):
    """The files of a finished run that the table of sources is made from."""
    config, _, found = experiment(kinds, **values)
    write_tables(found, {n: [folder / "tables" / f"{n}.parquet"] for n in found})
    models = [{"condition": c, "state": s} for c, s in config.models]
    write_json({"config": config.record(), "models": models}, folder / "provenance.json")
    return found


def test_the_noise_of_sources_stands_side_by_side(tmp_path, monkeypatch, capsys):
    found = finished(tmp_path / "order", variation=["order"])
    finished(tmp_path / "draws", {"none": "equal", "identity": "equal"})
    table = noise_by_source([tmp_path / "draws", tmp_path / "order"], "mad")
    table = table.set_index(["variation", "condition"])
    draws, order = "augmentation + network", "order"
    assert table["n_models"][draws].to_dict() == {
        "none": 1, "affine": 3, "cutmix": 3, "elastic": 3, "identity": 1
    }  # fmt: skip
    assert (table["n_models"][order] == 3).all()
    assert table.loc[draws, "difference"].isna().all()
    row = found["effects"].query("control == 'none' and condition == 'affine'")
    row = row.query("metric == 'mad'").iloc[0]
    assert table.loc[(order, "affine"), "difference"] == row["difference"]
    accuracy = found["performance"].query("condition == 'none'")["accuracy"]
    assert table.loc[(order, "none"), "accuracy_sd"] == pytest.approx(accuracy.std())
    pairs = found["model_pairs"].query("metric == 'pearson'")
    same = pairs[(pairs["condition_a"] == "none") & (pairs["condition_b"] == "none")]["value"]
    assert table.loc[(order, "none"), "within"] == pytest.approx(same.mean())
    text = as_markdown(table.reset_index(), "mad")
    assert "| augmentation + network | None | " in text and " | equal | – | – |" in text
    assert "(higher: farther)" in text and "nan" not in text
    folders = [str(tmp_path / "draws"), str(tmp_path / "order")]
    monkeypatch.setattr(sys, "argv", ["noise", *folders])
    noise.main()
    assert capsys.readouterr().out.strip() == as_markdown(noise_by_source(folders)).strip()
    monkeypatch.setattr(sys, "argv", ["noise", "nowhere"])
    with pytest.raises(SystemExit, match=r"^error: .*provenance"):
        noise.main()
    with pytest.raises(AugcamError, match="no metric 'overlap_7'"):
        noise_by_source([tmp_path / "order"], "overlap_7")
    with pytest.raises(AugcamError, match="provenance"):
        noise_by_source([tmp_path / "nowhere"])
