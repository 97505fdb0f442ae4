"""How networks were trained, in words."""

from augcam.config.recipe import SGD, AdamW, Constant, Cosine, OneCycle, Steps
from augcam.config.schema import Training
from augcam.data.notes import counted


def recipe(training: Training) -> str:
    """The recipe of all trainings: optimiser, learning rate, loss, the epoch that is kept."""
    parts = [
        _optimizer(training),
        *_learning_rate(training),
        f"batches of {training.batch_size}",
        *_loss(training),
    ]
    return f"{', '.join(parts)}; kept: {_kept(training)}"


def _optimizer(training: Training) -> str:
    chosen, decay = training.optimizer, f"{training.weight_decay:g}"
    if isinstance(chosen, SGD):
        momentum = f"{'Nesterov ' if chosen.nesterov else ''}momentum {chosen.momentum:g}"
        return f"SGD, {momentum}, L2 penalty {decay}"
    values = [f"{name} {value}" for name, value in _other_than_default(chosen)]
    is_decoupled = isinstance(chosen, AdamW)
    name, penalty = ("AdamW", "weight decay") if is_decoupled else ("Adam", "L2 penalty")
    return ", ".join([name, *values, f"{penalty} {decay}"])


def _other_than_default(section) -> list[tuple[str, str]]:
    """Names and values of what a section sets otherwise than by default."""
    fields = type(section).model_fields
    values = {name: getattr(section, name) for name in fields}
    return [
        (name, ", ".join(f"{part:g}" for part in value) if isinstance(value, tuple) else f"{value}")
        for name, value in values.items()
        if value != fields[name].default
    ]


def _learning_rate(training: Training) -> list[str]:
    schedule, highest = training.schedule, f"{training.learning_rate:g}"
    warmup = getattr(schedule, "warmup", 0)
    rising = [f"{counted(warmup, 'epoch')} of warm-up"] if warmup else []
    if isinstance(schedule, Constant):
        return [f"learning rate {highest}", *rising]
    if isinstance(schedule, Cosine):
        return [f"learning rate {highest} to {schedule.eta_min:g} along a cosine", *rising]
    if isinstance(schedule, OneCycle):
        return [f"learning rate up to {highest} in one cycle"]
    if isinstance(schedule, Steps):
        every = counted(schedule.step_size, "epoch")
        return [f"learning rate {highest}, times {schedule.gamma:g} after every {every}", *rising]
    raise TypeError(f"no words for {schedule}")


def _loss(training: Training) -> list[str]:
    parts = []
    if training.label_smoothing:
        parts.append(f"labels smoothed by {training.label_smoothing:g}")
    if training.class_weights == "balanced":
        parts.append("balanced class weights")
    if training.gradient_clipping is not None:
        parts.append(f"gradients clipped to norm {training.gradient_clipping:g}")
    return parts


def _kept(training: Training) -> str:
    if training.weights == "last":
        return "the last epoch"
    what = "lowest validation loss"
    if training.best_by == "accuracy":
        what = "highest validation accuracy"
    patience = training.early_stopping
    ended = f", ended {counted(patience, 'epoch')} after it" if patience else ""
    return f"the epoch with the {what}{ended}"
