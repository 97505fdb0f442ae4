"""Where results come from: what a job made, and from what, stands in the record beside its log.

Snakemake keeps its records by path, in `.snakemake`, and knows nothing of results that were copied,
renamed or replaced. Those of the jobs travel with the results.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from time import time_ns
from types import SimpleNamespace
from typing import Any, NamedTuple

from augcam.errors import AugcamError
from augcam.files.checksums import digest, sha256
from augcam.files.json import read_json
from augcam.names import MAIN

FOR_PEOPLE = {".csv", ".png", ".pdf", ".html", ".rst"}
"""Kinds of results that no step reads: people may edit them."""


NOT_RESULTS = {"logs", "benchmarks"}
"""Folders of an experiment that hold what is said about results."""


class Settings(NamedTuple):
    """What a job works with: its params, a digest of its code, and the results that it reads, by
    their paths in the experiment's folder."""

    params: dict[str, Any]
    code: str
    inputs: list[str]


class Origin(NamedTuple):
    """One job: its rule and wildcards, its settings, and the `ends` of its files, by their path in
    the folder of the experiment."""

    rule: str
    wildcards: dict[str, str]
    settings: Settings
    files: dict[str, str]


def settings(
    folder: Path,
    params: Iterable[tuple[str, Any]],
    inputs: Iterable[str],
    code: Iterable[str | Path],
) -> Settings:
    """The settings of a job of the experiment in `folder`, as JSON has them.

    A param that is a path of a result is no setting.
    """
    plain = json.loads(json.dumps(dict(params), default=str))
    inside = f"{folder.as_posix()}/"
    return Settings(
        {key: value for key, value in plain.items() if not str(value).startswith(inside)},
        sha256(*code),
        sorted(path.removeprefix(inside) for path in inputs if path.startswith(inside)),
    )


def ends(path: Path) -> str:
    """Tells files apart by their size, beginning and end, where all our formats keep a checksum."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _END))
        last = file.read(_END)
        file.seek(0)
        return digest([str(size).encode(), file.read(_END), last])


_END = 2**16  # bytes


def origin(job: Any) -> dict[str, Any]:
    """Where the files of a job that has made them come from, for its record; `job`: a script's
    `snakemake`."""
    parts = Path(job.log[0]).parts
    folder = Path(*parts[: len(parts) - 1 - parts[::-1].index("logs")])
    code = job.input.get("code", [])
    code = [code] if isinstance(code, str) else code
    made = settings(folder, job.params.items(), job.input, code)
    files = {Path(path).relative_to(folder).as_posix(): ends(Path(path)) for path in job.output}
    found = Origin(job.rule, dict(job.wildcards.items()), made, files)
    return found._asdict() | {"settings": made._asdict()}


def origins(folder: Path) -> dict[str, Origin]:
    """Where the results of an experiment come from, by their path in its folder; without those that
    have no record, or a damaged one."""
    found: dict[str, Origin] = {}
    for path in sorted(folder.glob("logs/**/*.json")):
        with suppress(AugcamError, KeyError):
            made = read_json(path)["made"]
            one = Origin(**made | {"settings": Settings(**made["settings"])})
            found |= dict.fromkeys(one.files, one)
    return found


def results(folder: Path) -> list[str]:
    """The results in an experiment's folder, relative to it."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(
        file.as_posix()
        for file in files
        if file.parts[0] not in NOT_RESULTS and not file.name.startswith((".", "checkpoint."))
    )


