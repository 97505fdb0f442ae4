"""The DAG: what each preset plans, what a change replans, and a whole run on real images."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from projects import copy_project, digest, planned, start, write_config

from augcam.config.messages import parse_config
from augcam.files.json import read_json
from augcam.paper.claims import CLAIMS
from augcam.report.catalogue import figures, one_of_each_kind, tables
from augcam.results import load
from augcam.run import estimate
from augcam.run.status import read_config, status

pytestmark = pytest.mark.workflow

TINY = {
    "experiment": "tiny",
    "dataset": {"train_limit": 120, "test_limit": 40},
    "model": {"input_size": 16},
    "training": {"epochs": 2, "batch_size": 16, "learning_rate": 0.003},  # better than chance
    "augmentations": ["affine", "cutmix", "equalize"],
    "starting_states": [1, 2],
    "statistics": {"resamples": 200},
}
CONFIG = parse_config({"augmentations": TINY["augmentations"]})
FIGURES = figures(CONFIG)
N_MODELS = 1 + 5 * 2 - 1  # three augmentations, two controls, two states; the baseline is one


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the project's files, in which a run may write."""
    folder = copy_project(tmp_path_factory.mktemp("project") / "copy")
    write_config(folder, TINY)
    return folder


def snakemake(project, *arguments, check=True):
    environment = os.environ | {"PYTHONPATH": str(project / "src"), "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(f"snakemake {' '.join(arguments)}\n{done.stdout}\n{done.stderr}")
    return done


# ------------------------------------------------------------------------------------- the plan


def test_a_users_config_inherits_nothing_from_the_quickstart(project):
    """Data and network alone: the documented defaults, nine conditions at three states."""
    minimal = "dataset: {name: digits}\nmodel: {architecture: resnet20, input_size: 32}\n"
    (project / "minimal.yaml").write_text(minimal, encoding="utf-8")
    assert planned(project, "--configfile", "minimal.yaml", "--", "models")["train"] == 27
    assert planned(project, "--", "models")["train"] == 18  # without a file: the quickstart
    assert planned(project, "--config", "starting_states=[1]", "--", "models")["train"] == 9


@pytest.mark.parametrize("preset,models", [("config", 18), ("cifar10-cpu", 27), ("paper", 22)])
def test_presets_plan_their_models(project, preset, models):
    plan = planned(project, "--configfile", f"config/{preset}.yaml")
    assert plan["train"] == models
    assert plan["explain"] == models
    assert plan["compare"] == models - 1
    for rule in ("prepare_data", "initial_weights", "aggregate", "draw_extremes", "write_pages"):
        assert plan[rule] == 1


@pytest.mark.parametrize(
    "target", ["models", "explanations", "similarity", "tables", "figures", "statistics"]
)
def test_stages_are_targets(project, target):
    assert planned(project, "--configfile", "config/paper.yaml", "--", target)["train"] == 22


@pytest.mark.parametrize(
    "preset,first,count", [("config", "resnet20", 2), ("paper", "efficientnet_b0", 3)]
)
def test_architectures_are_a_target_of_their_own(project, preset, first, count):
    target = ["--configfile", f"config/{preset}.yaml", "--", "architectures"]
    plan = planned(project, *target)
    assert plan["train_architecture"] == count
    assert "train" not in plan
    assert first in snakemake(project, "--dry-run", *target).stdout


@pytest.mark.parametrize(
    "values,message",
    [
        (
            {"model": {"input_size": 32}, "architectures": ["resnet20", "resnet18"]},
            "architectures: 'resnet18' is no candidate at model.input_size 32",
        ),
        ({"augmentations": ["afine"]}, "augmentations.0: unknown augmentation 'afine'"),
        ({"experiment": "a/b"}, "experiment: 'a/b' cannot name a folder"),
        (
            {"dataset": {"name": "parquet", "train": "nowhere.parquet"}},
            "dataset.train: there is no file or folder 'nowhere.parquet'",
        ),
    ],
)
def test_a_bad_config_is_one_sentence(project, values, message):
    write_config(project, TINY | values, "bad")
    done = snakemake(project, "--dry-run", "--configfile", "bad.yaml", check=False)
    assert done.returncode == 1
    assert f"config: {message}" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_a_target_that_the_option_configfile_has_swallowed_is_told_from_a_config(project):
    target = project / "results/swallowed/data/stats.json"
    target.parent.mkdir(parents=True)
    target.write_text("{}", encoding="utf-8")
    done = snakemake(
        project, "-n", "--configfile", "tiny.yaml", "results/swallowed/data/stats.json", check=False
    )
    assert (
        "stats.json: this is a result, no config; put `--` before targets"
        in done.stdout + done.stderr
    )


def test_a_view_that_cannot_be_explained_ends_a_run_before_its_trainings(project):
    config = TINY | {"experiment": "late", "views": {"early": {"layer": "layer9"}}}
    write_config(project, config)
    arguments = ["--configfile", "late.yaml", "--", "explanations"]
    done = snakemake(project, "--cores", "1", *arguments, check=False)
    assert done.returncode == 1
    assert "error: views.early.layer: the network has no layer 'layer9'; near names:" in done.stderr
    assert not (project / "results/late/models/none").exists()


# --------------------------------------------------------------------------------- a whole run


@pytest.fixture(scope="module")
def finished(project) -> Path:
    """The project after a whole run of the tiny experiment on real digits."""
    snakemake(project, "--cores", "2", "--configfile", "tiny.yaml")
    return project


def test_a_run_makes_every_file_with_its_columns(finished):
    results = finished / "results" / "tiny"
    performance = pd.read_parquet(results / "tables" / "performance.parquet")
    assert list(performance.columns) == [
        "condition", "state", "accuracy", "precision", "recall", "f1"
    ]  # fmt: skip
    assert len(performance) == N_MODELS
    mean = pd.read_parquet(results / "tables" / "similarity_mean.parquet")
    metrics = ["mad", "msd", "pearson", "spearman", "overlap_20", "overlap_10", "overlap_5"]
    assert list(mean.columns) == ["image_id", "condition", *metrics, "class_kld"]
    assert len(mean) == 5 * 40
    pairs = pd.read_csv(results / "tables" / "pair_counts.csv")
    assert pairs.groupby("kind")["count"].sum().to_dict() == {"strongest": 8, "weakest": 8}
    one = pd.read_parquet(results / "similarity" / "main" / "affine" / "2.parquet")
    assert list(one.columns)[:4] == [
        "image_id", "segment", "degenerate_baseline", "degenerate_augmented"
    ]  # fmt: skip
    with np.load(results / "explanations" / "main" / "none" / "1" / "cams.npz") as cams:
        assert cams["cam"].shape == (40, 4, 4)
        assert str(cams["layer"]) == "layer3.2"
        assert str(cams["method"]) == "gradcam"
    for item in FIGURES:
        if item.family != "architectures":
            for suffix in ("png", "pdf"):
                assert (results / "figures" / f"{item.name}.{suffix}").stat().st_size > 4000
    claims = pd.read_csv(results / "tables" / "claims.csv")
    assert len(claims) == len(CLAIMS)
    extremes = pd.read_parquet(results / "tables" / "extreme_images.parquet")
    assert len(extremes) == 3 * 8
    provenance = json.loads((results / "provenance.json").read_text())
    assert len(provenance["models"]) == N_MODELS
    index = (results / "index.html").read_text(encoding="utf-8")
    assert all(f"figures/{item.name}.pdf" in index for item in FIGURES[:3])
    assert "chunk-maps-main-0" in (results / "explorer.html").read_text(encoding="utf-8")
    assert provenance["config"]["training"]["epochs"] == 2
    assert not list(results.rglob("*.partial*")) + list(results.rglob("checkpoint*"))


def test_the_statistics_are_there_for_every_condition_and_metric(finished):
    tables = finished / "results" / "tiny" / "tables"
    effects = pd.read_parquet(tables / "effects.parquet")
    assert effects.groupby("control").size().to_dict() == {"identity": 4 * 8, "none": 4 * 8}
    pairs = pd.read_parquet(tables / "model_pairs.parquet")
    assert pairs["metric"].value_counts().tolist() == [N_MODELS * (N_MODELS - 1) // 2] * 2
    # The paper's map, worked out again from covariances.
    maps = pd.read_parquet(tables / "decoupled_maps.parquet").query("kind == 'paper'")
    first = pd.read_parquet(tables / "correlation_maps.parquet")
    index = ["metric", "condition_a", "condition_b"]
    both = first.merge(maps, on=index, suffixes=("", "_again")).query("metric == 'mad'")
    np.testing.assert_allclose(both["r"], both["r_again"], atol=1e-9)
    counts = pd.read_parquet(tables / "pair_significance.parquet")
    assert counts.groupby("kind")["count"].sum().to_dict() == {"strongest": 8, "weakest": 8}
    # These networks learned something: nothing is withheld.
    assert "nothing learned" not in set(pd.read_csv(tables / "warnings.csv")["topic"])
    findings = pd.read_csv(tables / "conclusions.csv")
    assert "cannot give p below 0.5" in " ".join(findings["finding"])
    assert not findings["finding"].str.contains("nan").any()


def test_the_chain_is_consistent(finished):
    """The metrics of one image, worked out again from the files of the stages before."""
    from augcam.comparison.maps import Maps, to_maps
    from augcam.entries import metric_named

    results = finished / "results" / "tiny"
    cams = []
    for model in ("none/1", "cutmix/2"):
        with np.load(results / "explanations" / "main" / model / "cams.npz") as archive:
            cams.append(Maps(to_maps(archive["cam"][[7]], 16)))
    row = pd.read_parquet(results / "similarity" / "main" / "cutmix" / "2.parquet").iloc[7]
    for name in ("mad", "spearman", "overlap_5"):
        assert row[name] == pytest.approx(metric_named(name).function(*cams)[0], nan_ok=True)
    states = [
        pd.read_parquet(results / "similarity" / "main" / "cutmix" / f"{s}.parquet") for s in (1, 2)
    ]
    mean = pd.read_parquet(results / "tables" / "similarity_mean.parquet")
    mean = mean[mean["condition"] == "cutmix"]
    expected = (states[0]["mad"].to_numpy() + states[1]["mad"].to_numpy()) / 2
    np.testing.assert_allclose(mean["mad"], expected, rtol=1e-15)
    predictions = pd.read_parquet(
        results / "explanations" / "main" / "affine" / "1" / "predictions.parquet"
    )
    performance = pd.read_parquet(results / "tables" / "performance.parquet")
    accuracy = performance.query("condition == 'affine' and state == 1")["accuracy"].item()
    assert accuracy == (predictions["label"] == predictions["predicted"]).mean()


def test_nothing_is_left_to_do_and_touched_files_rerun_nothing(finished):
    assert planned(finished, "--configfile", "tiny.yaml") == {}
    results = finished / "results" / "tiny"
    for path in (
        results / "data/images.npy",
        results / "data/stats.json",
        results / "models/initial.safetensors",
    ):
        os.utime(path)
    os.utime(finished / "src" / "augcam" / "train" / "loop.py")
    assert planned(finished, "--configfile", "tiny.yaml") == {}


def test_what_the_estimate_looks_for_is_what_a_run_makes(finished):
    config = read_config(str(finished / "tiny.yaml"))
    counts = {"train": 108, "val": 12, "test": 40}
    stages = estimate.planned(config, counts, finished / "results" / "tiny")
    assert {stage.name: stage.left for stage in stages} == {stage.name: [] for stage in stages}


def once(*rules):
    return dict.fromkeys(rules, 1)


RECORDED = once("provenance", "write_pages", "page")  # the record of the run repeats the config
AGGREGATED = once(
    "aggregate", "warnings", "conclude", "make_pair_counts", "check_claims", "draw_similarity",
    "draw_pair_counts", "draw_extremes", "draw_statistics",
) | RECORDED  # fmt: skip
SIMILARITY = AGGREGATED | once(
    "segments", "draw_segments", "compare_further", "effects", "decouple", "behaviour"
)
COMPARED = {"compare": N_MODELS - 1} | SIMILARITY
PREDICTED = once("performance", "draw_performance", "draw_examples", "model_space")
SCORED = once("score_statistics", "draw_scores")
MAPPED = PREDICTED | SCORED | once("target_changes")
EXPLAIN = {"explain": N_MODELS}
EXPLAINED = EXPLAIN | {"score": N_MODELS} | COMPARED | MAPPED | once("null_levels")
TWO_MODELS = {"train": 2, "explain": 2, "compare": 2, "score": 2} | SIMILARITY | MAPPED
FEWER = {rule: n for rule, n in (SIMILARITY | MAPPED).items() if rule != "compare_further"}
DRAWN = once(
    "draw_examples", "draw_performance", "draw_similarity", "draw_pair_counts", "draw_extremes",
    "draw_scores", "draw_segments", "draw_statistics", "page",
)  # fmt: skip
RERUNS = {
    "figure setting": ({"figures": {"dpi": 80}}, DRAWN),
    # Of three pairs one is counted in any case; that more were wanted is said.
    "pair_k": ({"analysis": {"pair_k": 2}}, once("conclude") | RECORDED),
    "affine parameter": ({"augmentation_parameters": {"affine": {"degrees": 5}}}, TWO_MODELS),
    "one more augmentation": ({"augmentations": [*TINY["augmentations"], "gaussblur"]}, TWO_MODELS),
    "one more state": (
        {"starting_states": [1, 2, 3]},
        {"train": 5, "explain": 5, "compare": 5, "score": 5}
        | SIMILARITY
        | MAPPED
        | {"compare_further": 2},
    ),
    "one state fewer": ({"starting_states": [1]}, FEWER),
    "cam method": ({"cam": {"method": "layercam"}}, EXPLAINED),
    "cam layer": ({"model": {"cam_layer": "layer2.2"}}, {"describe_network": 1, **EXPLAINED}),
    "cam layer and learning rate": (
        {"model": {"cam_layer": "layer2.2"}, "training": {"learning_rate": 0.01}},
        {"describe_network": 1, "train": N_MODELS, **EXPLAINED},
    ),
    "input size": (
        {"model": {"input_size": 24}},
        once("rehearse_network", "describe_network", "initial_weights")
        | {"train": N_MODELS, **EXPLAINED},
    ),
    "variation": (
        {"variation": ["augmentation", "network", "order"]},
        {"draw_order": 2, "train": N_MODELS, **EXPLAINED},
    ),
    "metrics": (
        {"similarity": {"metrics": ["mad"]}},
        # Performance counts the entries of metrics among its code, since it names things.
        COMPARED
        | SCORED
        | once("null_levels", "target_changes", "performance", "draw_performance", "model_space"),
    ),
    "learning rate": ({"training": {"learning_rate": 0.01}}, {"train": N_MODELS, **EXPLAINED}),
    "recipe": ({"training": {"optimizer": "sgd"}}, {"train": N_MODELS, **EXPLAINED}),
    "recipe of before, written out": (
        {"training": {"optimizer": "adam", "schedule": "constant", "weights": "best"}},
        {},
    ),
    "resamples": (
        {"statistics": {"resamples": 300}},
        once("effects", "decouple", "model_space", "conclude", "draw_statistics")
        | SCORED
        | RECORDED,
    ),
    "no three targets": (
        {"statistics": {"targets": False}},
        once("conclude", "draw_statistics") | RECORDED,
    ),
    # No training, no main explanation, no table of the main view but what is said in the end.
    "a view": (
        {"views": {"early": {"layer": "layer2.2"}}},
        once("describe_views", "view_statistics", "draw_views", "conclude", "compare_further")
        | {"explain_views": N_MODELS, "compare": N_MODELS - 1, "score": N_MODELS}
        | RECORDED,
    ),
    "images of the explorer": ({"explorer": {"images": 30}}, once("page")),
    "device": ({"execution": {"device": "cpu"}}, {}),
    "compared architectures": ({"architectures": ["resnet20"]}, RECORDED),
}


@pytest.mark.parametrize("change", RERUNS)
def test_a_change_reruns_exactly_what_depends_on_it(finished, change):
    values, expected = RERUNS[change]
    config = dict(TINY)
    for key, value in values.items():
        config[key] = TINY.get(key, {}) | value if isinstance(value, dict) else value
    write_config(finished, config, "changed")
    plan = planned(finished, "--configfile", "changed.yaml")
    assert plan == (expected and expected | {"all": 1})


@pytest.mark.parametrize("values", [{"model": {"fit": "pad"}}, {"dataset": {"background": "teal"}}])
def test_images_are_read_again_where_networks_are_to_see_other_parts_of_them(finished, values):
    config = TINY | {key: TINY.get(key, {}) | value for key, value in values.items()}
    write_config(finished, config, "changed")
    assert planned(finished, "--configfile", "changed.yaml")["prepare_data"] == 1


@pytest.mark.parametrize(
    "module,expected",
    [
        ("paper/aggregation", AGGREGATED),
        ("report/style", DRAWN),
        ("paper/claims", once("check_claims", "write_pages", "page")),
        ("page/answer", once("page")),
    ],
)
def test_an_edited_module_reruns_what_uses_it(finished, module, expected):
    path = finished / "src" / "augcam" / f"{module}.py"
    content = path.read_text()
    path.write_text(content + "# edited\n")
    plan = planned(finished, "--configfile", "tiny.yaml")
    path.write_text(content)
    assert plan == {**expected, "all": 1}
    assert planned(finished, "--configfile", "tiny.yaml") == {}


def test_two_runs_give_the_same_bytes_also_when_one_is_killed(finished):
    """Another run in a folder of its own, killed in the middle and continued, without the three
    targets; when these are wanted later, nothing is trained and nothing compared again."""
    config = TINY | {"experiment": "again"}
    write_config(
        finished, config | {"statistics": TINY["statistics"] | {"targets": False}}, "again"
    )
    arguments = ["--cores", "2", "--configfile", "again.yaml", "--nolock"]
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=finished,
        env=os.environ | {"PYTHONPATH": str(finished / "src")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    models = finished / "results" / "again" / "models"
    while not list(models.glob("*/*/checkpoint.safetensors")):
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    snakemake(finished, *arguments)
    write_config(finished, config, "again")
    target = ["--configfile", "again.yaml", "--", "explanations"]
    assert planned(finished, *target) == EXPLAIN | {"explanations": 1}
    snakemake(finished, "--cores", "2", *target)
    left = once("target_changes", "conclude", "draw_statistics", "all") | RECORDED
    assert planned(finished, "--configfile", "again.yaml") == left
    snakemake(finished, *arguments)
    results = finished / "results"
    assert digest(results / "again") == digest(results / "tiny")


def test_bad_data_fails_with_its_sentence_and_a_rerun_after_mending_continues(finished):
    from PIL import Image

    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        for name in ("a", "b"):
            (finished / "images" / part / name).mkdir(parents=True)
            for i in range(20):
                pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(finished / "images" / part / name / f"{i}.png")
    broken = finished / "images" / "train" / "b" / "7.png"
    content = broken.read_bytes()
    broken.write_bytes(content[:50])
    dataset = {"name": "imagefolder", "train": "images/train", "test": "images/test"}
    write_config(finished, {"experiment": "broken", "dataset": dataset}, "broken")
    arguments = [
        "--cores",
        "1",
        "--configfile",
        "broken.yaml",
        "--",
        "results/broken/data/stats.json",
    ]
    done = snakemake(finished, *arguments, check=False)
    assert done.returncode == 1
    assert "error: images/train/b/7.png: the image cannot be decoded" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((finished / "results" / "broken" / "data").glob("*"))
    broken.write_bytes(content)
    snakemake(finished, *arguments)


def test_the_others_go_on_where_a_model_fails_and_it_can_be_left_out(finished):
    """One training is killed; all that needs no other model is made, and then all but it."""
    config = TINY | {"experiment": "lame", "augmentations": ["affine", "cutmix"], "controls": []}
    write_config(finished, config | {"statistics": {"targets": False}})
    arguments = ["--configfile", "lame.yaml", "--", "similarity"]
    process = start(finished, "--cores", "2", "--keep-going", *arguments)
    results = finished / "results" / "lame"
    record = results / "logs/train/cutmix/2.json"
    while not record.exists():
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(read_json(record)["process"], signal.SIGKILL)
    output, _ = process.communicate()
    assert process.returncode == 1
    assert "train/cutmix/2: it left no word" in output
    assert "--config 'without={cutmix: [2]}'\n" in output
    made = {f"{p.parent.name}/{p.stem}" for p in results.glob("similarity/main/*/*.parquet")}
    assert made == {"affine/1", "affine/2", "cutmix/1"}
    found = status(read_config(str(finished / "lame.yaml")), results, time.time())
    assert [job.name for job in found.trainings if job.state == "killed"] == ["cutmix/2"]
    without = ["--config", "without={cutmix: [2]}"]
    left = planned(finished, *without, "--configfile", "lame.yaml")
    assert left.keys().isdisjoint({"train", "explain", "compare"})
    assert left["aggregate"] == 1
    assert planned(finished, *without, *arguments) == {}
    assert planned(finished, *arguments)["train"] == 1  # otherwise it is asked for again


def test_architectures_are_trained_and_tested_after_every_epoch(finished):
    config = {"architectures": ["resnet20", "resnet32"]}
    write_config(finished, TINY | config, "architectures")
    arguments = "--cores", "2", "--verbose", "--configfile", "architectures.yaml"
    said = snakemake(finished, *arguments, "--", "architectures").stderr
    # Jobs are selected in the beginning and after each that has ended: Snakemake itself would
    # do so every second, ever more often.
    assert said.count("Ready jobs") <= said.count("Finished jobid") + 1
    results = finished / "results" / "tiny"
    table = pd.read_csv(results / "tables" / "architectures.csv")
    assert table["architecture"].tolist() == ["resnet20"] * 2 + ["resnet32"] * 2
    assert table["epoch"].tolist() == [1, 2] * 2
    assert table[["accuracy", "precision", "recall", "f1"]].notna().all(axis=None)
    # The candidate that is the experiment's own network is trained exactly as the baseline.
    baseline = pd.read_parquet(results / "models" / "none" / "1" / "history.parquet")
    own = table[table["architecture"] == "resnet20"]
    assert own["train_loss"].tolist() == baseline["train_loss"].tolist()
    assert (results / "figures" / "architectures_time.png").is_file()


def test_the_graph_of_rules_is_drawn(finished, tmp_path):
    """As `make dag` does; `explain` uses files of its own, and is no cycle."""
    dot = snakemake(finished, "--configfile", "tiny.yaml", "--quiet", "--rulegraph", "dot").stdout
    call = [sys.executable, ROOT / "tools" / "draw_rulegraph.py", tmp_path / "dag.png"]
    subprocess.run(call, input=dot, text=True, check=True)
    assert (tmp_path / "dag.png").is_file()


def test_the_report_holds_a_figure_of_each_kind_and_every_page(finished):
    snakemake(finished, "--configfile", "tiny.yaml", "--report", "results/tiny/report.html")
    text = (finished / "results" / "tiny" / "report.html").read_text(encoding="utf-8")
    kinds = {item.name for item in one_of_each_kind(FIGURES) if item.family != "architectures"}
    assert {item.name for item in FIGURES if f'"name": "{item.name}.png"' in text} == kinds
    pages = [item.name for item in tables(CONFIG) if item.name != "architectures"]
    assert [name for name in pages if f'"name": "{name}.html"' not in text] == []


def test_views_are_added_to_a_run_that_is_finished(finished):
    """Last, as it adds to the finished run: an earlier layer, whose maps are larger, and the true
    class of a sample of images, by another method."""
    results = finished / "results" / "tiny"
    before = digest(results)
    few = {"method": "layercam", "target": "label", "images": 15}
    config = TINY | {"views": {"early": {"layer": "layer2.2"}, "some": few}}
    write_config(finished, config, "viewed")
    arguments = ["--configfile", "viewed.yaml"]
    snakemake(finished, "--cores", "2", *arguments)
    assert planned(finished, *arguments) == {}
    after = digest(results)
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {"tables/conclusions.csv", "tables/conclusions.parquet"}
    run = load(results)
    assert run.views == ["main", "early", "some"]
    assert run.explained("affine", 2, "early")["cam"].shape == (40, 8, 8)
    sampled = [run.explained(*model, "some") for model in run.models]
    assert {one["cam"].shape for one in sampled} == {(15, 4, 4)}
    ids = sampled[0]["image_id"]
    assert all(np.array_equal(one["image_id"], ids) for one in sampled)
    labels = run.index.loc[ids, "label"].to_numpy()
    assert all(np.array_equal(one["target"], labels) for one in sampled)
    holds = run.tables["holds"]
    assert set(holds["view"]) == {"early", "some", "target label", "target baseline"}
    assert set(holds["metric"]) == set(run.config["similarity"]["metrics"]) - {"class_kld"}
    assert holds.query("view == 'some'")["n_images"].max() <= 15
    # The order again, from the distances of each model.
    means = {
        condition: np.mean(
            [
                run.distances(condition, 1, "early")["mad"].mean(),
                run.distances(condition, 2, "early")["mad"].mean(),
            ]
        )
        for condition in ("affine", "cutmix", "equalize", "identity")
    }
    further = results / "similarity/early/further/2"
    for condition in means:
        both = [pd.read_parquet(further / condition / f"{s}.parquet")["mad"].mean() for s in (1, 2)]
        means[condition] = (means[condition] + np.mean(both)) / 2
    (row,) = holds.query("view == 'early' and metric == 'mad'").to_dict("records")
    order = [name for name in row["order"].split(" > ") if name in means]
    assert order == sorted(means, key=means.get, reverse=True)
    findings = run.tables["conclusions"]
    assert "does it hold" in set(findings["topic"])
    index, explorer = (
        (results / f"{name}.html").read_text(encoding="utf-8") for name in ("index", "explorer")
    )
    assert "Does it hold?" in index and "table-holds" in index
    assert all(f"chunk-maps-{view}-8" in explorer for view in run.views)
