"""The results as Markdown, from the JSON files of `benchmarks/results`."""

import json
from pathlib import Path
from typing import Any

from benchmarks.harness import RESULTS, benchmarks

TABLE = RESULTS.parent / "RESULTS.md"
_HEAD = """\
# Speed, measured

Written by `python -m benchmarks` from `results/*.json`; how it is measured is in
[README.md](README.md), what it means in [docs/speed.md](../docs/speed.md).
Ratio: our rate over the other's, taken round by round; median (smallest to largest).
"""


def write_table() -> None:
    """Write `benchmarks/RESULTS.md` from the records that there are."""
    paths = [RESULTS / f"{name}.json" for name in benchmarks()]
    records = [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]
    TABLE.write_text("\n".join([_HEAD, *map(section, records)]), encoding="utf-8")


def save(result: dict[str, Any], folder: Path = RESULTS) -> None:
    """Write one benchmark's record."""
    folder.mkdir(exist_ok=True)
    text = json.dumps(result, indent=1) + "\n"
    (folder / f"{result['name']}.json").write_text(text, encoding="utf-8")


def section(result: dict[str, Any]) -> str:
    """One benchmark as Markdown."""
    rows = _comparison(result) if result["kind"] == "comparison" else _growth(result)
    return "\n".join([f"## {result['title']}", "", _circumstances(result), "", *rows, ""])


def _circumstances(result: dict[str, Any]) -> str:
    machine, used = result["hardware"], result["versions"]
    devices = [f"{machine['processor']}, {machine['cores']} cores", *machine["gpus"]]
    packages = ", ".join(f"{k} {v}" for k, v in used.items() if v != "not installed")
    rounds = f", {result['rounds']} rounds" if "rounds" in result else ""
    return (
        f"`{result['name']}`, {result['mode']} mode{rounds}, {result['date']}, commit "
        f"{result['commit'][:12]}{'-dirty' * result['commit'].endswith('-dirty')}, "
        f"{'; '.join(devices)}, {machine['memory_gib']} GiB, load "
        f"average {result['load']}; {packages}."
    )


def _comparison(result: dict[str, Any]) -> list[str]:
    rows = [
        f"| threads | implementation | {result['unit']}/s | ours is × faster | goal | met "
        "| largest difference | peak memory, MiB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for measured in result["measured"]:
        for side, rate in measured["rates"].items():
            ratio, goal = measured["ratios"].get(side), measured["goals"].get(side)
            met = "" if not goal else "yes" if ratio["median"] >= goal else "**no**"
            difference = measured["differences"].get(side)
            cells = [
                str(measured["threads"]),
                side,
                _spread(rate),
                _spread(ratio) if ratio else "",
                f"≥ {goal:g}" if goal else "",
                met,
                "" if difference is None else f"{difference:.1e}",
                f"{measured['memory_mib'][side]:,.0f}",
            ]
            rows.append(f"| {' | '.join(cells)} |")
    return rows


def _spread(value: dict[str, float]) -> str:
    return f"{_short(value['median'])} ({_short(value['min'])} to {_short(value['max'])})"


def _short(number: float) -> str:
    """Three significant digits, without exponents."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def _growth(result: dict[str, Any]) -> list[str]:
    columns = list(result["measured"][0])
    rows = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    for point in result["measured"]:
        cells = [_short(v) if isinstance(v, int | float) else str(v) for v in point.values()]
        rows.append(f"| {' | '.join(cells)} |")
    return rows
