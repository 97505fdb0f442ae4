"""The learning rate as a function of the number of the step: nothing to save for resuming."""

import math

from augcam.config.recipe import Constant, Cosine, OneCycle, Schedule


def learning_rate(schedule: Schedule, highest: float, step: int, steps: int, epochs: int) -> float:
    """The learning rate of step `step`, counted from 0, of a training of `epochs` with `steps`
    steps each.

    `highest` is reached at the end of the warm-up, over which the rate rises from step to step in
    equal parts (`LinearLR` with `start_factor` 1 / steps of the warm-up). What follows counts from
    there and is that of torch's `CosineAnnealingLR` over all steps that are left, of `StepLR` by
    epochs, or of `OneCycleLR` (in two phases, with cosines, momentum left as it is).
    """
    warmup = getattr(schedule, "warmup", 0) * steps
    if step < warmup:
        return highest * (step + 1) / warmup
    step, total = step - warmup, epochs * steps - warmup
    if isinstance(schedule, Constant):
        return highest
    if isinstance(schedule, Cosine):
        return _cosine(highest, schedule.eta_min, step / total)
    if isinstance(schedule, OneCycle):
        first = highest / schedule.div_factor
        last = first / schedule.final_div_factor
        top = schedule.pct_start * total - 1  # the step with the highest rate
        if step <= top:
            return _cosine(first, highest, step / top if top else 1)
        return _cosine(highest, last, (step - top) / (total - 1 - top))
    return highest * schedule.gamma ** (step // steps // schedule.step_size)


def _cosine(start: float, end: float, share: float) -> float:
    """Half a cosine from `start` to `end`, `share` of the way."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
