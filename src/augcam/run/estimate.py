"""Before a long run: what is planned, what of it is done, and how long the rest takes here."""

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from augcam.config.checks import scored, scores_of_maps, scores_of_networks
from augcam.config.experiment import Config
from augcam.entries import Figure, Table, entries
from augcam.names import MAIN
from augcam.report.catalogue import figures
from augcam.run.calibration import CUDA_CONTEXT, GPU_FILL, of_view
from augcam.words import columns, duration, size

Work = dict[str, float]
"""Kind of work → how much of it: images (training, inference, explanation, one kind per further
view, comparison, shared, scoring, asking), figures, starts of a job (torch, compiled, start),
shares of the step `decouple`, checks with random weights (checking)."""

Jobs = list[tuple[str, Work]]
"""Of each job a file that it makes, and its work but for starting it."""

LIKE_DECOUPLING = {"decoupled_maps": 1.0, "model_pairs": 0.25, "effects": 0.15}
"""Tables that are resampled, and what their steps cost beside `decouple`; 0.25 and 0.15 as measured
on the presets."""

TABLES = ("performance", "similarity_mean", "segment_summary", "claims", "behaviour")
"""One of the tables of each further step that makes some: little beside starting it."""

CLOSING = ("tables/warnings.csv", "tables/conclusions.csv", "provenance.json", "pages/summary.html")


STARTS = {
    "train": "torch",
    "explain": "torch",
    "compare": "compiled",
    "score": "compiled",
    "faithfulness": "torch",
}
"""Kind of start of a stage's jobs, where they import more than pandas."""


class Stage(NamedTuple):
    """Jobs of one kind: how many there are, and the work of each that is not done. What is counted
    for people is the first kind of work, in `unit`."""

    name: str
    unit: str
    jobs: int
    left: list[Work]

    def amount(self, *kinds: str) -> float:
        """How much work of some kinds is left, in all jobs."""
        return sum(job.get(kind, 0) for job in self.left for kind in kinds)


class Duration(NamedTuple):
    """A stage, how many of its jobs run at once, and the seconds until all are done."""

    stage: Stage
    at_once: int
    seconds: float


