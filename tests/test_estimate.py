"""The estimate: what it counts, what it multiplies, and that it measures the real work."""

import re
import time

import pytest
from projects import copy_project, run

from augcam.config.messages import parse_config
from augcam.files.json import write_json
from augcam.report.catalogue import figures
from augcam.run import calibration, estimate, sampling
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
LOOK = {"method": "gradcam", "target": "label", "images": 5, "seed": 0}
VIEWS = {
    "main": LOOK | {"layer": "layer3.2", "feature_map": [4, 4]},
    "early": LOOK | {"layer": "layer2.2", "feature_map": [8, 8]},
}
COUNTS = {"train": 100, "val": 10, "test": 50}
WORK = ["training", "inference", "explanation", "comparison", "shared", "scoring", "decoupling"]
STARTS = ["torch", "compiled", "start"]
RATES = dict.fromkeys([*WORK, "figure", *STARTS], 1.0) | {"training": 10.0, "inference": 100.0}
AT_ONCE = dict.fromkeys(["train", "explain", "compare", "score", "tables", "figures"], 2)


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def planned(folder, config=CONFIG, **options):
    """Name of the stage → the stage."""
    stages = estimate.planned(config, COUNTS, folder, **options)
    return {stage.name: stage for stage in stages}


def test_a_fresh_run_counts_everything(tmp_path):
    stages = planned(tmp_path)
    assert list(stages) == ["train", "explain", "compare", "score", "tables", "figures"]
    assert all(len(stage.left) == stage.jobs for stage in stages.values())
    # none at both states: 100 images an epoch; affine and cutmix at both: 200.
    train = stages["train"]
    assert (train.jobs, train.unit, train.left[0]) == (
        6, "images", {"training": 300, "inference": 30, "torch": 1}
    )  # fmt: skip
    assert train.amount("training") == 3 * (2 * 100 + 4 * 200)
    assert train.amount("inference") == 3 * 6 * 10
    assert stages["explain"].amount("explanation") == 6 * 50
    score = stages["score"]
    assert score.amount("compiled") == score.jobs == 6
    assert score.amount("scoring") == 6 * 50
    compare = stages["compare"]
    assert compare.amount("compiled") == compare.jobs == 5 + 1
    assert compare.amount("comparison") == 5 * 50
    assert compare.amount("shared") == 6 * 50  # with a further baseline
    assert stages["tables"].amount("comparison") == 3 * 50  # null levels
    assert stages["tables"].amount("shared") == 3 * 5 * 50  # three targets
    drawn = [item for item in figures(CONFIG) if item.family != "architectures"]
    assert stages["figures"].amount("figure") == len(drawn)


def test_further_views_are_stages_of_their_own_with_their_own_images(tmp_path):
    views = {"early": {"layer": "layer2"}, "few": {"method": "hirescam", "images": 20}}
    config = parse_config(CONFIG.model_dump() | {"views": views})
    touch(tmp_path, "explanations/few/none/1/cams.npz", "similarity/few/affine/1.parquet")
    stages, before = planned(tmp_path, config), planned(tmp_path)
    assert list(stages)[1:4] == ["explain", "view early", "view few"]
    assert stages["explain"] == before["explain"]
    assert stages["view early"].amount("view early") == 6 * 50
    assert stages["view few"].amount("view few") == 5 * 20
    assert stages["view early"].amount("torch") == 6 and not stages["view few"].amount("torch")
    assert stages["compare"].amount("comparison") == 5 * 50 * 2 + 4 * 20
    assert stages["compare"].amount("shared") == 6 * (2 * 50 + 20)
    assert stages["score"].amount("scoring") == 6 * (2 * 50 + 20)
    assert stages["tables"].jobs == before["tables"].jobs + 1
    sizes = {"early": (8, 8), "few": (4, 4)}
    arguments = 1000, (4, 4), 10, 2
    needed = estimate.disk(config, list(stages.values()), *arguments, sizes)["explanations"]
    alone = estimate.disk(CONFIG, list(before.values()), *arguments)["explanations"]
    # Of each image a map, its id and class, and ids, labels and logits of the predictions.
    assert needed - alone == 300 * (4 * 64 + 16 + 64) + 100 * (4 * 16 + 16 + 64)


