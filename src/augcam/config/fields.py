"""Kinds of values and their checks, shared by all sections of the configuration."""

import difflib
import json
import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from augcam.names import METRICS


class Section(BaseModel):
    """A config section: unknown keys are refused, and values cannot change after validation."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        validate_default=True,
        allow_inf_nan=False,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Pydantic would take `true`, or YAML's `yes`, for 1."""
        takes_it = "bool" in str(cls.model_fields[info.field_name].annotation)
        if not takes_it and True in map(_is_bool, value if isinstance(value, list) else [value]):
            raise ValueError(f"a number or a name is needed, not true or false (it is {value})")
        return value


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def one_of(known: Iterable[str], what: str):
    """A validator that refuses names outside `known`, with the nearest known name."""
    known = tuple(known)

    def check(name: str) -> str:
        if name not in known:
            raise ValueError(f"unknown {what} '{name}'{suggestion(name, known)}")
        return name

    return AfterValidator(check)


def suggestion(name: str, known: Iterable[str]) -> str:
    known = list(known)
    close = difflib.get_close_matches(str(name), known, n=1)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known: {', '.join(known)}" if len(known) <= 20 else ""


def unique(values: list) -> list:
    repeated = sorted({str(v) for v in values if values.count(v) > 1})
    if repeated:
        raise ValueError(f"{', '.join(repeated)} is named more than once")
    return values


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"the lower bound {bounds[0]} exceeds the upper bound {bounds[1]}")
    return bounds


def _text(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError(f"a name or path is needed, not {value!r}")
    return value


def metric_name(name: str) -> str:
    if name in METRICS or re.fullmatch(r"overlap_([1-9]|[1-9][0-9])", name):
        return name
    raise ValueError(
        f"unknown metric '{name}'{suggestion(name, METRICS)} "
        "(overlap_Y takes any whole percentage Y from 1 to 99)"
    )


class CatalogueEntry(NamedTuple):
    """What is known of an architecture without building it."""

    cam_layer: str
    smallest_input: int


@cache
def catalogue() -> dict[str, CatalogueEntry]:
    """The architectures that have a feature map to explain, by name.

    Generated from torchvision by `python -m augcam.networks.catalogue`, so that the config can be
    checked without importing torch.
    """
    text = (
        resources.files("augcam.networks")
        .joinpath("architectures.json")
        .read_text(encoding="utf-8")
    )
    return {name: CatalogueEntry(**entry) for name, entry in json.loads(text).items()}


Architecture = Annotated[str, one_of(catalogue(), "architecture")]


Fraction = Annotated[float, Field(gt=0, lt=1)]


Share = Annotated[float, Field(ge=0, le=1)]


NonNegative = Annotated[float, Field(ge=0)]


Seed = Annotated[int, Field(ge=0, lt=2**32)]


Pixels = Annotated[int, Field(gt=0, le=4096)]


Text = Annotated[str, AfterValidator(_text)]


Factor = Annotated[float, Field(ge=0.01, le=100)]


Range = Annotated[tuple[Factor, Factor], AfterValidator(_ordered)]


ShareRange = Annotated[
    tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]],
    AfterValidator(_ordered),
]
