"""Damaged files: whichever byte flips, a file is refused by name or gives what was written."""

import numpy as np
import pandas as pd
import pytest
import torch

from augcam.data.images import ImageStore
from augcam.errors import AugcamError
from augcam.files.arrays import array_blocks, read_arrays, write_arrays
from augcam.files.json import read_json, write_json
from augcam.files.tables import (
    read_columns,
    read_table,
    recorded_checksums,
    table_blocks,
    write_table,
)
from augcam.files.tensors import read_recorded, write_tensors
from augcam.networks.build import build
from augcam.networks.weights import load_weights, save_weights

RECORD = {"epoch": 3, "history": [{"loss": 0.1}]}
TABLE = pd.DataFrame(
    {
        "image_id": np.arange(30),
        "segment": ["both_right", "both_wrong", "only_augmented"] * 10,
        "degenerate": [True, False, False] * 10,
        "mad": np.where(np.arange(30) % 7, np.random.default_rng(0).random(30), np.nan),
        "logit_0": np.random.default_rng(1).random(30, dtype=np.float32),
    }
)
ARRAYS = {
    "cam": np.random.default_rng(0).random((5, 4, 4), dtype=np.float32),
    "image_id": np.arange(5),
    "method": np.array("gradcam"),
}
TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(True), "c": torch.tensor([7])}
STATS = {"mean": [0.1, 0.25, 1 / 3], "class_names": ["a", "ü"], "counts": {"train": {"a": 3}}}


def write(kind, path):
    if kind == "json":
        write_json(STATS, path)
    elif kind.endswith("parquet"):
        write_table(TABLE, path)
    elif kind.endswith("npz"):
        write_arrays(path, **ARRAYS)
    else:
        write_tensors(TENSORS, path, RECORD)


def check(kind, path):
    """Read a file; what it gives must be what was written."""
    if kind == "json":
        assert read_json(path) == STATS
    elif kind == "parquet":
        pd.testing.assert_frame_equal(read_table(path), TABLE)
    elif kind == "blocks.parquet":
        table = pd.concat(table_blocks(path, 20), ignore_index=True)
        pd.testing.assert_frame_equal(table, TABLE)
    elif kind == "columns.parquet":
        names = ["segment", "mad", "logit_0"]
        columns = pd.DataFrame(read_columns(path, names))
        pd.testing.assert_frame_equal(columns, TABLE[names], check_dtype=False)
    elif kind == "blocks.npz":
        blocks = list(array_blocks(path, ["image_id", "cam"], 2))
        for name in ("cam", "image_id"):
            found = np.concatenate([block[name] for block in blocks])
            assert found.dtype == ARRAYS[name].dtype
            np.testing.assert_array_equal(found, ARRAYS[name])
    elif kind == "npz":
        arrays = read_arrays(path)
        assert list(arrays) == list(ARRAYS)
        for name, value in ARRAYS.items():
            np.testing.assert_array_equal(arrays[name], value)
    else:
        tensors, record = read_recorded(path)
        assert record == RECORD
        assert list(tensors) == list(TENSORS)
        for name, value in TENSORS.items():
            assert torch.equal(tensors[name], value)
            assert tensors[name].dtype == value.dtype


KINDS = ["json", "parquet", "npz", "safetensors", "blocks.npz", "blocks.parquet", "columns.parquet"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_no_flipped_bit_changes_what_is_read(tmp_path, kind):
    path = tmp_path / f"file.{kind}"
    write(kind, path)
    check(kind, path)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            check(kind, path)
        except AugcamError as error:
            assert str(error).startswith(f"{path}: the file cannot be read (")
            refused += 1
    # What may change unseen: white space, a date, a statistic that nothing reads.
    assert refused > 0.5 * len(content)


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_at_any_place_a_file_is_refused(tmp_path, kind):
    path = tmp_path / f"file.{kind}"
    write(kind, path)
    content = path.read_bytes()
    if kind == "json":
        content = content.rstrip()  # without its last line break it is still whole
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(AugcamError, match=r"file\.[\w.]+: the file cannot be read"):
            check(kind, path)


@pytest.mark.parametrize("kind", ["json", "parquet", "safetensors"])
def test_a_file_from_elsewhere_has_no_checksum_and_is_refused(tmp_path, kind):
    from safetensors.torch import save_file

    path = tmp_path / f"file.{kind}"
    if kind == "json":
        path.write_text('{"mean": 1}')
    elif kind == "parquet":
        TABLE.to_parquet(path)
    else:
        save_file(TENSORS, path)
    with pytest.raises(AugcamError, match="the file cannot be read"):
        check(kind, path)


def test_columns_are_read_alone_in_the_order_asked_for(tmp_path):
    write_table(TABLE, tmp_path / "t.parquet")
    read = read_table(tmp_path / "t.parquet", columns=["mad", "image_id"])
    pd.testing.assert_frame_equal(read, TABLE[["mad", "image_id"]])
    with pytest.raises(AugcamError, match=r"t\.parquet"):
        read_table(tmp_path / "t.parquet", columns=["msd"])


def test_equal_columns_have_equal_checksums_and_others_have_not(tmp_path):
    changed = TABLE.assign(logit_0=TABLE["logit_0"] + 1, mad=TABLE["mad"])
    found = {}
    for name, table in {"a": TABLE, "b": TABLE.drop(columns="mad"), "c": changed}.items():
        write_table(table, tmp_path / f"{name}.parquet")
        found[name] = recorded_checksums(tmp_path / f"{name}.parquet", "logit_")
    assert found["a"] == found["b"] != found["c"]
    assert len(recorded_checksums(tmp_path / "a.parquet")) == len(TABLE.columns)
    (tmp_path / "d.parquet").write_bytes(b"damaged")
    with pytest.raises(AugcamError, match=r"d\.parquet: the file cannot be read"):
        recorded_checksums(tmp_path / "d.parquet")


@pytest.mark.parametrize("name", ["images.npy", "index.parquet", "order.npy", "stats.json"])
@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty", "missing"])
def test_damaged_data_are_named_before_they_are_used(data_folder, tmp_path, name, damage):
    for file in data_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    path = tmp_path / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content if damage == "flipped" else content[: len(content) // 2])
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "missing":
        path.unlink()
    with pytest.raises(AugcamError, match=rf"{name}: the file (cannot be read|is missing)"):
        ImageStore(tmp_path, 16, torch.device("cpu"))


def test_weights_with_a_flipped_byte_are_refused(tmp_path):
    model = build("resnet20", 10, {}, seed=0)
    path = tmp_path / "weights.safetensors"
    save_weights(model, path)
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(AugcamError, match=r"weights\.safetensors: .*does not match its checksum"):
        load_weights(model, path)
