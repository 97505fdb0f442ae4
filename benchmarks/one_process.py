"""The jobs of a finished run again, stage by stage, from one Python process.

`python -m benchmarks.one_process FOLDER` runs the scripts in FOLDER, as Snakemake wrote them, in
the order of their names (`<number>.<stage>.py`). Those of a stage share as many worker processes
as there are cores, which stay for all stages: everything is imported once. Prints seconds of work
by stage as JSON.
"""

import json
import os
import runpy
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path


def stage(script: Path) -> str:
    return script.name.split(".")[1]


def run(script: Path) -> float:
    """Seconds that `script` takes in this process."""
    started = time.perf_counter()
    runpy.run_path(str(script), run_name="__main__")
    return time.perf_counter() - started


def main(folder: Path) -> None:
    scripts = sorted(folder.glob("*.py"))
    order = list(dict.fromkeys(map(stage, scripts)))
    seconds = {}
    context = get_context("spawn")
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), mp_context=context) as pool:
        for name, jobs in groupby(sorted(scripts, key=lambda s: order.index(stage(s))), stage):
            seconds[name] = sum(pool.map(run, jobs))
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
