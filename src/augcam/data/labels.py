"""Classes meet by meaning: labels of several files, numbers or names, become one numbering."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sized
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from augcam.data.notes import Note, counted, listed, note, warning
from augcam.errors import AugcamError


@dataclass(frozen=True)
class Labels:
    """The labels of one file, as they stand there.

    `values`: numbers, names, or lists with one of them; `names` of classes 0, 1, … where the file
    has them (Hugging Face's ClassLabel); `place(i)` says where value i stands; `folders`: the
    values are names of folders, which are never missing.
    """

    values: list[Any]
    place: Callable[[int], str]
    file: str
    names: list[str] | None = None
    folders: bool = False


# What software writes where there is nothing. `none` is a word for a class, as "no tumour".
_MISSING = {
    *("nan", "NaN", "NAN", "-nan", "NaT", "<NA>", "NA", "N/A", "n/a", "#N/A", "#NA"),
    *("None", "null", "Null", "NULL"),
}


def says_nothing(value: Any) -> bool:
    """Whether a text is what software writes for a missing value."""
    return isinstance(value, str) and value.strip() in _MISSING


_NUMBER = r"[-+]?\d+(\.\d+)?"


def tidy(name: str) -> str:
    """A name in Unicode's composed form (NFC), without spaces around it."""
    return unicodedata.normalize("NFC", name).strip()


def in_order(names: set[str]) -> list[str]:
    """Names sorted: by value where all are numbers, otherwise as text."""
    if all(re.fullmatch(_NUMBER, name) for name in names):
        return sorted(names, key=lambda name: (float(name), name))
    return sorted(names)


def numbered(
    files: list[Labels], given: list[str] | None
) -> tuple[np.ndarray, list[str], list[Note]]:
    """One number per image, the names of classes, and what was understood on the way.

    A class is what has its name: files may number classes each in their own order. Classes come in
    the order of `given` (`dataset.class_names`), of the files' names, or sorted. Returns labels
    int64 (N,), the images of all files in turn. Raises AugcamError naming file and label.
    """
    notes: list[Note] = []
    given = [tidy(name) for name in given] if given else None
    plain = [_plain(file, given) for file in files]
    notes += _read_numbers(files, plain, given)
    names = _names_of_files(files, plain, given, notes)
    words = _words(files, plain, names, notes)
    order = _order(names, words, given)
    number = {name: i for i, name in enumerate(order)}
    labels = np.array([number[word] for part in words for word in part], dtype=np.int64)
    used = np.bincount(labels, minlength=len(order)) > 0
    if len(labels) and not used.all():
        unused = [name for name, has in zip(order, used) if not has]
        which = "class" if len(unused) == 1 else "classes"
        notes.append(note("classes", f"left out, as no image has the {which} {listed(unused)}."))
        labels = (np.cumsum(used) - 1)[labels]
        order = [name for name, has in zip(order, used) if has]
    return labels, order, [*notes, *about_names("classes", order)]


def about_names(what: str, names: Iterable[str]) -> list[Note]:
    """Names of `what` (classes, groups) that differ by so little that one may be meant."""
    alike: dict[Any, set[str]] = {}
    for name in names:
        alike.setdefault(_rough(name), set()).add(name)
    several = [listed([_quoted(n) for n in sorted(own)]) for own in alike.values() if len(own) > 1]
    if not several:
        return []
    text = f"{'; '.join(several[:5])}{' and others' if len(several) > 5 else ''} are different "
    text += f"{what}, though nearly the same name; if they are one, give them one name."
    return [warning(what, text)]


def _rough(name: str) -> str | Decimal:
    """A name without case, width, spaces and what nobody sees; a number by its value."""
    if re.fullmatch(_NUMBER, name):
        return Decimal(name)
    seen = "".join(
        c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf"
    )
    return " ".join(seen.casefold().split())


def _quoted(name: str) -> str:
    return f"'{name}'" if name.isprintable() else repr(name)


def _plain(file: Labels, given: list[str] | None) -> list[int | str]:
    """Whole numbers or tidy names. Raises AugcamError where labels are missing, or neither."""
    plain = [_value(value) for value in file.values]
    if not file.folders:  # whatever a folder is called, its images have that class
        _refuse_unlabelled(file, plain, {*(given or []), *map(tidy, file.names or [])})
    for i, value in enumerate(plain):
        if not isinstance(value, int | str):
            raise AugcamError(
                f"{file.place(i)}: the label is {_shown(file.values[i])}; labels must be whole "
                "numbers or names, one for each image."
            )
    if any(isinstance(value, bool) for value in plain):
        return [int(v) if file.names or given else str(v) for v in plain]
    return plain


def _refuse_unlabelled(file: Labels, plain: list[Any], known: set[str]) -> None:
    """Raises AugcamError where a label is missing, or says so in the way of some program.

    `known`: names of classes, whatever they sound like.
    """
    told = [_no_label(value, known) for value in plain]
    missing = [i for i, kind in enumerate(told) if kind == "missing"]
    if missing:
        texts = Counter(plain[i] for i in missing if plain[i] is not None)
        said = "".join(f"; {number:,} with the text '{text}'" for text, number in texts.items())
        but = ", or, if '{}' is a class, list all classes in dataset.class_names" if texts else ""
        raise AugcamError(
            f"{file.file}: {counted(len(missing), 'image')} without a label (the first: "
            f"{file.place(missing[0])}{said}); give each its class, or remove them"
            f"{but.format(*texts)}."
        )
    if negative := [i for i, kind in enumerate(told) if kind == "below zero"]:
        values = sorted({str(plain[i]) for i in negative})
        raise AugcamError(
            f"{file.file}: {counted(len(negative), 'image')} of {len(plain):,} with the label "
            f"{listed(values)} (the first: {file.place(negative[0])}), which means that the class "
            "is not published; use images with labels (without dataset.test a share of the "
            f"training images is kept for testing), or, if {values[0]} is a class, write the "
            "classes as names."
        )


def none_labelled(values: Iterable[Any], known: set[str]) -> bool:
    """Whether none of these is a label. `known`: names of classes, whatever they sound like."""
    return all(_no_label(_value(value), known) for value in values)


def _no_label(value: Any, known: set[str]) -> str | None:
    """How a value says that there is no label, `missing` or `below zero`; None where it is one."""
    if isinstance(value, str) and value in known:
        return None
    if value is None or says_nothing(value):
        return "missing"
    is_number = isinstance(value, int) or re.fullmatch(r"-\d+(\.0+)?", str(value))
    return "below zero" if is_number and float(value) < 0 else None


def _read_numbers(
    files: list[Labels], plain: list[list[int | str]], given: list[str] | None
) -> list[Note]:
    """Numbers written as text become numbers, in `plain`, where there are names for them."""
    notes = []
    own = [tuple(map(tidy, f.names)) if f.names and not f.folders else None for f in files]
    orders = list({names for names in own if names})
    others = orders[0] if len(orders) == 1 else ()
    for file, called, part in zip(files, own, plain):
        names = called or given or others
        texts = {value for value in part if isinstance(value, str)}
        if (
            names
            and texts.isdisjoint(names)
            and all(re.fullmatch("0|[1-9][0-9]*", t) for t in texts)
        ):
            part[:] = map(int, part)
            if texts:
                few = listed(in_order(texts))
                text = f"{file.file}: labels {few}, written as text, are the numbers of classes "
                notes.append(note("classes", f"{text}({listed(list(names))})."))
    return notes


def _value(value: Any) -> Any:
    """A label as number or tidy text, None where it is missing; anything else as it is."""
    if isinstance(value, list | tuple) and len(value) <= 1:
        return _value(value[0]) if value else None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return tidy(value) or None
    if isinstance(value, float | Decimal) and value == value:
        return int(value) if value == value // 1 else value
    return None if value != value else value  # NaN


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _names_of_files(
    files: list[Labels],
    plain: list[list[int | str]],
    given: list[str] | None,
    notes: list[Note],
) -> list[list[str] | None]:
    """What numbers mean in each file: its own names, those of the others, or the given ones."""
    own = [[tidy(name) for name in file.names] if file.names else None for file in files]
    orders = list(dict.fromkeys(tuple(names) for names in own if names))
    if len(orders) > 1:
        which = "; ".join(listed(list(order), 4) for order in orders[:3])
        text = f"files number their classes differently ({which}); they are matched by name."
        notes.append(note("classes", text))
    if given and all(set(order) != set(given) for order in orders):
        if orders:
            _refuse_mixed_up(given, orders)
        return [given] * len(files)
    if len(orders) == 1 and None in own:
        numbers = [any(isinstance(value, int) for value in part) for part in plain]
        if bare := [f.file for f, names, has in zip(files, own, numbers) if has and not names]:
            text = f"{listed(bare)} has no names of classes; numbers mean those of other files"
            notes.append(note("classes", f"{text} ({listed(list(orders[0]))})."))
        return [list(orders[0])] * len(files)
    return own


def _refuse_mixed_up(given: list[str], orders: list[tuple[str, ...]]) -> None:
    """Given names can be other words for those of the files: as many, and none for another one."""
    order = orders[0]
    moved = [name for name in set(given) & set(order) if given.index(name) != order.index(name)]
    if len(orders) > 1 or len(order) != len(given) or moved:
        raise AugcamError(
            f"dataset.class_names: {listed(given)} are not the classes of the data set "
            f"({listed(list(order))}); give the same names in any order, or one new name for each."
        )


def _words(
    files: list[Labels],
    plain: list[list[int | str]],
    names: list[list[str] | None],
    notes: list[Note],
) -> list[list[str]]:
    """The name of each image's class; a number that means no name is its own."""
    meant: dict[tuple[str, ...], set[int]] = {}
    keys = [tuple(called or ()) for called in names]
    for part, key in zip(plain, keys):
        meant.setdefault(key, set()).update(v for v in part if isinstance(v, int))
    first = {key: int(bool(key) and found == _count_from(1, key)) for key, found in meant.items()}
    for key, found in meant.items():
        if first[key]:
            text = f"labels are 1 to {len(key)}, not 0 to {len(key) - 1}: 1 is '{key[0]}'."
            notes.append(note("classes", text))
        elif not key and found != _count_from(0, found):
            few = listed(sorted(found), 5)
            text = f"labels are {few}, not numbers from 0 on: each is the name of its class."
            notes.append(note("classes", text))
    return [
        [_word(v, key, first[key], file, i) for i, v in enumerate(part)]
        for file, part, key in zip(files, plain, keys)
    ]


def _count_from(first: int, things: Sized) -> set[int]:
    return set(range(first, first + len(things)))


def _word(value: int | str, called: tuple[str, ...], start: int, file: Labels, i: int) -> str:
    if isinstance(value, str) or not called:
        return str(value)
    if not 0 <= value - start < len(called):
        raise AugcamError(
            f"{file.place(i)}: label {value} is outside {start} to {start + len(called) - 1}, the "
            f"numbers of {counted(len(called), 'class', 'classes')} ({listed(list(called))})."
        )
    return called[value - start]


def _order(
    names: list[list[str] | None], words: list[list[str]], given: list[str] | None
) -> list[str]:
    """The classes in the order of their numbers."""
    used = {word for part in words for word in part}
    if given:
        if unknown := sorted(used - set(given)):
            raise AugcamError(
                f"dataset.class_names: class '{unknown[0]}' of the data set is not among them "
                f"({listed(given)})."
            )
        return given
    known = list(dict.fromkeys(name for called in names for name in called or []))
    return known + in_order(used - set(known))
