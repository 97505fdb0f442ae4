"""Records of jobs: beside every log a small file that says what its job is doing.

Whether a job still lives is not written but locked: while it runs it holds a lock on its log, which
the kernel releases however the process ends, `kill -9` included.
"""

import contextlib
import fcntl
import os
import socket
import time
from pathlib import Path
from typing import IO, Any, NamedTuple

from augcam.errors import AugcamError
from augcam.files.json import read_json, write_json

RUNNING, DONE, FAILED, INTERRUPTED = "running", "done", "failed", "interrupted"

KILLED = "killed"
"""Ended without a word, for want of memory or time, or with the machine."""

SILENT = "silent"
"""Without a word for a while on another machine, whose locks may not be visible from here."""

_SILENCE = 300  # seconds without a word after which a job elsewhere no longer counts as running


class Record:
    """The record of a job that begins now and has opened its log as `file`.

    It lies beside the log, as JSON: `state`, `host`, `process` (id), `began` and `changed` (seconds
    since 1970), and whatever `update` adds. A record that cannot be written is no reason for a job
    to fail.
    """

    def __init__(self, log: str | Path, file: IO[str]):
        self.path, self.file = Path(log).with_suffix(".json"), file
        self.values: dict[str, Any] = {
            "host": socket.gethostname(),
            "process": os.getpid(),
            "began": time.time(),
        }
        _hold(file)
        self.update(state=RUNNING)

    def update(self, **values: Any) -> None:
        self.values |= values | {"changed": time.time()}
        with contextlib.suppress(OSError, AugcamError):
            write_json(self.values, self.path)


class Found(NamedTuple):
    """A job by its record: its `state` (one of those above), the record's `values`, and `now`, when
    it was looked at (seconds since 1970)."""

    state: str
    values: dict[str, Any]
    now: float

    @property
    def age(self) -> float:
        """Seconds since the record was written."""
        return max(0.0, self.now - self.values["changed"])


def find(log: Path, now: float) -> Found | None:
    """What the record beside `log` says, at time `now`; None where no job has begun."""
    try:
        values = read_json(log.with_suffix(".json"))
    except AugcamError:
        return None
    found = Found(values["state"], values, now)
    if found.state == RUNNING and not _is_held(log):
        if values["host"] == socket.gethostname():
            return found._replace(state=KILLED)
        if found.age > _SILENCE:
            return found._replace(state=SILENT)
    return found


def record_call(log: Path, words: str) -> Record | None:
    """The record of a call of Snakemake that begins now, and writes `words` into `log`; None where
    another call of the same experiment still runs, whose record stays, and where a full disk has
    no room for a log."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        file = log.open("a", encoding="utf-8")  # stays open, and locked
    except OSError:
        return None
    if _hold(file) is False:
        file.close()
        return None
    with contextlib.suppress(OSError):
        file.truncate(0)
        print(words, file=file, flush=True)
    return Record(log, file)


def _hold(file: IO[str]) -> bool | None:
    """Lock an open file until it is closed or this process ends: True; False where another process
    holds it, None where files cannot be locked."""
    for _ in range(5):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # also for the moment in which `_is_held` looks
            time.sleep(0.02)
        except OSError:
            return None
        else:
            return True
    return False


def _is_held(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
