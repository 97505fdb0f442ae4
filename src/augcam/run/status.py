"""Status of a run, from its files alone: what is done, running, failed, and how long it will take.

    python -m augcam.run.status --configfile config/paper.yaml      (make status CONFIG=...)

It reads outputs, logs and the records beside them and starts nothing, so it serves from outside
while a run goes on, on this machine or on a cluster whose file system this machine sees.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from augcam.config.checks import scored, scores_of_networks
from augcam.config.experiment import Config
from augcam.config.messages import parse_config
from augcam.config.network import folder as architecture_folder
from augcam.errors import AugcamError
from augcam.report.catalogue import figures, tables
from augcam.run.lease import WAITING as WAITING_FOR_GPU
from augcam.run.record import DONE, FAILED, KILLED, RUNNING, SILENT, Found, find
from augcam.words import columns, duration

CALL = "snakemake"
"""The record of Snakemake itself, in `logs/`."""

WAITING = "waiting"

TRAININGS = ("train", "train_architecture")
OF_ONE_MODEL = ("train", "explain", "explain_views", "compare", "score", "faithfulness")
"""Rules whose jobs, and so their logs, are named `<condition>/<state>`, after a view or alone."""


class JobStatus(NamedTuple):
    """A job: its `rule` and what it is `of` (`cutmix/2`, an architecture, or nothing).

    `state`: done, running, waiting for a GPU, failed, interrupted, killed, silent or waiting (not
    begun). `found`: its record; `words`: the last lines of its `log`, unless all is well; `shown`:
    how often an epoch of a training shows each image, itself or a copy.
    """

    rule: str
    of: str
    state: str
    log: Path
    found: Found | None = None
    words: tuple[str, ...] = ()
    shown: int = 1

    @property
    def name(self) -> str:
        """Of a training the model alone."""
        return self.of if self.rule in TRAININGS else f"{self.rule}/{self.of}".rstrip("/")


class Status(NamedTuple):
    """Trainings, the models' in the config's order and then those of compared architectures that
    have begun; other jobs that run or ended badly; files made and wanted of each stage after the
    trainings; Snakemake itself, None where it has not been started; and the models left out."""

    trainings: list[JobStatus]
    others: list[JobStatus]
    stages: dict[str, tuple[int, int]]
    call: Found | None
    left_out: list[str]


def last_lines(log: str, count: int = 3) -> tuple[str, ...]:
    """The last lines of a log that say something; of a progress bar its latest state."""
    lines = (line.rsplit("\r", 1)[-1].strip() for line in log.replace("\r\n", "\n").split("\n"))
    return tuple([line for line in lines if line][-count:])


def read_log(log: str | Path) -> str:
    """The text of a log; none where it is not to be had."""
    try:
        text = Path(log).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name of a file or class must not command the terminal.
    return "".join(sign if sign.isprintable() or sign in "\n\r\t" else "�" for sign in text)


def job_status(rule: str, of: str, logs: Path, now: float, since: float = 0) -> JobStatus:
    """The status of a job by its record, whatever it has made; how it ended where it began before
    `since` does not count."""
    log = logs / rule / f"{of}.log" if of else logs / f"{rule}.log"
    found = find(log, now)
    if found is None or (found.state != RUNNING and found.values["began"] < since):
        return JobStatus(rule, of, WAITING, log)
    words = last_lines(read_log(log)) if found.state != DONE else ()
    if found.state == RUNNING:
        for_gpu = bool(words) and words[-1].startswith(WAITING_FOR_GPU)
        return JobStatus(rule, of, "waiting for a GPU" if for_gpu else RUNNING, log, found)
    return JobStatus(rule, of, found.state, log, found, words)


def of_training(job: JobStatus, folder: Path) -> JobStatus:
    """The status of a training that writes into `folder`: what is there decides."""
    if (folder / "weights.safetensors").exists() and (folder / "history.parquet").exists():
        return JobStatus(job.rule, job.of, DONE, job.log)
    if job.state == DONE:  # its results are gone, and it has not begun again
        return JobStatus(job.rule, job.of, WAITING, job.log)
    return job


def status(config: Config, folder: Path, now: float) -> Status:
    """The status at time `now` (seconds since 1970) of the experiment in `folder`."""
    logs, views = folder / "logs", config.looks
    shown = [item.name for item in tables(config) if item.family == "pages"]
    drawn = [item.name for item in figures(config) if item.family != "architectures"]
    answers = [f"faithfulness/{v}/{c}/{s}.parquet" for v in views for c, s in config.models]
    files = {
        "explained": [
            f"explanations/{v}/{c}/{s}/cams.npz" for v in views for c, s in config.models
        ],
        "compared": [f"similarity/{v}/{c}/{s}.parquet" for v in views for c, s in config.compared],
        "scored": [
            f"scores/{v}/{c}/{s}.parquet" for v in views for c, s in config.models if scored(config)
        ],
        **({"asked": answers} if scores_of_networks(config) else {}),
        "tables": [f"tables/{name}.parquet" for name in shown if name != "summary"],
        "figures": [f"figures/{name}.png" for name in drawn],
        "record of the run": ["provenance.json"],
    }
    made = {
        stage: (sum((folder / name).exists() for name in names), len(names))
        for stage, names in files.items()
    }
    call = find(logs / f"{CALL}.log", now)
    # What had failed before may be mended by a call that runs, and is by one that made everything.
    anew = call is not None and (call.state == RUNNING or call.values.get("whole"))
    since = call.values["began"] if call and anew else 0.0
    models = [f"{condition}/{state}" for condition, state in config.models]
    trainings = [
        of_training(job_status("train", of, logs, now, since), folder / "models" / of)._replace(
            shown=config.images_shown(condition)
        )
        for of, (condition, _) in zip(models, config.models)
        if not config.brought
    ]
    for of in map(architecture_folder, config.candidates):
        job = job_status("train_architecture", of, logs, now, since)
        if job.log.exists():
            trainings.append(of_training(job, folder / "architectures" / of))
    others = []
    for record in sorted(logs.rglob("[!.]*.json")):
        rule, _, of = str(record.relative_to(logs).with_suffix("")).partition("/")
        model = "/".join(of.split("/")[-2:])
        if rule not in (CALL, *TRAININGS) and (rule not in OF_ONE_MODEL or model in models):
            others.append(job_status(rule, of, logs, now, since))
    others = [job for job in others if job.state not in (DONE, WAITING)]
    left_out = [f"{condition}/{state}" for condition, state in config.left_out]
    return Status(trainings, others, made, call, left_out)


def remaining_seconds(trainings: Sequence[JobStatus]) -> float | None:
    """Time until all trainings are done at the present rate; None where none is running.

    A training that waits counts as the largest one known, per training image that it shows.
    """
    rates = [_value(job, "rate") for job in trainings if job.state == RUNNING]
    shown = [job.shown for job in trainings]
    totals = [_value(job, "total") / count for job, count in zip(trainings, shown)]
    if not any(rates) or not any(totals):
        return None
    images = 0.0
    for job, count in zip(trainings, shown):
        if job.state != DONE:
            images += (_value(job, "total") or max(totals) * count) - _value(job, "done")
    return images / sum(rates)


def _value(job: JobStatus, name: str) -> float:
    """A number of its record; 0 where there is none yet."""
    return (job.found and job.found.values.get(name)) or 0


def table(status: Status) -> str:
    """The status as text: a line per training, jobs that need a look with the end of their logs, a
    line per stage, the time that trainings will take, and whether Snakemake runs."""
    head = ("model", "state", "done", "epoch", "loss", "accuracy", "images/s", "left", "last word")
    lines = columns([head, *map(_row, status.trainings)])
    for job in [*filter(lambda job: job.words, status.trainings), *status.others]:
        age = f" {duration(job.found.age)} ago" if job.found else ""
        ends = f"; its log {job.log} ends:" if job.words else ""
        lines += ["", f"{job.name}: {job.state},{age}{ends}"]
        lines += [f"  {words}" for words in job.words]
    states = Counter(job.state for job in status.trainings)
    counts = ", ".join(f"{count} {state}" for state, count in states.items())
    lines += ["", f"trained: {counts or 'nothing, as models are brought'}"]
    lines += [f"{stage}: {made} of {wanted}" for stage, (made, wanted) in status.stages.items()]
    if status.left_out:
        lines.append(f"left out of everything: {', '.join(status.left_out)}")
    left = remaining_seconds(status.trainings)
    if left is not None:
        lines.append(f"trainings done in about {duration(left)} at the present rate")
    return "\n".join([*lines, f"Snakemake: {_call_words(status.call)}"])


def _call_words(call: Found | None) -> str:
    if call is None:
        return "not started yet"
    began = f"on {call.values['host']}, begun {duration(call.now - call.values['began'])} ago"
    return {
        RUNNING: f"running {began}",
        DONE: f"succeeded {duration(call.age)} ago",
        FAILED: f"ended {duration(call.age)} ago without having done everything",
        KILLED: f"killed ({began}); jobs that still run end by themselves",
        SILENT: f"{began}; whether it still runs cannot be seen from this machine",
    }[call.state]


def _row(job: JobStatus) -> tuple[str, ...]:
    if job.found is None:
        return (job.name, job.state, *[""] * 7)
    values, total, done = job.found.values, _value(job, "total"), _value(job, "done")
    rate = _value(job, "rate") if job.state == RUNNING else 0
    epoch = "epoch" in values
    return (
        job.name,
        job.state,
        f"{done / total:.0%}" if total else "",
        f"{values['epoch']}/{values['epochs']}" if epoch else "",
        f"{values['loss']:.3f}" if epoch else "",
        f"{values['accuracy']:.3f}" if epoch else "",
        f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}" if rate else "",
        duration((total - done) / rate) if rate else "",
        f"{duration(job.found.age)} ago",
    )


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
    parser = argparse.ArgumentParser(
        prog="augcam.run.status", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--configfile", default="config/config.yaml", help="the run's config")
    path = parser.parse_args().configfile
    try:
        config = read_config(path)
    except AugcamError as error:
        sys.exit(f"error: {error}")
    print(table(status(config, Path("results") / config.experiment, time.time())))


if __name__ == "__main__":
    main()
