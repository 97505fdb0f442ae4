"""Views: further ways to explain the same networks, beside the main one of `cam`."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field

from augcam.config.choices import MethodName
from augcam.config.fields import Section, Seed, Text
from augcam.names import MAIN

Target = Literal["predicted", "label", "baseline"]


class View(Section):
    """What a view does otherwise than the main one; what it does not name is as there."""

    method: MethodName | None = None
    """As `cam.method`."""
    target: Target | None = None
    """As `cam.target`."""
    layer: Text | None = None
    """As `model.cam_layer`; the grid of tokens is found."""
    images: Annotated[int, Field(ge=2)] | None = None
    """Explain a random sample of so many test images, the same of all models; when not given all
    of them."""
    seed: Seed = 0
    """Seed of that sample."""


def _named(views: Any) -> Any:
    """Refuse names that cannot name a folder, and views that say nothing."""
    for name, view in views.items() if isinstance(views, Mapping) else ():
        if name == MAIN:
            raise ValueError(
                f"'{MAIN}' is the view that cam and model.cam_layer describe; take another name"
            )
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", str(name)):
            raise ValueError(
                f"'{name}' cannot name a view; use letters, digits, '.', '_' and '-', "
                "starting with a letter or digit"
            )
        if view is None:
            raise ValueError(f"'{name}' says nothing; name a method, layer, target or images")
    return views


def _apart(views: dict[str, View]) -> dict[str, View]:
    """Refuse views that differ in nothing but capitals: some file systems have one folder then."""
    seen: dict[str, str] = {}
    for name in views:
        if other := seen.get(name.lower()):
            raise ValueError(f"'{other}' and '{name}' would be one folder; take another name")
        seen[name.lower()] = name
    return views


Views = Annotated[dict[str, View], BeforeValidator(_named), AfterValidator(_apart)]


class Look(NamedTuple):
    """All that a view is: `layer` None: the one that is found; `images` None: all test images."""

    method: str
    target: str
    layer: str | None
    images: int | None
    seed: int

    @property
    def said(self) -> str:
        """In words, for sentences about it."""
        layer = f"layer '{self.layer}'" if self.layer else "the main layer"
        images = f", {self.images} images" if self.images else ""
        return f"{self.method}, {layer}, target {self.target}{images}"


def looks(
    views: Mapping[str, View], method: str, target: str, layer: str | None
) -> dict[str, Look]:
    """Every view by name, the main one first, which the other arguments describe.

    The seed of no sample is 0: it means nothing.
    """
    found = {MAIN: Look(method, target, layer, None, 0)}
    for name, view in views.items():
        found[name] = Look(
            view.method or method,
            view.target or target,
            view.layer or layer,
            view.images,
            view.seed if view.images else 0,
        )
    return found


def refuse_equal(found: Mapping[str, Look]) -> None:
    """Raises ValueError where a view is another one again."""
    first: dict[Look, str] = {}
    for name, look in found.items():
        if (other := first.setdefault(look, name)) != name:
            what = "the main view" if other == MAIN else f"view '{other}'"
            raise ValueError(
                f"views.{name}: it is {what} again ({look.said}); name what it does otherwise, or "
                "remove it"
            )


def refuse_samples_beyond(found: Mapping[str, Look], tested: int) -> None:
    """Raises ValueError where a view wants more images than the `tested` ones."""
    for name, look in found.items():
        if look.images and look.images > tested:
            raise ValueError(
                f"views.{name}.images: {look.images} is more than the {tested} test images; take "
                "fewer, or remove the key for all of them"
            )
