"""What is generated from the configuration and from entries: `config/schema.json`, the key table of
its README, the tables of metrics and scores of `docs/method.md`, that of explanation methods in
`docs/explanations.md`, and that of augmentations in `docs/augmentations.md`.

python -m augcam.config.document
"""

import ast
import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from augcam.config.choices import AUGMENTATIONS
from augcam.config.definitions import parameters_of
from augcam.config.experiment import Config
from augcam.config.fields import OneOf
from augcam.config.views import View
from augcam.entries import Augmentation, CamMethod, Metric, Score, entry_file, in_order
from augcam.names import (
    MAP_SCORES,
    MASK_SCORES,
    PAPER_AUGMENTATIONS,
    PAPER_METHOD,
    PAPER_METRICS,
)


def _key_rows(section: type[BaseModel], prefix: str = "") -> Iterable[tuple[str, str, str]]:
    for name, field in section.model_fields.items():
        key = f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _key_rows(field.annotation, f"{key}.")
        else:
            default = (
                field.default.model_dump()
                if isinstance(field.default, BaseModel)
                else (field.default)
            )
            shown = json.dumps(default, ensure_ascii=False)
            text = " ".join((field.description or "").split())
            notes = dict.fromkeys(choice.note(shown + text) for choice in _choices(field))
            yield key, shown, " ".join([text, *(f"({note})" for note in notes if note)])
        if field.annotation == Config.model_fields["augmentation_parameters"].annotation:
            for built_in in AUGMENTATIONS:
                yield from _key_rows(parameters_of(built_in), f"{key}.{built_in}.")
        if name == "views":
            yield from _key_rows(View, f"{key}.<name>.")


def _choices(part: Any) -> Iterable[OneOf]:
    """The names that a field, or a part of its annotation, takes."""
    if isinstance(part, OneOf):
        yield part
    elif isinstance(part, FieldInfo):
        yield from _choices((*part.metadata, part.annotation))
    else:
        for inner in part if isinstance(part, tuple) else get_args(part):
            yield from _choices(inner)


def key_table() -> str:
    """Markdown table of every key with its default and meaning."""
    rows = [f"| `{key}` | `{default}` | {text} |" for key, default, text in _key_rows(Config)]
    return "\n".join(["| key | default | meaning |", "|---|---|---|", *rows])


def metric_table() -> str:
    """Markdown table of every metric; the members of a family are one row."""
    rows = {
        metric.family or metric.name: f"| `{metric.family or metric.name}` | {metric.definition} | "
        f"{metric.at_equality} | {_range(*metric.range)} |"
        for metric in in_order(Metric, PAPER_METRICS)
    }
    return "\n".join(
        ["| metric | definition | alike | range |", "|---|---|---|---|", *rows.values()]
    )


def score_table() -> str:
    """Markdown table of every score of maps."""
    rows = [
        f"| `{score.name}` | {score.display_name} | {score.definition} | {score.source} | "
        f"{_range(*score.range)} | {score.needs} |"
        for score in in_order(Score, [*MAP_SCORES, *MASK_SCORES])
    ]
    head = ["| score | | definition | source | range | needs |", "|---|---|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _range(low: float, high: float) -> str:
    ends = f"≥ {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"
    return ends.replace("-", "−")


def method_table() -> str:
    """Markdown table of every explanation method; what it is stands first in its function."""
    rows = [
        f"| `{method.name}` | {method.display_name} | {_says(method)} | {method.reference} | "
        f"{method.needs} | {_passes(method)} | {'yes' if method.class_dependent else 'no'} | "
        f"{_equal(method)} |"
        for method in in_order(CamMethod, [PAPER_METHOD])
    ]
    head = "| `cam.method` | | what it is | source | needs | passes | class | same as |"
    return "\n".join([head, "|---" * 8 + "|", *rows])


def _says(method: CamMethod) -> str:
    text = (method.function.__doc__ or "").partition("\n")[0].removesuffix(".")
    return text.replace("|", "\\|")


_CHANNELS, _CELLS = 10**6, 10**3  # that no method takes passes of by chance


def _passes(method: CamMethod) -> str:
    """The passes of one image beyond the shared one, as a formula."""
    count = method.passes(_CHANNELS, _CELLS)
    channels, rest = divmod(count, _CHANNELS)
    cells, more = divmod(rest, _CELLS)
    counted = [(channels, "channels"), (cells, "cells"), (more, "")]
    terms = [
        name if number == 1 and name else " × ".join(filter(None, [str(number), name]))
        for number, name in counted
        if number
    ]
    return (" + ".join(terms) or "0") + (" (0 where linear)" if method.closed_form else "")


def _equal(method: CamMethod) -> str:
    where = (
        (method.equal_if_pooled_linear, "linear"),
        (method.equal_if_nonnegative, "not negative"),
    )
    return ", ".join(f"`{other}` where {what}" for other, what in where if other)


def augmentation_table() -> str:
    """Markdown table of every built-in augmentation; what one does is the first line of its file,
    without a full stop."""
    rows = []
    for entry in in_order(Augmentation, PAPER_AUGMENTATIONS):
        if not entry.control:
            text = entry_file(Augmentation, entry.name).read_text(encoding="utf-8")
            does = (ast.get_docstring(ast.parse(text)) or "").splitlines()[0].removesuffix(".")
            keys = _key_rows(parameters_of(entry.name))
            given = ", ".join(f"`{key}: {default}`" for key, default, _ in keys)
            rows.append(f"| `{entry.name}` | {does} | {given} | {entry.reference} |")
    return "\n".join(["| name | what it does | parameters | as in |", "|---|---|---|---|", *rows])


def with_generated(page: str, what: str, module: str, content: str) -> str:
    """`page` with `content` between the two comments that mark what `module` generates there."""
    opening, closing = (
        f"<!-- {what}: generated by python -m {module} -->",
        f"<!-- end of {what} -->",
    )
    before, _, rest = page.partition(opening)
    _, _, after = rest.partition(closing)
    return f"{before}{opening}\n{content}\n{closing}{after}"


def schema_text() -> str:
    """The JSON schema of the config, as stored in `config/schema.json`."""
    return json.dumps(Config.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


TABLES: list[tuple[str, str, Callable[[], str]]] = [
    ("config/README.md", "key table", key_table),
    ("docs/method.md", "metrics", metric_table),
    ("docs/method.md", "scores", score_table),
    ("docs/explanations.md", "methods", method_table),
    ("docs/augmentations.md", "augmentations", augmentation_table),
]
"""Page, what is generated there, and how."""


def main() -> None:
    """Write them all, from the project root."""
    Path("config/schema.json").write_text(schema_text(), encoding="utf-8")
    for page, what, table in TABLES:
        text = Path(page).read_text(encoding="utf-8")
        text = with_generated(text, what, "augcam.config.document", table())
        Path(page).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