def planned(
    config: Config,
    counts: Mapping[str, int],
    folder: Path,
    epochs_done: Callable[[Path], int] = lambda _checkpoint: 0,
) -> list[Stage]:
    """The stages of the experiment in `folder`; what is there counts as done.

    `counts`: images in `train`, `val` and `test`. `epochs_done` reads a checkpoint.
    """
    models, test = config.models, counts["test"]

    shown = {name: min(look.images or test, test) for name, look in config.looks.items()}
    further_views = [name for name in shown if name != MAIN]

    def stage(name: str, unit: str, jobs: Jobs) -> Stage:
        explains = name in map(of_view, further_views[:1])  # one job a model for all views
        start = "torch" if explains else STARTS.get(name, "start")
        left = [work | {start: 1} for file, work in jobs if not (folder / file).exists()]
        return Stage(name, unit, len(jobs), left)

    def training(condition: str, state: int) -> Work:
        checkpoint = folder / f"models/{condition}/{state}/checkpoint.safetensors"
        epochs = config.training.epochs - (epochs_done(checkpoint) if checkpoint.exists() else 0)
        images = counts["train"] * config.images_shown(condition)
        return {"training": epochs * images, "inference": epochs * counts["val"]}

    last = "targets.npz" if config.statistics.targets else "cams.npz"
    drawn = [item for item in figures(config) if item.family != "architectures"]
    families = dict.fromkeys(item.family for item in drawn)
    by_family = {family: [i.name for i in drawn if i.family == family] for family in families}
    drawing = {names[-1]: len(names) for family, names in by_family.items() if family != "entries"}
    drawing |= dict.fromkeys(entries(Figure), 1)
    trainings: Jobs = [(f"models/{c}/{s}/weights.safetensors", training(c, s)) for c, s in models]
    explanations: Jobs = [
        (f"explanations/main/{c}/{s}/{last}", {"explanation": test}) for c, s in models
    ]
    views: dict[str, Jobs] = {
        of_view(view): [
            (f"explanations/{view}/{c}/{s}/cams.npz", {of_view(view): shown[view]})
            for c, s in models
        ]
        for view in further_views
    }
    comparisons: Jobs = [
        (f"similarity/{view}/{c}/{s}.parquet", {"comparison": images})
        for view, images in shown.items()
        for c, s in config.compared
    ]
    last = "/".join(map(str, models[-1]))
    comparisons += [
        (f"similarity/{view}/further/{s}/{last}.parquet", {"shared": images * len(models)})
        for view, images in shown.items()
        for _, s in config.baselines[1:]
    ]
    scores: Jobs = [
        (f"scores/{view}/{c}/{s}.parquet", {"scoring": images})
        for view, images in shown.items()
        for c, s in models
        if scored(config)
    ]
    limit = config.statistics.faithfulness_images
    answers: Jobs = [
        (f"faithfulness/{view}/{c}/{s}.parquet", {"asking": min(images, limit)})
        for view, images in shown.items()
        for c, s in models
        if scores_of_networks(config)
    ]
    tables: Jobs = [
        (f"tables/{name}.parquet", {"decoupling": x}) for name, x in LIKE_DECOUPLING.items()
    ]
    tables += [(f"tables/{name}.parquet", {}) for name in (*TABLES, *entries(Table))]
    tables += [("tables/scores.parquet", {}) for _ in scores[:1]]
    tables += [(file, {}) for file in CLOSING]
    if further_views:  # effects of each, and of the main view on the same images
        cost = 2 * len(further_views) * LIKE_DECOUPLING["effects"]
        tables.append(("tables/holds.parquet", {"decoupling": cost}))
    nulls: Work = {"comparison": 3 * min(test, config.statistics.null_images)}
    tables.append(("tables/null_levels.parquet", nulls))
    if config.statistics.targets:
        tables.append(
            ("tables/target_changes.parquet", {"shared": 3 * test * len(config.compared)})
        )
    if config.statistics.sanity:
        tables += [(f"sanity/{view}.parquet", {"checking": 1, "torch": 1}) for view in config.looks]
    pictures: Jobs = [(f"figures/{name}.png", {"figure": count}) for name, count in drawing.items()]
    return [
        stage("train", "images", trainings),
        stage("explain", "images", explanations),
        *(stage(name, "images", jobs) for name, jobs in views.items()),
        stage("compare", "images", comparisons),
        stage("score", "images", scores),
        *([stage("faithfulness", "images", answers)] if answers else []),
        stage("tables", "", tables),
        stage("figures", "figures", pictures),
    ]


def durations(
    stages: Sequence[Stage], rates: Mapping[str, float], at_once: Mapping[str, int]
) -> list[Duration]:
    """How long each stage takes, after one another.

    `rates`: work of each kind that one job does a second while `at_once` jobs (by stage) run.
    """
    result = []
    for stage in stages:
        # Snakemake starts each job in about the time that Python takes to start, on the same cores.
        seconds = [
            1 / rates["start"] + sum(amount / rates[kind] for kind, amount in job.items())
            for job in stage.left
        ]
        together = min(at_once[stage.name], max(len(seconds), 1))
        result.append(Duration(stage, together, makespan(seconds, together)))
    return result


def makespan(seconds: Sequence[float], at_once: int) -> float:
    """When the last of jobs that take so long has ended, `at_once` at a time, the longest first."""
    ends = [0.0] * at_once
    for taken in sorted(seconds, reverse=True):
        heapq.heapreplace(ends, ends[0] + taken)
    return max(ends)


