"""Texts in figures are drawn as users wrote them: none is taken for a formula, and every character
is drawn in a font that has it, or is named as missing.

Class names come in any script, and the figures' own font has a few. Others are looked for among the
machine's fonts, and only where a text needs them.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from typing import NamedTuple

from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, findSystemFonts, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text
from matplotlib.ticker import LogFormatterMathtext, LogFormatterSciNotation

from augcam.data.notes import Note, warning

FONT = "DejaVu Sans"
"""The figures' own font, which comes with matplotlib."""


class Fonts(NamedTuple):
    """`families` draw a text, the figures' own first; no installed font has what is `missing`."""

    families: tuple[str, ...]
    missing: str


def fonts_for(texts: Iterable[str]) -> Fonts:
    """The fonts that draw `texts`: as few as possible, the same on every call."""
    wanted = {c for text in texts for c in text if not c.isascii() and _is_drawn(c)}
    return _fonts_for(frozenset(wanted))


@cache
def _fonts_for(characters: frozenset[str]) -> Fonts:
    wanted = characters - _held(findfont(FONT), characters)
    families, held = [FONT], _families(wanted) if wanted else {}
    while wanted:
        # Of equally good ones not the narrow, bold or serif cuts, whose names are longer.
        best = min(held, key=lambda family: (-len(held[family] & wanted), len(family), family))
        if not held[best] & wanted:
            break
        families.append(best)
        wanted -= held[best]
    return Fonts(tuple(families), "".join(sorted(wanted)))


def missing_characters(texts: Iterable[str]) -> str:
    """The characters of `texts` that figures cannot show here, sorted, each once."""
    return fonts_for(texts).missing


def missing_sentence(characters: Iterable[str]) -> str:
    """What a user should know and do about characters that no installed font has."""
    return (
        f"no installed font has {' '.join(characters)}: figures show boxes in their place; install "
        "a font that has them (for example Noto Sans CJK) and draw the figures again"
    )


def glyph_notes(texts: Iterable[str]) -> list[Note]:
    """A warning where figures cannot show all of `texts`."""
    missing = missing_characters(texts)
    return [warning("glyphs", f"{missing_sentence(missing)}.")] if missing else []


def keep_texts(figure: Figure) -> str:
    """Have `figure` draw all its texts as they are; return the characters that no font has."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            # Matplotlib writes powers as formulas, which texts are not here.
            if isinstance(axis.get_major_formatter(), LogFormatterMathtext):
                axis.set_major_formatter(_Powers())
    texts = list(_texts(figure))
    fonts = fonts_for(text.get_text() for text in texts)
    for text in texts:
        text.set_parse_math(False)
        if len(fonts.families) > 1:
            text.set_fontfamily(fonts.families)
    return fonts.missing


def _texts(artist: Artist) -> Iterator[Text]:
    """All texts of an artist. Ticks that are not drawn are passed by: asked for, they are made."""
    if isinstance(artist, Text):
        yield artist
    for child in artist.get_children():
        if not (isinstance(child, Axis) and not child.axes.axison):
            yield from _texts(child)


def shortened(text: str, columns: int) -> str:
    """`text` in one line of at most `columns` columns, its middle left out where it is longer.

    A Latin letter takes one column, an East Asian character two.
    """
    text = " ".join(text.split())
    if _width(text) <= columns:
        return text
    ends = [text, text[::-1]]
    start, end = (
        next(part[:n] for n in range(len(part), -1, -1) if _width(part[:n]) <= (columns - 1) // 2)
        for part in ends
    )
    return f"{start}…{end[::-1]}"


def _width(text: str) -> int:
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


class _Powers(LogFormatterSciNotation):
    """Labels such as 2×10⁻³."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        formula = super().__call__(x, pos)
        formula = re.sub(r"\^\{(.*?)\}", lambda found: found[1].translate(_RAISED), formula)
        formula = formula.replace(r"\times", "×").replace("-", "−")
        return re.sub(r"\\mathdefault|[${}]", "", formula)


_RAISED = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")


def _is_drawn(character: str) -> bool:
    """False for what has no shape of its own: spaces, controls, joiners, variation selectors."""
    shapeless = unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp")
    return not shapeless and not "\ufe00" <= character <= "\ufe0f"


def _families(characters: frozenset[str]) -> dict[str, frozenset[str]]:
    """Which of `characters` the machine's fonts have, by family."""
    # Matplotlib keeps a list from when it first ran; what was installed since is added.
    for path in sorted(set(findSystemFonts()) - {entry.fname for entry in fontManager.ttflist}):
        with suppress(OSError, RuntimeError, ValueError):  # not a font that it can read
            fontManager.addfont(path)
    found: dict[str, frozenset[str]] = {}
    for entry in fontManager.ttflist:
        # A last-resort font has a box for everything; all fonts of one file have the same signs.
        is_last = "lastresort" in entry.name.lower().replace(" ", "")
        if entry.style == "normal" and not is_last and not getattr(entry, "index", 0):
            held = _held(entry.fname, characters)
            found[entry.name] = found.get(entry.name, frozenset()) | held
    return found


def _held(path: str, characters: frozenset[str]) -> frozenset[str]:
    """Those of `characters` that a font has; none of one that holds pictures, as those of emoji."""
    try:
        font = FT2Font(path)
    except (OSError, RuntimeError, ValueError):
        return frozenset()
    has = font.get_char_index if font.scalable else lambda code: 0
    return frozenset(c for c in characters if has(ord(c)))
