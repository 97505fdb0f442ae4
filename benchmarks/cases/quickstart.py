"""The quickstart by Snakemake against the same jobs called from one Python process."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.harness import ROOT, environment, record

COPIED = ("Snakefile", "workflow", "config", "profiles", "envs", "src")

# Snakemake, with a copy kept of every script that it starts, numbered in this order, with its stage
# and whether a job of the same stage had been done by then (on which it may depend).
KEEPING_SCRIPTS = """
import itertools, shutil, sys
from snakemake.cli import main
from snakemake.script import PythonScript

folder, numbers, execute = sys.argv.pop(1), itertools.count(), PythonScript.execute_script
done = set()

def kept(self, fname, edit=False):
    stage = fname.split(".")[-2]
    shutil.copy(fname, f"{folder}/{next(numbers):04}.{stage}.{int(stage in done)}.py")
    execute(self, fname, edit)
    done.add(stage)

PythonScript.execute_script = kept
main()
"""


@dataclass(frozen=True)
class Quickstart:
    """Wall time of a whole experiment both ways, on all cores, and how it divides by stage."""

    name: str
    title: str
    config: str
    packages: tuple[str, ...] = ()

    def run(self, full: bool, rounds: int | None = None) -> dict[str, Any]:
        rounds = rounds or (3 if full else 1)
        results = [self._round() for _ in range(rounds)]
        best = min(results, key=lambda result: result[-1]["ratio"])
        return record(self, full) | {"rounds": rounds, "measured": best}

    def _round(self) -> list[dict[str, Any]]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for part in COPIED:
                copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
                copy(ROOT / part, folder / part)
            scripts = folder / "scripts"
            scripts.mkdir()
            cores = len(os.sched_getaffinity(0))
            arguments = ["--cores", str(cores), "--configfile", self.config, "--quiet", "all"]
            command = [sys.executable, "-c", KEEPING_SCRIPTS, str(scripts), *arguments]
            by_snakemake, _ = _timed(command, folder)
            own = _job_seconds(folder)
            shutil.rmtree(folder / "results")
            command = [sys.executable, "-m", "benchmarks.one_process", str(scripts)]
            by_hand, printed = _timed(command, folder)
            jobs = Counter(path.name.split(".")[1] for path in scripts.glob("*.py"))
        work = json.loads(printed.splitlines()[-1])
        rows = [
            {
                "stage": stage,
                "jobs": jobs[stage],
                "as jobs, s": own[stage],
                "from one process, s": seconds,
                "ratio": own[stage] / seconds,
            }
            for stage, seconds in work.items()
        ]
        return [
            *rows,
            {
                "stage": "wall time",
                "jobs": sum(jobs.values()),
                "as jobs, s": by_snakemake,
                "from one process, s": by_hand,
                "ratio": by_snakemake / by_hand,
            },
        ]


def _timed(command: list[str], folder: Path) -> tuple[float, str]:
    """Wall time and output of `command`, run in `folder`."""
    variables = environment(threads=1)
    source = os.pathsep.join([str(folder / "src"), str(ROOT)])
    started = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=folder,
        env=variables | {"PYTHONPATH": source},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return time.perf_counter() - started, done.stdout


def _job_seconds(folder: Path) -> dict[str, float]:
    """Seconds of all jobs of a stage together, from Snakemake's own benchmark files."""
    seconds: Counter[str] = Counter()
    for base in folder.glob("results/*/benchmarks"):
        for path in base.rglob("*.tsv"):
            name = path.relative_to(base).parts[0].removesuffix(".tsv")
            seconds[name] += float(pd.read_csv(path, sep="\t")["s"].sum())
    return seconds


BENCHMARKS = [
    Quickstart(
        name="quickstart",
        title="The quickstart as a workflow, against one Python process (goal: ratio ≤ 1.3)",
        config="config/config.yaml",
    ),
]
