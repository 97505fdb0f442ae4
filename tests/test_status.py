"""The status of a run: read from the records that jobs keep, and from the files there are."""

import contextlib
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from projects import handed_to_script

from augcam.config.messages import parse_config
from augcam.errors import AugcamError
from augcam.files.json import read_json, write_json
from augcam.run.job import job
from augcam.run.record import record_call
from augcam.run.status import (
    last_lines,
    read_config,
    remaining_seconds,
    status,
    table,
)

CONFIG = parse_config(
    {"augmentations": ["affine", "cutmix"], "controls": [], "starting_states": [1, 2]}
)
# A job that says that it has begun and then never ends.
ENDLESS = """
import signal, sys, time
from types import SimpleNamespace
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs ignore
from augcam.run.job import job
with job(SimpleNamespace(log=[sys.argv[1]], params={})) as this:
    this.progress(done=120, total=600, rate=60.0)
    print("begun")
    time.sleep(1000)
"""


def run_job(folder, name, *said, error=None, **progress):
    """Do a job, to its end or to `error`; the path of its log."""
    log = folder / "logs" / f"{name}.log"
    with contextlib.suppress(SystemExit, ZeroDivisionError), job(handed_to_script(log)) as this:
        this.progress(**progress)
        for sentence in said:
            print(sentence)
        if error:
            raise error
    return log


def change(log, **values):
    """Change what the record beside `log` says."""
    record = log.with_suffix(".json")
    write_json(read_json(record) | values, record)


@contextlib.contextmanager
def running(folder, name):
    """A job of another process that has begun, and the process."""
    log = folder / "logs" / f"{name}.log"
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(log)],
        env={"PYTHONPATH": str(Path(__file__).parents[1] / "src")},
        stderr=subprocess.DEVNULL,
    )
    try:
        while not log.exists() or not log.read_text():
            assert process.poll() is None
            time.sleep(0.01)
        yield process
    finally:
        process.kill()
        process.wait()


def finish(folder, model):
    path = folder / "models" / model
    path.mkdir(parents=True)
    (path / "weights.safetensors").touch()
    (path / "history.parquet").touch()


def seen(folder):
    return status(CONFIG, folder, time.time())


def states(folder):
    return {training.name: training.state for training in seen(folder).trainings}


def others(folder):
    return {other.name: other.state for other in seen(folder).others}


def test_each_model_is_done_running_failed_or_waiting(tmp_path):
    finish(tmp_path, "none/1")
    run_job(
        tmp_path, "train/affine/2", done=60, total=600,
        error=AugcamError("affine, state 2: the loss is not finite."),
    )  # fmt: skip
    with running(tmp_path, "train/affine/1"):
        found = seen(tmp_path)
    assert [job.state for job in found.trainings] == [
        "done", "running", "failed", "waiting", "waiting"
    ]  # fmt: skip
    text = table(found)
    (line,) = (line for line in text.splitlines() if line.startswith("affine/1"))
    assert line.split()[1:5] == ["running", "20%", "60", "8"]
    assert line.endswith("s ago")
    assert "train/affine/2.log ends:\n  error: affine, state 2: the loss is not finite." in text
    assert "trained: 1 done, 1 running, 1 failed, 2 waiting" in text
    assert "explained: 0 of 5" in text
    assert "at the present rate" in text


@pytest.mark.parametrize(
    "how,state",
    [(signal.SIGKILL, "killed"), (signal.SIGTERM, "killed"), (signal.SIGINT, "interrupted")],
)
def test_a_job_that_is_killed_or_interrupted_is_so_at_once(tmp_path, how, state):
    with running(tmp_path, "train/affine/1") as process, running(tmp_path, "prepare_data"):
        assert states(tmp_path)["affine/1"] == "running"
        assert others(tmp_path) == {"prepare_data": "running"}
        process.send_signal(how)
        process.wait()
        assert states(tmp_path)["affine/1"] == state
    assert others(tmp_path) == {"prepare_data": "killed"}


