"""How networks learn: optimisers and courses of the learning rate, each a name or a map with its
values (`sgd`, or `{name: sgd, momentum: 0.9, nesterov: true}`). Names and defaults are torch's, but
for SGD's momentum."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Tag,
    model_validator,
)

from augcam.config.fields import Fraction, NonNegative, Section
from augcam.config.suggestions import suggestion

BelowOne = Annotated[float, Field(ge=0, lt=1)]


# ------------------------------------------------------------------------------------ optimisers


class Adam(Section):
    """Adam with L2 penalty (Kingma and Ba 2015)."""

    name: Literal["adam"] = "adam"
    betas: tuple[BelowOne, BelowOne] = (0.9, 0.999)
    """Decay of the running means of gradients and of squared gradients."""
    eps: PositiveFloat = 1e-8
    """Added to the denominator."""


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    name: Literal["adamw"] = "adamw"  # type: ignore[assignment]


class SGD(Section):
    """Stochastic gradient descent with momentum."""

    name: Literal["sgd"] = "sgd"
    momentum: BelowOne = 0.9
    """Share of the last step's direction that is kept."""
    nesterov: bool = False
    """Look ahead along that direction (Sutskever et al. 2013)."""

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self):
        if self.nesterov and not self.momentum:
            raise ValueError(
                "training.optimizer.nesterov: looking ahead needs a momentum above 0; set "
                "momentum: 0.9, or remove nesterov"
            )
        return self


# ------------------------------------------------------------------------- the learning rate


class Constant(Section):
    """The same in all steps."""

    name: Literal["constant"] = "constant"
    warmup: NonNegativeInt = 0
    """Epochs over which the learning rate first rises to `training.learning_rate`, step by step."""


class Cosine(Section):
    """Half a cosine from `training.learning_rate` down, step by step (Loshchilov, Hutter 2017)."""

    name: Literal["cosine"] = "cosine"
    warmup: NonNegativeInt = 0
    """As for `constant`; the cosine follows."""
    eta_min: NonNegative = 0
    """The learning rate at its end."""


class Steps(Section):
    """Times `gamma` after every `step_size` epochs."""

    name: Literal["step"] = "step"
    warmup: NonNegativeInt = 0
    """As for `constant`; epochs count from its end."""
    step_size: PositiveInt = 10
    """Epochs with one learning rate."""
    gamma: Fraction = 0.1
    """The factor."""


class OneCycle(Section):
    """Up to `training.learning_rate` and down again, half a cosine each (Smith, Topin 2019)."""

    name: Literal["one_cycle"] = "one_cycle"
    pct_start: Fraction = 0.3
    """Share of the steps that lead up."""
    div_factor: Annotated[float, Field(ge=1)] = 25
    """`training.learning_rate` by that of the first step."""
    final_div_factor: Annotated[float, Field(ge=1)] = 1e4
    """The learning rate of the first step by that of the last one."""


OPTIMIZERS: dict[str, type[Section]] = {"adam": Adam, "adamw": AdamW, "sgd": SGD}
SCHEDULES: dict[str, type[Section]] = {
    "constant": Constant,
    "cosine": Cosine,
    "step": Steps,
    "one_cycle": OneCycle,
}


def _named(what: str, kinds: Mapping[str, type[Section]]) -> Callable[[Any], Any]:
    """The short form, a name, written out. Raises ValueError for what names none of `kinds`."""

    def check(value: Any) -> Any:
        if isinstance(value, Section):
            return value
        value = {"name": value} if isinstance(value, str) else value
        if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
            known = ", ".join(kinds)
            raise ValueError(f"a name is needed, or a map with `name` and its values; {known}")
        if value["name"] not in kinds:
            raise ValueError(f"unknown {what} '{value['name']}'{suggestion(value['name'], kinds)}")
        return value

    return check


def _tag(value: Any) -> str:
    """Tags stand in brackets, which messages leave out."""
    return f"[{value['name'] if isinstance(value, Mapping) else value.name}]"


class _OrName:
    """The JSON schema of a kind, which may be its name alone."""

    def __init__(self, kinds: Mapping[str, type[Section]]):
        self.kinds = kinds

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(self.kinds)}, handler(schema)]}


def _one_of(what: str, kinds: Mapping[str, type[Section]]) -> Any:
    union: Any = None
    for name, kind in kinds.items():
        member: Any = Annotated[kind, Tag(f"[{name}]")]
        union = member if union is None else union | member
    return Annotated[
        union, Discriminator(_tag), BeforeValidator(_named(what, kinds)), _OrName(kinds)
    ]


if TYPE_CHECKING:
    Optimizer = Adam | AdamW | SGD
    Schedule = Constant | Cosine | Steps | OneCycle
else:
    Optimizer = _one_of("optimiser", OPTIMIZERS)
    Schedule = _one_of("schedule", SCHEDULES)


def varies(schedule: Schedule) -> bool:
    """Whether the learning rate is not the same in all steps."""
    return not isinstance(schedule, Constant) or schedule.warmup > 0


def check_schedule(schedule: Schedule, epochs: int, learning_rate: float) -> None:
    """Raises ValueError where `schedule` does not fit into a training of `epochs`."""
    warmup = getattr(schedule, "warmup", 0)
    if warmup >= epochs:
        raise ValueError(
            f"training.schedule.warmup: {warmup} epochs of warm-up leave nothing of "
            f"training.epochs {epochs}; take fewer"
        )
    if isinstance(schedule, Steps) and warmup + schedule.step_size >= epochs:
        after = f" after {warmup} epochs of warm-up" if warmup else ""
        raise ValueError(
            f"training.schedule.step_size: the first step, {schedule.step_size} epochs{after}, is "
            f"never reached in training.epochs {epochs}; take fewer"
        )
    if isinstance(schedule, Cosine) and schedule.eta_min >= learning_rate:
        raise ValueError(
            f"training.schedule.eta_min: {schedule.eta_min:g} is not below training.learning_rate "
            f"{learning_rate:g}"
        )


def check_kept_epoch(weights: str, best_by: str, early_stopping: int | None, epochs: int) -> None:
    """Raises ValueError where what chooses the epoch that is kept would choose nothing."""
    if weights == "last" and early_stopping is not None:
        raise ValueError(
            "training.early_stopping: with training.weights 'last' it would keep the epoch "
            f"{early_stopping} after the best one; take 'best', or remove early_stopping"
        )
    if weights == "last" and best_by != "accuracy":
        raise ValueError(
            f"training.best_by: '{best_by}' chooses nothing with training.weights 'last'; remove "
            "one of them"
        )
    if early_stopping is not None and early_stopping + 1 >= epochs:
        raise ValueError(
            f"training.early_stopping: {early_stopping} epochs without a better one end no "
            f"training of training.epochs {epochs} early; take fewer, or remove the key"
        )
