"""Files are whole or absent, and broken ones are named."""

import errno
import os
import socket
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from projects import handed_to_script

from augcam.errors import AugcamError
from augcam.files.arrays import array_blocks, read_array, read_arrays, write_arrays
from augcam.files.atomic import atomic, reading, refuse_future
from augcam.files.json import read_json, write_json
from augcam.files.tables import (
    Tables,
    read_columns,
    read_table,
    table_blocks,
    table_writer,
    write_columns,
    write_table,
)
from augcam.run.job import job


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ValueError), atomic(path) as temporary:
        temporary.write_text("half")
        raise ValueError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_killed_processes_left_is_removed_by_the_next_writer(tmp_path):
    killed = subprocess.Popen([sys.executable, "-c", ""])
    killed.wait()
    host = socket.gethostname()
    here, elsewhere = f".a.{host}-{killed.pid}", ".a.other-node-1"
    living, old = f".a.{host}-{os.getppid()}", ".a.other-node-2"
    for name in (here, elsewhere, living, old):
        (tmp_path / f"{name}.partial.json").write_text("{")
    os.utime(tmp_path / f"{old}.partial.json", (0, 0))
    write_json({}, tmp_path / "a.json")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"a.json", f"{elsewhere}.partial.json", f"{living}.partial.json"}


@pytest.mark.parametrize(
    "error,advice",
    [
        (OSError(errno.EIO, "Input/output error"), "may be whole: mend the cause and run again"),
        (PermissionError(errno.EACCES, "denied"), "may be whole: mend the cause and run again"),
        (MemoryError(), "give the job more memory or, if it had enough, delete the file"),
        (ValueError("bad magic"), "delete it and run again to make it anew"),
        (OSError("Couldn't deserialize thrift"), "delete it and run again to make it anew"),
    ],
)
def test_only_damage_is_to_be_deleted(error, advice):
    expected = pytest.raises(AugcamError, match=f"^x: the file cannot be read .*{advice}")
    with expected, reading("x"):
        raise error


def test_arrays_and_tables_come_back_and_equal_content_gives_equal_bytes(tmp_path):
    arrays = {"x": np.arange(5, dtype=np.float32), "name": "gradcam"}
    frame = pd.DataFrame({"a": [1, 2], "b": [0.1, np.nan]})
    for name in ("1", "2"):
        write_arrays(tmp_path / f"{name}.npz", **arrays)
        write_table(frame, tmp_path / f"{name}.parquet", tmp_path / f"{name}.csv")
    for suffix in ("npz", "parquet", "csv"):
        assert (tmp_path / f"1.{suffix}").read_bytes() == (tmp_path / f"2.{suffix}").read_bytes()
    read = read_arrays(tmp_path / "1.npz")
    np.testing.assert_array_equal(read["x"], arrays["x"])
    assert read["name"] == "gradcam"
    pd.testing.assert_frame_equal(read_table(tmp_path / "1.parquet"), frame)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "1.csv"), frame)


