"""The estimate: what it counts, what it multiplies, and that it measures the real work."""

import time

import pytest

from augcam.config.messages import parse_config
from augcam.files.json import write_json
from augcam.run import calibration, estimate
from augcam.run.lease import Gpu, take

CONFIG = parse_config(
    {
        "experiment": "e",
        "dataset": {"name": "digits"},
        "model": {"architecture": "resnet20", "input_size": 16},
        "training": {"epochs": 3},
        "augmentations": ["affine", "cutmix"],
        "controls": ["none"],
        "starting_states": [1, 2],
    }
)
COUNTS = {"train": 100, "val": 10, "test": 50}
RATES = {"training": 10.0, "inference": 100.0, "explanation": 25.0, "comparison": 500.0}


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_a_fresh_run_counts_everything(tmp_path):
    train, explain, compare = estimate.planned(CONFIG, COUNTS, tmp_path)
    # none at both states: 100 images an epoch; affine and cutmix at both: 200.
    images = {"training": 3 * (2 * 100 + 4 * 200), "inference": 3 * 6 * 10}
    assert train == ("train", 6, 0, images)
    assert explain == ("explain", 3, 0, {"explanation": 6 * 50})
    assert compare == ("compare", 3, 0, {"comparison": 5 * 50})


def test_what_is_there_counts_as_done(tmp_path):
    touch(
        tmp_path,
        *(f"models/none/{state}/weights.safetensors" for state in (1, 2)),
        "models/affine/2/checkpoint.safetensors",
        *(f"explanations/main/none/{state}/targets.npz" for state in (1, 2)),
        "explanations/main/affine/1/targets.npz",
        *(f"similarity/main/affine/{state}.parquet" for state in (1, 2)),
        "similarity/main/cutmix/1.parquet",
    )
    train, explain, compare = estimate.planned(CONFIG, COUNTS, tmp_path, lambda path: 2)
    assert train == ("train", 6, 2, {"training": (3 * 3 + 1) * 200, "inference": (3 * 3 + 1) * 10})
    # One job does all states of a condition, also where only one of them is missing.
    assert explain == ("explain", 3, 1, {"explanation": 4 * 50})
    assert compare == ("compare", 3, 1, {"comparison": 3 * 50})


def test_time_is_work_and_start_up_over_jobs_at_once(tmp_path):
    stages = estimate.planned(CONFIG, COUNTS, tmp_path)
    rows = estimate.durations(stages, RATES, 2.0, {"train": 4, "explain": 4, "compare": 8})
    assert [row.at_once for row in rows] == [4, 3, 3]  # three jobs cannot run eight at once
    expected = [(300 + 1.8 + 12) / 4, (12 + 6) / 3, (0.5 + 6) / 3]
    assert [row.seconds for row in rows] == pytest.approx(expected)
    finished = [estimate.Stage("train", 6, 6, {"training": 0, "inference": 0})]
    assert estimate.durations(finished, RATES, 2.0, {"train": 4})[0].seconds == 0


def test_disk_follows_the_files_formats(tmp_path):
    stages = estimate.planned(CONFIG, COUNTS, tmp_path)
    needed = estimate.disk(CONFIG, stages, 1000, (4, 4), 10, at_once=2)
    assert needed["models"] == 6000
    assert needed["checkpoints, meanwhile"] == 6 * 1000 + 2 * 3 * 1000
    assert needed["explanations"] == 6 * 50 * (4 * 4 * 16 + 24 + 24 + 40)  # four maps of an image
    assert needed["similarity"] == 5 * 50 * (8 * 8 + 12)


@pytest.mark.parametrize(
    "seconds,text",
    [(0, "0 s"), (59, "59 s"), (90, "2 min"), (3599, "1 h 0 min"), (86400 * 2 + 7200, "2 d 2 h")],
)
def test_durations_read_well(seconds, text):
    assert estimate.duration(seconds) == text


def test_sizes_read_well():
    assert [estimate.size(n) for n in (10, 2048, 3 * 2**30, 5 * 2**40)] == [
        "10 B", "2 KiB", "3 GiB", "5 TiB"
    ]  # fmt: skip


