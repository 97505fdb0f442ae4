"""How a config defines conditions: `augmentation_parameters`, one definition per name.

affine: {degrees: 15}                                   # a built-in, with other values
strong: [hflip, {affine: {degrees: 45}}, colorjitter]   # a composition, in this order
magic: {use: torchvision.transforms.v2.RandAugment, magnitude: 9}
fog: {use: my_augmentations.py:Fog, severity: 3}        # a class or function of one's own
turned: {sweep: affine, degrees: [5, 15, 30, 60]}       # one condition per value, in order
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    create_model,
)

from augcam.config.choices import AUGMENTATIONS, CONTROLS
from augcam.config.fields import Section, Text
from augcam.config.suggestions import nearest, suggestion
from augcam.entries import Augmentation, entries

_RESERVED = (*CONTROLS, "initial", "further")  # these name folders of results


class Named(Section):
    title: Text | None = None
    """The condition's name for people."""


def _path(use: str) -> str:
    if not re.search(r"[.:]", use):
        raise ValueError(f"unknown augmentation '{use}'{suggestion(use, AUGMENTATIONS)}")
    return use


class Foreign(Named):
    """A class or function from elsewhere; all further keys are its arguments."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue] = Field(init=False)

    use: Annotated[Text, AfterValidator(_path)]
    """A dotted path such as `torchvision.transforms.v2.RandAugment`, or `<file>.py:<name>`."""
    batched: bool = False
    """Whether it takes a batch (n, 3, height, width) rather than one image."""


class Sweep(Named):
    """One condition per value of one parameter; further keys are parameters of them all."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue] = Field(init=False)

    sweep: Text
    """A built-in, or a definition beside this one."""
    over: Text | None = None
    """The parameter that varies, where several have lists of values."""


def parameters_of(built_in: str) -> type[Section]:
    """The section of a built-in augmentation's parameters."""
    return entries(Augmentation)[built_in].parameters or Section


BUILT_INS: dict[str, Any] = {
    name: create_model(
        name,
        __base__=parameters_of(name),
        __cls_kwargs__={"use_attribute_docstrings": False},  # it has none, and the search is slow
        use=(Literal[name], name),  # type: ignore[arg-type]
        title=(Text | None, None),
    )
    for name in AUGMENTATIONS
}
"""The parameters of every built-in, with `use`, its name, and `title`."""


def __getattr__(name: str) -> Any:
    """The section of a built-in by its name, as which it is sent to another process."""
    if name in BUILT_INS:
        return BUILT_INS[name]
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def _step(value: Any) -> Any:
    """The short forms of a step, `hflip` and `affine: {degrees: 45}`, with `use`."""
    if isinstance(value, str):
        value = {"use": value}
    if isinstance(value, Mapping) and len(value) == 1 and "use" not in value:
        ((name, parameters),) = value.items()
        if isinstance(parameters, Mapping | None):
            value = {"use": name, **(parameters or {})}
    use = value.get("use") if isinstance(value, Mapping) else getattr(value, "use", None)
    if not isinstance(use, str):
        raise ValueError(
            "a step is the name of a built-in, a name with its parameters, or a mapping with `use`"
        )
    if use not in AUGMENTATIONS:
        _path(use)
    return value


def _kind(value: Any) -> str:
    """Tag of a definition or step; tags stand in brackets, which messages leave out."""
    keys = value if isinstance(value, Mapping) else type(value).model_fields
    for key in ("steps", "sweep"):
        if key in keys:
            return f"[{key}]"
    use = value["use"] if isinstance(value, Mapping) else value.use
    return f"[{use}]" if use in AUGMENTATIONS else "[use]"


def _union(*kinds: tuple[str, Any]) -> Any:
    built_in = [(f"[{name}]", section) for name, section in BUILT_INS.items()]
    every = [*built_in, ("[use]", Foreign), *kinds]
    members: Any = tuple(Annotated[kind, Tag(tag)] for tag, kind in every)
    union: Any = members[0]
    for member in members[1:]:
        union |= member
    return Annotated[union, Discriminator(_kind)]


def _without_title(step: Named) -> Named:
    if step.title:
        raise ValueError("a step has no title; give one beside `steps`")
    return step


if TYPE_CHECKING:
    Step = Named
else:
    Step = Annotated[_union(), BeforeValidator(_step), AfterValidator(_without_title)]


class Composition(Named):
    """Steps, one after another."""

    steps: Annotated[list[Step], Field(min_length=1)]


if TYPE_CHECKING:
    Definition = Named
else:
    Definition = _union(("[sweep]", Sweep), ("[steps]", Composition))


def _definitions(values: Any) -> Any:
    """Short forms written out; raises ValueError naming what is no definition."""
    if not isinstance(values, Mapping):
        raise ValueError("names with definitions are needed")
    return {name: _definition(name, value) for name, value in values.items()}


def _definition(name: Any, value: Any) -> Any:
    where = f"augmentation_parameters.{name}"
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,59}", name, re.ASCII):
        raise ValueError(
            f"{where}: {name!r} cannot name a condition; use letters, digits, '_', '-' and '.', "
            "starting with a letter or digit"
        )
    if name in _RESERVED:
        raise ValueError(f"{where}: '{name}' has a meaning of its own; choose another name")
    if isinstance(value, list):
        return {"steps": value}
    if isinstance(value, BaseModel) or (isinstance(value, Mapping) and value.keys() & _FORMS):
        return value
    if name in AUGMENTATIONS and isinstance(value, Mapping | None):
        return {"use": name, **(value or {})}
    known = "" if name in AUGMENTATIONS else f"no built-in has this name{_meant(name)}; "
    raise ValueError(
        f"{where}: {known}give parameters of a built-in, `use`, `sweep`, or a list of steps"
    )


def _meant(name: str) -> str:
    meant = nearest(name, AUGMENTATIONS)
    return f" (did you mean '{meant}'?)" if meant else ""


_FORMS = {"use", "sweep", "steps"}


_SCHEMA_OF_FORMS: list[dict[str, Any]] = [
    {"type": "array", "minItems": 1},
    *({"type": "object", "required": [form]} for form in sorted(_FORMS)),
]


class _AsWritten:
    """The JSON schema of definitions in their short forms, made when it is asked for: every start
    of Snakemake reads this file."""

    def __get_pydantic_json_schema__(self, _schema: Any, _handler: Any) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {
                name: {"anyOf": [parameters_of(name).model_json_schema(), *_SCHEMA_OF_FORMS]}
                for name in AUGMENTATIONS
            },
            "additionalProperties": {"anyOf": _SCHEMA_OF_FORMS},
        }


Definitions = Annotated[dict[str, Definition], BeforeValidator(_definitions), _AsWritten()]
