"""What a user should know about the data, in sentences."""

from typing import Literal, TypedDict


class Note(TypedDict):
    """One sentence. `topic`: what it is about (classes, split, leak, files, …).

    A `warning` puts results in doubt; a `note` says what was understood, changed or left out.
    """

    topic: str
    level: Literal["warning", "note"]
    text: str


def note(topic: str, text: str) -> Note:
    return {"topic": topic, "level": "note", "text": text}


def warning(topic: str, text: str) -> Note:
    return {"topic": topic, "level": "warning", "text": text}


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: `1 image`, `2,000 images`, `3 classes` (`many` where not one + s)."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(names: list, most: int = 3) -> str:
    """The first few of some names, and how many more there are."""
    more = len(names) - most
    return ", ".join(map(str, names[:most])) + (f" and {more:,} more" if more > 0 else "")
