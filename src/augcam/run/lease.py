"""GPU leases: every job its own GPU, or its own share of one, on one machine.

Snakemake counts GPUs (`--resources gpu=4`) but does not say which one a job may use. A job
therefore locks one of the machine's slots with `flock`. The kernel ties the lock to the process:
however the process ends, `kill -9` and out-of-memory included, the slot is free at once, and
nothing is left to clean up. The slots belong to the machine, so that two experiments, or two
users, do not take the same GPU either.
"""

import contextlib
import fcntl
import math
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from augcam.errors import AugcamError

SLOTS = Path(tempfile.gettempdir()) / "augcam-gpus"


WAITING = "waiting for a free GPU"


_PATIENCE = 0.5  # seconds between two looks for a free slot


_SAY_AGAIN = 60  # seconds


class Gpu(NamedTuple):
    """A GPU: its `name` in CUDA_VISIBLE_DEVICES, and the `key` by which every process knows it."""

    name: str
    key: str


class Lease(NamedTuple):
    """A slot of a GPU, held as long as `descriptors` are open: normally until the process ends."""

    gpu: Gpu
    slot: int
    descriptors: tuple[int, ...]

    def release(self) -> None:
        """Give the slot back before the process ends."""
        for descriptor in self.descriptors:
            os.close(descriptor)


def lease_gpu(
    wanted: int,
    jobs_per_gpu: int,
    folder: Path = SLOTS,
    uuids: Callable[[], Mapping[str, str]] | None = None,
) -> Lease | None:
    """Wait for a slot on one of the visible GPUs, and make that GPU the only visible one.

    To be called before CUDA starts. Returns None, and does nothing, where no GPU is `wanted` or
    none is visible. `uuids`: number → UUID of the machine's GPUs, asked of the driver if not given.
    """
    gpus = visible_gpus(os.environ, (uuids or driver_gpus)()) if wanted else []
    if not gpus:
        return None
    lease = take(gpus, jobs_per_gpu, folder)
    # Numbers mean here what they mean to nvidia-smi, from which the keys come.
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    os.environ["CUDA_VISIBLE_DEVICES"] = lease.gpu.name
    print(f"using GPU {lease.gpu.name}, slot {lease.slot + 1} of {jobs_per_gpu}")
    return lease


def driver_gpus() -> dict[str, str]:
    """Number → UUID of the GPUs that the driver shows; empty without a driver."""
    command = ["nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader"]
    try:
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return {}
    return dict(line.split(", ") for line in text.splitlines())


def visible_gpus(environment: Mapping[str, str], uuids: Mapping[str, str]) -> list[Gpu]:
    """The GPUs that CUDA_VISIBLE_DEVICES leaves to this process, or all that `uuids` names.

    A scheduler that hides GPUs numbers the rest from 0 in every job, so numbers become UUIDs
    wherever the driver knows them. As in CUDA, what follows an invalid entry (-1) is not visible.
    """
    names = environment.get("CUDA_VISIBLE_DEVICES")
    if names is None:
        return [Gpu(name, uuid) for name, uuid in uuids.items()]
    gpus = []
    for name in (part.strip() for part in names.split(",")):
        if not name or name.startswith("-"):
            break
        gpus.append(Gpu(name, uuids.get(name, name)))
    return gpus


def take(
    gpus: Sequence[Gpu],
    jobs_per_gpu: int,
    folder: Path = SLOTS,
    say: Callable[[str], None] = print,
) -> Lease:
    """Lock a free slot of `gpus` in `folder`, the emptiest GPUs first; wait while there is none.

    A wait is said again every minute, so that a silent log means a job that has ended.
    Raises AugcamError where `folder` cannot hold locks.
    """
    said = -math.inf
    while True:
        for slot in range(jobs_per_gpu):
            for gpu in gpus:
                if descriptors := _slot(folder, gpu, slot, jobs_per_gpu):
                    return Lease(gpu, slot, descriptors)
        if time.monotonic() - said > _SAY_AGAIN:
            names = ", ".join(gpu.name for gpu in gpus)
            say(f"{WAITING} ({names}; {jobs_per_gpu} jobs each)")
            said = time.monotonic()
        time.sleep(_PATIENCE)


def _slot(folder: Path, gpu: Gpu, slot: int, jobs_per_gpu: int) -> tuple[int, ...]:
    """Descriptors that hold a slot of a GPU; none while it is taken.

    All jobs that share a GPU share one lock, which a job that wants it for itself takes alone: also
    experiments with different `jobs_per_gpu` keep out of each other's way.
    """
    if jobs_per_gpu == 1:
        alone = _lock(folder, gpu.key, fcntl.LOCK_EX)
        return () if alone is None else (alone,)
    shared = _lock(folder, gpu.key, fcntl.LOCK_SH)
    if shared is None:
        return ()
    own = _lock(folder, f"{gpu.key}.{slot}", fcntl.LOCK_EX)
    if own is None:
        os.close(shared)
        return ()
    return shared, own


def _lock(folder: Path, name: str, kind: int) -> int | None:
    """A descriptor that holds the lock file `name`, or None while other processes do not let it."""
    path = folder / re.sub(r"[^A-Za-z0-9.-]", "_", name)
    try:
        descriptor = _open(path)
    except OSError as error:
        raise AugcamError(
            f"{path}: the lock file of a GPU cannot be opened ({error.strerror}); set TMPDIR to a "
            "folder of this machine in which you may write."
        ) from error
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError as error:
        os.close(descriptor)
        raise AugcamError(
            f"{path}: this folder cannot lock files ({error.strerror}); set TMPDIR to one on a "
            "local disk."
        ) from error
    return descriptor


def _open(path: Path) -> int:
    """Open a lock file that any user of the machine may have made."""
    flags = os.O_RDONLY | os.O_NOFOLLOW  # reading is enough to lock; links could lead astray
    try:
        path.parent.mkdir(parents=True)
        path.parent.chmod(0o1777)  # as /tmp: everyone may add, no one may delete another's
    except FileExistsError:
        pass
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):  # someone was faster
            os.close(os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644))
            path.chmod(0o644)
        return os.open(path, flags)