@pytest.mark.parametrize("name", ["conclude", "explain/affine/1", "score/early/affine/1"])
@pytest.mark.parametrize("error", [AugcamError("x.png: broken."), ZeroDivisionError("oops")])
def test_any_job_that_failed_is_named_with_the_end_of_its_log(tmp_path, name, error):
    log = run_job(tmp_path, name, error=error)
    assert others(tmp_path) == {name: "failed"}
    text = table(seen(tmp_path))
    assert re.search(rf"^{name}: failed, \d+ s ago; its log {log} ends:$", text, re.MULTILINE)
    assert str(error) in text
    run_job(tmp_path, name)  # again, and well
    assert others(tmp_path) == {}


def test_jobs_of_models_that_are_no_longer_wanted_are_not_shown(tmp_path):
    run_job(tmp_path, "explain/elastic/1", error=AugcamError("x"))
    run_job(tmp_path, "compare/affine/3", error=AugcamError("x"))
    assert others(tmp_path) == {}


def test_a_job_of_another_machine_counts_until_it_is_silent(tmp_path):
    log = run_job(tmp_path, "train/affine/1", done=1, total=2)
    change(log, state="running", host="elsewhere")
    assert states(tmp_path)["affine/1"] == "running"
    change(log, changed=time.time() - 3600)
    assert states(tmp_path)["affine/1"] == "silent"


def test_a_model_that_is_trained_again_counts_as_running(tmp_path):
    """Snakemake deletes old results before a job starts."""
    finish(tmp_path, "affine/1")
    run_job(tmp_path, "train/affine/1")
    assert states(tmp_path)["affine/1"] == "done"
    (tmp_path / "models/affine/1/weights.safetensors").unlink()
    assert states(tmp_path)["affine/1"] == "waiting"
    with running(tmp_path, "train/affine/1"):
        assert states(tmp_path)["affine/1"] == "running"


def test_a_training_that_waits_for_a_gpu_is_not_running(tmp_path):
    from augcam.run.lease import Gpu, take

    held = take([Gpu("0", "0")], 1, tmp_path / "locks")

    def say(sentence):
        raise InterruptedError(sentence)

    with pytest.raises(InterruptedError) as waiting:
        take([Gpu("0", "0")], 1, tmp_path / "locks", say)
    held.release()
    with job(handed_to_script(tmp_path / "logs/train/affine/1.log")):
        print(waiting.value)
        assert states(tmp_path)["affine/1"] == "waiting for a GPU"
        print("using GPU 0, slot 1 of 1")
        assert states(tmp_path)["affine/1"] == "running"


def test_compared_architectures_are_shown_once_they_have_begun(tmp_path):
    run_job(tmp_path, "train_architecture/resnet18", error=AugcamError("x"), done=1, total=4)
    found = seen(tmp_path)
    assert [job.name for job in found.trainings][-2:] == ["cutmix/2", "resnet18"]
    assert table(found).splitlines()[6].split()[:3] == ["resnet18", "failed", "25%"]


def test_remaining_time_counts_running_and_waiting_trainings(tmp_path):
    finish(tmp_path, "affine/1")
    with job(handed_to_script(tmp_path / "logs/train/affine/2.log")) as one:
        one.progress(done=200, total=600, rate=50.0)
        with job(handed_to_script(tmp_path / "logs/train/cutmix/1.log")) as other:
            other.progress(done=300, total=600, rate=30.0)
            found = seen(tmp_path)
    # affine/2 400, cutmix/1 300, cutmix/2 all 600, and the baseline, without copies, 300.
    assert remaining_seconds(found.trainings) == pytest.approx((400 + 300 + 600 + 300) / 80)
    assert remaining_seconds(seen(tmp_path / "nowhere").trainings) is None


def test_nothing_there_is_a_table_too(tmp_path):
    text = table(seen(tmp_path))
    assert "trained: 5 waiting" in text
    assert text.endswith("Snakemake: not started yet")


# --------------------------------------------------------------------------- Snakemake itself


@pytest.fixture
def call(tmp_path):
    """The record of a call that has just begun."""
    record = record_call(tmp_path / "logs/snakemake.log", "its own log: a.log")
    assert (tmp_path / "logs/snakemake.log").read_text() == "its own log: a.log\n"
    yield record
    record.file.close()


def call_line(folder):
    return table(seen(folder)).splitlines()[-1]