def test_the_table_says_it_all(tmp_path):
    stages = estimate.planned(CONFIG, COUNTS, tmp_path)
    rows = estimate.durations(stages, RATES, 2.0, {"train": 2, "explain": 2, "compare": 2})
    needed = estimate.disk(CONFIG, stages, 1000, (4, 4), 10, at_once=2)
    lines = estimate.as_text("e: 6 networks", rows, RATES, needed, 2**40, ["memory"]).splitlines()
    assert lines[3].split() == ["train", "6", "0", "3,000", "10", "2", "3", "min"]
    assert lines[-2].startswith("disk: 137 KiB to write (models 5.86 KiB, checkpoints")
    assert lines[-1] == "memory"
    scarce = estimate.as_text("e", rows, RATES, needed, 100, [])
    assert scarce.endswith("100 B are free: not enough")


@pytest.mark.parametrize(
    "limits,expected",
    [
        ({}, 4),
        ({"gpu_slots": 2}, 2),
        ({"gpu_slots": 2, "gpu_limit": 1}, 1),
        ({"gpu_slots": 2, "gpu_limit": 8}, 2),
        ({"gpu_slots": 16}, 4),
        ({"gpu_limit": 3}, 3),  # no GPU is visible: jobs run on the CPU, but the limit counts
        ({"threads": 16}, 1),
        ({"threads": 16, "gpu_slots": 8}, 1),
    ],
)
def test_cores_gpus_and_their_limit_bound_what_runs_at_once(limits, expected):
    assert estimate.networks_at_once(**{"cores": 8, "threads": 2, **limits}) == expected


def test_a_tenth_of_a_gpus_memory_stays_free():
    measured = {"memory": 2**30, "gpu_memory": 2**30, "gpu_total": 10 * 2**30}
    _, line = estimate.memory_lines(measured, 4)
    assert line.startswith("GPU memory: 1 GiB a training (768 MiB of it allowed for CUDA itself)")
    assert line.endswith("10 GiB in all: 9 jobs fit on one GPU, with a tenth left free")


def test_a_rate_starts_after_one_whole_turn(monkeypatch):
    now, costs = [0.0], [100, 1, 1, 1]  # the first turn is the slow one

    def work():
        now[0] += costs.pop(0)
        return 10

    monkeypatch.setattr(calibration.time, "perf_counter", lambda: now[0])
    assert calibration._rate(work, 3) == 10


def test_calibration_takes_a_lease_whose_wait_is_no_start_up_and_gives_it_back(
    data_folder, tmp_path, monkeypatch
):
    clock, ahead, wanted = time.time, [0], []

    def lease_gpu(gpu, jobs_per_gpu):
        wanted.append((gpu, jobs_per_gpu))
        ahead[0] = 1000  # seconds of waiting
        return take([Gpu("0", "0")], jobs_per_gpu, tmp_path)

    monkeypatch.setattr(calibration, "lease_gpu", lease_gpu)
    monkeypatch.setattr(calibration.time, "time", lambda: clock() + ahead[0])
    measured = calibration.calibrate(
        CONFIG, data_folder.parent, "layer3.2", "cpu", 1, 0.01, clock()
    )
    assert wanted == [(1, 1)]
    assert measured["startup"] < 500

    def fail(_sentence):
        raise AssertionError("the lease is still held")

    take([Gpu("0", "0")], 1, tmp_path, say=fail).release()


def test_calibration_does_the_real_work(data_folder):
    measured = calibration.calibrate(
        CONFIG, data_folder.parent, "layer3.2", "cpu", 0, 0.01, time.time() - 1
    )
    assert all(measured[kind] > 0 for kind in RATES)
    assert measured["startup"] >= 1
    assert measured["memory"] > 2**27
    assert measured["gpu_memory"] == measured["gpu_total"] == 0


def test_a_checkpoints_epochs_are_read(make_course, tmp_path):
    from test_training import interrupt_after_first_epoch

    from augcam.train.checkpoint import epochs_done

    interrupt_after_first_epoch(make_course("none"), tmp_path)
    checkpoint = tmp_path / "checkpoint.safetensors"
    assert epochs_done(checkpoint) == 1
    write_json({}, checkpoint)
    assert epochs_done(checkpoint) == 0
