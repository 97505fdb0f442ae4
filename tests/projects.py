"""Copies of the project in which tests may run Snakemake."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from conftest import ROOT
from snakemake.iocontainers import Namedlist, Snakemake
from snakemake.utils import update_config

PARTIAL = shutil.ignore_patterns("*.tmp.*", "*.pyc.*")  # other tests are writing these
PARTS = ("Snakefile", "workflow", "config", "profiles", "envs", "src")


def copy_project(folder: Path) -> Path:
    """Copy what a run needs into `folder`, what is compiled already included."""
    folder.mkdir()
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=PARTIAL)
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def write_config(project: Path, config: dict, name: str | None = None) -> str:
    """Write the digits preset with `config` laid over it, as `<experiment>.yaml`; that name."""
    name = f"{name or config['experiment']}.yaml"
    values = yaml.safe_load((ROOT / "config" / "digits.yaml").read_text(encoding="utf-8"))
    update_config(values, config)
    (project / name).write_text(yaml.safe_dump(values), encoding="utf-8")
    return name


def start(project: Path, *arguments: str, **options) -> subprocess.Popen:
    """Start Snakemake in `project`, as the leader of a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project / "src"), "NO_COLOR": "1"},
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        **{"stdout": subprocess.PIPE, **options},
    )


def run(project: Path, *arguments: str, check: bool = True) -> str:
    """Run Snakemake in `project` and return what it says; with `check` it must succeed."""
    process = start(project, *arguments)
    output, _ = process.communicate()
    if check and process.returncode:
        raise AssertionError(f"snakemake {' '.join(arguments)}\n{output}")
    return output


def planned(project: Path, *arguments: str) -> dict[str, int]:
    """Rule → number of jobs that a dry-run plans."""
    text = run(project, "--dry-run", "--quiet", "rules", *arguments)
    table = re.search(r"^job +count\n-+ +-+\n(.*?)^total", text, re.DOTALL | re.MULTILINE)
    if table is None:
        assert "Nothing to be done" in text
        return {}
    rows = (line.split() for line in table[1].splitlines() if line.strip())
    return {name: int(count) for name, count in rows}


def digest(results: Path) -> dict[str, str]:
    """Checksum of every result that must be the same in two runs, by name.

    Checkpoints and half-written files, whose names begin with a dot, are no results, and the table
    of architectures holds times.
    """
    patterns = (
        "data/*",
        "models/*.*",
        "models/*/*/*.safetensors",
        "explanations/**/*.*",
        "similarity/**/*.*",
    )
    files = [file for pattern in (*patterns, "tables/*") for file in results.glob(pattern)]
    return {
        str(file.relative_to(results)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.is_file() and not file.name.startswith((".", "checkpoint.", "architectures."))
    }


def handed_to_script(log: Path, output=(), rule="rule", **named) -> Snakemake:
    """What Snakemake hands to a script as `snakemake`; `named`: input, params, wildcards."""
    parts = {kind: Namedlist() for kind in ("input", "params", "wildcards")}
    for kind, values in named.items():
        for name, value in values.items():
            start, is_files = len(parts[kind]), kind == "input" and isinstance(value, list)
            parts[kind].extend(value if is_files else [value])
            parts[kind]._set_name(name, start, end=len(parts[kind]) if is_files else None)
    return Snakemake(
        parts["input"],
        Namedlist(list(map(str, output))),
        parts["params"],
        parts["wildcards"],
        threads=1,
        resources=Namedlist(),
        log=Namedlist([str(log)]),
        config={},
        rulename=rule,
        bench_iteration=None,
    )
