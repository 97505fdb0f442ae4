"""What a starting state varies: the config, the files of a state, and what follows for models."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from projects import copy_project, run, write_config
from test_training import PARAMETERS, assert_equal_weights
from test_training import run as trained

from augcam.config.messages import parse_config
from augcam.config.schema import Split
from augcam.config.states import note
from augcam.data.images import read_order
from augcam.data.seeds import state_seed
from augcam.data.split import draw_order, order_at
from augcam.errors import AugcamError
from augcam.files.arrays import read_array, write_arrays
from augcam.files.tables import read_columns

# ------------------------------------------------------------------------------------ the config


def test_the_papers_states_vary_draws_and_network_noise():
    config = parse_config({})
    assert config.variation == ["augmentation", "network"]
    assert config.seeds(2) == {"augmentation": 2, "network": 2}


def test_sources_are_a_set():
    config = parse_config({"variation": ["weights", "augmentation"]})
    assert config.variation == ["augmentation", "weights"]
    assert config.varies("weights", "split") and not config.varies("order")


@pytest.mark.parametrize(
    "variation,message",
    [
        (["oder"], "variation.0: unknown source of variation 'oder'; did you mean 'order'?"),
        ([], "variation: list should have at least 1 item"),
        (["order", "order"], "variation: order is named more than once"),
    ],
)
def test_what_is_no_source_is_refused(variation, message):
    with pytest.raises(AugcamError, match=re.escape(message)):
        parse_config({"variation": variation})


def test_what_does_not_vary_has_the_seed_of_the_baselines_state():
    values = {"starting_states": [4, 5], "baseline": {"state": 9}}
    assert parse_config(values | {"variation": ["order"]}).seeds(5) == {
        "augmentation": 9,
        "network": 9,
    }
    some = parse_config(values | {"variation": ["network", "order"]})
    assert some.seeds(5) == {"augmentation": 9, "network": 5}


@pytest.mark.parametrize(
    "variation,random_layers,repeating",
    [
        (["augmentation", "network"], True, []),
        (["augmentation", "network"], False, ["none", "equalize", "identity"]),
        (["augmentation"], True, ["none", "equalize", "identity"]),
        (["network"], False, ["none", "affine", "equalize", "identity"]),
        (["order"], False, []),
        (["augmentation", "weights"], False, []),
        (["split"], False, []),
    ],
)
def test_conditions_that_nothing_reaches_are_known_before_training(
    variation, random_layers, repeating
):
    config = parse_config({"augmentations": ["affine", "equalize"], "variation": variation})
    assert config.repeating(random_layers) == repeating
    one = parse_config({"augmentations": ["equalize"], "starting_states": [1]})
    assert one.repeating(random_layers) == []


def test_the_note_says_what_will_be_missing_and_what_gives_it():
    plain = {"model": {"architecture": "resnet18"}, "augmentations": ["affine"]}

    def said(random_layers=False, **values):
        return note(parse_config(plain | values), random_layers)

    assert said(random_layers=True) == said(variation=["order"]) == ""
    assert said(starting_states=[1]) == ""
    text = said()
    assert text.startswith(
        "note: ResNet-18 has no random layers, and states vary augmentation draws and network "
        "noise alone. So all models of 'none' and 'identity' will be equal"
    )
    assert "no seed noise, and nothing is tested against 'none' and 'identity'" in text
    assert "`variation: [augmentation, network, order]`" in text
    assert "random layers" not in said(random_layers=True, variation=["augmentation"])
    assert "a further state shows nothing new" in said(variation=["network"])
    assert "no replicates" in said(augmentations=["affine", "equalize"], controls=[])


# ------------------------------------------------------------------------------ files of one state


def test_seeds_of_states_are_independent_of_each_other_and_of_the_configs():
    seeds = [state_seed(seed, state) for seed in range(20) for state in range(20)]
    assert len({*seeds, *range(20)}) == 420
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert state_seed(7, None) == 7 and state_seed(7, 3) == state_seed(7, 3)


@pytest.fixture(scope="module")
def index(data_folder):
    return read_columns(data_folder / "index.parquet", ["image_id", "split", "label"])


def split_of(index, order):
    """(training, validation) images of an order."""
    trained = np.unique(order[:, 0])
    return trained, np.setdiff1d(index["image_id"][index["split"] != "test"], trained)


def test_an_order_of_its_own_has_the_same_images(data_folder, index):
    shared = read_array(data_folder / "order.npy")
    first, again, second = (order_at(index, Split(), s, ["order"]) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second) and not np.array_equal(first, shared)
    for order in (first, second):
        np.testing.assert_array_equal(np.unique(order, axis=0), np.unique(shared, axis=0))


def test_a_split_of_its_own_is_stratified_and_leaves_the_test_images(index):
    first, second = (order_at(index, Split(), s, ["split"]) for s in (1, 2))
    np.testing.assert_array_equal(first, order_at(index, Split(), 1, ["split"]))
    counts = {}
    for order in (first, second):
        train, val = split_of(index, order)
        assert len(train) == (index["split"] == "train").sum()
        assert len(val) == (index["split"] == "val").sum()
        assert not np.isin(order[:, 0], index["image_id"][index["split"] == "test"]).any()
        counts[order.tobytes()] = Counter(index["label"][np.isin(index["image_id"], val)].tolist())
    assert not np.array_equal(*(np.unique(o[:, 0]) for o in (first, second)))
    a, b = counts.values()
    assert max(abs(a[c] - b[c]) for c in range(10)) <= 1 and min(a.values()) >= 1
    # The order is no other one: the same draw, over other images.
    train, _ = split_of(index, first)
    np.testing.assert_array_equal(first, draw_order(train, Split().sampling_seed))
    both = order_at(index, Split(), 1, ["order", "split"])
    np.testing.assert_array_equal(np.unique(both[:, 0]), train)
    assert not np.array_equal(both, first)


def test_a_damaged_order_is_named(tmp_path):
    path = tmp_path / "1.npz"
    write_arrays(path, order=np.arange(6).reshape(3, 2))
    assert read_order(path).shape == (3, 2)
    content = bytearray(path.read_bytes())
    content[70] ^= 1
    path.write_bytes(content)
    with pytest.raises(AugcamError, match=r"1\.npz"):
        read_order(path)


# -------------------------------------------------------------------------------------- training


def test_what_an_order_leaves_out_validates(make_course, index):
    shared = make_course("affine", PARAMETERS["affine"])
    assert torch.equal(shared.validation_ids, shared.store.ids("val"))
    order = order_at(index, Split(), 2, ["split"])
    course = make_course("affine", PARAMETERS["affine"], order=order)
    train, val = split_of(index, order)
    assert course.validation_ids.tolist() == val.tolist()
    assert course.train_ids.tolist() == train.tolist()
    shown = np.concatenate([batch.labels for batch in course.batches(0)])
    np.testing.assert_array_equal(shown, index["label"][order[:, 0]])


def test_conditions_of_one_state_stay_pairs(make_course, index):
    """The originals come in one order, whatever the condition."""
    order = order_at(index, Split(), 3, ["order", "split"])
    none, affine = (
        make_course(c, PARAMETERS.get(c), order=order).epoch_order(0) for c in ("none", "affine")
    )
    np.testing.assert_array_equal(none, affine[affine[:, 1] == 0])


def test_draws_that_do_not_vary_are_the_same_at_all_states(make_course):
    def images(state, **seeds):
        course = make_course("affine", PARAMETERS["affine"], state, seeds=seeds or None)
        return next(course.batches(0)).images

    fixed = {"augmentation": 1, "network": 2}
    assert torch.equal(images(2, **fixed), images(1))
    assert not torch.equal(images(2), images(1))


def test_network_noise_that_does_not_vary_is_the_same_at_all_states(make_course, tmp_path):
    first, _ = trained(make_course("none", state=1, epochs=1), tmp_path / "1")
    fixed = make_course("none", state=2, epochs=1, seeds={"augmentation": 2, "network": 1})
    assert_equal_weights(first, trained(fixed, tmp_path / "2")[0])
    other, _ = trained(make_course("none", state=2, epochs=1), tmp_path / "3")
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("varied", [["order"], ["split"]])
def test_an_order_or_split_of_its_own_is_noise_for_a_network_without_random_layers(
    make_course, index, tmp_path, varied
):
    weights = []
    for state in (1, 2):
        order = order_at(index, Split(), state, varied)
        course = make_course("none", state=state, order=order, epochs=1)
        weights.append(trained(course, tmp_path / str(state), dropout=0.0)[0])
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


# ------------------------------------------------------------------------------------ the workflow

TINY = {
    "experiment": "tiny",
    "dataset": {"name": "digits", "train_limit": 300, "test_limit": 60},
    "model": {"architecture": "resnet20", "input_size": 16},
    "architecture_arguments": {"resnet20": {"dropout": 0.0, "stochastic_depth_prob": 0.0}},
    "training": {"epochs": 3, "batch_size": 16},
    "augmentations": ["affine"],
    "starting_states": [1, 2],
    "similarity": {"metrics": ["mad", "overlap_20"]},
    "statistics": {"resamples": 100, "targets": False},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    return copy_project(tmp_path_factory.mktemp("project") / "copy")


def jobs(project, variation, *arguments) -> dict[str, int]:
    name = write_config(project, TINY | {"variation": variation})
    text = run(project, "--dry-run", "--quiet", "rules", "--configfile", name, *arguments)
    rows = re.findall(r"^(\w+) +(\d+)$", text, re.MULTILINE)
    return {rule: int(count) for rule, count in rows}


@pytest.mark.workflow
@pytest.mark.parametrize(
    "variation,orders,weights",
    [
        (["augmentation", "network"], 0, 0),
        (["augmentation", "network", "order"], 2, 0),
        (["split"], 2, 0),
        (["weights"], 0, 2),
        (["augmentation", "network", "order", "weights", "split"], 2, 2),
    ],
)
def test_the_shared_file_becomes_one_a_state(project, variation, orders, weights):
    plan = jobs(project, variation, "--", "models")
    assert plan["train"] == 2 * 3
    assert plan.get("draw_order", 0) == orders
    assert plan.get("initial_weights_of_state", 0) == weights
    assert plan.get("initial_weights", 0) == (0 if weights else 1)


@pytest.mark.workflow
def test_a_control_without_noise_is_said_before_training_and_left_out_of_the_report(project):
    name = write_config(project, TINY)
    conclusions = "results/tiny/tables/conclusions.csv"
    text = run(project, "--cores", "2", "--configfile", name, "--", conclusions)
    said = "So all models of 'none' and 'identity' will be equal"
    assert 0 < text.index(said) < text.index("Training none")
    results = project / "results" / "tiny"
    findings = (results / "tables" / "conclusions.csv").read_text(encoding="utf-8")
    assert "The models of None and Identity are equal at all starting states" in findings
    assert "warning: The models of None and Identity are equal" in text
    assert findings.count("seed noise") == 1 and "withheld" not in findings
    assert len((results / "tables" / "effects.csv").read_text().splitlines()) == 1
    equal = (results / "tables" / "equal_models.csv").read_text().split()
    assert equal == ["condition,state,equal_to", "none,2,1", "identity,2,1"]
    # States that vary something else are other trainings.
    assert jobs(project, ["network", "augmentation"], "--", conclusions) == {}
    assert jobs(project, ["augmentation", "network", "order"], "--", "models")["train"] == 2 * 3
    assert jobs(project, ["augmentation"], "--", "models")["train"] == 3  # the second state's
