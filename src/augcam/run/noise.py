"""How large is the noise of each source? A table from runs that differ in `variation` alone.

python -m augcam.run.noise results/order results/weights …
"""

import sys
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from augcam.entries import metric_named
from augcam.errors import AugcamError
from augcam.files.json import read_json
from augcam.files.tables import read_table
from augcam.names import PAIR_METRICS, TOP_METRIC, condition_name, metric_name

COLUMNS = [
    "variation", "condition", "n_models", "accuracy", "accuracy_sd", "within", "within_low",
    "within_high", "to_baseline", "difference", "low", "high",
]  # fmt: skip


def noise_by_source(folders: Iterable[str | Path], metric: str = TOP_METRIC) -> pd.DataFrame:
    """One row per run (a folder in `results/`) and condition, the baseline's first.

    Returns variation (joined by " + "), condition, n_models (that differ), accuracy and its
    standard deviation between models; `within`: Pearson's r between the maps of two models of the
    condition, with interval, mean over test images: 1 less the noise; `to_baseline`: mean of
    `metric` between the condition's models and the baseline's; `difference` to what the baseline's
    condition itself has, with the pooled interval. NaN where models are equal, or too few.
    Raises AugcamError where a run is not finished.
    """
    rows = [row for folder in folders for row in _rows(Path(folder), metric)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _rows(folder: Path, metric: str) -> list[tuple]:
    record = read_json(folder / "provenance.json")
    names = ("performance", "equal_models", "condition_similarity", "similarity_summary", "effects")
    tables = {name: read_table(folder / "tables" / f"{name}.parquet") for name in names}
    summary = tables["similarity_summary"].query("metric == @metric")
    if summary.empty:
        raise AugcamError(f"{folder}: this run has no metric '{metric}'.")
    base = record["models"][0]["condition"]
    performance = tables["performance"].groupby("condition")["accuracy"]
    again = tables["equal_models"].groupby("condition").size()
    within = tables["condition_similarity"].query(
        f"metric == {PAIR_METRICS[1]!r} and condition_a == condition_b"
    )
    within = within.set_index("condition_a")[["value", "low", "high"]]
    distance = summary.set_index("condition")["mean"]
    effects = tables["effects"].query("control == @base and metric == @metric")
    effects = effects.set_index("condition")[["difference", "pooled_low", "pooled_high"]]
    conditions = dict.fromkeys([base, *distance.index])
    return [
        (
            " + ".join(record["config"]["variation"]),
            condition,
            len(performance.get_group(condition)) - int(again.get(condition, 0)),
            performance.mean()[condition],
            performance.std()[condition],
            *within.reindex(conditions).loc[condition],
            distance.get(condition, float("nan")),
            *effects.reindex(conditions).loc[condition],
        )
        for condition in conditions
    ]


def as_markdown(table: pd.DataFrame, metric: str = TOP_METRIC) -> str:
    """The table of `noise_by_source` for people."""
    farther = "lower" if metric_named(metric).direction < 0 else "higher"
    head = [
        "what states vary", "condition", "accuracy", "r of two models",
        f"{metric_name(metric)} with the baseline",
        f"difference to seed noise ({farther}: farther)",
    ]  # fmt: skip
    lines = [head, ["---"] * len(head)]
    for row in table.itertuples():
        equal = row.n_models == 1
        lines.append(
            [
                row.variation,
                condition_name(row.condition),
                f"{row.accuracy:.3f}" + ("" if equal else f" ± {row.accuracy_sd:.3f}"),
                "equal" if equal else _ranged(row.within, row.within_low, row.within_high),
                _ranged(row.to_baseline),
                _ranged(row.difference, row.low, row.high, "+.3f"),
            ]
        )
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _ranged(value: float, low: float = float("nan"), high: float = float("nan"), form=".3f") -> str:
    if pd.isna(value):
        return "–"
    return f"{value:{form}}" + ("" if pd.isna(low) else f" ({low:{form}} to {high:{form}})")


def main() -> None:
    try:
        print(as_markdown(noise_by_source(sys.argv[1:])))
    except AugcamError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
