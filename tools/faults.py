"""Faults, done on purpose to a small experiment: what happens, and what is lost.

    make faults          # all of them, about an hour on two cores; writes docs/faults.md

Each function does one kind of fault so and so often in a copy of the project and yields one line
for each time; an `AssertionError` means that something was lost. tests/test_faults.py does a few of
each.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from projects import copy_project, digest, run, start, write_config  # noqa: E402

from augcam.files.tables import read_columns  # noqa: E402
from augcam.files.tensors import read_recorded  # noqa: E402

TINY = {
    "dataset": {"train_limit": 120, "test_limit": 40},
    "model": {"input_size": 16},
    "training": {"epochs": 3},
    "augmentations": ["affine", "cutmix"],
    "controls": [],
    "starting_states": [1],
    "execution": {"device": "cpu"},
}
# Every rule there is, for what is done to each of them.
WIDE = TINY | {
    "training": {"epochs": 1},
    "controls": ["none", "identity"],
    "starting_states": [1, 2],
    "architectures": ["resnet20"],
    "statistics": {"resamples": 100, "sanity": True, "sanity_images": 8, "faithfulness_images": 8},
    "scores": ["spread", "deletion"],
    "views": {"early": {"layer": "layer2.2"}},
}
EVERYTHING = ("all", "architectures")
DAMAGES = ("emptied", "truncated", "a flipped bit")


class Experiment(NamedTuple):
    """An experiment in a copy of the project: its results, and how to run it."""

    project: Path
    name: str
    targets: tuple[str, ...] = ("tables",)

    @property
    def results(self) -> Path:
        return self.project / "results" / self.name

    def command(self, *arguments: str) -> list[str]:
        """Snakemake's arguments; its own targets unless others follow."""
        targets = [] if "--" in arguments else ["--", *self.targets]
        return ["--cores", "2", "--configfile", f"{self.name}.yaml", *arguments, *targets]

    def run(self, *arguments: str, check: bool = True) -> str:
        return run(self.project, *self.command(*arguments), check=check)

    def start(self, *arguments: str, **options) -> subprocess.Popen:
        return start(self.project, *self.command(*arguments), **options)


def experiment(project: Path, name: str) -> Experiment:
    """A new experiment in `project`, equal to all others but for its name."""
    write_config(project, TINY | {"experiment": name})
    return Experiment(project, name)


def undisturbed(folder: Path) -> Experiment:
    """A new copy of the project with one whole run, to compare with."""
    made = experiment(copy_project(folder), "undisturbed")
    made.run()
    return made


def everything(project: Path) -> Experiment:
    """A whole run in `project` in which every rule has a job."""
    write_config(project, WIDE | {"experiment": "everything"})
    made = Experiment(project, "everything", EVERYTHING)
    made.run()
    return made


@contextmanager
def copied(made: Experiment) -> Iterator[Experiment]:
    """A copy of an experiment and its project, in which anything may be done."""
    with tempfile.TemporaryDirectory() as folder:
        victim = made._replace(project=Path(folder) / "project")
        shutil.copytree(made.project, victim.project)
        yield victim


# ------------------------------------------------------------------------------------- the faults


KILLED = (
    "all processes",
    "Snakemake alone, and went on once its jobs had ended",
    "Snakemake alone, and went on at once beside its jobs",
)


def kills(reference: Experiment, times: int, seed: int = 0) -> Iterator[str]:
    """SIGKILL at random moments, in turn of what `KILLED` names.

    After each: unlock and go on. Whenever a run has ended its results are compared and it begins
    anew. A training that had finished is not repeated: its history keeps its seconds.
    """
    rng = random.Random(seed)
    victim = experiment(reference.project, "killed")
    shutil.rmtree(victim.results, ignore_errors=True)
    started = time.monotonic()
    victim.run()
    whole = time.monotonic() - started
    shutil.rmtree(victim.results)
    done, groups, known = 0, [], {}
    while done < times:
        process = victim.start(stdout=subprocess.DEVNULL)
        moment = rng.uniform(0.05, 0.6) * whole
        try:
            process.wait(timeout=moment)
        except subprocess.TimeoutExpired:
            what = KILLED[done % len(KILLED)]
            if what == KILLED[0]:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            process.wait()
            groups.append(process.pid)
            if what != KILLED[2]:
                wait_for_end(groups)
                known |= finished_trainings(victim)
            made = sum(path.is_file() for path in victim.results.rglob("*"))
            done += 1
            victim.run("--unlock")
            yield f"killed {what}, after {moment:.0f} s, {made} files made"
            continue
        assert process.returncode == 0, "a run failed that nobody killed"
        compare_after_kills(victim, reference, known)
        wait_for_end(groups)
        shutil.rmtree(victim.results)
        known = {}
    victim.run()
    compare_after_kills(victim, reference, known)


