"""Status of a run, from its files alone: what is done, running, failed, and how long it will take.

    python -m augcam.status --configfile config/paper.yaml      (make status CONFIG=...)

It reads outputs and logs and starts nothing, so it serves from outside while a run goes on, on this
machine or on a cluster whose file system this machine sees.
"""

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from augcam.config.experiment import Config
from augcam.config.messages import parse_config
from augcam.entries import augmentation_named
from augcam.errors import AugcamError
from augcam.names import SEED_CONTROL
from augcam.run.lease import WAITING

SILENCE = 300  # seconds without a word after which a training no longer counts as running


_BAR = re.compile(
    r"(?P<done>\d+)/(?P<total>\d+) \[(?P<elapsed>[\d:]+)<(?P<remaining>[\d:?]+), *"
    r"(?P<rate>[\d.?]+)(?P<unit>img/s|s/img)(?:, (?P<words>[^\]\r]*))?\]"
)


_EPOCH = re.compile(r"epoch (\d+/\d+), loss ([\d.naif]+), val\. accuracy ([\d.]+)")


class Progress(NamedTuple):
    """The last progress bar in a training's log: images done and in all, images a second (None
    before the first batch), the last finished epoch with its training loss and validation accuracy
    (empty before the first epoch has ended)."""

    done: int
    total: int
    rate: float | None
    epoch: str = ""
    loss: str = ""
    accuracy: str = ""


class ModelStatus(NamedTuple):
    """`name`: `<condition>/<state>`, or the name of a compared architecture, whose `condition` is
    `none`; `state`: done, running, waiting for a GPU, failed, stopped (silent, without a result) or
    waiting; `age`: seconds since its log was last written; `words`: the log's last lines, where it
    failed or stopped."""

    name: str
    condition: str
    state: str
    progress: Progress | None
    age: float | None
    words: tuple[str, ...]


class Status(NamedTuple):
    """The models in the config's order, then the compared architectures whose training has begun,
    and files made and wanted of each stage after them."""

    models: list[ModelStatus]
    stages: dict[str, tuple[int, int]]


def read_progress(log: str) -> Progress | None:
    """The last progress bar in the text of a training's log; None where there is none."""
    bars = list(_BAR.finditer(log))
    if not bars:
        return None
    found = bars[-1]
    rate = None if "?" in found["rate"] else float(found["rate"])
    if rate and found["unit"] == "s/img":
        rate = 1 / rate
    epochs = _EPOCH.findall(log)
    return Progress(int(found["done"]), int(found["total"]), rate, *(epochs[-1] if epochs else ()))


def last_lines(log: str, count: int = 3) -> tuple[str, ...]:
    """The last lines of a log that say something; of a progress bar its latest state."""
    lines = (line.rsplit("\r", 1)[-1].strip() for line in log.replace("\r\n", "\n").split("\n"))
    return tuple([line for line in lines if line][-count:])


def model_status(model: Path, log: Path, name: str, condition: str, now: float) -> ModelStatus:
    """The status of the training that writes into the folder `model` and says so in `log`."""
    if (model / "weights.safetensors").exists() and (model / "history.parquet").exists():
        return ModelStatus(name, condition, "done", None, None, ())
    try:
        text = log.read_bytes().decode("utf-8", errors="replace")
        age = max(0.0, now - log.stat().st_mtime)
    except FileNotFoundError:
        return ModelStatus(name, condition, "waiting", None, None, ())
    progress, words = read_progress(text), last_lines(text)
    if re.search(r"^(error: |Traceback )", text, re.MULTILINE):
        return ModelStatus(name, condition, "failed", progress, age, words)
    if age > SILENCE:
        return ModelStatus(name, condition, "stopped", progress, age, words)
    state = "waiting for a GPU" if words and words[-1].startswith(WAITING) else "running"
    return ModelStatus(name, condition, state, progress, age, ())


