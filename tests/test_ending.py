"""The last words of a run: its warnings, or why it failed and where that stands."""

import pytest

from augcam.errors import AugcamError
from augcam.run.ending import done, failed
from augcam.run.job import job


@pytest.fixture
def log(tmp_path):
    """Write a log as a job does, under a name; its path."""

    def write(name, *lines):
        path = tmp_path / f"{name}.log"
        with job(path):
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
    files = {"Summary": str(tmp_path / "quiet.log"), "Warnings and notes": str(tmp_path / "none")}
    text = done([log("quiet")], files)
    assert text == f"\nThis run has no warnings.\nSummary: {files['Summary']}\n"
    assert done([log("quiet")], {}) == ""


def test_names_from_files_do_not_command_the_terminal(log):
    assert "\x1b" not in done([log("a", "warning: class '\x1b[2J' is new")], {})


def test_each_failed_job_is_named_with_its_reason_and_its_log(tmp_path, capsys):
    bad, crashed = tmp_path / "train.log", tmp_path / "compare.log"
    with pytest.raises(SystemExit), job(bad):
        print("epoch 1")
        raise AugcamError("x.png: broken.")
    with pytest.raises(ZeroDivisionError), job(crashed):
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
