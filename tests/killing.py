"""Trainings in processes of their own, which can be killed."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pandas as pd

TRAIN_IN_A_PROCESS = """
    import json
    import sys
    from pathlib import Path
    import torch
    from augcam.config.schema import Training
    from augcam.files.arrays import read_array
    from augcam.networks.build import build
    from augcam.data.images import ImageStore
    from augcam.train.batches import Course
    from augcam.train.determinism import make_deterministic
    from augcam.train.loop import train

    data, steps, options, folder = [json.loads(argument) for argument in sys.argv[1:]]
    data, folder = Path(data), Path(folder)
    make_deterministic(1)
    store = ImageStore(data, 16, torch.device("cpu"))
    training = Training(**{"epochs": 5, "batch_size": 16} | options)
    order = read_array(data / "order.npy")
    course = Course(store, order, "mine", steps, 1, training, 0)
    model = build("resnet20", 10, {"dropout": 0.2, "stochastic_depth_prob": 0.2}, 0)
    model = model.to(memory_format=torch.channels_last)
    paths = [folder / n for n in ("checkpoint.safetensors", "weights", "history.parquet")]
    train(model, course, paths[0], "same", *paths[1:])
"""


def training_command(data_folder, steps, folder, options=None):
    """Trains the condition of `steps` on the images in `data_folder`, writing into `folder`;
    `options` of the config's section `training`."""
    arguments = [str(data_folder), steps, options or {}, str(folder)]
    return [
        sys.executable,
        "-c",
        textwrap.dedent(TRAIN_IN_A_PROCESS),
        *map(json.dumps, arguments),
    ]


def assert_same_after_kills(data_folder, tmp_path, steps, options=None):
    """A training that is killed twice ends with the same weights and history; returns both."""
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    commands = [training_command(data_folder, steps, f, options) for f in (undisturbed, killed)]
    subprocess.run(commands[0], check=True, capture_output=True)
    checkpoint = killed / "checkpoint.safetensors"
    resumed_from = []
    for _ in range(2):  # once after its first epoch, once more after another
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
        process = subprocess.Popen(commands[1], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        while not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before:
            assert process.poll() is None, "the training ended before it could be killed"
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        resumed_from.append(process.communicate()[0].decode())
    output = subprocess.run(commands[1], check=True, capture_output=True, text=True)
    assert "resuming after epoch" in resumed_from[1] + output.stdout
    assert (killed / "weights").read_bytes() == (undisturbed / "weights").read_bytes()
    measured = ["seconds", "images_per_second"]
    histories = [pd.read_parquet(f / "history.parquet") for f in (killed, undisturbed)]
    pd.testing.assert_frame_equal(*(h.drop(columns=measured) for h in histories), check_exact=True)
    return histories[0]
