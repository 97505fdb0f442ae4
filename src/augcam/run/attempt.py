"""Augmentations from elsewhere, tried before anything else is done."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

from augcam.config.experiment import Config


def faults_of_foreign(config: Config) -> str:
    """What is wrong with them, a sentence per condition; empty where nothing is, or none is used.

    In a process of its own, as they import torch and do whatever they like.
    """
    conditions = {c.name: c.foreign for c in config.all_conditions if c.foreign}
    if not conditions:
        return ""
    at_input = config.training.augment_at == "input"
    side = config.model.input_size if at_input else config.dataset.image_size or 32
    asked = json.dumps({"size": [side, side], "conditions": conditions})
    done = subprocess.run(
        [_python(), "-m", "augcam.augment.check"],
        input=asked,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return done.stdout.strip()
    names = ", ".join(sorted({step["use"] for steps in conditions.values() for step in steps}))
    last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    return f"augmentation_parameters: trying {names} ended the process ({last})."


def _python() -> str:
    """This Python, which the workflow quotes for the shell."""
    path = sys.executable
    return path if Path(path).exists() else shlex.split(path)[0]
