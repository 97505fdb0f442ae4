"""A real SLURM cluster of one node with two (stand-in) GPUs: a whole run, and what can go wrong.

`make test-slurm` installs what is needed, and fails where SLURM does not start; other calls skip
these tests there.
"""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from conftest import ROOT
from projects import copy_project, digest, run, start, write_config

pytestmark = pytest.mark.slurm

CLUSTER = ROOT / "tools" / "one_node_slurm.sh"
CONDITIONS = ["none", "affine", "cutmix", "equalize"]
TINY = {
    "dataset": {"train_limit": 120, "test_limit": 40},
    "model": {"input_size": 16},
    "training": {"epochs": 2},
    "augmentations": CONDITIONS[1:],
    "controls": [],
    "starting_states": [1],
    "execution": {"device": "cpu"},
}
# The profile as it is, but for what this cluster lacks (accounts, sacct) and for shorter waits.
SLURM = [
    "--workflow-profile=profiles/slurm",
    "--slurm-no-account",
    "--slurm-status-command=squeue",
    "--slurm-init-seconds-before-status-checks=7",
    "--latency-wait=10",
]
DEADLINE = 1200  # seconds until a test gives up waiting; far more than anything takes


@pytest.fixture(scope="module")
def cluster():
    give_up = pytest.fail if os.getenv("SLURM_REQUIRED") else pytest.skip
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        give_up("the SLURM executor is not installed (make slurm)")
    if os.geteuid() != 0:
        give_up("only root can start SLURM's daemons")
    if shutil.which("slurmctld") is None:
        give_up("SLURM is not installed (tools/one_node_slurm.sh install)")
    started = subprocess.run([CLUSTER, "start"], capture_output=True, text=True, check=False)
    if started.returncode:
        give_up(f"SLURM does not start here: {started.stderr.strip()}")
    yield
    subprocess.run([CLUSTER, "stop"], check=True)


@pytest.fixture(scope="module")
def project(cluster, tmp_path_factory) -> Path:
    return copy_project(tmp_path_factory.mktemp("slurm") / "project")


def slurm(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def training_jobs():
    """Condition → (SLURM's job id, number of its GPU) of the trainings that run."""
    jobs = {}
    for job in slurm("scontrol", "show", "job", "--details", "--oneliner").splitlines():
        rule = re.search(r" Comment=rule_train_wildcards_([a-z]+)", job)
        gpu = re.search(r" GRES=gpu\S*\(IDX:(\d+)\)", job)
        if rule and gpu and "JobState=RUNNING" in job:
            jobs[rule[1]] = (re.match(r"JobId=(\d+)", job)[1], gpu[1])
    return jobs


def wait_for(what, condition):
    """The first truthy value of `condition()`."""
    end = time.monotonic() + DEADLINE
    while not (value := condition()):
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.1)
    return value


def log_of(project, experiment, condition):
    return (project / f"results/{experiment}/logs/train/{condition}/1.log").read_text()


# ------------------------------------------------------------------------------------ the tests


def test_a_run_on_slurm_gives_the_bytes_of_a_local_run(project):
    local = write_config(project, TINY | {"experiment": "local"})
    run(project, "--cores=2", f"--configfile={local}")
    config = write_config(project, TINY | {"experiment": "slurm"})

    seen, over = [], threading.Event()

    def watch():
        while not over.wait(0.2):
            seen.append(training_jobs())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        run(project, *SLURM, f"--configfile={config}")
    finally:
        over.set()
        watcher.join()

    assert digest(project / "results/slurm") == digest(project / "results/local")
    assert max(map(len, seen)) == 2  # four trainings, two GPUs
    given = {}
    for jobs in seen:
        devices = [device for _, device in jobs.values()]
        assert len(set(devices)) == len(devices)
        given |= {condition: device for condition, (_, device) in jobs.items()}
    assert set(given.values()) == {"0", "1"}
    for condition, device in given.items():
        log = log_of(project, "slurm", condition)
        assert f"using GPU {device}, slot 1 of 1" in log
        assert "waiting for a free GPU" not in log


def test_cancelled_drained_and_over_time_each_goes_on_from_its_checkpoint(project):
    training = {"epochs": 8}
    calm = write_config(project, TINY | {"experiment": "calm", "training": training})
    run(project, "--cores=2", f"--configfile={calm}", "--", "models")
    config = write_config(project, TINY | {"experiment": "stormy", "training": training})
    results = project / "results/stormy"
    workflow = start(project, *SLURM, f"--configfile={config}", "--", "models")
    try:
        # Both trainings that run are halted once they have a checkpoint, so that they cannot end.
        first, second = wait_for(
            "two trainings with a checkpoint", lambda: halted(results, training_jobs())
        )
        jobs = training_jobs()

        # The node accepts nothing new; one training is cancelled, the other one exceeds its time.
        node = slurm("hostname", "-s").strip()
        slurm("scontrol", "update", f"nodename={node}", "state=drain", "reason=test")
        slurm("scancel", jobs[first][0])
        slurm("scontrol", "update", f"jobid={jobs[second][0]}", "timelimit=1")
        for condition, state in ((first, "CANCELLED"), (second, "TIMEOUT")):
            number = jobs[condition][0]
            wait_for(state, lambda number=number, state=state: state_of(number) == state)
        assert training_jobs() == {}
        slurm("scontrol", "update", f"nodename={node}", "state=resume")
        output, _ = workflow.communicate(timeout=DEADLINE)
    finally:
        if workflow.poll() is None:
            workflow.send_signal(signal.SIGINT)  # cancels its jobs
            workflow.communicate()
    assert workflow.returncode == 0, output
    for condition in (first, second):
        log = log_of(project, "stormy", condition)
        assert re.search(r"^resuming after epoch \d+ of 8$", log, re.MULTILINE), log
    assert digest(results) == digest(project / "results/calm")


def state_of(number):
    return re.search(r"JobState=(\w+)", slurm("scontrol", "show", "job", number))[1]


def halted(results, jobs):
    """Halt the processes of the jobs that have a checkpoint; the two conditions, or nothing."""
    found = [c for c in jobs if list(results.glob(f"models/{c}/1/checkpoint.safetensors"))]
    for condition in found:
        for pid in train_processes(condition):
            os.kill(pid, signal.SIGSTOP)
    return sorted(found) if len(found) == 2 else None


def train_processes(condition):
    """Ids of the processes that train `condition`, known by the log they write."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            opened = [str(file.readlink()) for file in (folder / "fd").iterdir()]
        except OSError:  # it has just ended
            continue
        if any(name.endswith(f"stormy/logs/train/{condition}/1.log") for name in opened):
            found.append(int(folder.name))
    return found