def make_again(workflow: Any, folder: Path) -> Iterator[str]:
    """Have Snakemake, while it plans, make again what is not what the config would make.

    `workflow`: Snakemake's. Yields sentences that name the files and say why.
    """
    from snakemake.io import IOFile

    rules = {rule.name: rule for rule in workflow.rules}

    def current(name: str, wildcards: Mapping[str, str]) -> Settings | None:
        if (rule := rules.get(name)) is None:
            return None
        wildcards = {"view": MAIN, **wildcards}  # not named when there was one alone
        filled = SimpleNamespace(**wildcards)
        params = ((key, v(filled) if callable(v) else v) for key, v in rule.params.items())
        # The checkpoint reads no results; it is what asks for this.
        read = [] if rule.is_checkpoint else _paths(rule.input, wildcards)
        code = _paths([rule.input.get("code", [])], wildcards)
        return settings(folder, params, read, code)

    def known(name: str) -> float | None:
        record = workflow.persistence.metadata(IOFile(f"{folder}/{name}"))
        return record.get("endtime") if record else None

    def is_made(name: str) -> bool:
        return any(rule.is_producer(f"{folder}/{name}") for rule in rules.values())

    found = check(folder, is_made, known, current)
    give_one_time(folder, found.copied)
    workflow.dag.forcefiles.update(f"{folder}/{name}" for name in found.foreign)
    for reason in dict.fromkeys(found.foreign.values()):
        first, *others = [name for name, why in found.foreign.items() if why == reason]
        more = f" and {len(others)} more" if others else ""
        yield f"{folder}/{first}{more} will be made again where needed: {reason}."


def _paths(parts: Iterable[Any], wildcards: Mapping[str, str]) -> Iterator[str]:
    """The paths that input patterns, and functions that give some, stand for in one job."""
    for part in parts:
        found = part(SimpleNamespace(**wildcards)) if callable(part) else part
        for path in [found] if isinstance(found, str) else found:
            yield str(path).format(**wildcards)


class Checked(NamedTuple):
    """`foreign`: why results are not what the config would make, by path relative to the folder;
    `copied`: those that are, though Snakemake does not know them."""

    foreign: dict[str, str]
    copied: list[str]


def check(
    folder: Path,
    is_made: Callable[[str], bool],
    known: Callable[[str], float | None],
    current: Callable[[str, Mapping[str, str]], Settings | None],
) -> Checked:
    """Compare the results of an experiment with what their jobs recorded.

    `is_made`: whether a rule makes this path; `known`: the time that a file had when Snakemake
    recorded it, after which it sees changed settings by itself, None where it has not; `current`:
    the settings of a job today, None for unknown rules.
    """
    recorded, found = origins(folder), Checked({}, [])
    for name in results(folder):
        made_by, path, time = recorded.get(name), folder / name, known(name)
        if time is not None and (made_by is None or path.stat().st_mtime == time):
            continue
        if made_by is None:
            reason = "no job has a record of it"
        elif path.suffix not in FOR_PEOPLE and ends(path) != made_by.files[name]:
            reason = "it is not the file that was made here"
        else:
            reason = "" if time is not None else _difference(made_by, current)
        if reason and is_made(name):
            found.foreign[name] = reason
        elif not reason and time is None:
            found.copied.append(name)
    return found


def give_one_time(folder: Path, copied: Iterable[str]) -> None:
    """Have copied results be of one age: copying leaves their times in any order, and Snakemake
    would take inputs for newer than what was made from them. It looks at benchmarks likewise."""
    paths = [folder / name for name in copied]
    if len({path.stat().st_mtime_ns for path in paths}) > 1:
        now = time_ns()
        for path in [*paths, *folder.glob("benchmarks/**/*.tsv")]:
            os.utime(path, ns=(now, now))


def _difference(made_by: Origin, current: Callable) -> str:
    now = current(made_by.rule, made_by.wildcards)
    if now is None:
        return "it was made by a rule that is gone"
    was, is_ = _flat(made_by.settings.params), _flat(now.params)
    for key in dict.fromkeys([*was, *is_]):
        values = repr(was.get(key)), repr(is_.get(key))
        if values[0] != values[1]:
            is_short = len("".join(values)) < 80
            return (
                f"it was made with {key} {values[0]}, which now is {values[1]}"
                if is_short
                else f"it was made with another value of {key}"
            )
    if others := sorted(set(made_by.settings.inputs) ^ set(now.inputs)):
        return f"it was made from other files ({others[0]})"
    return "" if made_by.settings.code == now.code else "it was made by other code"


def _flat(values: Any, key: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, with dotted keys."""
    if not isinstance(values, dict) or not values:
        return {key: values}
    parts = (_flat(v, f"{key}.{k}" if key else k).items() for k, v in values.items())
    return {k: v for part in parts for k, v in part}
