"""Conditions: what their names in a config stand for, with all parameters filled in."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from augcam.config.choices import AUGMENTATIONS
from augcam.config.definitions import BUILT_INS, Composition, Foreign, Named, Sweep
from augcam.config.suggestions import suggestion
from augcam.entries import Augmentation, augmentation_named, entries

Step = dict[str, Any]
"""One step as plain values: `use`, the name of a built-in or a path to something else, and its
arguments; `batched` for the latter."""


class Condition(NamedTuple):
    """A way of training. `title`: its name for people; `steps`: what is done to a copy, one after
    another. Of a sweep: its name as `sweep`, the parameter (`key`) that has one value per
    condition, and this one's `value`."""

    name: str
    title: str
    steps: tuple[Step, ...]
    sweep: str = ""
    key: str = ""
    value: Any = None

    @property
    def built_ins(self) -> list[str]:
        """The names of its steps that are built in."""
        return [step["use"] for step in self.steps if step["use"] in entries(Augmentation)]

    @property
    def foreign(self) -> list[Step]:
        """Its steps that are not."""
        return [step for step in self.steps if step["use"] not in entries(Augmentation)]

    @property
    def has_copies(self) -> bool:
        """Whether anything but originals is shown."""
        return all(augmentation_named(name).copies for name in self.built_ins)

    @property
    def is_random(self) -> bool:
        """Whether copies are drawn; what comes from elsewhere may draw."""
        if self.foreign:
            return True
        return any(augmentation_named(step["use"]).is_random(step) for step in self.steps)


def built_in_step(built_in: str, **parameters: Any) -> Step:
    """A built-in augmentation as a step, with its defaults where nothing else is given."""
    return _plain(BUILT_INS[built_in](**parameters))


def control(name: str) -> Condition:
    return Condition(name, augmentation_named(name).display_name, ({"use": name},))


def conditions(names: Iterable[str], definitions: Mapping[str, Named]) -> list[Condition]:
    """The conditions that the names of `augmentations` stand for: one each, or those of a sweep.

    Raises ValueError with a sentence that begins with the key that is wrong.
    """
    found: dict[str, Condition] = {}
    for place, name in enumerate(names):
        if name not in definitions and name not in AUGMENTATIONS:
            known = dict.fromkeys([*definitions, *AUGMENTATIONS])
            raise ValueError(
                f"augmentations.{place}: unknown augmentation '{name}'{suggestion(name, known)}"
            )
        for condition in _named(name, definitions):
            folder = condition.name.casefold()  # some file systems see no other difference
            if folder in found:
                other = found[folder]
                why = "is there already" if other.name == condition.name else "differs only in case"
                raise ValueError(
                    f"augmentations.{place}: '{name}' gives the condition '{condition.name}', "
                    f"which {why} ({other.sweep or other.name}); choose another name"
                )
            found[folder] = condition
    return list(found.values())


def _named(name: str, definitions: Mapping[str, Named]) -> list[Condition]:
    definition = definitions.get(name) or BUILT_INS[name]()
    if isinstance(definition, Sweep):
        return _swept(name, definition, definitions)
    return [Condition(name, _title(name, definition), _checked(name, _steps(definition)))]


def _title(name: str, definition: Named) -> str:
    own = name in AUGMENTATIONS and getattr(definition, "use", "") == name
    return definition.title or (augmentation_named(name).display_name if own else name)


def _steps(definition: Named) -> tuple[Step, ...]:
    parts = definition.steps if isinstance(definition, Composition) else [definition]
    return tuple(_plain(part) for part in parts)


def _plain(step: Named) -> Step:
    values = step.model_dump(mode="json", exclude={"title"})
    return {"use": values.pop("use"), **values}


