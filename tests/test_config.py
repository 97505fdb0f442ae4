"""The configuration: presets, generated files, and one clear line for every mistake."""

import re
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

from augcam.config import document
from augcam.config.document import TABLES, schema_text, with_generated
from augcam.config.messages import parse_config
from augcam.errors import AugcamError
from augcam.names import PAPER_AUGMENTATIONS, PAPER_METRICS
from augcam.report import catalogue

PRESETS = sorted((ROOT / "config").glob("*.yaml"))


def preset(name):
    return parse_config(yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_presets_are_valid_and_write_into_folders_of_their_own(path: Path):
    of_others = {preset(other.name).experiment for other in PRESETS if other != path}
    assert preset(path.name).experiment not in of_others


def test_the_paper_preset_is_the_papers_protocol():
    config = preset("paper.yaml")
    assert (config.dataset.name, config.dataset.train_limit) == ("cifar10", None)
    assert config.split.validation_fraction == 0.1
    assert (config.model.architecture, config.model.input_size) == ("efficientnet_b0", 224)
    assert config.builder_arguments(config.model.architecture) == {}
    training = config.training
    assert (training.epochs, training.batch_size) == (30, 32)
    assert (training.learning_rate, training.weight_decay) == (1e-3, 1e-5)
    assert not training.reshuffle
    assert set(config.augmentations) == set(PAPER_AUGMENTATIONS)
    assert len(config.starting_states) == 3
    assert len(config.models) == 22
    assert (config.cam.method, config.cam.target) == ("gradcam", "predicted")
    assert config.similarity.metrics == list(PAPER_METRICS)
    assert config.analysis.pair_k == 4


def test_the_quickstart_has_all_augmentations_controls_and_states():
    config = preset("config.yaml")
    assert set(config.conditions) == {*PAPER_AUGMENTATIONS, "none", "identity"}
    assert len(config.starting_states) >= 2


def test_generated_files_are_up_to_date():
    """If this fails: make docs"""
    assert (ROOT / "config" / "schema.json").read_text(encoding="utf-8") == schema_text()
    for page, what, table in TABLES:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert text == with_generated(text, what, "augcam.config.document", table())


def test_make_docs_renews_what_is_there(tmp_path, monkeypatch):
    pages = ["config/schema.json", *{page for page, _, _ in TABLES}]
    for name in pages:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        text = (ROOT / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(
            text.replace("| `experiment` |", "| `experimnt` |"), encoding="utf-8"
        )
    monkeypatch.chdir(tmp_path)
    document.main()
    catalogue.main()
    for name in pages:
        assert (tmp_path / name).read_bytes() == (ROOT / name).read_bytes(), name


@pytest.mark.parametrize(
    "values,line",
    [
        ({"experimnt": "x"}, "experimnt: unknown key; did you mean 'experiment'?"),
        (
            {"training": {"batchsize": 3}},
            "training.batchsize: unknown key; did you mean 'batch_size'?",
        ),
        (
            {"augmentation_parameters": {"affine": {"degree": 3}}},
            "augmentation_parameters.affine.degree: unknown key; did you mean 'degrees'?",
        ),
        (
            {"augmentations": ["affine", "cutmx"]},
            "augmentations.1: unknown augmentation 'cutmx'; did you mean 'cutmix'?",
        ),
        ({"augmentations": ["affine", "affine"]}, "augmentations: affine is named more than once"),
        (
            {"model": {"architecture": "resnet19"}},
            "model.architecture: unknown architecture 'resnet19'; known: resnet8, resnet14,",
        ),
        (
            {"model": {"input_size": 32}},
            "model.input_size 32 is too small for 'efficientnet_b0'",
        ),
        (
            {"similarity": {"metrics": ["pearsn"]}},
            "similarity.metrics.0: unknown metric 'pearsn'; did you mean 'pearson'?",
        ),
        ({"similarity": {"metrics": ["overlap_0"]}}, "similarity.metrics.0: unknown metric"),
        ({"experiment": "a/b"}, "experiment: 'a/b' cannot name a folder"),
        ({"experiment": ".."}, "experiment: '..' cannot name a folder"),
        ({"training": {"epochs": 0}}, "training.epochs: input should be greater than 0"),
        ({"training": {"epochs": "many"}}, "training.epochs: input should be a valid integer"),
        ({"training": {"learning_rate": -1}}, "training.learning_rate: input should be greater"),
        (
            {"training": {"optimizer": "adaam"}},
            "training.optimizer: unknown optimiser 'adaam'; did you mean 'adam'?",
        ),
        ({"training": {"optimizer": 3}}, "training.optimizer: a name is needed, or a map with"),
        (
            {"training": {"optimizer": {"name": "sgd", "momentum": 0, "nesterov": True}}},
            "training.optimizer.nesterov: looking ahead needs a momentum above 0",
        ),
        (
            {"training": {"optimizer": {"name": "adam", "momentum": 0.9}}},
            "training.optimizer.momentum: unknown key; known: betas, eps",
        ),
        (
            {"training": {"schedule": {"name": "cosine", "warmup": 30}}},
            "training.schedule.warmup: 30 epochs of warm-up leave nothing of training.epochs 30",
        ),
        (
            {"training": {"schedule": {"name": "step", "warmup": 25}}},
            "training.schedule.step_size: the first step, 10 epochs after 25 epochs of warm-up,",
        ),
        (
            {"training": {"schedule": {"name": "cosine", "eta_min": 0.01}}},
            "training.schedule.eta_min: 0.01 is not below training.learning_rate 0.001",
        ),
        (
            {"training": {"schedule": {"name": "one_cycle", "warmup": 2}}},
            "training.schedule.warmup: unknown key; known: pct_start",
        ),
        (
            {"training": {"weights": "last", "early_stopping": 3}},
            "training.early_stopping: with training.weights 'last' it would keep the epoch 3 after",
        ),
        (
            {"training": {"weights": "last", "best_by": "loss"}},
            "training.best_by: 'loss' chooses nothing with training.weights 'last'",
        ),
        (
            {"training": {"epochs": 4, "early_stopping": 3}},
            "training.early_stopping: 3 epochs without a better one end no training of training",
        ),
        ({"training": {"label_smoothing": 1}}, "training.label_smoothing: input should be less"),
        ({"training": {"class_weights": "x"}}, "training.class_weights: unknown value 'x'"),
        ({"training": None}, "training: keys with values are needed (it is None)"),
        (
            {"cam": {"method": "grad-cam"}},
            "cam.method: unknown CAM method 'grad-cam'; did you mean",
        ),
        ({"dataset": {"name": "mnist"}}, "dataset.name: unknown data set 'mnist'"),
        ({"dataset": {"name": "parquet"}}, "dataset: 'parquet' needs dataset.train"),
        ({"starting_states": []}, "starting_states: list should have at least 1 item"),
        ({"starting_states": [1, 1]}, "starting_states: 1 is named more than once"),
        (
            {"training": {"refresh": "once", "reshuffle": True}},
            "training.refresh: once needs training.reshuffle: false",
        ),
        (
            {"augmentation_parameters": {"randcrop": {"scale": [0.9, 0.1]}}},
            "augmentation_parameters.randcrop.scale: the lower bound 0.9 exceeds",
        ),
        (
            {"augmentation_parameters": {"gaussblur": {"kernel_size": 4}}},
            "augmentation_parameters.gaussblur: kernel_size must be odd",
        ),
        (
            {"architecture_arguments": {"resnet2": {}}},
            "architecture_arguments.resnet2: unknown architecture 'resnet2'",
        ),
    ],
)
def test_a_mistake_is_one_line_that_names_the_key(values, line):
    with pytest.raises(AugcamError) as caught:
        parse_config(values)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(f"config: {line}")
    assert text.endswith((".", "?"))


def test_all_mistakes_are_reported_at_once():
    with pytest.raises(AugcamError) as caught:
        parse_config({"training": {"epochs": -1}, "split": {"validation_fraction": 2}, "x": 1})
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    for key in ("training.epochs", "split.validation_fraction", "x"):
        assert any(line.startswith(f"config: {key}: ") for line in lines)


def test_numbers_that_yaml_reads_as_text_are_understood():
    values = yaml.safe_load("training: {learning_rate: 1e-3}\nstarting_states: ['1', '2']")
    assert isinstance(values["training"]["learning_rate"], str)
    config = parse_config(values)
    assert config.training.learning_rate == 1e-3
    assert config.starting_states == [1, 2]


def test_one_number_stands_for_both_ends_of_a_range():
    values = yaml.safe_load("""
        augmentations: [noise, posterize, erasing]
        augmentation_parameters: {noise: {std: 0.1}, posterize: {bits: 3}, erasing: {area: 1e-1}}
    """)
    config = parse_config(values)
    steps = {name: config.condition(name).steps[0] for name in values["augmentations"]}
    assert steps["noise"]["std"] == [0.1, 0.1]
    assert steps["posterize"]["bits"] == [3, 3]
    assert steps["erasing"]["area"] == [0.1, 0.1]


def test_models_hold_the_baseline_once():
    config = parse_config({"augmentations": ["affine"], "controls": ["none", "identity"]})
    assert config.reference == ("none", 1)
    assert len(config.models) == len(set(config.models)) == 9
    assert ("none", 1) not in config.compared
    other = parse_config({"augmentations": ["affine"], "controls": [], "baseline": {"state": 7}})
    assert other.models == [("none", 7), ("affine", 1), ("affine", 2), ("affine", 3)]


def test_reading_the_config_imports_nothing_heavy():
    import subprocess
    import sys

    heavy = "{'torch', 'pandas', 'matplotlib'}"
    code = f"import sys, augcam.config.messages; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_conda_environment_is_in_step_with_the_package():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {name for name in project["dependencies"] if not name.startswith("snakemake")}
    environment = yaml.safe_load((ROOT / "envs" / "augcam.yaml").read_text(encoding="utf-8"))
    conda = environment["dependencies"]
    assert set(conda[-1]["pip"]) == needed
    assert f"python {project['requires-python']}" in conda


@pytest.mark.parametrize(
    "values,hint",
    [
        # Another method, metric or network is no misspelling of ours.
        (
            {"cam": {"method": "sessgradcam"}},
            "; known: gradcam, ablationcam, captum.",
        ),
        ({"cam": {"method": "RandomCAM"}}, "; known: gradcam, "),
        ({"similarity": {"metrics": ["jsd"]}}, "; known: mad, msd, "),
        ({"model": {"architecture": "resnet26"}}, "; known: resnet8, "),
        ({"model": {"architecture": "perceiver"}}, "; known: "),
        ({"augmentations": ["mosaic"]}, "; known: affine, cutmix, "),
        # Other spellings, misspellings and beginnings are.
        ({"cam": {"method": "Grad-CAM++"}}, "; did you mean 'gradcam++'?"),
        ({"cam": {"method": "gradcam_plus_plus"}}, "; did you mean 'gradcam++'?"),
        ({"cam": {"method": "hires"}}, "; did you mean 'hirescam'?"),
        ({"cam": {"method": "ScoreCAM"}}, "; did you mean 'scorecam'?"),
        ({"cam": {"method": "captum.saliency"}}, "; did you mean 'captum.Saliency'?"),
        ({"augmentations": ["gaussian_blur"]}, "; did you mean 'gaussblur'?"),
        ({"model": {"architecture": "EfficientNetB0"}}, "; did you mean 'efficientnet_b0'?"),
        # A key of another section is named with it.
        ({"epochs": 5}, "; did you mean 'training.epochs'?"),
        ({"architecture": "resnet18"}, "; did you mean 'model.architecture'?"),
        ({"training": {"metrics": ["mad"]}}, "; did you mean 'similarity.metrics'?"),
        ({"training": {"lr": 0.1}}, "; known: epochs, batch_size, learning_rate, "),
    ],
)
def test_a_suggestion_is_what_can_have_been_meant(values, hint):
    with pytest.raises(AugcamError) as caught:
        parse_config(values)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    "values,line",
    [
        ({"cutmx": [2]}, "without.cutmx: unknown condition 'cutmx'; did you mean 'cutmix'?"),
        ({"cutmix": [7]}, "without.cutmix: 7 is no starting state; known: 1, 2, 3."),
        ({"none": [1]}, "without.none: state 1 is the baseline"),
        (
            {"cutmix": [1, 2, 3]},
            "without.cutmix: this leaves no model of it; take 'cutmix' out of augmentations",
        ),
    ],
)
def test_only_models_that_can_be_missed_are_left_out(values, line):
    with pytest.raises(AugcamError, match=re.escape(f"config: {line}")):
        parse_config({"without": values})


def test_models_left_out_are_no_models_and_no_baselines():
    config = parse_config({"without": {"cutmix": [2], "none": [3]}})
    assert len(config.models) == 27 - 2
    assert ("cutmix", 2) not in config.models
    assert config.baselines == [("none", 1), ("none", 2)]
    assert config.left_out == [("cutmix", 2), ("none", 3)]
    narrowed = parse_config({"without": {"cutmix": [2]}, "augmentations": ["affine"]})
    assert narrowed.left_out == []
    with pytest.raises(AugcamError, match=r"baseline\.states: 3 is not a state of 'none'"):
        parse_config({"without": {"none": [3]}, "baseline": {"states": [1, 3]}})
