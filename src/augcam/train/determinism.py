"""Bitwise repeatable computing: device, threads, precision, seeds."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from augcam.errors import AugcamError
from augcam.files.checksums import digest, sha256

_NETWORK_STREAM = 2  # dropout and stochastic depth, apart from augmentation draws


def pick_device(name: str) -> torch.device:
    """The device called `auto`, `cpu` or `cuda`. Raises AugcamError where there is no GPU."""
    if name == "cuda" and not torch.cuda.is_available():
        raise AugcamError("execution.device: cuda is asked for, but torch sees no GPU here.")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def make_deterministic(threads: int, precision: str = "float32") -> None:
    """Have torch compute bitwise repeatably (for one number of threads and one kind of device).

    `precision` as in the config (`training.precision`): only `tf32` rounds float32 products, and
    only on a GPU, the one place where TF32 exists.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # The same switch as use_deterministic_algorithms(True), which imports the compiler: 4 s a job.
    torch.set_deterministic_debug_mode("error")
    # It also fills every new tensor with NaN, against reads of memory never written: not done here.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.set_num_threads(threads)


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context in which networks run: mixed precision for `bfloat16`, no change otherwise."""
    # Each weight is used once a step: nothing to cache, and CUDA graphs allow no cache.
    return torch.autocast(
        device.type, torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False
    )


def fingerprint(settings: dict[str, Any], *files: str | Path) -> str:
    """What determines a training, in one string: settings, file contents, torch's version."""
    text = json.dumps(settings, sort_keys=True) + sha256(*files) + torch.__version__
    return digest([text.encode()])


def seed_network(seed: int, epoch: int) -> None:
    """Seed what is random inside the network, anew in every epoch: nothing to save for resuming."""
    stream = np.random.SeedSequence([_NETWORK_STREAM, seed, epoch])
    torch.manual_seed(int(stream.generate_state(1, np.uint64)[0]))
