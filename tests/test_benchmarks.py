"""What the benchmarks record, and the table made from it. Their times decide no test."""

import json
from pathlib import Path

import pytest

from benchmarks import calibration, harness, table
from benchmarks.harness import Comparison, Done, Growth, benchmarks


def work(units):
    return lambda settings: lambda: Done(units)


def write_file(folder: Path, rows: int) -> list[Path]:
    path = folder / "rows"
    path.write_bytes(bytes(rows))
    return [path]


KNOWN = {
    "race": Comparison(
        "race", "A race", "laps", {"ours": work(3), "theirs": work(1)}, {"theirs": 2}, threads=(1,)
    ),
    "growth": Growth("growth", "Growing", lambda folder, rows: None, write_file, ([], [])),
}


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder for results, with a file in it that is no benchmark's."""
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "calibration.json").write_text("{}")
    monkeypatch.setattr(table, "RESULTS", folder)
    monkeypatch.setattr(table, "TABLE", tmp_path / "RESULTS.md")
    monkeypatch.setattr(table, "benchmarks", lambda: KNOWN)
    return folder


def measured(ratio):
    of = {"median": ratio, "min": ratio / 2, "max": ratio * 2}
    return {
        "threads": 1,
        "rates": {"ours": of, "theirs": of},
        "ratios": {"theirs": of},
        "goals": {"theirs": 2},
        "memory_mib": {"ours": 10, "theirs": 1234},
        "differences": {"theirs": 1e-9},
    }


def test_the_table_shows_every_benchmark_that_has_a_result(results):
    for ratio in (3.0, 1.5):
        result = harness.record(KNOWN["race"], full=False)
        result |= {"unit": "laps", "rounds": 3, "measured": [measured(ratio)]}
        table.save(result, results)
        table.write_table()
        text = table.TABLE.read_text()
        assert "## A race" in text
        assert f"{ratio:g} ({ratio / 2:g} to {ratio * 2:g}) | ≥ 2" in text
        assert ("**no**" in text) == (ratio < 2)
        assert "Growing" not in text
    points = [{"rows": 5, "seconds": 0.25}, {"rows": 1_000_000, "seconds": 12_345.6}]
    table.save(harness.record(KNOWN["growth"], full=True) | {"measured": points}, results)
    table.write_table()
    assert "| 1,000,000 | 12,346 |" in table.TABLE.read_text()


def test_a_result_names_what_it_was_measured_on(results):
    record = json.loads(json.dumps(harness.record(KNOWN["race"], full=True)))
    assert record["hardware"]["cores"] >= 1
    assert record["versions"]["numpy"]
    assert record["mode"] == "full"


def test_results_that_differ_make_a_comparison_void(tmp_path):
    import numpy as np

    for name, value in (("a", 1.0), ("b", 1.5)):
        np.save(tmp_path / f"{name}.npy", np.array([value, np.nan]))
    race = Comparison("race", "A race", "laps", {}, tolerance=0.6)
    paths = tmp_path / "a.npy", tmp_path / "b.npy"
    assert race.difference(*paths, "b") == 0.5
    strict = Comparison("race", "A race", "laps", {}, tolerance=0.4)
    with pytest.raises(SystemExit, match="void"):
        strict.difference(*paths, "b")


def test_every_benchmark_can_be_set_up():
    for name, benchmark in benchmarks().items():
        assert benchmark.name == name
        assert benchmark.title
        if isinstance(benchmark, Comparison):
            assert set(benchmark.goals) <= set(benchmark.sides)


@pytest.mark.parametrize("name", [n for n, b in benchmarks().items() if isinstance(b, Growth)])
def test_growth_is_of_real_work(tmp_path, name):
    growth = benchmarks()[name]
    point = dict(growth.points[False][0])
    point |= {key: few for key, few in {"models": 2, "images": 50}.items() if key in point}
    growth.prepare(tmp_path, **point)
    files = growth.measure(tmp_path, **point)
    assert files and all(path.stat().st_size for path in files)


@pytest.mark.slow
@pytest.mark.parametrize("title", calibration.PARTS)
def test_every_calibration_gives_rates(title):
    function, *arguments = calibration.PARTS[title]
    for row in function(2, *arguments).values():
        assert 0 <= row.get("rate", 0) <= 1
        assert row["simulations"] == 2
