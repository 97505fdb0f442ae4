"""Before a long run: what is planned, what of it is done, and how long the rest takes here."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from augcam.config.experiment import Config
from augcam.entries import augmentation_named
from augcam.run.calibration import CUDA_CONTEXT, GPU_FILL


class Stage(NamedTuple):
    """Jobs of one kind, how many of them are done, and `images`: kind of work (training,
    inference, explanation, comparison) → images that still have to go through it."""

    name: str
    jobs: int
    done: int
    images: dict[str, int]


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
    """The expensive stages of the experiment in `folder`; a file that is there counts as done.

    `counts`: images in `train`, `val` and `test`. `epochs_done` reads a checkpoint.
    """
    models, compared = config.models, config.compared
    left = [m for m in models if not _path(folder, "models", m, "weights.safetensors").exists()]
    training = inference = 0
    for condition, state in left:
        checkpoint = _path(folder, "models", (condition, state), "checkpoint.safetensors")
        epochs = config.training.epochs - (epochs_done(checkpoint) if checkpoint.exists() else 0)
        training += epochs * counts["train"] * (1 + augmentation_named(condition).copies)
        inference += epochs * counts["val"]
    last = "targets.npz" if config.statistics.targets else "cams.npz"
    explained = [m for m in models if _path(folder, "explanations/main", m, last).exists()]
    similar = [m for m in compared if (folder / f"similarity/main/{m[0]}/{m[1]}.parquet").exists()]
    return [
        Stage(
            "train",
            len(models),
            len(models) - len(left),
            {"training": training, "inference": inference},
        ),
        _by_condition("explain", "explanation", models, explained, counts["test"]),
        _by_condition("compare", "comparison", compared, similar, counts["test"]),
    ]


def _by_condition(
    name: str,
    work: str,
    models: Sequence[tuple[str, int]],
    done: Sequence[tuple[str, int]],
    images: int,
) -> Stage:
    """A stage with one job a condition, which does all of its models again where one is missing."""
    missing = {condition for condition, _ in set(models) - set(done)}
    again = sum(condition in missing for condition, _ in models)
    jobs = len({condition for condition, _ in models})
    return Stage(name, jobs, jobs - len(missing), {work: again * images})


def _path(folder: Path, kind: str, model: tuple[str, int], name: str) -> Path:
    return folder / kind / model[0] / str(model[1]) / name


def durations(
    stages: Sequence[Stage], rates: Mapping[str, float], startup: float, at_once: Mapping[str, int]
) -> list[Duration]:
    """How long each stage takes.

    `rates`: images a second of one job, by kind of work, while `at_once` jobs (by stage) run.
    `startup`: seconds that a job takes before it works.
    """
    result = []
    for stage in stages:
        left = stage.jobs - stage.done
        together = min(at_once[stage.name], max(left, 1))
        work = sum(images / rates[kind] for kind, images in stage.images.items())
        result.append(Duration(stage, together, (work + left * startup) / together))
    return result


def disk(
    config: Config,
    stages: Sequence[Stage],
    weights: int,
    feature_map: tuple[int, int],
    classes: int,
    at_once: int,
) -> dict[str, int]:
    """Bytes that the rest of the run writes at most, by folder; `weights`: bytes of one network."""
    left = {stage.name: stage.jobs - stage.done for stage in stages}
    images = {kind: count for stage in stages for kind, count in stage.images.items()}
    pixels, prediction = 4 * math.prod(feature_map), 24 + 4 * classes
    cam = pixels + 16 + (3 * pixels + 8) * config.statistics.targets
    row = 8 * len(config.similarity.metrics) + 12
    return {
        "models": left["train"] * weights,
        # Those of finished trainings, the best weights alone, stay until the run has succeeded.
        "checkpoints, meanwhile": (left["train"] + 3 * min(at_once, left["train"])) * weights,
        "explanations": images["explanation"] * (cam + prediction),
        "similarity": images["comparison"] * row,
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
    table = [("stage", "jobs", "done", "images left", "images/s a job", "at once", "time")]
    for (name, jobs, done, images), at_once, seconds in rows:
        main = next(iter(images))
        table.append(
            (
                name,
                str(jobs),
                str(done),
                f"{images[main]:,}",
                f"{rates[main]:,.0f}" if rates[main] >= 100 else f"{rates[main]:.3g}",
                str(at_once),
                duration(seconds),
            )
        )
    total = sum(row.seconds for row in rows)
    table.append(("all", "", "", "", "", "", duration(total)))
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in table
    ]
    parts = ", ".join(f"{name} {size(count)}" for name, count in needed.items() if count)
    disk_line = f"disk: {size(sum(needed.values()))} to write ({parts}); {size(free)} are free"
    if not parts:
        disk_line = f"disk: nothing left to write; {size(free)} are free"
    elif sum(needed.values()) > free:
        disk_line += ": not enough"
    return "\n".join([head, "", *lines, "", disk_line, *more])


def duration(seconds: float) -> str:
    """As people say it: `40 s`, `12 min`, `3 h 20 min`, `2 d 5 h`."""
    if seconds < 60:
        return f"{math.ceil(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    return "{} d {} h".format(*divmod(hours, 24))


def size(count: float) -> str:
    """Bytes as people say them: `3.4 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            break
        count, unit = count / 1024, "TiB"
    return f"{count:.3g} {unit}"


def headline(config: Config, device: str, cores: int) -> str:
    """What is estimated, in one line."""
    model, training = config.model, config.training
    return (
        f"{config.experiment}: {len(config.models)} networks, {model.architecture} at "
        f"{model.input_size}×{model.input_size}, {training.epochs} epochs, batches of "
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
