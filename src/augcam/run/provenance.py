"""Provenance: what was run, with what, on what, and how long it took."""

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from augcam.config.schema import Training
from augcam.train.selection import kept_epoch

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
    models: Iterable[tuple[str, int]],
    histories: Mapping[tuple[str, int], pd.DataFrame],
    excluded: pd.DataFrame,
) -> dict[str, Any]:
    """The record of a run, ready for JSON.

    `models`: (condition, state) of each, the baseline first; `histories`: of those that were
    trained, the history of the training; `seconds` are the epochs' own, in whatever number of
    parallel jobs they ran. `hardware` is that of the machine this runs on.
    """
    training = Training(**config["training"])
    trained = [
        {"condition": model[0], "state": model[1]} | _trained(histories.get(model), training)
        for model in models
    ]
    return {
        "config": config,
        "network": network,
        "images": {part: sum(counts.values()) for part, counts in stats["counts"].items()},
        "duplicates": stats["duplicates"],
        "models": trained,
        "excluded_values": excluded.groupby("metric", sort=False)["n_excluded"].sum().to_dict(),
        "versions": versions(),
        "hardware": hardware(),
        "git_commit": git_commit(),
    }


def _trained(history: pd.DataFrame | None, training: Training) -> dict[str, Any]:
    if history is None:
        return {}
    return {
        "epochs": len(history),
        "kept_epoch": 1 + kept_epoch(history.to_dict("records"), training),
        "seconds": round(float(history["seconds"].sum()), 1),
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
