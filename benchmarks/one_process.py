"""The jobs of a finished run again, stage by stage, from one Python process.

`python -m benchmarks.one_process FOLDER` runs the scripts in FOLDER, as Snakemake wrote them, stage
by stage in the order of their names (`<number>.<stage>.<part>.py`): first a stage's part 0, of
jobs that began before any of them was done, then part 1. Those of a part share as many worker
processes as there are cores, which stay for all stages: everything is imported once. Prints seconds
of work by stage as JSON.
"""

import json
import os
import runpy
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path


def stage(script: Path) -> str:
    return script.name.split(".")[1]


def part(script: Path) -> int:
    return int(script.name.split(".")[2])


def run(script: Path) -> float:
    """Seconds that `script` takes in this process."""
    started = time.perf_counter()
    runpy.run_path(str(script), run_name="__main__")
    return time.perf_counter() - started


def main(folder: Path) -> None:
    scripts = sorted(folder.glob("*.py"))
    order = list(dict.fromkeys(map(stage, scripts)))
    scripts.sort(key=lambda script: (order.index(stage(script)), part(script)))
    seconds: Counter[str] = Counter()
    context = get_context("spawn")
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), mp_context=context) as pool:
        for (name, _), jobs in groupby(scripts, lambda script: (stage(script), part(script))):
            seconds[name] += sum(pool.map(run, jobs))
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
