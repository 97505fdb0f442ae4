"""The last words of a run in the terminal: what to know of its results, or why it failed.

Read from the logs of its jobs, so that they are there for every target and on every machine: a line
of a log that begins with `warning: ` is shown to the user when the run ends.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from augcam.config.experiment import Config
from augcam.run.status import last_lines, read_log

WARNING = "warning: "


def done(logs: Iterable[str], files: Mapping[str, str]) -> str:
    """What to say when jobs with `logs` have succeeded: each line in which they warn, once, and
    where to read on: `files`, what it is → path, of which those are named that there are."""
    said = (line for log in logs for line in read_log(log).splitlines() if line.startswith(WARNING))
    found = list({line.rstrip("."): line for line in said}.values())
    places = [f"{name}: {path}" for name, path in files.items() if Path(path).exists()]
    if not found and not places:
        return ""
    count = f"{len(found) or 'no'} warning{'' if len(found) == 1 else 's'}"
    return "\n".join(["", f"This run has {count}.", *found, *places, ""])


def failed(jobs: Mapping[str, Iterable[str]]) -> str:
    """What to say when a run ends early: why each of `jobs` failed (name → its logs)."""
    lines = ["", "What is done is kept: the same command goes on from here.", ""]
    if jobs:
        count = f"{len(jobs)} job{'' if len(jobs) == 1 else 's'} failed"
        lines[1] = f"{count}. What is done is kept: mend it and run the same command again."
        lines[2:] = [_why(name, list(logs)) for name, logs in sorted(jobs.items())] + [""]
    return "\n".join(lines)


def without_failed(config: Config, models: Iterable[tuple[str, int]]) -> str:
    """How to go on without `models` (condition, state), whose jobs failed; empty where none did."""
    models = sorted(set(models))
    if not models:
        return ""
    names = ", ".join(f"{condition}/{state}" for condition, state in models)
    if config.reference in models:
        return f"Nothing can be compared without the baseline, {names}.\n"
    left_out = {c: list(states) for c, states in config.without.items()}
    for condition, state in models:
        left_out.setdefault(condition, []).append(state)
    gone = [c for c, states in left_out.items() if {*states} >= {*config.starting_states}]
    for name in gone:
        if sweep := config.condition(name).sweep:
            value = config.condition(name).value
            return f"Take {value} out of augmentation_parameters.{sweep}, whose trainings failed.\n"
    values = {
        "without": {c: states for c, states in left_out.items() if c not in gone},
        "augmentations": [c for c in config.augmentations if c not in gone],
        "controls": [c for c in config.controls if c not in gone],
    }
    if not values["augmentations"]:
        return f"Nothing can be compared without a single augmentation: {names}.\n"
    keys = [k for k, value in values.items() if value != getattr(config, k) and value != {}]
    changes = " ".join("'{}={}'".format(key, str(values[key]).replace("'", "")) for key in keys)
    return (
        f"To make everything from the other models, which the report will say: --config {changes}\n"
    )


def _why(name: str, logs: list[str]) -> str:
    """A failed job in a line: its name, its error, its log."""
    text = "".join(map(read_log, logs))
    errors = [line for line in text.splitlines() if line.startswith("error: ")]
    words = (errors or last_lines(text) or ("it left no word",))[-1]
    return f"{name}: {words}" + (f" (log: {', '.join(logs)})" if logs else "")
