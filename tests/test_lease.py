"""GPU leases: one job a slot, whatever happens to the job. Processes are real, devices stand in."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from augcam.errors import AugcamError
from augcam.run import lease as lease_module
from augcam.run.lease import Gpu, lease_gpu, take, visible_gpus

UUIDS = {"0": "GPU-a", "1": "GPU-b", "2": "GPU-c"}

# Holds a slot until it is told to end or is killed.
HOLDER = """
import sys
from pathlib import Path
from augcam.run.lease import Gpu, take
folder, jobs_per_gpu, *names = sys.argv[1:]
lease = take([Gpu(n, n) for n in names], int(jobs_per_gpu), Path(folder), say=lambda _: None)
print(lease.gpu.name, lease.slot, flush=True)
sys.stdin.readline()
"""

# Takes a slot several times over; in between it alone may own the file of that slot.
WORKER = """
import os, sys, time
from pathlib import Path
from augcam.run.lease import Gpu, take
folder, jobs_per_gpu, *names = sys.argv[1:]
for _ in range(3):
    lease = take([Gpu(n, n) for n in names], int(jobs_per_gpu), Path(folder), say=lambda _: None)
    mine = Path(folder, f"owner-of-{lease.gpu.name}-{lease.slot}")
    mine.touch(exist_ok=False)
    time.sleep(0.01)
    mine.unlink()
    print(lease.gpu.name, flush=True)
    for descriptor in lease.descriptors:
        os.close(descriptor)
"""


def start(code, folder, jobs_per_gpu, *names):
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(jobs_per_gpu), *names],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def gpus(*names):
    return [Gpu(name, name) for name in names]


def release(*leases):
    for lease in leases:
        for descriptor in lease.descriptors:
            os.close(descriptor)


def end(*holders):
    for holder in holders:
        holder.communicate("end\n")


def test_every_process_gets_a_gpu_of_its_own_and_the_emptiest_first(tmp_path):
    holders = [start(HOLDER, tmp_path, 2, "a", "b") for _ in range(2)]
    first = [holder.stdout.readline().split() for holder in holders]
    assert sorted(first) == [["a", "0"], ["b", "0"]]
    holders += [start(HOLDER, tmp_path, 2, "a", "b") for _ in range(2)]
    second = [holder.stdout.readline().split() for holder in holders[2:]]
    assert sorted(second) == [["a", "1"], ["b", "1"]]
    end(*holders)


def test_a_killed_job_frees_its_gpu_at_once_and_who_waits_gets_it(tmp_path):
    holder = start(HOLDER, tmp_path, 1, "a")
    assert holder.stdout.readline() == "a 0\n"
    said = []

    def kill(sentence):
        said.append(sentence)
        os.kill(holder.pid, signal.SIGKILL)

    lease = take(gpus("a"), 1, tmp_path, say=kill)
    assert lease.gpu.name == "a"
    assert said == ["waiting for a free GPU (a; 1 jobs each)"]
    holder.communicate()
    release(lease)


def test_many_processes_never_hold_the_same_slot(tmp_path):
    workers = [start(WORKER, tmp_path, 2, "a", "b", "c") for _ in range(12)]
    outputs = [worker.communicate()[0].split() for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 12  # `touch` fails on a shared slot
    uses = Counter(name for output in outputs for name in output)
    assert uses.total() == 36
    assert not list(tmp_path.glob("owner-of-*"))


@pytest.mark.parametrize("first,second", [(1, 3), (3, 1)])
def test_who_wants_a_gpu_alone_shares_it_with_nobody(tmp_path, first, second):
    """Two experiments with different `jobs_per_gpu`, whichever comes first."""
    held = take(gpus("a"), first, tmp_path)
    said = []

    def let_go(sentence):
        said.append(sentence)
        release(held)

    then = take(gpus("a"), second, tmp_path, say=let_go)
    assert said == [f"waiting for a free GPU (a; {second} jobs each)"]
    release(then)
    shared = [take(gpus("a"), 3, tmp_path, say=pytest.fail) for _ in range(3)]
    assert [lease.slot for lease in shared] == [0, 1, 2]
    release(*shared)


def test_a_wait_is_said_again_and_again(tmp_path, monkeypatch):
    monkeypatch.setattr(lease_module, "_SAY_AGAIN", 0)
    monkeypatch.setattr(lease_module, "_PATIENCE", 0)
    held, said = take(gpus("a"), 1, tmp_path), []

    def let_go_at_last(sentence):
        said.append(sentence)
        if len(said) == 3:
            release(held)

    release(take(gpus("a"), 1, tmp_path, say=let_go_at_last))
    assert said == ["waiting for a free GPU (a; 1 jobs each)"] * 3


def test_leases_of_one_process_differ_too(tmp_path):
    first, second = (take(gpus("a", "b"), 1, tmp_path) for _ in range(2))
    assert {first.gpu.name, second.gpu.name} == {"a", "b"}
    release(first, second)


@pytest.mark.parametrize(
    "environment,uuids,expected",
    [
        ({}, {}, []),
        ({}, UUIDS, [("0", "GPU-a"), ("1", "GPU-b"), ("2", "GPU-c")]),
        ({"CUDA_VISIBLE_DEVICES": "2,0"}, UUIDS, [("2", "GPU-c"), ("0", "GPU-a")]),
        ({"CUDA_VISIBLE_DEVICES": "GPU-b"}, UUIDS, [("GPU-b", "GPU-b")]),
        ({"CUDA_VISIBLE_DEVICES": "0, -1, 1"}, UUIDS, [("0", "GPU-a")]),
        ({"CUDA_VISIBLE_DEVICES": ""}, UUIDS, []),
        ({"CUDA_VISIBLE_DEVICES": "MIG-1/2"}, {}, [("MIG-1/2", "MIG-1/2")]),
    ],
)
def test_only_visible_gpus_count(environment, uuids, expected):
    assert visible_gpus(environment, uuids) == [Gpu(*pair) for pair in expected]


def test_the_leased_gpu_is_the_only_visible_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    leases = []
    for name in ("5", "7"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
        leases.append(lease_gpu(1, 1, tmp_path, dict))
        assert os.environ["CUDA_VISIBLE_DEVICES"] == name
        assert capsys.readouterr().out == f"using GPU {name}, slot 1 of 1\n"
    release(*leases)


def test_without_a_gpu_nothing_happens(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert lease_gpu(1, 1, tmp_path, dict) is None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert lease_gpu(0, 1, tmp_path, dict) is None
    assert not list(tmp_path.iterdir())


def test_a_link_in_place_of_a_lock_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "a").symlink_to("/etc/hostname")
    with pytest.raises(AugcamError, match=r"/a: the lock file of a GPU cannot be opened"):
        take(gpus("a"), 1, tmp_path)


def test_names_of_gpus_stay_in_the_folder(tmp_path):
    lease = take(gpus("../../x"), 1, tmp_path / "locks")
    assert [path.name for path in (tmp_path / "locks").iterdir()] == [".._.._x"]
    assert Path(tmp_path).joinpath("locks").stat().st_mode & 0o7777 == 0o1777
    release(lease)
