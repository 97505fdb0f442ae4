"""Running one step as a job: what it says goes to its log, bad input ends it with a sentence."""

import contextlib
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import IO, Any

from augcam.errors import AugcamError
from augcam.files.atomic import disk_is_full
from augcam.names import introduce
from augcam.run.origins import origin
from augcam.run.record import DONE, FAILED, INTERRUPTED, Record

ALLOCATION = {
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
    "MALLOC_TOP_PAD_": str(2**28),
}
"""Environment of a job. glibc hands large buffers back to the kernel and faults them in again at
every step unless told not to, before the process starts: worth 5 to 90 % of the speed on a CPU,
and no result changes."""


class Job:
    """A running step. Calling it says a sentence, in the log and on the terminal; `progress` keeps
    values for `make status` (see `augcam.run.record`)."""

    def __init__(self, log: Path, file: IO[str], terminal: IO[str]):
        self._streams = file, terminal
        self._record = Record(log, file)

    def __call__(self, sentence: str) -> None:
        for stream in self._streams:
            with contextlib.suppress(OSError):
                print(sentence, file=stream, flush=True)

    def progress(self, **values: Any) -> None:
        self._record.update(**values)


@contextmanager
def job(snakemake: Any) -> Iterator[Job]:
    """Send standard output and error of the block to the log, and keep a record beside it, which at
    the end says what was made, and from what.

    `snakemake`: what Snakemake hands to a script. AugcamError becomes its message, in the log and
    on the terminal, and exit status 1, and so does a disk that is too full for the log; any other
    exception leaves its traceback in the log.
    """
    log = Path(snakemake.log[0])
    log.parent.mkdir(parents=True, exist_ok=True)
    file = log.open("w", encoding="utf-8", buffering=1)
    this = Job(log, file, sys.stderr)
    introduce(snakemake.params.get("called", {}))
    try:
        with redirect_stdout(file), redirect_stderr(file):
            yield this
        this.progress(state=DONE, cpu_seconds=time.process_time(), made=origin(snakemake))
    except AugcamError as error:
        this.progress(state=FAILED)
        this(f"error: {error}")
        sys.exit(1)
    except Exception as error:
        this.progress(state=FAILED)
        if disk_is_full(error):
            this(f"error: {log}: the disk is full ({error}); make room and run again.")
            sys.exit(1)
        traceback.print_exc(file=file)
        raise
    except KeyboardInterrupt:
        this.progress(state=INTERRUPTED)
        raise
    finally:
        with contextlib.suppress(OSError):  # on a full disk the last words may be lost
            file.close()