def test_what_takes_long_is_measured_by_one_image():
    asked = []
    sampling.rate_of_any(lambda count: asked.append(count) or count, 0.001)
    assert asked[:2] == [1, 1] and set(asked[2:]) == {32}
    durations = iter([0.5, 0.02])  # the first imports a library
    found = sampling.rate_of_any(lambda count: time.sleep(next(durations)) or count, 0.001)
    assert 10 < found <= 50


def test_asking_and_checking_count_where_the_config_wants_them(tmp_path):
    more = {"scores": ["spread", "deletion"]}
    more["statistics"] = {"faithfulness_images": 20, "sanity": True}
    config = parse_config(CONFIG.model_dump() | more)
    stages = planned(tmp_path, config)
    asking = stages["faithfulness"]
    assert (asking.jobs, asking.unit, asking.left[0]) == (6, "images", {"asking": 20, "torch": 1})
    assert stages["tables"].amount("checking") == 1
    rows = estimate.durations(
        list(stages.values()),
        RATES | {"asking": 2.0, "checking": 0.01},
        AT_ONCE | {"faithfulness": 2},
    )
    assert rows[4].seconds == pytest.approx(3 * (20 / 2 + 2))
    needed = estimate.disk(config, list(stages.values()), 1000, (4, 4), 10, at_once=2)
    assert needed["scores"] == 6 * 50 * (9 + 8) and needed["faithfulness"] == 6 * 20 * 16
    touch(tmp_path, "sanity/main.parquet", "faithfulness/main/none/1.parquet")
    stages = planned(tmp_path, config)
    assert len(stages["faithfulness"].left) == 5 and not stages["tables"].amount("checking")
    many = parse_config(CONFIG.model_dump() | {"scores": ["deletion"]})
    assert planned(tmp_path, many)["faithfulness"].left[0]["asking"] == 50  # there are no more


@pytest.mark.slow
def test_asking_and_checking_are_measured(store):
    from augcam.networks.build import build

    more = {"scores": ["deletion"], "statistics": {"sanity": True, "sanity_images": 10}}
    config = parse_config(CONFIG.model_dump() | more)
    model = build("resnet20", 10, {}, 0).eval().requires_grad_(False)
    measured = calibration._rates_of_more(config, store, model, store.ids("test"), (4, 4), 90.0)
    assert 0 < measured["asking"] < 10_000
    assert measured["checking"] == 90 / (3 * 6 * 10)
    assert calibration._rates_of_more(CONFIG, store, model, store.ids("test"), (4, 4), 1.0) == {}


def test_what_is_there_counts_as_done(tmp_path):
    touch(
        tmp_path,
        *(f"models/none/{state}/weights.safetensors" for state in (1, 2)),
        "models/affine/2/checkpoint.safetensors",
        *(f"explanations/main/none/{state}/targets.npz" for state in (1, 2)),
        "explanations/main/affine/1/targets.npz",
        "similarity/main/cutmix/1.parquet",
        "tables/decoupled_maps.parquet",
        "figures/affine.png",
    )
    stages = planned(tmp_path, epochs_done=lambda _checkpoint: 2)
    assert stages["train"].amount("training") == (3 * 3 + 1) * 200
    assert stages["train"].amount("inference") == (3 * 3 + 1) * 10
    assert len(stages["explain"].left) == 3
    assert len(stages["compare"].left) == stages["compare"].jobs - 1
    assert stages["tables"].amount("decoupling") < 1


def test_nothing_left_takes_no_time():
    done = estimate.Stage("train", "images", 6, [])
    assert estimate.durations([done], RATES, AT_ONCE)[0].seconds == 0


def test_models_left_out_are_not_planned(tmp_path):
    config = parse_config(CONFIG.model_dump() | {"without": {"cutmix": [1], "none": [2]}})
    stages = planned(tmp_path, config)
    assert stages["train"].jobs == 4
    assert stages["compare"].amount("comparison") == 3 * 50
    assert stages["compare"].amount("shared") == 0  # no further baseline


def test_time_is_work_and_starts_of_the_jobs_that_run_at_once(tmp_path):
    stages = planned(tmp_path)
    train, explain, *_ = estimate.durations(list(stages.values()), RATES, AT_ONCE)
    # A training starts itself (1 s) and is started by Snakemake (1 s).
    short, long = 30 + 0.3 + 2, 60 + 0.3 + 2
    assert train.seconds == pytest.approx(2 * long + short)
    assert explain.seconds == pytest.approx(3 * (50 + 2))
    many = estimate.durations([stages["train"]], RATES, {"train": 100})
    assert (many[0].at_once, many[0].seconds) == (6, pytest.approx(long))