def _checked(name: str, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """`steps`, unless one that mixes images stands before another one."""
    for step in steps[:-1]:
        if step["use"] in AUGMENTATIONS and augmentation_named(step["use"]).mixes:
            raise ValueError(
                f"augmentation_parameters.{name}: '{step['use']}' mixes two images, so it must be "
                "the last step"
            )
    return steps


def _swept(name: str, sweep: Sweep, definitions: Mapping[str, Named]) -> list[Condition]:
    where = f"augmentation_parameters.{name}"
    base = definitions.get(sweep.sweep)
    if base is None:
        if sweep.sweep not in AUGMENTATIONS:
            known = [n for n, d in definitions.items() if not isinstance(d, Sweep)]
            hint = suggestion(sweep.sweep, dict.fromkeys([*known, *AUGMENTATIONS]))
            raise ValueError(f"{where}.sweep: unknown augmentation '{sweep.sweep}'{hint}")
        base = BUILT_INS[sweep.sweep]()
    if isinstance(base, Sweep):
        raise ValueError(f"{where}.sweep: '{sweep.sweep}' is a sweep itself; name what it varies")
    steps = _checked(name, _steps(base))
    given = dict(sweep.model_extra or {})
    every = [k for k, v in given.items() if isinstance(v, list)]
    lists = [k for k in every if not _is_value(where, steps, k, given[k])]
    key = sweep.over or (lists[0] if len(lists) == 1 else "")
    if not key:
        which = f"; {' and '.join(lists)} do: name one with `over`" if lists else ""
        if every and not lists:  # two numbers may be the ends of one range
            which = f"; if {every[0]}: {given[every[0]]} are two values and not one range, say so "
            which += f"with `over: {every[0]}`"
        raise ValueError(
            f"{where}: one parameter must have a list of values, e.g. `degrees: [5, 15]`{which}"
        )
    values = given.pop(key, None)
    if not isinstance(values, list) or len(values) < 2:
        raise ValueError(f"{where}.{key}: a sweep needs a list of two values or more")
    if any(values.count(value) > 1 for value in values):
        raise ValueError(f"{where}.{key}: a value stands twice")
    for fixed, value in given.items():
        steps = _with(where, steps, fixed, value)
    swept = [_with(where, steps, key, value) for value in values]
    labels = _labels(values)
    shown = sweep.title or name
    return [
        Condition(f"{name}_{label}", f"{shown} {label}", with_value, name, key, value)
        for label, with_value, value in zip(labels, swept, values)
    ]


def _labels(values: list[Any]) -> list[str]:
    """Short texts that tell values apart: the values, or their places."""
    texts = [f"{v:g}" if isinstance(v, int | float) else str(v) for v in values]
    fit = all(re.fullmatch(r"[\w.-]{1,20}", text, re.ASCII) for text in texts)
    return (
        texts if fit and len(set(texts)) == len(texts) else [str(i + 1) for i in range(len(texts))]
    )


def _is_value(where: str, steps: tuple[Step, ...], key: str, value: Any) -> bool:
    """Whether a list is one value of a parameter, such as a range."""
    place, parameter = _place(where, steps, key)
    if steps[place]["use"] not in BUILT_INS:
        return False
    try:
        BUILT_INS[steps[place]["use"]](**steps[place] | {parameter: value})
    except ValidationError:
        return False
    return True


def _with(where: str, steps: tuple[Step, ...], key: str, value: Any) -> tuple[Step, ...]:
    """`steps` with another value of one parameter."""
    place, parameter = _place(where, steps, key)
    kind = BUILT_INS.get(steps[place]["use"], Foreign)
    try:
        changed = kind(**steps[place] | {parameter: value})
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ValueError(
            f"{where}.{key}: {message[0].lower()}{message[1:]} (it is {value!r})"
        ) from None
    return (*steps[:place], _plain(changed), *steps[place + 1 :])


def _place(where: str, steps: tuple[Step, ...], key: str) -> tuple[int, str]:
    """Which step has the parameter that `key` names, and its name there.

    Of several steps it is named with its step: `affine.degrees`.
    """
    step_name, _, parameter = key.rpartition(".")
    places = [
        i
        for i, s in enumerate(steps)
        if step_name in ("", s["use"], re.split("[.:]", s["use"])[-1])
    ]
    uses = [step["use"] for step in steps]
    if len(places) != 1:
        advice = f"write {uses[0]}.{parameter}" if not step_name else f"its steps are {uses}"
        raise ValueError(f"{where}.{key}: which step is meant? {advice}")
    step = steps[places[0]]
    known = [k for k in step if k != "use"]
    if step["use"] in BUILT_INS and parameter not in known:
        hint = suggestion(parameter, known) if known else "; it has none"
        raise ValueError(f"{where}.{key}: '{step['use']}' has no parameter '{parameter}'{hint}")
    return places[0], parameter
