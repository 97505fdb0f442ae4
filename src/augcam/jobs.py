"""Running one step as a job: what it says goes to its log, bad input ends it with a sentence."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from augcam.errors import AugcamError

ALLOCATION = {
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
    "MALLOC_TOP_PAD_": str(2**28),
}
"""Environment of a job. glibc hands large buffers back to the kernel and faults them in again at
every step unless told not to, before the process starts: worth 5 to 90 % of the speed on a CPU,
and no result changes."""


@contextmanager
def job(log: str | Path) -> Iterator[None]:
    """Send standard output and error of the block to the file `log`.

    AugcamError becomes its message, in the log and on the terminal, and exit status 1; any other
    exception leaves its traceback in the log.
    """
    terminal = sys.stderr
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    with (
        Path(log).open("w", encoding="utf-8", buffering=1) as file,
        redirect_stdout(file),
        redirect_stderr(file),
    ):
        try:
            yield
        except AugcamError as error:
            for stream in (file, terminal):
                print(f"error: {error}", file=stream)
            sys.exit(1)
        except Exception:
            traceback.print_exc()
            raise
