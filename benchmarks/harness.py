"""Implementations side by side: each in a process of its own, taking turns, on the same cores.

Rates of one machine drift (other guests, clock, temperature), ratios taken within one round do
not. So every side is set up once in a fresh process, and then the sides run one after the other,
round by round, in changing order; what is reported are medians and ranges of the ratios by round.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from augcam.run.job import ALLOCATION
from augcam.run.provenance import git_commit, hardware, versions

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"
CASES = Path(__file__).parent / "cases"


class Settings(NamedTuple):
    """What a side is told: quick or full size, number of threads (= cores), cpu or cuda."""

    full: bool = False
    threads: int = 1
    device: str = "cpu"


class Done(NamedTuple):
    """One round: units of work done, and its result where sides must agree."""

    work: float
    result: np.ndarray | None = None


Side = Callable[[Settings], Callable[[], Done]]
"""Sets up (not timed) and returns the round, which is timed as a whole."""


@dataclass(frozen=True)
class Comparison:
    """Ours (the first side) against alternatives.

    `unit`: what a round's work counts. `goals`: alternative → the least ratio of our rate to its
    rate, by number of threads. `packages`: whose versions belong to the result; `optional`: those
    without which it is left out. `tolerance`: how far results may differ, where sides return them.
    """

    name: str
    title: str
    unit: str
    sides: dict[str, Side]
    goals: dict[str, float | dict[int, float]] = field(default_factory=dict)
    threads: tuple[int, ...] = (1, 2)
    packages: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    device: str = "cpu"
    rounds: tuple[int, int] = (3, 9)  # quick, full
    tolerance: float | None = None

    def run(self, full: bool, rounds: int | None = None) -> dict[str, Any]:
        """Measure at every number of threads; returns the record that is written as JSON."""
        available = len(os.sched_getaffinity(0))
        rounds = rounds or self.rounds[full]
        measured = [
            self._measure(Settings(full, threads, self.device), rounds)
            for threads in self.threads
            if threads <= available
        ]
        return record(self, full) | {"unit": self.unit, "rounds": rounds, "measured": measured}

    def _measure(self, settings: Settings, rounds: int) -> dict[str, Any]:
        with workers(self, settings) as sides:
            results = {name: side.round() for name, side in sides.items()}  # warm-up
            taken: dict[str, list[dict]] = {name: [] for name in sides}
            for number in range(rounds):
                order = list(sides) if number % 2 == 0 else list(sides)[::-1]
                for name in order:
                    taken[name].append(sides[name].round())
            differences = {
                name: self.difference(results[self.ours]["result"], theirs["result"], name)
                for name, theirs in results.items()
                if name != self.ours and theirs["result"] is not None
            }
        rates = {name: [turn["work"] / turn["seconds"] for turn in taken[name]] for name in taken}
        others = [name for name in rates if name != self.ours]
        ratios = {n: [a / b for a, b in zip(rates[self.ours], rates[n])] for n in others}
        return {
            "threads": settings.threads,
            "rates": {name: spread(values) for name, values in rates.items()},
            "ratios": {name: spread(values) for name, values in ratios.items()},
            "goals": {name: self.goal(name, settings.threads) for name in others},
            "memory_mib": {name: taken[name][-1]["memory_mib"] for name in taken},
            "differences": differences,
        }

    @property
    def ours(self) -> str:
        return next(iter(self.sides))

    def goal(self, side: str, threads: int) -> float | None:
        goal = self.goals.get(side)
        return goal.get(threads) if isinstance(goal, dict) else goal

    def difference(self, ours: str, theirs: str, name: str) -> float:
        """Of the results in two .npy files, the largest. Exits where it exceeds `tolerance`."""
        difference = float(np.nanmax(np.abs(np.load(ours) - np.load(theirs))))
        if self.tolerance is not None and not difference <= self.tolerance:
            raise SystemExit(
                f"{self.name}: ours and {name} differ by {difference:.3g}, more than "
                f"{self.tolerance:.3g}: the comparison is void."
            )
        return difference


@dataclass(frozen=True)
class Growth:
    """How time, memory and disk grow with the size of the work.

    `prepare(folder, **point)` writes a point's input; `measure(folder, **point)` does the work and
    returns the files it wrote. Each runs in a process of its own. `points`: quick, full.
    """

    name: str
    title: str
    prepare: Callable[..., None]
    measure: Callable[..., list[Path]]
    points: tuple[list[dict], list[dict]]
    packages: tuple[str, ...] = ("pyarrow",)

    def run(self, full: bool, rounds: int | None = None) -> dict[str, Any]:
        """Measure every point (once: they are long, and differ by orders of magnitude)."""
        measured = []
        for point in self.points[full]:
            with tempfile.TemporaryDirectory() as folder:
                in_a_process(self.name, "prepare", folder, point)
                measured.append(point | in_a_process(self.name, "measure", folder, point))
        return record(self, full) | {"measured": measured}


def in_a_process(benchmark: str, step: str, folder: str, point: dict) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.harness", json.dumps([benchmark, step, folder, point])],
        cwd=ROOT,
        env=environment(threads=1),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def _grow(benchmark: str, step: str, folder: str, point: dict) -> None:
    """Do one step of a growth benchmark and print what it cost, as JSON."""
    answers = sys.stdout
    with redirect_stdout(sys.stderr):
        function = getattr(benchmarks()[benchmark], step)
        started, worked = time.perf_counter(), time.process_time()
        files = function(Path(folder), **point) or []
        cost = {
            "seconds": time.perf_counter() - started,
            "CPU seconds": time.process_time() - worked,
            "peak memory, MiB": peak_memory(),
            "written, MiB": sum(path.stat().st_size for path in files) / 2**20,
        }
    print(json.dumps(cost), file=answers)


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def record(benchmark, full: bool) -> dict[str, Any]:
    """What every result carries: what, when, on what, with what."""
    found = versions()
    for package in benchmark.packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return {
        "name": benchmark.name,
        "title": benchmark.title,
        "kind": type(benchmark).__name__.lower(),
        "mode": "full" if full else "quick",
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": git_commit(),
        "hardware": hardware(),
        "load": round(os.getloadavg()[0], 2),
        "versions": found,
    }


# -------------------------------------------------------------------------------------- registry


def benchmarks() -> dict[str, Any]:
    """Every benchmark of `benchmarks/cases` by name."""
    found = {}
    for path in sorted(CASES.glob("[a-z]*.py")):
        for benchmark in import_module(f"benchmarks.cases.{path.stem}").BENCHMARKS:
            found[benchmark.name] = benchmark
    return found


# --------------------------------------------------------------------------------------- workers


class Worker:
    """One side in a process of its own, which runs a round when told to."""

    def __init__(self, benchmark: str, side: str, settings: Settings, folder: Path):
        path = folder / f"{len(list(folder.iterdir()))}.npy"
        path.touch()
        arguments = json.dumps([benchmark, side, settings, str(path)])
        self.name = f"{benchmark}, {side}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.harness", arguments],
            cwd=ROOT,
            env=environment(settings.threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()  # set up

    def round(self) -> dict[str, Any]:
        self.process.stdin.write("round\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name}: the process ended with {self.process.wait()}.")
        return json.loads(line)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


@contextmanager
def workers(benchmark: Comparison, settings: Settings) -> Iterator[dict[str, Worker]]:
    """A worker for every side of `benchmark`."""
    running: dict[str, Worker] = {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            for side in benchmark.sides:
                running[side] = Worker(benchmark.name, side, settings, Path(folder))
            yield running
        finally:
            for worker in running.values():
                worker.close()


def environment(threads: int) -> dict[str, str]:
    """As jobs of the workflow have it: memory kept by the process, one pool size for all, modules
    compiled once."""
    pools = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    source = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    common = {"PYTHONPATH": source, "PYTHONDONTWRITEBYTECODE": ""}
    return os.environ | ALLOCATION | dict.fromkeys(pools, str(threads)) | common


def _serve(benchmark: str, side: str, settings: Settings, path: str) -> None:
    """Answer every line on standard input with one round's figures, as JSON."""
    if settings.device == "cpu":
        # Loader workers and other children share these cores.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: settings.threads])
    answers = sys.stdout
    with redirect_stdout(sys.stderr):
        run = benchmarks()[benchmark].sides[side](settings)
        print("{}", file=answers, flush=True)
        saved = None
        for _ in sys.stdin:
            started = time.perf_counter()
            done = run()
            seconds = time.perf_counter() - started
            if done.result is not None and saved is None:
                np.save(path, done.result)
                saved = path
            answer = {
                "work": done.work,
                "seconds": seconds,
                "memory_mib": peak_memory(),
                "result": saved,
            }
            print(json.dumps(answer), file=answers, flush=True)


def peak_memory() -> float:
    """Largest resident size of this process so far, in MiB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


if __name__ == "__main__":
    _arguments = json.loads(sys.argv[1])
    if _arguments[1] in ("prepare", "measure"):
        _grow(*_arguments)
    else:
        _benchmark, _side, _settings, _path = _arguments
        _serve(_benchmark, _side, Settings(*_settings), _path)