def status(config: Config, folder: Path, now: float) -> Status:
    """The status at time `now` (seconds since 1970) of the experiment in `folder`."""
    files = {
        "explained": ("explanations/main/{}/{}/cams.npz", config.models),
        "compared": ("similarity/main/{}/{}.parquet", config.compared),
    }
    made = {
        stage: (sum((folder / pattern.format(*model)).exists() for model in models), len(models))
        for stage, (pattern, models) in files.items()
    }
    made["whole run"] = (int((folder / "provenance.json").exists()), 1)
    names = {f"{condition}/{state}": condition for condition, state in config.models}
    models = [
        model_status(folder / "models" / name, folder / f"logs/train/{name}.log", name, c, now)
        for name, c in names.items()
    ]
    for name in config.candidates:
        log = folder / f"logs/train_architecture/{name}.log"
        if log.exists():
            models.append(
                model_status(folder / "architectures" / name, log, name, SEED_CONTROL, now)
            )
    return Status(models, made)


def remaining_seconds(models: Sequence[ModelStatus]) -> float | None:
    """Time until all trainings are done at the present rate; None where none is running.

    A training that waits counts as the largest one known, per training image that it shows.
    """
    rates = [m.progress.rate for m in models if m.state == "running" and m.progress]
    shown = [1 + augmentation_named(model.condition).copies for model in models]
    totals = [m.progress.total / count for m, count in zip(models, shown) if m.progress]
    if not any(rates) or not totals:
        return None
    images = 0.0
    for model, count in zip(models, shown):
        if model.progress and model.state != "done":
            images += model.progress.total - model.progress.done
        elif model.state != "done":
            images += max(totals) * count
    return images / sum(filter(None, rates))


def duration(seconds: float | None) -> str:
    """Seconds as people say them: `45 s`, `12 min`, `3 h 05 min`; empty for None."""
    if seconds is None:
        return ""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02} min"


def table(found: Status) -> str:
    """The status as text: a line a model, a line a stage, and the time that trainings will take."""
    head = ("model", "state", "done", "epoch", "loss", "accuracy", "images/s", "left", "last word")
    rows = [head, *map(_row, found.models)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths)) for row in rows]
    lines = [line.rstrip() for line in lines]
    for model in found.models:
        if model.words:
            lines += ["", f"{model.name} {model.state}; its log ends:"]
            lines += [f"  {words}" for words in model.words]
    states = Counter(model.state for model in found.models)
    lines += ["", "trained: " + ", ".join(f"{count} {state}" for state, count in states.items())]
    lines += [f"{stage}: {made} of {wanted}" for stage, (made, wanted) in found.stages.items()]
    if left := duration(remaining_seconds(found.models)):
        lines.append(f"trainings done in about {left} at the present rate")
    return "\n".join(lines)


def _row(model: ModelStatus) -> tuple[str, ...]:
    name, progress = model.name, model.progress
    age = f"{duration(model.age)} ago" if model.age is not None else ""
    if progress is None:
        return (name, model.state, *[""] * 6, age)
    left = rate = ""
    if model.state == "running" and progress.rate:
        left = duration((progress.total - progress.done) / progress.rate)
        rate = f"{progress.rate:.0f}" if progress.rate >= 10 else f"{progress.rate:.1f}"
    share = f"{progress.done / progress.total:.0%}"
    values = (share, progress.epoch, progress.loss, progress.accuracy, rate, left)
    return (name, model.state, *values, age)


def read_config(*paths: str) -> Config:
    """The config that Snakemake makes of these files: each one laid over those before it.

    Raises AugcamError naming a file that is missing or no config.
    """
    from snakemake.common.configfile import load_configfile
    from snakemake.exceptions import WorkflowError
    from snakemake.utils import update_config

    values: dict = {}
    for path in paths:
        try:
            update_config(values, load_configfile(path))
        except FileNotFoundError:
            raise AugcamError(f"{path}: the config file was not found.") from None
        except (WorkflowError, OSError, UnicodeError) as error:
            reason = str(error).partition("\n")[0]
            raise AugcamError(f"{path}: this is no readable config file ({reason}).") from error
    return parse_config(values)


def main() -> None:
    """Print the status of an experiment."""
    parser = argparse.ArgumentParser(prog="augcam.status", description=__doc__.partition("\n")[0])
    parser.add_argument("--configfile", default="config/config.yaml", help="the run's config")
    path = parser.parse_args().configfile
    try:
        config = read_config(path)
    except AugcamError as error:
        sys.exit(f"error: {error}")
    print(table(status(config, Path("results") / config.experiment, time.time())))


if __name__ == "__main__":
    main()
