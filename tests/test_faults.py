"""A few of each kind of fault; `make faults` does all of them (tools/faults.py)."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT
from projects import handed_to_script

sys.path.insert(0, str(ROOT / "tools"))
import faults

from augcam.config.schema import Dataset, Split
from augcam.data.decoding import decode_image
from augcam.data.store import prepare
from augcam.errors import AugcamError
from augcam.files.arrays import write_arrays
from augcam.files.json import write_json
from augcam.files.tables import write_columns, write_table
from augcam.files.tensors import write_tensors
from augcam.run.job import job

RULE = re.compile(r"^ *(?:rule|checkpoint|use rule \w+ as) (\w+)", re.MULTILINE)
pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> faults.Experiment:
    """A small experiment after a run that nothing has disturbed."""
    return faults.undisturbed(tmp_path_factory.mktemp("faults") / "project")


def test_killed_at_random_moments_a_run_goes_on_to_the_same_bytes(reference):
    assert len(list(faults.kills(reference, times=2, seed=1))) == 2


def test_damaged_inputs_are_named_or_harmless(reference):
    lines = list(faults.damaged_inputs(reference, rules=["explain", "make_pair_counts"]))
    assert len(lines) >= 6 * len(faults.DAMAGES)
    assert sum(line.endswith(": named") for line in lines) >= len(lines) - 2


def test_the_campaign_meets_every_rule(reference):
    name = faults.write_config(reference.project, faults.WIDE | {"experiment": "wide"})
    wide = faults.Experiment(reference.project, Path(name).stem, faults.EVERYTHING)
    plan = wide.run("--dry-run", "--quiet", "rules")
    rules = {
        rule
        for path in ROOT.glob("workflow/rules/*.smk")
        for rule in RULE.findall(path.read_text())
    }
    targets = {"models", "explanations", "similarity", "scores", "tables", "figures", "statistics"}
    planned = set(re.findall(r"^(\w+) +\d+$", plan, re.MULTILINE))
    # Where states vary these, there are sweeps, or cues.
    elsewhere = {"draw_order", "initial_weights_of_state", "trends", "cue_use"}
    elsewhere |= {"bring_checkpoint", "bring_maps"}  # where nothing is trained
    assert rules - planned == targets | elsewhere | {"report_pages", "estimate"}


def test_touched_files_retrain_nothing(reference):
    assert list(faults.touched(reference, times=1)) == ["nothing to be done"]


def test_two_runs_at_once(reference):
    assert len(list(faults.two_at_once(reference))) == 2


def can_mount(folder: Path) -> bool:
    try:
        with faults.small_disk(folder, 1):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@pytest.fixture
def mounts(tmp_path):
    """Nothing; but small disks can be mounted."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    if not can_mount(tmp_path / "mounted"):
        pytest.skip("this machine does not let root mount a tmpfs")


@pytest.fixture
def full_disk(mounts, tmp_path):
    """A folder on a disk without any room."""
    with faults.small_disk(tmp_path / "disk", 1):
        faults.fill(tmp_path / "disk")
        yield tmp_path / "disk"


NUMBERS = np.arange(1000.0)
WRITERS = {
    "a.npz": lambda path: write_arrays(path, x=NUMBERS),
    "a.parquet": lambda path: write_table(pd.DataFrame({"x": NUMBERS}), path),
    "b.parquet": lambda path: write_columns({"x": NUMBERS}, path),
    "a.csv": lambda path: write_table(pd.DataFrame({"x": NUMBERS}), path),
    "a.json": lambda path: write_json({"x": NUMBERS.tolist()}, path),
    "a.safetensors": lambda path: write_tensors({"x": torch.from_numpy(NUMBERS)}, path, {}),
    "images.npy": lambda path: prepare(
        Dataset(name="digits"), Split(), path, *(path.parent / name for name in "abc")
    ),
}


@pytest.mark.parametrize("name", WRITERS)
def test_each_writer_names_its_file_on_a_full_disk_and_leaves_nothing(full_disk, name):
    with pytest.raises(AugcamError, match=rf"/{name}: the disk is full"):
        WRITERS[name](full_disk / name)
    assert [path.name for path in full_disk.iterdir()] == ["filler"]


def test_a_job_says_so_where_its_log_does_not_fit(full_disk, capsys):
    with pytest.raises(SystemExit), job(handed_to_script(full_disk / "job.log")):
        print("x" * 10_000)
    assert "job.log: the disk is full" in capsys.readouterr().err


def test_a_full_disk_is_said_and_leaves_nothing_half_written(reference, mounts):
    lines = list(faults.full_disks(reference, rules=["prepare_data", "train"]))
    assert lines == [
        f"{rule}: said in a sentence; completed once there was room"
        for rule in ("prepare_data", "train")
    ]


def test_no_flipped_bit_of_a_png_changes_its_pixels(tmp_path):
    """What users bring has no checksum of ours: PNG has its own, JPEG has none."""
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    refused = 0
    for place in range(len(content)):
        for bit in range(8):
            damaged = bytearray(content)
            damaged[place] ^= 1 << bit
            try:
                found = decode_image(bytes(damaged), "a.png").pixels
            except AugcamError as error:
                assert str(error).startswith("a.png: the image cannot be decoded")
                refused += 1
            else:
                np.testing.assert_array_equal(found, pixels)
    assert refused > 0.8 * 8 * len(content)
