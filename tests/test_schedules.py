"""Learning rates, step by step, against torch's schedulers."""

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as torchs

from augcam.config.recipe import SCHEDULES
from augcam.config.schema import Training
from augcam.train.schedules import learning_rate


def after_warmup(optimizer, warmup, main):
    if not warmup:
        return main
    first = torchs.LinearLR(optimizer, start_factor=1 / warmup, total_iters=warmup - 1)
    return torchs.SequentialLR(optimizer, [first, main], [warmup])


STEPS = 7  # an epoch
THEIRS = [
    ("constant", lambda o: torchs.ConstantLR(o, 1)),
    ({"name": "constant", "warmup": 2},
     lambda o: after_warmup(o, 14, torchs.ConstantLR(o, 1))),
    ("cosine", lambda o: torchs.CosineAnnealingLR(o, 70)),
    ({"name": "cosine", "warmup": 3, "eta_min": 1e-3},
     lambda o: after_warmup(o, 21, torchs.CosineAnnealingLR(o, 49, 1e-3))),
    ({"name": "step", "step_size": 3, "gamma": 0.2}, lambda o: torchs.StepLR(o, 21, 0.2)),
    ({"name": "step", "step_size": 3, "warmup": 1},
     lambda o: after_warmup(o, 7, torchs.StepLR(o, 21))),
    ("one_cycle", lambda o: torchs.OneCycleLR(o, 0.05, 70, cycle_momentum=False)),
    ({"name": "one_cycle", "pct_start": 0.2, "div_factor": 10, "final_div_factor": 100},
     lambda o: torchs.OneCycleLR(o, 0.05, 70, 0, 0, 0.2, "cos", False, 0, 0, 10, 100)),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*epoch parameter in `scheduler.step:UserWarning")
@pytest.mark.parametrize("schedule,theirs", THEIRS)
def test_learning_rates_are_those_of_torchs_schedulers(schedule, theirs):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.05)
    scheduler, expected = theirs(optimizer), []
    for _ in range(10 * STEPS):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    chosen = Training(epochs=10, learning_rate=0.05, schedule=schedule).schedule
    rates = [learning_rate(chosen, 0.05, step, STEPS, 10) for step in range(10 * STEPS)]
    np.testing.assert_allclose(rates, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("steps,epochs", [(1, 1), (1, 2), (1, 3), (2, 1)])
def test_the_shortest_trainings_have_learning_rates(name, steps, epochs):
    schedule = SCHEDULES[name]()
    rates = [learning_rate(schedule, 0.1, step, steps, epochs) for step in range(steps * epochs)]
    assert all(0 <= rate <= 0.1 for rate in rates) and max(rates) > 0
