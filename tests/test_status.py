"""The status of a run: read from the logs that trainings write, and from the files there are."""

import io
import os

import pytest
from tqdm import tqdm

from augcam.config.messages import parse_config
from augcam.errors import AugcamError
from augcam.run.status import (
    SILENCE,
    Progress,
    duration,
    last_lines,
    read_config,
    read_progress,
    remaining_seconds,
    status,
    table,
)

NOW = 1_000_000.0
CONFIG = parse_config(
    {"augmentations": ["affine", "cutmix"], "controls": [], "starting_states": [1, 2]}
)


def bar(done, total, words="", initial=0):
    """What the training's progress bar leaves in a log."""
    text = io.StringIO()
    options = {"unit": "img", "ascii": True, "file": text, "mininterval": 0}
    with tqdm(total=total, initial=initial, desc="affine/1", **options) as progress:
        if words:
            progress.set_postfix_str(words)
        progress.update(done - initial)
    return text.getvalue()


def log(folder, model, text, age=1.0):
    path = folder / "logs" / "train" / f"{model}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (NOW - age, NOW - age))


def finish(folder, model):
    path = folder / "models" / model
    path.mkdir(parents=True)
    (path / "weights.safetensors").touch()
    (path / "history.parquet").touch()


def test_progress_is_the_last_bar_that_the_training_drew():
    text = bar(120, 600, "epoch 2/10, loss 1.234, val. accuracy 0.567", initial=60)
    progress = read_progress("resuming after epoch 1 of 10\n" + text)
    assert progress.done == 120
    assert progress.total == 600
    assert progress.rate > 0
    assert progress[3:] == ("2/10", "1.234", "0.567")


@pytest.mark.parametrize(
    "text,expected",
    [
        ("", None),
        ("note: this network has no random layers\n", None),
        ("affine/1:   0%|     | 0/432 [00:00<?, ?img/s]", Progress(0, 432, None)),
        ("x: 5%|# | 20/432 [00:40<13:44,  2.00s/img]", Progress(20, 432, 0.5)),
        ("x: 5%|# | 20/432 [1:00:40<13:44:10,  2.50img/s]", Progress(20, 432, 2.5)),
        (
            "x: 9%| | 2/9 [0:1<0:1, 9.0img/s, epoch 1/2, loss nan, val. accuracy 0.1]",
            Progress(2, 9, 9.0, "1/2", "nan", "0.1"),
        ),
    ],
)
def test_progress_of_odd_logs(text, expected):
    assert read_progress(text) == expected


def test_the_last_lines_hold_no_stale_bars():
    text = "start\n\rbar 10%\rbar 20%\n\nerror: x.png: broken.\n"
    assert last_lines(text) == ("start", "bar 20%", "error: x.png: broken.")
    assert last_lines(text, 1) == ("error: x.png: broken.",)


def test_each_model_is_done_running_failed_stopped_or_waiting(tmp_path):
    finish(tmp_path, "none/1")
    log(tmp_path, "affine/1", bar(120, 600, "epoch 1/5, loss 2.000, val. accuracy 0.300"))
    log(tmp_path, "affine/2", bar(60, 600) + "\nerror: affine, state 2: the loss is not finite.\n")
    log(tmp_path, "cutmix/1", bar(60, 600), age=SILENCE + 1)
    found = status(CONFIG, tmp_path, NOW)
    states = {model.name: model.state for model in found.models}
    assert states == {
        "none/1": "done",
        "affine/1": "running",
        "affine/2": "failed",
        "cutmix/1": "stopped",
        "cutmix/2": "waiting",
    }
    text = table(found)
    (running,) = (line for line in text.splitlines() if line.startswith("affine/1"))
    assert running.split()[1:6] == ["running", "20%", "1/5", "2.000", "0.300"]
    assert running.endswith("1 s ago")
    assert "error: affine, state 2: the loss is not finite." in text
    assert "trained: 1 done, 1 running, 1 failed, 1 stopped, 1 waiting" in text
    assert "explained: 0 of 5" in text
    assert "whole run: 0 of 1" in text
    assert "at the present rate" in text


def test_a_model_that_is_trained_again_counts_as_running(tmp_path):
    """Snakemake deletes old results before a job starts, so a fresh log without them is one."""
    finish(tmp_path, "affine/1")
    log(tmp_path, "affine/1", bar(10, 600))
    (tmp_path / "models/affine/1/weights.safetensors").unlink()
    states = {model.name: model.state for model in status(CONFIG, tmp_path, NOW).models}
    assert states["affine/1"] == "running"


def test_a_training_that_waits_for_a_gpu_is_not_running(tmp_path):
    from augcam.run.lease import Gpu, take

    held = take([Gpu("0", "0")], 1, tmp_path / "locks")
    said = []
    with pytest.raises(InterruptedError):

        def say(sentence):
            said.append(sentence)
            raise InterruptedError

        take([Gpu("0", "0")], 1, tmp_path / "locks", say)
    log(tmp_path, "affine/1", said[0] + "\n")
    log(tmp_path, "affine/2", f"{said[0]}\nusing GPU 0, slot 1 of 1\n")
    states = {model.name: model.state for model in status(CONFIG, tmp_path, NOW).models}
    assert (states["affine/1"], states["affine/2"]) == ("waiting for a GPU", "running")
    for descriptor in held.descriptors:
        os.close(descriptor)


def test_compared_architectures_are_shown_once_they_have_begun(tmp_path):
    path = tmp_path / "logs/train_architecture/resnet18.log"
    path.parent.mkdir(parents=True)
    path.write_text(bar(120, 600, "epoch 1/5, loss 2.000, val. accuracy 0.300"))
    os.utime(path, (NOW, NOW))
    found = status(CONFIG, tmp_path, NOW)
    assert [model.name for model in found.models][-2:] == ["cutmix/2", "resnet18"]
    assert table(found).splitlines()[6].split()[:4] == ["resnet18", "running", "20%", "1/5"]


def test_remaining_time_counts_running_and_waiting_trainings(tmp_path):
    finish(tmp_path, "affine/1")
    log(tmp_path, "affine/2", "x: 5%|# | 200/600 [00:40<13:44, 50.0img/s]")
    log(tmp_path, "cutmix/1", "x: 5%|# | 300/600 [00:40<13:44, 30.0img/s]")
    found = status(CONFIG, tmp_path, NOW)
    # affine/2 400, cutmix/1 300, cutmix/2 all 600, and the baseline, without copies, 300.
    assert remaining_seconds(found.models) == pytest.approx((400 + 300 + 600 + 300) / 80)
    assert remaining_seconds(status(CONFIG, tmp_path / "nowhere", NOW).models) is None


def test_nothing_there_is_a_table_too(tmp_path):
    assert "trained: 5 waiting" in table(status(CONFIG, tmp_path, NOW))


@pytest.mark.parametrize(
    "seconds,text",
    [(None, ""), (0, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (7500, "2 h 05 min")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


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


def test_a_real_training_is_read_from_its_log(make_course, tmp_path, capsys):
    """The bar that `train` draws is the one that is understood here."""
    from augcam.networks.build import build
    from augcam.train.loop import train

    course = make_course("none")
    model = build("resnet20", 10, {}, seed=0)
    paths = [tmp_path / name for name in ("c.safetensors", "w.safetensors", "h.parquet")]
    train(model, course, paths[0], "x", paths[1], paths[2])
    captured = capsys.readouterr()
    progress = read_progress(captured.err + captured.out)
    assert progress.done == progress.total == 2 * len(course)
    assert progress.epoch == "2/2"
    assert 0 <= float(progress.accuracy) <= 1