def wait_for_end(groups: list[int]) -> None:
    """Wait until no process of these groups is left."""
    while groups:
        try:
            os.killpg(groups[-1], 0)
            time.sleep(0.1)
        except ProcessLookupError:
            groups.pop()


def finished_trainings(made: Experiment) -> dict[Path, list[float]]:
    """History's file → seconds of each epoch, of the trainings whose checkpoint holds them all."""
    found = {}
    for checkpoint in made.results.glob("models/*/*/checkpoint.safetensors"):
        history = read_recorded(checkpoint)[1]["history"]
        if len(history) == TINY["training"]["epochs"]:
            file = checkpoint.with_name("history.parquet")
            found[file] = [row["seconds"] for row in history]
    return found


def compare_after_kills(
    victim: Experiment, reference: Experiment, known: dict[Path, list[float]]
) -> None:
    assert digest(victim.results) == digest(reference.results), "results differ"
    for history, seconds in known.items():
        found = read_columns(history, ["seconds"])["seconds"].tolist()
        assert found == seconds, f"{history}: a finished training was trained again"


class Stage(NamedTuple):
    """A rule and one of its jobs: what that makes, and the files under results/ that it reads."""

    rule: str
    outputs: list[str]
    inputs: list[str]


def stages(made: Experiment, rules: list[str] | None = None) -> list[Stage]:
    """Every rule of a finished run (or `rules`), in the order of the chain."""
    found: dict[str, Stage] = {}
    logs: dict[str, str] = {}
    text = made.run("--detailed-summary")
    rows = [line.split("\t") for line in text.splitlines() if line.startswith("results/")]
    for output, _, rule, log, inputs, *_ in rows:
        if rules is not None and rule not in rules:
            continue
        under_results = [path for path in inputs.split(",") if path.startswith("results/")]
        stage = found.setdefault(rule, Stage(rule, [], under_results))
        if logs.setdefault(rule, log) == log:  # of this job
            stage.outputs.append(output)
    return sorted(found.values(), key=lambda s: (made.project / s.outputs[0]).stat().st_mtime)


def damage(path: Path, how: str, rng: random.Random) -> None:
    """Damage a file and leave its time as it was, as a failing disk does."""
    times = path.stat()
    content = bytearray(path.read_bytes())
    if how == "emptied":
        content = b""
    elif how == "truncated":
        content = content[: rng.randrange(1, len(content))]
    else:
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def damaged_inputs(
    reference: Experiment, rules: list[str] | None = None, seed: int = 0
) -> Iterator[str]:
    """The inputs of every stage (or of `rules`) damaged, and the stage run again.

    Of each stage one input of each kind: in every way where the kind is met for the first time, in
    one way, in turn, in further stages, which read it with the same code. The stage must fail with
    a sentence that names the file, and make nothing; or, where the damaged bytes mean nothing (a
    date, white space) or are not read, make exactly what it made before.
    """
    rng, in_turn, met = random.Random(seed), cycle(DAMAGES), set()
    expected = digest(reference.results)
    with copied(reference) as victim:
        for stage in stages(reference, rules):
            for kind, path in {kind_of(path): path for path in stage.inputs}.items():
                for how in [next(in_turn)] if kind in met else DAMAGES:
                    damage(victim.project / path, how, rng)
                    output = victim.run("--force", "--", stage.outputs[0], check=False)
                    named = f"error: {path}: " in output
                    assert "Traceback" not in output, output
                    if named:
                        assert not any((victim.project / file).exists() for file in stage.outputs)
                    else:
                        assert "Error" not in output, output
                        assert without(digest(victim.results), path) == without(expected, path)
                    shutil.rmtree(victim.results)
                    shutil.copytree(reference.results, victim.results)
                    outcome = "named" if named else "not read, or without meaning: same result"
                    yield f"{stage.rule}: {path} {how}: {outcome}"
                met.add(kind)


def without(files: dict[str, str], damaged: str) -> dict[str, str]:
    return {name: checksum for name, checksum in files.items() if not damaged.endswith(name)}


