"""What a config chooses from: names of entries."""

from typing import Annotated, Any

from augcam.config.fields import OneOf
from augcam.entries import (
    TIMM,
    Augmentation,
    CamMethod,
    DataKind,
    Metric,
    Network,
    Score,
    entries,
    in_order,
)
from augcam.names import (
    MAP_SCORES,
    MASK_SCORES,
    PAPER_AUGMENTATIONS,
    PAPER_DATA,
    PAPER_METHOD,
    PAPER_METRICS,
)

_KINDS = {kind.name: kind.display_name for kind in in_order(DataKind, [PAPER_DATA])}


DataKindName = Annotated[str, OneOf(_KINDS, "data set", meanings=_KINDS)]


CONTROLS = tuple(name for name, entry in entries(Augmentation).items() if entry.control)


AUGMENTATIONS = tuple(
    entry.name for entry in in_order(Augmentation, PAPER_AUGMENTATIONS) if not entry.control
)
"""Every augmentation, the paper's first."""


ControlName = Annotated[str, OneOf(CONTROLS, "control")]


_METRICS = in_order(Metric, PAPER_METRICS)
_FAMILIES = {
    form: [metric.name for metric in entries(Metric).values() if metric.family == form]
    for form in dict.fromkeys(metric.family for metric in _METRICS if metric.family)
}


MetricName = Annotated[
    str,
    OneOf(
        [m.name for m in _METRICS if not m.family or m.name in PAPER_METRICS], "metric", _FAMILIES
    ),
]


ScoreName = Annotated[
    str, OneOf([s.name for s in in_order(Score, [*MAP_SCORES, *MASK_SCORES])], "score")
]


MethodName = Annotated[
    str, OneOf([m.name for m in in_order(CamMethod, [PAPER_METHOD])], "CAM method")
]


class _Architecture(OneOf):
    """The name of a network: of the catalogue, or of one that is only known once it is built."""

    def check(self, name: str) -> str:
        if name.startswith(TIMM) and name != TIMM:
            return name
        file, separator, what = name.rpartition(":")
        if not separator:
            return super().check(name)
        if not file.endswith(".py") or not what.isidentifier():
            raise ValueError(
                f"'{name}' names no class or function of a file; write it as `my_model.py:Net`"
            )
        return name

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        elsewhere = {"type": "string", "pattern": rf"^{TIMM}.+|\.py:\w+$"}
        return {"anyOf": [super().__get_pydantic_json_schema__(schema, handler), elsewhere]}


Architecture = Annotated[str, _Architecture(entries(Network), "architecture")]
