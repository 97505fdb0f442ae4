"""Optimisers: torch's own steps, fused into one kernel for all parameters.

The steps are torch's functional forms. Its classes do the same, bit by bit, but their construction
imports torch's compiler, 4 s a job.
"""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.sgd import sgd

from augcam.config import recipe
from augcam.config.schema import Training


class Optimizer:
    """What all have in common.

    `moments`: for each parameter what is remembered of former gradients, by name. `learning_rate`:
    a number, or a tensor where it changes from step to step: kernels that are recorded as a CUDA
    graph read the tensor at each replay, while a number is frozen into the recording.
    """

    def __init__(
        self, parameters: Iterable[Tensor], learning_rate: float | Tensor, weight_decay: float
    ):
        self.parameters = list(parameters)
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.moments: dict[str, list[Tensor]] = {}

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        gradients = {i: p.grad for i, p in enumerate(self.parameters) if p.grad is not None}
        moments = {name: [of[i] for i in gradients] for name, of in self.moments.items()}
        self._step([self.parameters[i] for i in gradients], list(gradients.values()), moments)

    def _step(
        self, parameters: list[Tensor], gradients: list[Tensor], moments: dict[str, list[Tensor]]
    ) -> None:
        raise NotImplementedError

    def set_learning_rate(self, value: float) -> None:
        """The learning rate of the next step. A GPU is not waited for."""
        if isinstance(self.learning_rate, Tensor):
            self.learning_rate.fill_(value)
        else:
            self.learning_rate = value

    def state(self) -> dict[str, Tensor]:
        """All moments by name, `<moment>/<parameter's number>`."""
        return {
            f"{k}/{i}": value
            for k, values in self.moments.items()
            for i, value in enumerate(values)
        }

    def load(self, state: dict[str, Tensor]) -> None:
        """Take over what `state` returned."""
        for name, value in self.state().items():
            value.copy_(state[name])


class Adam(Optimizer):
    """Adam with L2 penalty (Kingma and Ba 2015); `decoupled`: AdamW (Loshchilov, Hutter 2019).

    Moments: running means of gradients and squared gradients, laid out in memory as the parameter,
    and the steps.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float | Tensor,
        weight_decay: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        decoupled: bool = False,
    ):
        super().__init__(parameters, learning_rate, weight_decay)
        self.betas, self.eps, self.decoupled = betas, eps, decoupled
        self.moments = {
            "mean": [torch.zeros_like(p) for p in self.parameters],
            "square": [torch.zeros_like(p) for p in self.parameters],
            "step": [torch.zeros((), device=p.device) for p in self.parameters],
        }

    def _step(self, parameters, gradients, moments):
        adam(
            parameters,
            gradients,
            moments["mean"],
            moments["square"],
            [],
            moments["step"],
            fused=True,
            amsgrad=False,
            beta1=self.betas[0],
            beta2=self.betas[1],
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
            eps=self.eps,
            maximize=False,
            decoupled_weight_decay=self.decoupled,
        )


class SGD(Optimizer):
    """Stochastic gradient descent with L2 penalty, and momentum where that is not 0.

    Moments: the velocity. It begins with zeros, so that the first step is one like all others,
    as a recorded one has to be; it is then the gradient, as in torch.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float | Tensor,
        weight_decay: float,
        momentum: float = 0.9,
        nesterov: bool = False,
    ):
        super().__init__(parameters, learning_rate, weight_decay)
        self.momentum, self.nesterov = momentum, nesterov
        if momentum:
            self.moments = {"velocity": [torch.zeros_like(p) for p in self.parameters]}

    def _step(self, parameters, gradients, moments):
        sgd(
            parameters,
            gradients,
            moments.get("velocity", [None] * len(parameters)),
            fused=True,
            weight_decay=self.weight_decay,
            momentum=self.momentum,
            lr=self.learning_rate,
            dampening=0,
            nesterov=self.nesterov,
            maximize=False,
        )


def make_optimizer(parameters: Iterable[Tensor], training: Training) -> Optimizer:
    """The optimiser of `training` (its keys `optimizer`, `schedule`, `learning_rate` and
    `weight_decay`) for `parameters`, which are on one device."""
    parameters, chosen = list(parameters), training.optimizer
    rate: float | Tensor = training.learning_rate
    if recipe.varies(training.schedule):
        device = parameters[0].device
        # What fused kernels read: float32 on a GPU. On a CPU float64 is exactly the number.
        dtype = torch.float64 if device.type == "cpu" else torch.float32
        rate = torch.tensor(rate, dtype=dtype, device=device)
    if isinstance(chosen, recipe.SGD):
        values = (chosen.momentum, chosen.nesterov)
        return SGD(parameters, rate, training.weight_decay, *values)
    decoupled = isinstance(chosen, recipe.AdamW)
    return Adam(parameters, rate, training.weight_decay, chosen.betas, chosen.eps, decoupled)
