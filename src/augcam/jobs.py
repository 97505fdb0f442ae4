"""Running one step as a job: what it says goes to its log, bad input ends it with a sentence."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from augcam.errors import AugcamError


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
