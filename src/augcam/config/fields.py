"""Kinds of values and their checks, shared by all sections of the configuration."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
)
from pydantic_core import PydanticKnownError, core_schema

from augcam.config.suggestions import suggestion


class Section(BaseModel):
    """A config section: unknown keys are refused, and values cannot change after validation."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        validate_default=True,
        allow_inf_nan=False,
        defer_build=True,  # jobs use one section or two
    )

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Pydantic would take `true`, or YAML's `yes`, for 1."""
        takes_it = "bool" in str(cls.model_fields[info.field_name or ""].annotation)
        if not takes_it and True in map(_is_bool, value if isinstance(value, list) else [value]):
            raise ValueError(f"a number or a name is needed, not true or false (it is {value})")
        return value


class Grown(Section):
    """A section of which some keys came later. Where they have their defaults they are left out of
    its values: to the steps that take these, and so to finished results, a config without them is
    what it was."""

    came_later: ClassVar[tuple[str, ...]] = ()

    @model_serializer(mode="wrap")
    def _as_before_where_not_used(self, values: Any) -> dict[str, Any]:
        dumped = values(self)
        for key in self.came_later:
            if getattr(self, key) == type(self).model_fields[key].default:
                dumped.pop(key, None)
        return dumped


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


class OneOf:
    """A check that refuses names outside `known`, with the nearest known name.

    `families`: the form of a family's names → all of them; no nearest one is looked for there.
    `meanings`: what the names mean, for the documentation.
    """

    def __init__(
        self,
        known: Iterable[str],
        what: str,
        families: Mapping[str, Iterable[str]] | None = None,
        meanings: Mapping[str, str] | None = None,
    ):
        self.known, self.what, self.families = tuple(known), what, families or {}
        self.meanings = meanings or {}

    def check(self, name: str) -> str:
        if name in self.known or any(name in members for members in self.families.values()):
            return name
        hint = f" ({'; '.join(self._ranges())})" if self.families else ""
        raise ValueError(f"unknown {self.what} '{name}'{suggestion(name, self.known)}{hint}")

    def _ranges(self) -> list[str]:
        ends = {form: list(names) for form, names in self.families.items()}
        return [f"{form}: {names[0]} to {names[-1]}" for form, names in ends.items()]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return handler(schema) | ({} if self.families else {"enum": list(self.known)})

    def note(self, said: str) -> str:
        """What there is to choose from, as far as `said` does not name it and it is short."""
        short = len(self.known) <= 20 and any(name not in said for name in self.known)
        if self.meanings:
            return "; ".join(f"`{name}`: {meaning}" for name, meaning in self.meanings.items())
        names = ", ".join(f"`{name}`" for name in self.known)
        return "; ".join([*([names] if short else []), *self._ranges()])


def in_order_of(known: Iterable[str]):
    """A validator that brings names into the order of `known`."""
    places = {name: place for place, name in enumerate(known)}
    return AfterValidator(lambda names: sorted(names, key=places.__getitem__))


def unique(values: list) -> list:
    repeated = sorted({str(v) for v in values if values.count(v) > 1})
    if repeated:
        raise ValueError(f"{', '.join(repeated)} is named more than once")
    return values


class Ends:
    """The ends of a range, the lower one first; one number stands for both."""

    def check(self, value: Any, validate: Callable[[Any], tuple[Any, Any]]) -> tuple[Any, Any]:
        if isinstance(value, int | float | str):
            try:
                return validate((value, value))
            except ValidationError as error:
                said: Any = error.errors()[0]  # of both ends the same
                raise PydanticKnownError(said["type"], said.get("ctx")) from None
        low, high = validate(value)
        if low > high:
            raise ValueError(f"the lower bound {low} exceeds the upper bound {high}")
        return low, high

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_wrap_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        pair = handler(schema)
        return {"anyOf": [pair["prefixItems"][0], pair]}


def _text(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError(f"a name or path is needed, not {value!r}")
    return value


def _colour(value: Any) -> str:
    """A colour that Pillow knows, as #rrggbb in lower case."""
    advice = "give a name, e.g. 'white', or red, green and blue in quotes, e.g. '#ffffff'"
    if not isinstance(value, str):  # what YAML makes of an unquoted #ffffff is nothing
        raise ValueError(f"a colour is needed, not {value}; {advice}")
    if re.fullmatch("#[0-9a-f]{6}", value):
        return value
    from PIL import ImageColor

    try:
        channels = ImageColor.getrgb(value)
    except ValueError:
        raise ValueError(f"unknown colour '{value}'; {advice}") from None
    if len(channels) != 3 or max(channels) > 255:
        raise ValueError(f"'{value}' is no opaque colour; {advice}")
    return "#" + bytes(channels).hex()


SCENES = ("photographs", "noise", "textures")
"""Backgrounds that are made, and no colour."""


def _background(value: Any) -> str:
    """One of `SCENES`, or a colour."""
    if value in SCENES:
        return value
    try:
        return _colour(value)
    except ValueError as error:
        known = ", ".join(map(repr, SCENES))
        raise ValueError(f"{error} ('composed' also takes {known})") from None


Fraction = Annotated[float, Field(gt=0, lt=1)]


Share = Annotated[float, Field(ge=0, le=1)]


NonNegative = Annotated[float, Field(ge=0)]


Seed = Annotated[int, Field(ge=0, lt=2**32)]


Pixels = Annotated[int, Field(gt=0, le=4096)]


Text = Annotated[str, AfterValidator(_text)]


Background = Annotated[str, BeforeValidator(_background)]


Factor = Annotated[float, Field(ge=0.01, le=100)]


Range = Annotated[tuple[Factor, Factor], Ends()]


LevelRange = Annotated[tuple[Share, Share], Ends()]


ShareRange = Annotated[
    tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]], Ends()
]


def leaves_no_choice(parameters: Mapping[str, Any], *ranges: str) -> bool:
    """Whether `p` is 0, or is 1 (or not there) and all of `ranges` are one number."""
    p = parameters.get("p", 1)
    return p == 0 or (p == 1 and all(len(set(parameters[name])) == 1 for name in ranges))