def kind_of(path: str) -> str:
    """The same for files that the same code reads, `models/affine/1` and `models/cutmix/1`."""
    folder, name = Path(path).parts[2], Path(path)
    return name.name if folder == "data" else folder + "".join(name.suffixes)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A file system of that size at `folder` (needs root)."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder], check=True
    )
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """A file that takes all the room there is."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return filler


def full_disks(reference: Experiment, rules: list[str] | None = None) -> Iterator[str]:
    """The disk of the results full when a stage begins to write; afterwards there is room again."""
    size = sum(file.stat().st_size for file in reference.results.rglob("*") if file.is_file())
    with copied(reference) as victim, small_disk(victim.results, 4 * size // 2**20 + 8):
        shutil.copytree(reference.results, victim.results, dirs_exist_ok=True)
        for stage in stages(reference, rules):
            outputs = [victim.project / path for path in stage.outputs]
            for output in outputs:
                output.unlink()
            for name in ("logs", "benchmarks"):  # a job that overwrites its own makes room
                shutil.rmtree(victim.results / name, ignore_errors=True)
            filler = fill(victim.results)
            said = victim.run("--", stage.outputs[0], check=False)
            left = [output for output in outputs if output.exists()]
            assert not left, f"{stage.rule}: half a file was accepted"
            assert "No space left on device" in said or "the disk is full" in said, said
            filler.unlink()
            victim.run("--", stage.outputs[0])
            assert digest(victim.results) == digest(reference.results), "results differ"
            sentence = "said in a sentence" if "the disk is full" in said else "said by Snakemake"
            yield f"{stage.rule}: {sentence}; completed once there was room"


def two_at_once(reference: Experiment) -> Iterator[str]:
    """The same experiment started twice, then two experiments at the same time."""
    first = experiment(reference.project, "first")
    process = first.start(stdout=subprocess.DEVNULL)
    while not (first.results / "data").exists():
        assert process.poll() is None
        time.sleep(0.1)
    output = first.run(check=False)
    assert "LockException" in output or "locked" in output, output
    assert "Traceback" not in output, output
    yield "the second call of the same experiment is refused: the directory is locked"
    second = experiment(reference.project, "second")
    second.run()
    assert process.wait() == 0
    for made in (first, second):
        assert digest(made.results) == digest(reference.results), "results differ"
        shutil.rmtree(made.results)
    yield "two experiments at the same time in one directory: both as if alone"


def touched(reference: Experiment, times: int, seed: int = 0) -> Iterator[str]:
    """Random times, up to a day off, on all results and all code, as clocks that disagree set.

    Code is set to the past alone: what lies in the future is refused before a training begins.
    """
    rng = random.Random(seed)
    with copied(reference) as victim:
        for _ in range(times):
            for folder in (victim.results, victim.project / "src", victim.project / "workflow"):
                latest = 86_400 if folder == victim.results else -1
                for file in folder.rglob("*"):
                    if file.is_file():
                        moment = time.time() + rng.uniform(-86_400, latest)
                        os.utime(file, (moment, moment))
            output = victim.run("--dry-run")
            assert "Nothing to be done" in output, output
            yield "nothing to be done"


# ------------------------------------------------------------------------------------ the campaign

TITLES = {
    "kill": "SIGKILL at a random moment, unlock, run again",
    "damage": "an input of a stage emptied, truncated, or with a flipped bit",
    "disk": "disk full when a stage writes, then room again",
    "together": "two runs at once",
    "touch": "times of all files a day off",
}


def campaign(reference: Experiment, wide: Experiment, repeat: int) -> dict[str, Iterator[str]]:
    """Every kind of fault, by its short name; in `wide` every rule has a job."""
    return {
        "touch": touched(wide, repeat),
        "together": two_at_once(reference),
        "kill": kills(reference, repeat),
        "disk": full_disks(wide),
        "damage": damaged_inputs(wide),
    }


def page(lines: dict[str, list[str]], seconds: dict[str, float]) -> str:
    """The results as Markdown."""
    text = [
        "# Faults: the last full campaign",
        "",
        "Written by `make faults`; what each fault is, and what it means, is in",
        "[reliability.md](reliability.md). After every one of them the results were byte for byte",
        "those of a run that nothing had disturbed; otherwise the campaign stops.",
    ]
    for name, said in lines.items():
        text += [
            "",
            f"## {TITLES[name]}",
            "",
            f"{len(said)} times, {seconds[name] / 60:.0f} min.",
            "",
        ]
        text += [
            f"- {line}" + (f" ({n} times)" if n > 1 else "") for line, n in Counter(said).items()
        ]
    return "\n".join(text) + "\n"


def main() -> None:
    """Do the campaign and write `docs/faults.md`."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="*", choices=TITLES, default=list(TITLES))
    parser.add_argument("--repeat", type=int, default=20, help="how many kills, and touches")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "faults.md")
    options = parser.parse_args()
    lines: dict[str, list[str]] = {}
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        reference = undisturbed(Path(folder) / "project")
        wide = everything(reference.project)
        for name, faults in campaign(reference, wide, options.repeat).items():
            if name not in options.only:
                continue
            started, lines[name] = time.monotonic(), []
            for line in faults:
                lines[name].append(line)
                print(f"{name}: {line}", flush=True)
            seconds[name] = time.monotonic() - started
    options.output.write_text(page(lines, seconds), encoding="utf-8")


if __name__ == "__main__":
    main()
