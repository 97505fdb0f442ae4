"""Files appear whole or not at all; what cannot be read or written is said in one sentence."""

import contextlib
import errno
import glob
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from augcam.errors import AugcamError


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it takes the place of `path` once the block succeeds.

    A block that raises, or a process that is killed, leaves `path` as it was; what the killed one
    had written is removed by the next. Raises AugcamError naming `path` where the disk is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path)
    # The suffix stays last: writers such as numpy and matplotlib choose the format by it.
    owner = f"{socket.gethostname()}-{os.getpid()}"
    temporary = path.with_name(f".{path.stem}.{owner}.partial{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())  # otherwise a power cut may leave the new name without bytes
        temporary.replace(path)
    except Exception as error:
        if disk_is_full(error):
            raise AugcamError(
                f"{path}: the disk is full, or your quota used up; make room and run again."
            ) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _remove_abandoned(path: Path) -> None:
    """Remove half-written files of `path` whose process on this machine is dead, or a day old."""
    stem, suffix = glob.escape(path.stem), glob.escape(path.suffix)
    for file in path.parent.glob(f".{stem}.*-*.partial{suffix}"):
        owner = file.name.removesuffix(f".partial{path.suffix}").removeprefix(f".{path.stem}.")
        host, _, process = owner.rpartition("-")
        with contextlib.suppress(FileNotFoundError):  # another process may be faster
            old = time.time() - file.stat().st_mtime > 86_400
            if old or (host == socket.gethostname() and not _is_alive(int(process))):
                file.unlink()


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


def disk_is_full(error: Exception) -> bool:
    """Whether that is why writing failed, whichever library says so."""
    full = {errno.ENOSPC, errno.EDQUOT}
    said = any(os.strerror(number) in str(error) for number in full)  # safetensors says no number
    return getattr(error, "errno", None) in full or said


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Turn whatever goes wrong while `path` is read into an AugcamError that names it."""
    try:
        yield
    except FileNotFoundError as error:
        raise AugcamError(f"{path}: the file is missing.") from error
    except Exception as error:  # each library raises its own kind on a damaged file
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise AugcamError(
            f"{path}: the file cannot be read ({reason}); {_advice(error)}."
        ) from error


# Errors that say something of the machine and nothing of what is in the file.
_NO_DAMAGE = {errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE}


def _advice(error: Exception) -> str:
    if getattr(error, "errno", None) in _NO_DAMAGE:
        return "the file itself may be whole: mend the cause and run again"
    if isinstance(error, MemoryError):  # a damaged size looks like this, too
        return "give the job more memory or, if it had enough, delete the file, and run again"
    return "delete it and run again to make it anew"


def refuse_future(*paths: str | Path) -> None:
    """Raises AugcamError naming a file whose time lies ahead of this machine's clock.

    Snakemake discards what a job has made from such a file, once the job has ended.
    """
    for path in paths:
        ahead = Path(path).stat().st_mtime - time.time()
        if ahead > 1:
            raise AugcamError(
                f"{path}: its time is {ahead:.0f} s ahead of this machine's clock, and Snakemake "
                "would discard what is made from it; set the clock, or `touch` the file."
            )
