"""The last words of a run in the terminal: what to know of its results, or why it failed.

Read from the logs of its jobs, so that they are there for every target and on every machine: a line
of a log that begins with `warning: ` is shown to the user when the run ends.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from augcam.run.status import last_lines

WARNING = "warning: "


def done(logs: Iterable[str], files: Mapping[str, str]) -> str:
    """What to say when jobs with `logs` have succeeded: each line in which they warn, once, and
    where to read on: `files`, what it is → path, of which those are named that there are."""
    said = (line for log in logs for line in _read(log).splitlines() if line.startswith(WARNING))
    found = list({line.rstrip("."): line for line in said}.values())
    places = [f"{name}: {path}" for name, path in files.items() if Path(path).exists()]
    if not found and not places:
        return ""
    count = f"{len(found) or 'no'} warning{'' if len(found) == 1 else 's'}"
    return "\n".join(["", f"This run has {count}.", *found, *places, ""])


def failed(jobs: Mapping[str, Iterable[str]]) -> str:
    """What to say when a run ends early: why each of `jobs` failed (name → its logs)."""
    lines = ["", "What is done is kept: the same command goes on from here.", ""]
    if jobs:
        count = f"{len(jobs)} job{'' if len(jobs) == 1 else 's'} failed"
        lines[1] = f"{count}. What is done is kept: mend it and run the same command again."
        lines[2:] = [_why(name, list(logs)) for name, logs in sorted(jobs.items())] + [""]
    return "\n".join(lines)


def _why(name: str, logs: list[str]) -> str:
    """A failed job in a line: its name, its error, its log."""
    text = "".join(map(_read, logs))
    errors = [line for line in text.splitlines() if line.startswith("error: ")]
    words = (errors or last_lines(text) or ("it left no word",))[-1]
    return f"{name}: {words}" + (f" (log: {', '.join(logs)})" if logs else "")


def _read(log: str) -> str:
    """The text of a log; none where it is not to be had."""
    try:
        text = Path(log).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name of a file or class must not command the terminal.
    return "".join(sign if sign.isprintable() or sign in "\n\r\t" else "�" for sign in text)
