"""Running one step as a job: what it says goes to its log, bad input ends it with a sentence."""

import contextlib
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from augcam.errors import AugcamError
from augcam.files.atomic import disk_is_full

ALLOCATION = {
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
    "MALLOC_TOP_PAD_": str(2**28),
}
"""Environment of a job. glibc hands large buffers back to the kernel and faults them in again at
every step unless told not to, before the process starts: worth 5 to 90 % of the speed on a CPU,
and no result changes."""


@contextmanager
def job(log: str | Path) -> Iterator[Callable[[str], None]]:
    """Send standard output and error of the block to the file `log`; yield a function that says a
    sentence there and on the terminal.

    AugcamError becomes its message, in the log and on the terminal, and exit status 1, and so does
    a disk that is too full for the log; any other exception leaves its traceback in the log.
    """
    terminal = sys.stderr
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    file = Path(log).open("w", encoding="utf-8", buffering=1)  # noqa: SIM115
    try:
        with redirect_stdout(file), redirect_stderr(file):
            yield lambda sentence: _say(sentence, file, terminal)
    except AugcamError as error:
        _fail(f"error: {error}", file, terminal)
    except Exception as error:
        if disk_is_full(error):
            _fail(f"error: {log}: the disk is full ({error}); make room and run again.", terminal)
        traceback.print_exc(file=file)
        raise
    finally:
        with contextlib.suppress(OSError):  # on a full disk the last words may be lost
            file.close()


def _say(sentence: str, *streams) -> None:
    for stream in streams:
        with contextlib.suppress(OSError):
            print(sentence, file=stream, flush=True)


def _fail(sentence: str, *streams) -> None:
    _say(sentence, *streams)
    sys.exit(1)
