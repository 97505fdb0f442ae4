"""The answer of a run: a sentence to quote, three numbers, a figure, and what it cannot tell.

Nothing here is decided anew: verdicts are those of the table `effects`, sentences on what is open
those of `conclusions`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from augcam.entries import Metric, entries
from augcam.names import (
    SEED_CONTROL,
    STEP_CONTROL,
    condition_colour,
    condition_name,
    display_name,
    headline,
    is_control,
    metric_name,
    of_part,
)
from augcam.statistics.effects import NO, YES

EFFECTS = (
    "control", "condition", "metric", "n_states", "mean", "control_mean", "difference",
    "pooled_low", "pooled_high", "low", "high", "p_holm", "farther_than_control",
)  # fmt: skip
"""Columns that a table of effects has; every table of the main view that has them is shown like
`effects`."""


class Number(NamedTuple):
    """One of the three numbers: what, how much, and in words."""

    name: str
    value: str
    note: str


class Answer(NamedTuple):
    """`sentence` to quote; `numbers`; `open`: what the run is too small to tell, and what would be
    enough; `withheld`: whether nothing can be said at all."""

    sentence: str
    numbers: list[Number]
    open: list[str]
    withheld: bool = False


def verdicts(effects: pd.DataFrame, control: str, base: str = SEED_CONTROL) -> dict[str, list[str]]:
    """Augmentations by what the run shows of them against a control, as `conclusions` counts:
    `yes` where one metric at least is farther, `no` where all are not, else `open`."""
    found: dict[str, list[str]] = {"yes": [], "no": [], "open": []}
    rows = effects[(effects["control"] == control)].dropna(subset="difference")
    for condition, part in rows.groupby("condition", sort=False):
        if _is_control(condition, base):
            continue
        answers = part["farther_than_control"]
        told = "yes" if (answers == YES).any() else "no" if (answers == NO).all() else "open"
        found[told].append(condition)
    return found


def _is_control(condition: str, base: str) -> bool:
    """Also the baseline's condition, where models are brought and it is no control by its name."""
    return condition == base or is_control(condition)


def fair_control(tables: Mapping[str, pd.DataFrame], base: str = SEED_CONTROL) -> str | None:
    """The control that differs from the augmentations in least, of those with noise of their own:
    `identity`, which takes as many steps, before `base`, the baseline's condition."""
    if "effects" not in tables:
        return None
    effects = tables["effects"]
    known = set(effects.dropna(subset="difference")["control"]) if len(effects) else set()
    if "equal_models" in tables:
        known -= set(tables["equal_models"]["condition"])
    return next((name for name in (STEP_CONTROL, base) if name in known), None)


def answer(
    tables: Mapping[str, pd.DataFrame],
    studied: str,
    states: int,
    smallest_effect: float,
    base: str = SEED_CONTROL,
) -> Answer:
    """The answer from the tables of a run, by name. `studied`: data and network in words, "digits
    with ResNet-20"; `states`: how many starting states; `smallest_effect`: of the config;
    `base`: the baseline's condition."""
    findings = tables["conclusions"] if "conclusions" in tables else _none("topic", "finding")
    withheld = list(findings.loc[findings["topic"] == "withheld", "finding"])
    if withheld:
        return Answer(withheld[0], [], withheld[1:], True)
    control = fair_control(tables, base)
    open_ = _of_topics(findings, "size of the run")
    if control is None:
        sentence = (
            "This run has no noise to set the augmentations against, so it cannot tell whether "
            "any of them changes what the network looks at more than chance does."
        )
        return Answer(sentence, [], [*_of_topics(findings, "scale", "effects"), *open_])
    effects = tables["effects"]
    where = f"On {studied} ({states} starting state{'s' if states != 1 else ''} per condition)"
    sentence = _sentence(effects, control, where, smallest_effect, base)
    untold = [text for text in _of_topics(findings, "effects") if text.startswith("Cannot be told")]
    return Answer(sentence, numbers(tables, control, base), [*untold, *open_])


def _none(*columns: str) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns))


def _of_topics(findings: pd.DataFrame, *topics: str) -> list[str]:
    return list(findings.loc[findings["topic"].isin(topics), "finding"])


def _sentence(
    effects: pd.DataFrame, control: str, where: str, smallest_effect: float, base: str
) -> str:
    rows = effects[effects["control"] == control].dropna(subset="difference")
    total, told = rows["metric"].nunique(), verdicts(effects, control, base)

    def counted(condition: str) -> str:
        answers = rows.loc[rows["condition"] == condition, "farther_than_control"]
        return f"{condition_name(condition)} ({int((answers == YES).sum())} of {total} metrics)"

    than = {
        STEP_CONTROL: "the step control does (as many training steps, nothing new to see)",
        base: "seed noise does (another training with other random numbers)",
    }[control]
    if not told["yes"] and not told["no"]:
        nothing = f"{where}, {_none_of(told['open'])} shown to lead farther from the baseline than"
        return f"{nothing} {than}; the run is too small to tell more."
    if told["yes"]:
        names = _list([counted(name) for name in told["yes"]])
        parts = [f"{where}, training with {names} leads farther from the baseline than {than}"]
    else:
        parts = [f"{where}, no augmentation is shown to lead farther from the baseline than {than}"]
    if told["no"]:
        names = _list([condition_name(name) for name in told["no"]])
        parts.append(f"{names} at most {100 * smallest_effect:.0f} % farther in every metric")
    if told["open"]:
        names = _list([condition_name(name) for name in told["open"]])
        parts.append(f"for {names} this run cannot tell")
    return f"{'; '.join(parts)}."