def disk(
    config: Config,
    stages: Sequence[Stage],
    weights: int,
    feature_map: tuple[int, int],
    classes: int,
    at_once: int,
    views: Mapping[str, tuple[int, int]] | None = None,
) -> dict[str, int]:
    """Bytes that the rest of the run writes at most, by folder; `weights`: bytes of one network;
    `feature_map`, `views`: height and width of the maps of the main view, and of the others."""
    by_name = {stage.name: stage for stage in stages}
    trainings = len(by_name["train"].left)
    explained = by_name["explain"].amount("explanation")
    compared = by_name["compare"].amount("comparison", "shared")
    pixels, prediction = 4 * math.prod(feature_map), 24 + 4 * classes
    cam = pixels + 16 + (3 * pixels + 8) * config.statistics.targets
    of_views = sum(
        by_name[of_view(view)].amount(of_view(view)) * (4 * math.prod(size) + 16 + prediction)
        for view, size in (views or {}).items()
    )
    row = 8 * len(config.similarity.metrics) + 12
    answers = sum(stage.amount("asking") for stage in stages) * 8
    return {
        "models": trainings * weights,
        # Those of finished trainings, the best weights alone, stay until the run has succeeded.
        "checkpoints, meanwhile": (trainings + 3 * min(at_once, trainings)) * weights,
        "explanations": int(explained * (cam + prediction) + of_views),
        "similarity": int(compared * row),
        "scores": int(by_name["score"].amount("scoring") * (9 + 8 * len(scores_of_maps(config)))),
        "faithfulness": int(answers * (1 + len(scores_of_networks(config)))),
    }


def networks_at_once(cores: int, threads: int, gpu_slots: int = 0, gpu_limit: int = 0) -> int:
    """Trainings or explanations of `threads` threads that run together.

    `gpu_slots`: how many the visible GPUs take; `gpu_limit`: `--resources gpu=N`; 0: none of that.
    """
    limits = (max(1, cores // threads), gpu_slots, gpu_limit)
    return min(limit for limit in limits if limit)


def as_text(
    head: str,
    rows: Sequence[Duration],
    rates: Mapping[str, float],
    needed: Mapping[str, int],
    free: int,
    more: Sequence[str],
) -> str:
    """The whole estimate, for people."""
    table = [("stage", "jobs", "done", "left", "a job does a second", "at once", "time")]
    for stage, at_once, seconds in rows:
        left = each = ""
        if stage.left and stage.unit:
            kind = next(iter(stage.left[0]))
            left = f"{stage.amount(kind):,.0f} {stage.unit}"
            each = f"{rates[kind]:,.0f}" if rates[kind] >= 100 else f"{rates[kind]:.3g}"
        done = str(stage.jobs - len(stage.left))
        row = (stage.name, str(stage.jobs), done, left, each, str(at_once), duration(seconds))
        table.append(row)
    table.append(("all", "", "", "", "", "", duration(sum(row.seconds for row in rows))))
    lines = columns(table, right=True)
    parts = ", ".join(f"{name} {size(count)}" for name, count in needed.items() if count)
    disk_line = f"disk: {size(sum(needed.values()))} to write ({parts}); {size(free)} are free"
    if not parts:
        disk_line = f"disk: nothing left to write; {size(free)} are free"
    elif sum(needed.values()) > free:
        disk_line += ": not enough"
    return "\n".join([head, "", *lines, "", disk_line, *more])


def headline(config: Config, device: str, cores: int) -> str:
    """What is estimated, in one line."""
    model, training = config.model, config.training
    at_most = "" if training.early_stopping is None else "at most "
    return (
        f"{config.experiment}: {len(config.models)} networks, {model.architecture} at "
        f"{model.input_size}×{model.input_size}, {at_most}{training.epochs} epochs, batches of "
        f"{training.batch_size}, {training.precision}, device {device}, {cores} CPU cores"
    )


def memory_lines(measured: Mapping[str, float], at_once: int) -> list[str]:
    """What a job takes, on the GPU too where there is one."""
    lines = [f"memory: {size(measured['memory'])} a training, {at_once} at once"]
    if measured["gpu_memory"]:
        fit = int(GPU_FILL * measured["gpu_total"] // measured["gpu_memory"])
        lines.append(
            f"GPU memory: {size(measured['gpu_memory'])} a training ({size(CUDA_CONTEXT)} of it "
            f"allowed for CUDA itself), {size(measured['gpu_total'])} in all: {fit} jobs fit "
            "on one GPU, with a tenth left free"
        )
    return lines
