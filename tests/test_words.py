"""Times, sizes and tables as people read them."""

import pytest

from augcam.words import columns, duration, size


@pytest.mark.parametrize(
    "seconds,text",
    [
        (0, "0 s"),
        (89, "89 s"),
        (90, "2 min"),
        (89 * 60, "89 min"),
        (3600 * 2 + 300, "2 h 05 min"),
        (86400 * 2 + 7200, "2 d 2 h"),
    ],
)
def test_durations_read_well(seconds, text):
    assert duration(seconds) == text


def test_sizes_read_well():
    assert [size(n) for n in (10, 2048, 3 * 2**30, 5 * 2**40)] == [
        "10 B", "2 KiB", "3 GiB", "5 TiB"
    ]  # fmt: skip


def test_columns_stand_one_below_the_other():
    rows = [("a", "bb", "c"), ("aaa", "b", "")]
    assert columns(rows) == ["a    bb  c", "aaa  b"]
    assert columns(rows, right=True) == ["a    bb  c", "aaa   b"]
