"""What a config chooses from: names of entries, and the parameters of augmentations."""

from typing import TYPE_CHECKING, Annotated

from pydantic import create_model

from augcam.config.fields import OneOf, Section
from augcam.entries import Augmentation, CamMethod, Metric, Network, entries
from augcam.names import PAPER_AUGMENTATIONS, PAPER_METRICS, first_of

CONTROLS = tuple(name for name, entry in entries(Augmentation).items() if entry.control)


AUGMENTATIONS = first_of(
    PAPER_AUGMENTATIONS, [name for name in entries(Augmentation) if name not in CONTROLS]
)
"""Every augmentation, the paper's first."""


AugmentationName = Annotated[str, OneOf(AUGMENTATIONS, "augmentation")]


ControlName = Annotated[str, OneOf(CONTROLS, "control")]


_FAMILIES: dict[str, list[str]] = {}
for _metric in entries(Metric).values():
    _FAMILIES.setdefault(_metric.family, []).append(_metric.name)


MetricName = Annotated[str, OneOf(first_of(PAPER_METRICS, _FAMILIES.pop("")), "metric", _FAMILIES)]


MethodName = Annotated[str, OneOf(entries(CamMethod), "CAM method")]


Architecture = Annotated[str, OneOf(entries(Network), "architecture")]


class NoParameters(Section):
    pass


if TYPE_CHECKING:

    class AugmentationParameters(Section):
        """One section per augmentation."""

else:
    AugmentationParameters = create_model(
        "AugmentationParameters",
        __base__=Section,
        **{
            name: (section, section())
            for name in AUGMENTATIONS
            for section in [entries(Augmentation)[name].parameters or NoParameters]
        },
    )
