"""Networks and maps that were made elsewhere: read, refused in a sentence, compared."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from projects import copy_project, planned, run

from augcam.config.brought import missing_files
from augcam.config.messages import parse_config
from augcam.errors import AugcamError
from augcam.explanation.brought import brought
from augcam.files.arrays import read_arrays
from augcam.networks.build import build
from augcam.networks.starting import start_from

FILES = {"plain": {0: "a.pt", 3: "b.pt"}, "flip": {0: "c.pt", 1: {"file": "d.pt"}}}
NAMES = ["one", "two", "three"]
LABELS = np.array([0, 1, 1])
CAM = np.arange(12, dtype=np.float64).reshape(3, 2, 2) - 5
LOGITS = pd.DataFrame({"logit_0": [1.0, 2, 3], "logit_1": [2.0, 0, 9]})


def test_conditions_and_states_are_those_that_files_are_named_for():
    config = parse_config({"checkpoints": FILES})
    assert config.reference == ("plain", 0)
    assert config.models == [("plain", 0), ("flip", 0), ("flip", 1), ("plain", 3)]
    assert (config.augmented, config.effect_controls) == (["flip"], ["plain"])
    other = parse_config({"maps": FILES, "baseline": {"condition": "flip", "state": 1}})
    assert (other.reference, other.augmented) == (("flip", 1), ["plain"])
    assert not other.statistics.targets


@pytest.mark.parametrize(
    "values,sentence",
    [
        ({"maps": FILES}, "maps: a run has checkpoints or maps, not both"),
        ({"checkpoints": {"plain": {0: "a"}}}, "checkpoints: a comparison takes two conditions"),
        ({"augmentations": ["affine"]}, "augmentations: with checkpoints nothing is trained"),
        ({"training": {"epochs": 3}}, "training.epochs: with checkpoints nothing is trained"),
        ({"baseline": {"condition": "plane"}}, "baseline.condition: 'plane' is not among"),
        ({"baseline": {"state": 2}}, "baseline.state: 'plain' has no state 2; known: 0, 3"),
        ({"checkpoints": {"a b": {0: "x"}, "c": {0: "y"}}}, "checkpoints: 'a b' cannot name"),
        ({"checkpoints": {"a": {0: "x"}, "c": "y"}}, "checkpoints: 'c' needs a file for each"),
        (
            {"checkpoints": {"a": {0: "x"}, "c": {0: {"file": "y", "layer": "z"}}}},
            "checkpoints.c.0.layer: unknown key; known: file, architecture, cam_layer",
        ),
    ],
)
def test_a_config_that_does_not_fit_is_refused(values, sentence):
    with pytest.raises(AugcamError, match=re.escape(f"config: {sentence}")):
        parse_config({"checkpoints": FILES} | values)


def test_every_missing_file_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pt").touch()
    found = missing_files(parse_config({"checkpoints": FILES}).brought).splitlines()
    assert found[0] == "config: checkpoints.plain.3: there is no file 'b.pt'."
    assert len(found) == 3
    (tmp_path / "a.npz").touch()
    only = parse_config({"maps": {"x": {0: "a.npz"}, "y": {0: "a.npz"}}}).brought
    assert "there is no file 'a.csv', the predictions beside the maps" in missing_files(only)


def written(folder, arrays, table, suffix=".parquet"):
    np.savez(folder / "x.npz", **arrays)
    path = folder / f"x{suffix}"
    table.to_parquet(path) if suffix == ".parquet" else table.to_csv(path, index=False)
    return folder / "x.npz", path, np.array([7, 8, 9]), NAMES, LABELS, 2


def test_maps_are_read_in_the_order_of_the_test_images(tmp_path):
    found = brought(*written(tmp_path, {"cam": CAM}, LOGITS.assign(label=LABELS)))
    np.testing.assert_array_equal(found.cam, CAM.astype(np.float32))
    np.testing.assert_array_equal(found.image_id, [7, 8, 9])
    np.testing.assert_array_equal(found.target, [1, 0, 1])
    shuffled = [2, 0, 1]
    names = np.array(NAMES)[shuffled]
    table = LOGITS.iloc[shuffled].assign(image=names)
    named = brought(*written(tmp_path, {"cam": CAM[shuffled], "image": names}, table, ".csv"))
    np.testing.assert_array_equal(named.cam, found.cam)
    np.testing.assert_array_equal(named.logits, found.logits)


def test_probabilities_become_logits_with_the_same_softmax(tmp_path):
    table = pd.DataFrame({"probability_0": [0.25, 1, 0], "probability_1": [0.75, 0, 1]})
    found = brought(*written(tmp_path, {"heat": CAM}, table))
    softmax = torch.tensor(found.logits).softmax(1)
    np.testing.assert_allclose(softmax, table, atol=1e-12)


@pytest.mark.parametrize(
    "arrays,table,sentence",
    [
        ({"cam": CAM[:2]}, LOGITS, "it is about 2 images, but the data set has 3 for testing"),
        ({"cam": CAM[0]}, LOGITS, "its maps are float64 of shape (2, 2)"),
        ({"cam": CAM * np.nan}, LOGITS, "it holds values that are no finite numbers"),
        ({"a": CAM, "b": CAM}, LOGITS, "it has no array `cam`; found: a, b"),
        ({"cam": CAM, "image": np.array(["one", "two", "2"])}, LOGITS, "lacks 1 of 3 test images"),
        ({"cam": CAM, "image": np.array(["one", "one", "two"])}, LOGITS, "names 1 images twice"),
        ({"cam": CAM}, LOGITS[:2], "it is about 2 images"),
        ({"cam": CAM}, LOGITS.assign(label=[1, 0, 1]), "its label of image 0 ('one') is 1, but"),
        ({"cam": CAM}, LOGITS[["logit_0"]], "it has 1 columns logit_"),
        ({"cam": CAM}, LOGITS.assign(logit_1=np.inf), "logit_… holds values that are no finite"),
        ({"cam": CAM}, LOGITS.add_prefix("x"), "it needs columns logit_0"),
        (
            {"cam": CAM},
            LOGITS.set_axis(["probability_0", "probability_1"], axis=1),
            "the probabilities of an image must be ≥ 0 and add up to 1",
        ),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, arrays, table, sentence):
    with pytest.raises(AugcamError, match=re.escape(sentence)):
        brought(*written(tmp_path, arrays, table))


def test_a_checkpoint_must_fill_the_whole_network(tmp_path):
    torch.save(build("resnet8", 3, {}, 0).state_dict(), tmp_path / "three.pt")
    with pytest.raises(AugcamError, match=r"fc\.weight.*the number of classes are the file's"):
        start_from(build("resnet8", 10, {}, 0), tmp_path / "three.pt")


@pytest.mark.workflow
def test_checkpoints_of_several_architectures_and_maps_are_compared(tmp_path):
    project = copy_project(tmp_path / "a project")
    (project / "runs").mkdir()
    for i, name in enumerate(["resnet8", "resnet8", "resnet14"]):
        torch.save(build(name, 10, {}, i).state_dict(), project / f"runs/{i}.pt")
    values = {
        "experiment": "networks",
        "dataset": {"name": "digits", "train_limit": 120, "test_limit": 40},
        "model": {"architecture": "resnet8", "input_size": 16},
        "statistics": {"resamples": 100},
        "checkpoints": {
            "$plain": {0: "runs/0.pt", 1: "runs/1.pt"},
            "deeper": {0: {"file": "runs/2.pt", "architecture": "resnet14", "cam_layer": "layer2"}},
        },
    }
    values["checkpoints"]["plain"] = values["checkpoints"].pop("$plain")
    values["baseline"] = {"condition": "plain"}
    (project / "mine.yaml").write_text(yaml.safe_dump(values))
    run(project, "--cores", "2", "--configfile", "mine.yaml", "--", "all")
    results = project / "results/networks"
    assert (results / "index.html").exists()
    assert not list(results.glob("models/*/*/history.parquet"))
    sizes = [
        read_arrays(results / f"explanations/main/{of}/cams.npz")["cam"].shape[1:]
        for of in ("plain/1", "deeper/0")
    ]
    assert sizes == [(4, 4), (8, 8)]
    findings = pd.read_csv(results / "tables/conclusions.csv")["finding"].str.cat(sep=" ")
    assert "two networks of 'plain' reach" in findings or "no better than chance" in findings
    assert planned(project, "--configfile", "mine.yaml") == {}

    # The same maps once more, as if they came from elsewhere.
    values["maps"] = {}
    for condition, states in values.pop("checkpoints").items():
        values["maps"][condition] = {}
        for state in states:
            of = results / f"explanations/main/{condition}/{state}"
            target = project / f"maps/{condition}_{state}"
            target.parent.mkdir(exist_ok=True)
            np.savez(f"{target}.npz", cam=read_arrays(of / "cams.npz")["cam"])
            shutil.copy(of / "predictions.parquet", f"{target}.parquet")
            values["maps"][condition][state] = f"maps/{condition}_{state}.npz"
    values["experiment"] = "maps"
    (project / "maps.yaml").write_text(yaml.safe_dump(values))
    run(project, "--cores", "2", "--configfile", "maps.yaml", "--", "tables", "statistics")
    for name in ("effects", "similarity_mean", "score_effects"):
        of_maps = pd.read_parquet(project / f"results/maps/tables/{name}.parquet")
        pd.testing.assert_frame_equal(of_maps, pd.read_parquet(results / f"tables/{name}.parquet"))
