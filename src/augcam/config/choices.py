"""What a config chooses from: names of entries."""

from typing import Annotated

from augcam.config.fields import OneOf
from augcam.entries import Augmentation, CamMethod, DataKind, Metric, Network, entries, in_order
from augcam.names import PAPER_AUGMENTATIONS, PAPER_DATA, PAPER_METHOD, PAPER_METRICS

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


MethodName = Annotated[
    str, OneOf([m.name for m in in_order(CamMethod, [PAPER_METHOD])], "CAM method")
]


Architecture = Annotated[str, OneOf(entries(Network), "architecture")]
