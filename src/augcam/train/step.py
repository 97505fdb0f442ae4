"""One step of training: Adam, and the step recorded as a CUDA graph."""

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.adam import adam

from augcam.train.batches import Batch
from augcam.train.determinism import autocast


class Adam:
    """Adam with L2 penalty (Kingma and Ba 2015), one fused kernel for all parameters.

    The step is torch's own functional form. `torch.optim.Adam` does the same, bit by bit, but its
    construction imports torch's compiler, 4 s a job. `moments`: for each parameter the running
    means of gradients and squared gradients, laid out in memory as the parameter, and the steps.
    """

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float, weight_decay: float):
        self.parameters = list(parameters)
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.moments = {
            "mean": [torch.zeros_like(p) for p in self.parameters],
            "square": [torch.zeros_like(p) for p in self.parameters],
            "step": [torch.zeros((), device=p.device) for p in self.parameters],
        }

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        gradients = {i: p.grad for i, p in enumerate(self.parameters) if p.grad is not None}
        adam(
            [self.parameters[i] for i in gradients],
            list(gradients.values()),
            [self.moments["mean"][i] for i in gradients],
            [self.moments["square"][i] for i in gradients],
            [],
            [self.moments["step"][i] for i in gradients],
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
            eps=1e-8,
            maximize=False,
        )

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


class Step:
    """One optimiser step on a batch at a time, and the sums over the batches since `reset`.

    `loss` float64: sum over images; `right` int64: images classified correctly. Both stay on the
    device, so that no step waits for it.
    """

    def __init__(self, model: nn.Module, optimizer: Adam, precision: str = "float32"):
        self.model, self.optimizer, self.precision = model, optimizer, precision
        self.device = next(model.parameters()).device
        self.loss = torch.zeros((), dtype=torch.float64, device=self.device)
        self.right = torch.zeros((), dtype=torch.int64, device=self.device)

    def reset(self) -> None:
        self.loss.zero_()
        self.right.zero_()

    def __call__(self, batch: Batch) -> None:
        self.optimizer.zero_grad()
        with autocast(self.device, self.precision):
            logits = self.model(batch.images)
        loss = F.cross_entropy(logits.float(), batch.targets)
        loss.backward()
        self.optimizer.step()
        self.loss += loss.detach() * len(batch.labels)
        self.right += (logits.detach().argmax(1) == batch.labels).sum()


_WARM_UPS = 3  # torch's advice: libraries set themselves up in the first runs, not in a recording


def cuda_graph(work: Callable[[], None]) -> Callable[[], None]:
    """Record the kernels that `work` launches; calling the result launches them all at once, on
    the same memory. Dropout draws on, from the generator's seed and offset at each call."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(_WARM_UPS):
            work()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


class RecordedStep:
    """A `Step` of which the launches are recorded once: a GPU no longer waits for Python.

    Batches shaped as `example` are copied to where the recorded kernels read; others, such as the
    last of an epoch, take the step itself. Making one changes neither weights nor moments.
    """

    def __init__(
        self,
        step: Step,
        example: Batch,
        record: Callable[[Callable[[], None]], Callable[[], None]] = cuda_graph,
    ):
        self.step = step
        self.batch = Batch(*(tensor.clone() for tensor in example))
        changing = [*step.model.state_dict().values(), *step.optimizer.state().values()]
        before = [tensor.clone() for tensor in changing]
        step.model.train()
        self.replay = record(lambda: step(self.batch))
        with torch.no_grad():
            for tensor, value in zip(changing, before):
                tensor.copy_(value)

    def __call__(self, batch: Batch) -> None:
        pairs = list(zip(self.batch, batch))
        if any(own.shape != new.shape or own.dtype != new.dtype for own, new in pairs):
            self.step(batch)
            return
        for own, new in pairs:
            own.copy_(new)
        self.replay()
