"""The last words of a run: its warnings, or why it failed and where that stands."""

import shlex

import pytest
from projects import handed_to_script

from augcam.config.messages import parse_config
from augcam.errors import AugcamError
from augcam.run.ending import done, failed, without_failed
from augcam.run.job import job


@pytest.fixture
def log(tmp_path):
    """Write a log as a job does, under a name; its path."""

    def write(name, *lines):
        path = tmp_path / "logs" / f"{name}.log"
        with job(handed_to_script(path)):
            print("images: 8×8 pixels\n\r  50%|## |", *lines, "last", sep="\n")
        return str(path)

    return write


def test_each_warning_is_said_once_and_notes_are_not(log):
    first = log("warnings", "warning: Two of a kind.", "note: nothing.", "warning: Many 猫.")
    second = log("data", "warning: Two of a kind", "no warning: here", "/a.py:1: UserWarning: x")
    assert done([first, second, "missing.log"], {}).split("\n") == [
        "", "This run has 2 warnings.", "warning: Two of a kind", "warning: Many 猫.", ""
    ]  # fmt: skip


def test_it_is_said_where_to_read_on_and_that_there_is_nothing_to_warn_of(log, tmp_path):
    files = {
        "Summary": str(tmp_path / "logs" / "quiet.log"),
        "Warnings and notes": str(tmp_path / "none"),
    }
    text = done([log("quiet")], files)
    assert text == f"\nThis run has no warnings.\nSummary: {files['Summary']}\n"
    assert done([log("quiet")], {}) == ""


def test_names_from_files_do_not_command_the_terminal(log):
    assert "\x1b" not in done([log("a", "warning: class '\x1b[2J' is new")], {})


def test_each_failed_job_is_named_with_its_reason_and_its_log(tmp_path, capsys):
    bad, crashed = (tmp_path / "logs" / f"{name}.log" for name in ("train", "compare"))
    with pytest.raises(SystemExit), job(handed_to_script(bad)):
        print("epoch 1")
        raise AugcamError("x.png: broken.")
    with pytest.raises(ZeroDivisionError), job(handed_to_script(crashed)):
        print(1 / 0)
    text = failed({"train/a/1": [str(bad)], "compare/a": [str(crashed)], "far": ["no.log"]})
    assert text.split("\n") == [
        "",
        "3 jobs failed. What is done is kept: mend it and run the same command again.",
        f"compare/a: ZeroDivisionError: division by zero (log: {crashed})",
        "far: it left no word (log: no.log)",
        f"train/a/1: error: x.png: broken. (log: {bad})",
        "",
    ]
    assert capsys.readouterr().err == "error: x.png: broken.\n"


def test_an_interrupted_run_goes_on():
    assert failed({}) == "\nWhat is done is kept: the same command goes on from here.\n"


# ---------------------------------------------------------------------- going on without some

STUDIED = {"augmentations": ["affine", "cutmix"], "controls": [], "starting_states": [1, 2]}


def changes(*models, **config):
    """What the proposed arguments make of the config."""
    from snakemake.cli import get_argument_parser
    from snakemake.cli import parse_config as parse_arguments
    from snakemake.utils import update_config

    values = STUDIED | config
    said = without_failed(parse_config(values), models)
    words = shlex.split(said[said.index("--config") :])
    proposed = parse_arguments(get_argument_parser().parse_args(words).config)
    update_config(values, proposed)
    left = parse_config(values)
    return left.augmentations, left.controls, left.left_out


def test_the_way_on_without_failed_models_is_said():
    assert without_failed(parse_config(STUDIED), []) == ""
    said = without_failed(parse_config(STUDIED), [("cutmix", 2), ("affine", 1), ("cutmix", 2)])
    assert said.endswith("--config 'without={affine: [1], cutmix: [2]}'\n")
    both = ["affine", "cutmix"]
    assert changes(("cutmix", 2), ("affine", 1)) == (both, [], [("affine", 1), ("cutmix", 2)])


def test_a_condition_without_any_model_left_is_taken_out():
    assert changes(("cutmix", 1), ("cutmix", 2)) == (["affine"], [], [])
    one_more = changes(("cutmix", 1), ("cutmix", 2), ("affine", 1))
    assert one_more == (["affine"], [], [("affine", 1)])
    assert changes(("cutmix", 2), without={"cutmix": [1]}) == (["affine"], [], [])
    control = changes(("identity", 1), ("identity", 2), controls=["identity"])
    assert control == (["affine", "cutmix"], [], [])


def test_what_nothing_can_be_made_without_is_said():
    config = parse_config(STUDIED)
    assert "without the baseline, none/1" in without_failed(config, [("none", 1)])
    every = [(condition, state) for condition in ("affine", "cutmix") for state in (1, 2)]
    assert "without a single augmentation" in without_failed(config, every)
