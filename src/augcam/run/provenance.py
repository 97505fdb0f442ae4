"""Provenance: what was run, with what, on what, and how long it took."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

PACKAGES = (
    "augcam",
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "numba",
    "pandas",
    "scikit-learn",
    "snakemake",
)


def provenance(
    config: dict[str, Any],
    network: dict[str, Any],
    stats: dict[str, Any],
    models: list[dict[str, Any]],
    excluded: pd.DataFrame,
) -> dict[str, Any]:
    """The record of a run, ready for JSON.

    `models`: condition, state, and of those that were trained `augcam.train.selection.summary`, the
    baseline first. `hardware` is that of the machine this runs on.
    """
    return {
        "config": config,
        "network": network,
        "images": {part: sum(counts.values()) for part, counts in stats["counts"].items()},
        "duplicates": stats["duplicates"],
        "models": models,
        "excluded_values": excluded.groupby("metric", sort=False)["n_excluded"].sum().to_dict(),
        "versions": versions(),
        "hardware": hardware(),
        "git_commit": git_commit(),
    }


def versions() -> dict[str, str]:
    """Versions of Python and the packages that results depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def hardware() -> dict[str, Any]:
    """Processor, cores, memory in GiB and GPUs of this machine."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "gpus": _output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader").splitlines(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def git_commit() -> str:
    """Commit of the project, with `-dirty` where files differ from it; empty outside git."""
    return _output(
        "git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=40"
    )


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
