"""From YAML to a valid experiment, or to one sentence a mistake."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from augcam.config.definitions import BUILT_INS, Composition
from augcam.config.experiment import Config
from augcam.config.recipe import OPTIMIZERS, SCHEDULES
from augcam.config.suggestions import suggestion
from augcam.errors import AugcamError


def parse_config(values: Mapping[str, Any]) -> Config:
    """Validate a configuration as read from YAML.

    Raises AugcamError with one line per mistake, each beginning with the dotted key.
    """
    if not isinstance(values, Mapping):
        raise AugcamError(f"config: keys with values are needed, not {_short(values)}.")
    try:
        return Config.model_validate(dict(values))
    except ValidationError as error:
        sentences = (" ".join(_sentence(e).split()) for e in error.errors())
        lines = dict.fromkeys(sentences)  # each once
        raise AugcamError("\n".join(f"config: {_ended(line)}" for line in lines)) from None


def repeated_keys(text: str) -> list[str]:
    """Sentences that name each key which stands twice in one place of a YAML text.

    YAML's readers take the last one and drop the others without a word. A text that is no YAML
    gives none: that is said when it is read.
    """
    import yaml

    def walk(node: yaml.Node, path: tuple[str, ...]) -> Iterable[str]:
        first: dict[str, int] = {}
        for key, value in node.value if isinstance(node, yaml.MappingNode) else []:
            name, line = str(key.value), key.start_mark.line + 1
            if name in first:
                dotted = ".".join((*path, name))
                yield f"{dotted}: the key stands twice, in lines {first[name]} and {line}"
            first[name] = line
            yield from walk(value, (*path, name))

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return []
    return list(walk(node, ())) if node else []


def _sentence(error: Mapping[str, Any]) -> str:
    tags = [part for part in map(str, error["loc"]) if part.startswith("[")]
    where = [str(part) for part in error["loc"] if not str(part).startswith("[")]
    key = ".".join(where)
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        known = _parameters(tags[-1]) if tags else _known_keys(where[:-1])
        places = [] if tags else _places(where[-1])
        if 0 < len(places) <= 3:
            hint = f"; did you mean {' or '.join(map(repr, places))}?"
        else:
            hint = suggestion(where[-1], known)
        return f"{key}: unknown key{hint}"
    if error["type"] == "invalid_key":
        return f"{key}: unknown key; names are text (it is {_short(error['input'])})"
    if error["type"] == "literal_error":
        options = re.findall(r"'([^']*)'", error["ctx"]["expected"])
        value = _short(error["input"])
        return f"{key}: unknown value {value}{suggestion(error['input'], options)}"
    if error["type"] == "model_type":
        return f"{key}: keys with values are needed (it is {_short(error['input'])})"
    if error["type"] == "value_error":
        # A check of a whole section names its keys by itself.
        by_itself = not key or message.startswith(f"{key}.")
        return message if by_itself else f"{key}: {message}"
    if where[0] == "architecture_arguments" and len(where) > 3:
        key = ".".join(where[:3])  # pydantic says so for each type that would do
        return f"{key}: a number, a name, true or false is needed (it is {_short(error['input'])})"
    return f"{key}: {message[0].lower()}{message[1:]} (it is {_short(error['input'])})"


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith("?") else f"{sentence}."


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _places(name: str, section: type[BaseModel] = Config, path: str = "") -> list[str]:
    """The dotted keys of this name, in all sections."""
    found = [f"{path}{name}"] if name in section.model_fields else []
    for key, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += _places(name, kind, f"{path}{key}.")
    return found


def _parameters(tag: str) -> list[str]:
    """The keys of what pydantic names by its tag, `[affine]` or `[sgd]`."""
    kind = {**BUILT_INS, **OPTIMIZERS, **SCHEDULES}.get(tag.strip("[]"), Composition)
    return [key for key in kind.model_fields if key not in ("use", "title", "name")]


def _known_keys(path: list[str]) -> list[str]:
    section: Any = Config
    for part in path:
        if isinstance(section, type) and issubclass(section, BaseModel):
            section = section.model_fields[part].annotation
        else:  # a map from names to sections
            section = get_args(section)[1]
        while get_origin(section) is Annotated:
            section = get_args(section)[0]
    return list(section.model_fields)