def test_columns_are_tables_that_pandas_reads(tmp_path):
    columns = {"a": np.arange(6)[::2], "b": np.array([0.5, 2.0, 1.0], np.float32)}
    write_columns(columns, tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.parquet"), pd.DataFrame(columns))
    write_table(pd.DataFrame(columns | {"c": ["x", "y", "x"]}), tmp_path / "b.parquet")
    read = read_columns(tmp_path / "b.parquet", ["c", "a", "b"])
    assert list(read) == ["c", "a", "b"]
    assert list(read["c"] == "x") == [True, False, True]
    np.testing.assert_array_equal(read["a"], columns["a"])
    np.testing.assert_array_equal(read["b"], columns["b"])


READERS = {
    "npz": read_arrays,
    "npy": read_array,
    "parquet": read_table,
    "json": read_json,
    "blocks.npz": lambda path: list(array_blocks(path, ["x"], 7)),
    "blocks.parquet": lambda path: list(table_blocks(path, 7)),
}


def written(kind, path):
    kind = kind.removeprefix("blocks.")
    if kind == "npz":
        write_arrays(path, x=np.random.default_rng(0).random(1000))
    elif kind == "npy":
        np.save(path, np.random.default_rng(0).random(1000))
    elif kind == "parquet":
        write_table(pd.DataFrame({"x": np.random.default_rng(0).random(1000)}), path)
    else:
        write_json({"x": list(range(1000))}, path)


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("damage", ["missing", "empty", "truncated"])
def test_a_damaged_file_is_named(tmp_path, kind, damage):
    path = tmp_path / f"file.{kind}"
    written(kind, path)
    content = path.read_bytes()
    path.write_bytes(b"" if damage == "empty" else content[: len(content) // 2])
    if damage == "missing":
        path.unlink()
    with pytest.raises(AugcamError, match=rf"file\.{kind}: the file (is missing|cannot be read)"):
        READERS[kind](path)


def test_blocks_are_the_whole_in_order(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {"x": rng.random((20, 3, 2)).astype(np.float32), "y": np.arange(20)}
    write_arrays(tmp_path / "a.npz", **arrays, name="gradcam")
    blocks = list(array_blocks(tmp_path / "a.npz", ["y", "x"], 7))
    assert [len(block["x"]) for block in blocks] == [7, 7, 6]
    for name, values in arrays.items():
        np.testing.assert_array_equal(np.concatenate([b[name] for b in blocks]), values)
    frame = pd.DataFrame({"a": np.arange(20), "b": list("abcde" * 4)})
    with table_writer(tmp_path / "a.parquet") as write:
        for start in range(0, 20, 3):
            write(frame[start : start + 3])
    tables = list(table_blocks(tmp_path / "a.parquet", 7))
    assert [len(table) for table in tables] == [7, 7, 6]
    with table_writer(tmp_path / "b.parquet") as write:
        for table in tables:
            write(table)
    pd.testing.assert_frame_equal(read_table(tmp_path / "b.parquet"), frame)
    tables = Tables({"k": tmp_path / "a.parquet"}, ["b"])
    assert list(tables) == ["k"]
    pd.testing.assert_frame_equal(tables["k"], frame[["b"]])


def test_a_flipped_byte_is_noticed_block_by_block(tmp_path):
    path = tmp_path / "a.npz"
    write_arrays(path, x=np.zeros((50, 7)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(AugcamError, match=r"a\.npz: the file cannot be read"):
        list(array_blocks(path, ["x"], 7))


def test_an_unfinished_table_leaves_nothing(tmp_path):
    path = tmp_path / "a.parquet"
    with pytest.raises(ValueError), table_writer(path) as write:
        write(pd.DataFrame({"a": [1]}))
        raise ValueError
    assert list(tmp_path.iterdir()) == []


def test_pickles_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(AugcamError, match=r"a\.npy: the file cannot be read"):
        read_array(tmp_path / "a.npy")


def test_a_job_says_bad_input_in_one_line_and_everything_else_in_its_log(tmp_path, capsys):
    log = tmp_path / "logs" / "job.log"
    with pytest.raises(SystemExit) as caught, job(handed_to_script(log)):
        print("working")
        raise AugcamError("x.png: the image is broken.")
    assert caught.value.code == 1
    assert log.read_text() == "working\nerror: x.png: the image is broken.\n"
    assert capsys.readouterr().err == "error: x.png: the image is broken.\n"
    with pytest.raises(ZeroDivisionError), job(handed_to_script(log)):
        _ = 1 / 0
    assert "ZeroDivisionError" in log.read_text()


def test_a_file_from_the_future_is_refused(tmp_path):
    path = tmp_path / "code.py"
    path.touch()
    refuse_future(path)
    os.utime(path, (0, path.stat().st_mtime + 3600))
    with pytest.raises(AugcamError, match=r"code\.py: its time is 3\d\d\d s ahead"):
        refuse_future(path)