def _none_of(conditions: list[str]) -> str:
    if len(conditions) == 1:
        return f"{condition_name(conditions[0])} is not"
    return f"none of the {len(conditions)} augmentations is"


def numbers(
    tables: Mapping[str, pd.DataFrame], control: str, base: str = SEED_CONTROL
) -> list[Number]:
    """How far seed noise, the step control and the augmentations lie from the baseline, in the
    metric that a sentence about one takes: those that the run has, paired with `control`."""
    effects = tables["effects"]
    known = effects[effects["metric"].isin(list(entries(Metric)))]
    known = known[known["control"] == control].dropna(subset="difference")
    if known.empty:
        return []
    metric = headline(known["metric"])
    title, at = metric_name(metric), levels(known[known["metric"] == metric], base)
    found = [
        Number(label, f"{at[name]:.3f}", f"{title}: {note}")
        for name, label, note in (
            (base, "Seed noise", "two trainings that differ in random numbers only"),
            (STEP_CONTROL, "Step control", "as many steps as an augmented training, nothing new"),
        )
        if name in at
    ]
    augmented = [value for name, value in at.items() if not _is_control(name, base)]
    if augmented:
        low, high = f"{min(augmented):.3f}", f"{max(augmented):.3f}"
        value = low if low == high else f"{low} to {high}"
        note = f"{title}: mean of each{_scale_end(tables, metric)}"
        found.append(Number("Augmentations", value, note))
    return found


def levels(rows: pd.DataFrame, base: str = SEED_CONTROL) -> dict[str, float]:
    """How far each condition lies from the baseline: means of the rows of `effects` of one metric
    and control, all paired with that control."""
    found = dict(zip(rows["condition"], rows["mean"]))
    whole = rows[rows["n_states"] == rows["n_states"].max()]
    augmented = whole[[not _is_control(name, base) for name in whole["condition"]]]
    first = (augmented if len(augmented) else whole).iloc[0]
    return found | {first["control"]: first["control_mean"]}


def _scale_end(tables: Mapping[str, pd.DataFrame], metric: str) -> str:
    """What the metric is for maps of two different images, in words."""
    if "null_levels" not in tables:
        return ""
    nulls = tables["null_levels"]
    rows = nulls[(nulls["metric"] == metric) & (nulls["null"] == "other_image")]["mean"].dropna()
    return f"; two different images: {rows.iloc[0]:.3f}" if len(rows) else ""


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _as_effects(table: pd.DataFrame) -> pd.DataFrame:
    """A table of effects on scores, which has a score, a part of images and a verdict, with columns
    as `effects` has them."""
    if not {"score", "part", "verdict"} <= set(table.columns):
        return table
    metric = [of_part(score, part or "") for score, part in zip(table["score"], table["part"])]
    return table.assign(metric=metric, farther_than_control=table["verdict"])


def effect_chart(tables: Mapping[str, pd.DataFrame], base: str = SEED_CONTROL) -> dict[str, Any]:
    """What `static/effects.js` draws: every row of every table of effects, the quantities with
    their direction, the conditions with name and colour."""
    found = {name: _as_effects(tables[name]) for name in tables}
    names = [
        name
        for name, table in found.items()
        if set(EFFECTS) <= set(table.columns) and "view" not in table
    ]
    names.sort(key=lambda name: name != "effects")
    rows: list[list[Any]] = []
    quantities: dict[str, dict[str, Any]] = {}
    for name in names:
        table = found[name].dropna(subset=["difference"])
        rows += table[list(EFFECTS)].to_numpy(dtype=object).tolist()
        for metric, part in table.groupby("metric", sort=False):
            entry = entries(Metric).get(str(metric))
            quantities[str(metric)] = {
                "title": display_name(str(metric)),
                "direction": entry.direction if entry else 0,
                "equality": entry.at_equality if entry else None,
                "levels": {c: levels(own, base) for c, own in part.groupby("control", sort=False)},
            }
    conditions = dict.fromkeys(c for row in rows for c in (row[1], row[0]))
    known = [name for name in quantities if name in entries(Metric)]
    return {
        "columns": EFFECTS,
        "rows": rows,
        "quantities": quantities,
        "first": headline(known) if known else next(iter(quantities), None),
        "controls": list(dict.fromkeys(row[0] for row in rows)),
        "fair": fair_control(tables, base),
        "base": base,
        "conditions": described(conditions, base),
    }


def described(conditions: Iterable[str], base: str) -> dict[str, dict[str, Any]]:
    """Name for people, colour and kind of each condition."""
    return {
        name: {
            "title": condition_name(name),
            "colour": condition_colour(name) or "#777777",
            "control": _is_control(name, base),
        }
        for name in conditions
    }
