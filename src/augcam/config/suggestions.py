"""What an unknown name may have been meant to be: a known one that is spelt alike, or nothing.

A name that merely shares letters with a known one is that of another thing (ScoreCAM is not
HiResCAM, ResNet-26 not ResNet-56), and what there is says more than a guess.
"""

import difflib
import re
from collections.abc import Iterable

_ALIKE = 0.8  # of `difflib`: one wrong letter in five at most
_SHOWN = 20


def suggestion(name: object, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown `name`: the one that was meant, or those there are."""
    known = list(known)
    if meant := nearest(str(name), known):
        return f"; did you mean '{meant}'?"
    start = _letters(str(name))
    family = [other for other in known if start and _letters(other) == start]
    shown = family or known
    more = f", … ({len(shown)} in all)" if len(shown) > _SHOWN else ""
    return f"; known: {', '.join(shown[:_SHOWN])}{more}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that `name` is another spelling, a misspelling or the beginning of."""
    spelt = {_spelling(other): other for other in known}
    wanted = _spelling(name)
    if wanted in spelt:
        return spelt[wanted]
    alike = [other for other in spelt if _digits(other) == _digits(wanted)]
    if close := difflib.get_close_matches(wanted, alike, n=1, cutoff=_ALIKE):
        return spelt[close[0]]
    begun = [other for other in spelt if len(wanted) > 3 and other.startswith(wanted)]
    return spelt[begun[0]] if len(begun) == 1 else None


def _spelling(name: str) -> str:
    """The same for `Grad-CAM++`, `gradcam_plus_plus` and `gradcampp`."""
    name = name.lower().replace("+", "p").replace("plus", "p")
    return re.sub(r"[^a-z0-9]", "", name)


def _digits(name: str) -> str:
    return re.sub(r"\D", "", name)


def _letters(name: str) -> str:
    """How a name begins: `resnet` of `resnet50`, `efficientnet` of `efficientnet_b0`."""
    return re.split(r"[^a-z]", name.lower(), maxsplit=1)[0]