def test_the_call_runs_until_it_ends_or_is_killed(tmp_path, call):
    assert call_line(tmp_path).startswith("Snakemake: running on ")
    assert record_call(tmp_path / "logs/snakemake.log", "another call") is None
    call.update(state="failed")
    assert re.search(r"ended \d+ s ago without having done everything", call_line(tmp_path))
    call.update(state="done")
    assert "Snakemake: succeeded" in call_line(tmp_path)
    call.update(state="running")
    call.file.close()  # as at the end of a process
    assert "Snakemake: killed" in call_line(tmp_path)
    change(tmp_path / "logs/snakemake.log", host="elsewhere", changed=0)
    assert "cannot be seen from this machine" in call_line(tmp_path)


def test_what_had_failed_before_the_call_that_runs_waits(tmp_path, call):
    for name in ("train/affine/1", "conclude"):
        change(run_job(tmp_path, name, error=AugcamError("x")), began=0)
    assert states(tmp_path)["affine/1"] == "waiting"
    assert others(tmp_path) == {}
    run_job(tmp_path, "train/affine/2", error=AugcamError("x"))
    assert states(tmp_path)["affine/2"] == "failed"
    call.update(state="failed")
    assert states(tmp_path)["affine/1"] == "failed"
    assert others(tmp_path) == {"conclude": "failed"}
    call.update(state="done", whole=True)  # everything is there: what had failed is not wanted
    assert others(tmp_path) == {}


# ------------------------------------------------------------------------------- its parts


def test_the_last_lines_hold_no_stale_bars():
    log = "start\n\rbar 10%\rbar 20%\n\nerror: x.png: broken.\n"
    assert last_lines(log) == ("start", "bar 20%", "error: x.png: broken.")
    assert last_lines(log, 1) == ("error: x.png: broken.",)


def test_a_damaged_record_is_none(tmp_path):
    log = run_job(tmp_path, "train/affine/1", error=AugcamError("x"))
    log.with_suffix(".json").write_text("{")
    assert states(tmp_path)["affine/1"] == "waiting"


def test_configs_are_merged_as_snakemake_does(tmp_path):
    (tmp_path / "a.yaml").write_text("experiment: a\ntraining: {epochs: 3, batch_size: 8}\n")
    (tmp_path / "b.yaml").write_text("experiment: b\ntraining: {epochs: 5}\n")
    config = read_config(str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml"))
    assert (config.experiment, config.training.epochs, config.training.batch_size) == ("b", 5, 8)
    for name, content in {"c.yaml": "- 1", "d.yaml": "a: [1"}.items():
        (tmp_path / name).write_text(content)
        with pytest.raises(AugcamError, match=name):
            read_config(str(tmp_path / name))
    (tmp_path / "e.yaml").write_bytes(b"experiment: \xff")
    (tmp_path / "f.yaml").mkdir()
    for name in ("e.yaml", "f.yaml"):
        with pytest.raises(AugcamError, match=rf"{name}: this is no readable config file \("):
            read_config(str(tmp_path / name))
    with pytest.raises(AugcamError, match="not found"):
        read_config(str(tmp_path / "missing.yaml"))


def test_a_real_training_tells_its_progress(make_course, tmp_path):
    from augcam.networks.build import build
    from augcam.train.loop import train

    course = make_course("none")
    model = build("resnet20", 10, {}, seed=0)
    paths = [tmp_path / name for name in ("c.safetensors", "w.safetensors", "h.parquet")]
    with job(handed_to_script(tmp_path / "logs/train/none/1.log")) as this:
        train(model, course, paths[0], "x", paths[1], paths[2], tell=this.progress)
        values = seen(tmp_path).trainings[0].found.values
    assert values["done"] == values["total"] == 2 * len(course)
    assert values["rate"] > 0
    assert (values["epoch"], values["epochs"]) == (2, 2)
    assert 0 <= values["accuracy"] <= 1
    assert json.loads((tmp_path / "logs/train/none/1.json").read_text())["state"] == "done"


def test_models_left_out_are_said_and_not_shown(tmp_path):
    config = parse_config(CONFIG.model_dump() | {"without": {"affine": [1]}})
    text = table(status(config, tmp_path, time.time()))
    assert "left out of everything: affine/1" in text
    assert "\naffine/1 " not in text
