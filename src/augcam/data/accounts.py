"""Everything found is accounted for: what became of each file, in a table and in one line."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from augcam.data.folders import shown
from augcam.data.listing import BROKEN, HIDDEN, NO_IMAGE, OVER_LIMIT, SYSTEM, UNREAD_FORMAT, reasons
from augcam.data.notes import Note, counted, listed, note, warning
from augcam.data.source import Source
from augcam.errors import AugcamError
from augcam.files.tables import write_table

NAMED = 20
"""So many broken images are named in a message; a file names all."""
_EXPECTED = {HIDDEN, SYSTEM, NO_IMAGE, OVER_LIMIT}  # what surprises nobody


def account(source: Source, used: np.ndarray, broken: Mapping[int, str]) -> pd.DataFrame:
    """What became of each file or row of a data set: `source`, `used`, `reason`, `detail`.

    `used`: positions of the used images; `broken`: position → what is wrong. First the images in
    the order of reading, then what is none of them.
    """
    is_used = np.zeros(len(source.labels), dtype=bool)
    is_used[used] = True
    rows = []
    for position, origin in enumerate(source.origins or source.names):
        if is_used[position]:
            rows.append((origin, True, "", ""))
        elif position in broken:
            rows.append((origin, False, BROKEN, broken[position]))
        else:
            rows.append((origin, False, OVER_LIMIT, "not looked at"))
    rows += [(file.origin, False, file.reason, file.detail) for file in source.left_out]
    return pd.DataFrame(rows, columns=["source", "used", "reason", "detail"])


def summary(report: pd.DataFrame) -> str:
    """The table in one line: `110 found, 100 used, 10 left out: 8 hidden, 2 not an image`."""
    used, left = int(report["used"].sum()), report[~report["used"]]
    line = f"{len(report):,} found, {used:,} used"
    if left.empty:
        return line
    return f"{line}, {len(left):,} left out: {reasons(zip(left['reason'], left['detail']))}"


def examples(report: pd.DataFrame) -> list[str]:
    """A line for each reason to leave files out, with the first files."""
    left = report[~report["used"] & (report["reason"] != OVER_LIMIT)]
    return [
        f"left out, {reason}: {listed([shown(source) for source in own['source']])}"
        for reason, own in left.groupby("reason")
    ]


def about_files(report: pd.DataFrame) -> list[Note]:
    """The summary as a note; a warning where something is left out that its owner may miss."""
    left = set(report.loc[~report["used"], "reason"])
    advice = "; convert these to PNG or JPEG to use them" if UNREAD_FORMAT in left else ""
    kind = warning if left - _EXPECTED else note
    return [kind("files", f"{summary(report)}{advice}.")] if left else []


def refuse_broken(source: Source, broken: Mapping[int, str], list_path: str | Path | None) -> None:
    """Raises AugcamError naming broken images, the first `NAMED` and a file, `list_path`, with all.

    Those that are broken already where they lie (`Source.left_out`) count, too.
    """
    found = [(source.names[position], reason) for position, reason in sorted(broken.items())]
    found += [(file.name, file.detail) for file in source.left_out if file.reason == BROKEN]
    if not found:
        return
    sentences = [f"{name}: {reason}" for name, reason in found]
    if len(found) == 1:
        raise AugcamError(
            f"{sentences[0]}; mend or remove it, or set dataset.broken: skip to leave it out."
        )
    more = len(found) - NAMED
    where = ""
    if list_path is not None:
        write_table(pd.DataFrame(found, columns=["file", "reason"]), list_path)
        where = f"; {list_path} names all"
    rest = [f"… and {more:,} more"] if more > 0 else []
    raise AugcamError(
        "\n".join(
            [
                f"{counted(len(found), 'file')} cannot be read as images{where}:",
                *sentences[:NAMED],
                *rest,
                "Mend or remove them, or set dataset.broken: skip to leave them out.",
            ]
        )
    )
