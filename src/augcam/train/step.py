"""One step of training, and the step recorded as a CUDA graph."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from augcam.config.schema import Training
from augcam.train.batches import Batch
from augcam.train.determinism import autocast
from augcam.train.loss import Loss
from augcam.train.optimizers import Optimizer, make_optimizer


class Step:
    """One optimiser step on a batch at a time, and the sums over the batches since `reset`.

    `loss` float64: sum over images; `right` int64: images classified correctly. Both stay on the
    device, so that no step waits for it. What is made smaller is the `objective`; gradients whose
    norm exceeds `clipping` are scaled down to it.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        precision: str = "float32",
        objective: Loss | None = None,
        clipping: float | None = None,
    ):
        self.model, self.optimizer, self.precision = model, optimizer, precision
        self.objective, self.clipping = objective or Loss(), clipping
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
        loss = self.objective(logits.float(), batch.targets)
        loss.backward()
        if self.clipping is not None:
            clip_grad_norm_(self.model.parameters(), self.clipping)
        self.optimizer.step()
        self.loss += loss.detach() * len(batch.labels)
        self.right += (logits.detach().argmax(1) == batch.labels).sum()


def make_step(model: nn.Module, training: Training, class_weights: Tensor | None = None) -> Step:
    """The step of `training`. `class_weights` (C,): see `augcam.train.loss.Loss`."""
    return Step(
        model,
        make_optimizer(model.parameters(), training),
        training.precision,
        Loss(training.label_smoothing, class_weights),
        training.gradient_clipping,
    )


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
