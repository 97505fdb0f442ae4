"""Sentences of the conclusions on scores, and what all of them share."""

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from augcam.entries import score_named
from augcam.names import display_name, headline, of_part, score_name
from augcam.statistics.scores import HIGHER, LOWER
from augcam.statistics.trends import FALLS, GROWS


def list_of(names: Iterable[str]) -> str:
    """Names for people, the last one after `and`."""
    names = [display_name(name) for name in names]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def metrics(count: int) -> str:
    return f"{count} metric{'s' if count != 1 else ''}"


def control_called(control: str, base: str) -> str:
    return "seed noise" if control == base else "the step-count control"


def scores(
    effects: pd.DataFrame | None, augmentations: Sequence[str], base: str
) -> Iterator[tuple[str, str]]:
    """Which way maps move: a sentence a score, direction and control; `effects`: score_effects."""
    if effects is None or effects.empty:
        return
    for control, rows in effects.groupby("control", sort=False):
        rows = rows[rows["condition"].isin(augmentations)].dropna(subset="difference")
        if rows.empty:
            continue
        found = rows[rows["verdict"].isin([HIGHER, LOWER])]
        total = len(rows.drop_duplicates(["score", "part"]))
        against = f"'{display_name(str(control))}'"
        if found.empty:
            what = control_called(str(control), base)
            text = f"None of {total} scores of maps is shown to be higher or lower than with "
            yield "which way", f"{text}{against} ({what})."
        for (name, part, verdict), of in found.groupby(["score", "part", "verdict"], sort=False):
            score = score_named(name)
            says = (score.higher if verdict == HIGHER else score.lower).format(part=part)
            of = of.sort_values("difference", key=abs, ascending=False)
            values = ", ".join(
                f"{display_name(row.condition)} {row.mean:.3f} against {row.control_mean:.3f} "
                f"(corrected p {row.p_holm:.2g})"
                for row in of.itertuples()
            )
            text = f"Maps of {list_of(of['condition'])} {says} than those of {against}"
            yield "which way", f"{text} ({score_name(of_part(name, part))}: {values})."


def score_trends(trends: pd.DataFrame | None) -> Iterator[tuple[str, str]]:
    """What scores grow or fall with the strength of a sweep; `trends`: score_trends."""
    for sweep, rows in [] if trends is None else trends.groupby("sweep", sort=False):
        first, last = rows[["weakest", "strongest"]].iloc[0]
        for row in rows[rows["verdict"].isin([GROWS, FALLS])].itertuples():
            yield (
                "dose and response",
                f"{display_name(sweep)}, from {first} to {last}: "
                f"{score_name(of_part(row.score, row.part))} {row.verdict} with the strength, by "
                f"{row.slope:+.3f} (interval {row.low:+.3f} to {row.high:+.3f}, corrected p "
                f"{row.p_holm:.2g}).",
            )


def views(holds: pd.DataFrame | None) -> Iterator[tuple[str, str]]:
    """Whether the answer holds in further views, in one sentence; views that are an earlier one on
    this network count once. `holds`: the table."""
    if holds is None or holds.empty:
        return
    once, again = holds[holds["same_as"] == ""], holds[holds["same_as"] != ""]
    named = ", ".join(
        f"{row.view} as {row.same_as}" for row in again.drop_duplicates("view").itertuples()
    )
    note = f" Counted once, being the same on this network: {named}." if named else ""
    known = once.dropna(subset="tau")
    if known.empty:
        yield "does it hold", f"No order of conditions can be compared between views.{note}"
        return
    metric = headline(known["metric"])
    rows = known[known["metric"] == metric].sort_values("tau", kind="stable")
    lowest, highest = rows.iloc[0], rows.iloc[-1]
    between = f"{lowest['tau']:.2f}"
    if f"{highest['tau']:.2f}" != between:
        between += f" ({lowest['view']}) to {highest['tau']:.2f} ({highest['view']})"
    count = len(rows)
    text = (
        f"{display_name(metric)}: Kendall's τ between the main view's order of conditions and that "
        f"of {count} further view{'s' if count != 1 else ''} is {between}"
    )
    told = once[once["kind"] == "view"]
    total = told[["verdicts", "agree", "contrary", "lost", "gained"]].sum()
    if total["verdicts"]:
        by_view = told.groupby("view", sort=False)["contrary"].sum()
        where = ", ".join(f"{view} {n}" for view, n in by_view[by_view > 0].items())
        text += (
            f"; of {total['verdicts']} verdicts, in all metrics, {total['agree']} agree with the "
            f"main view's, {total['contrary']} are contrary{f' ({where})' if where else ''}, "
            f"{total['lost']} can be told in the main view alone and {total['gained']} in the other"
        )
    yield "does it hold", f"{text}.{note}"