@pytest.mark.parametrize(
    "seconds,at_once,expected",
    [
        ([], 4, 0),
        ([5], 4, 5),
        ([3, 3, 3], 2, 6),  # not 4.5: a job is not divided
        ([1, 1, 1, 3], 2, 3),  # the longest first
        ([2, 2, 2, 2], 1, 8),
    ],
)
def test_jobs_are_not_divided(seconds, at_once, expected):
    assert estimate.makespan(seconds, at_once) == expected


def test_disk_follows_the_files_formats(tmp_path):
    stages = list(planned(tmp_path).values())
    needed = estimate.disk(CONFIG, stages, 1000, (4, 4), 10, at_once=2)
    assert needed["models"] == 6000
    assert needed["checkpoints, meanwhile"] == 6 * 1000 + 2 * 3 * 1000
    assert needed["explanations"] == 6 * 50 * (4 * 4 * 16 + 24 + 24 + 40)  # four maps of an image
    assert needed["similarity"] == (5 + 6) * 50 * (8 * 8 + 12)


def test_the_table_says_it_all(tmp_path):
    stages = list(planned(tmp_path).values())
    rows = estimate.durations(stages, RATES, AT_ONCE)
    needed = estimate.disk(CONFIG, stages, 1000, (4, 4), 10, at_once=2)
    lines = estimate.as_text("e: 6 networks", rows, RATES, needed, 2**40, ["memory"]).splitlines()
    assert lines[3].split() == ["train", "6", "0", "3,000", "images", "10", "2", "3", "min"]
    assert lines[7].split()[:4] == ["tables", str(stages[4].jobs), "0", "2"]
    assert lines[8].split()[0] == lines[8].split()[4] == "figures"
    assert lines[-2].startswith("disk: 174 KiB to write (models 5.86 KiB, checkpoints")
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

    monkeypatch.setattr(sampling.time, "perf_counter", lambda: now[0])
    assert sampling.rate(work, 3) == 10


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
    monkeypatch.setattr(calibration, "rates_after_explaining", lambda *_: {})  # without a GPU
    measured = calibration.calibrate(
        CONFIG, data_folder.parent, "layer3.2", "cpu", 1, 0.01, clock()
    )
    assert wanted == [(1, 1)]
    assert measured["torch"] > 1 / 500

    def fail(_sentence):
        raise AssertionError("the lease is still held")

    take([Gpu("0", "0")], 1, tmp_path, say=fail).release()


@pytest.mark.slow
def test_calibration_does_the_real_work(data_folder):
    measured = calibration.calibrate(
        CONFIG, data_folder.parent, "layer3.2", "cpu", 0, 0.01, time.time() - 1, VIEWS
    )
    assert measured["view early"] > 0 and "view main" not in measured
    assert all(measured[kind] > 0 for kind in RATES)
    assert measured["torch"] <= 1
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


@pytest.mark.slow
def test_a_method_that_takes_many_passes_takes_as_much_longer(data_folder):
    """Worked out, not tried: Score-CAM of a ResNet-20 takes 65 passes for each of three classes."""
    rates = {}
    for method in ("gradcam", "scorecam"):
        config = CONFIG.model_copy(update={"cam": CONFIG.cam.model_copy(update={"method": method})})
        measured = calibration.calibrate(
            config, data_folder.parent, "layer3.2", "cpu", 0, 0.01, time.time() - 1
        )
        rates[method] = measured["explanation"] / measured["inference"]
    assert 1 / 300 < rates["scorecam"] < 1 / 195
    assert rates["gradcam"] > 10 * rates["scorecam"]


@pytest.mark.workflow
def test_the_quickstart_is_estimated(tmp_path):
    """As a user asks; processes of their own measure a config with parameters of augmentations."""
    project = copy_project(tmp_path / "project")
    said = run(project, "--cores", "2", "--quiet", "--", "estimate")
    assert "quickstart: 18 networks" in said
    assert re.search(r"^train +18 +0 +164,832 images +[\d,]+ +2 ", said, re.MULTILINE)
