"""Training: one network, one condition, one starting state; deterministic and resumable.

Protocol of section 5.1 and appendix B of the paper: all models share initial weights, split and
order; the state seeds what is random besides (augmentation draws, dropout, stochastic depth).
"""

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.adam import adam
from tqdm import tqdm

from augcam.augmentations import AUGMENTATIONS, Size, generator, pasted_share
from augcam.config import MEASURES, Training
from augcam.errors import AugcamError
from augcam.files import read_array, read_columns, read_json, sha256, verify, write_columns
from augcam.models import (
    has_random_layers,
    load_weights,
    read_recorded,
    save_weights,
    write_tensors,
)
from augcam.performance import performance

EVALUATION_BATCH = 256
_NETWORK_STREAM = 2  # dropout and stochastic depth, apart from augmentation draws


class Batch(NamedTuple):
    """`images` (B, 3, s, s) float32, normalised; `labels` (B,) int64; `targets`: what the loss
    compares with, either `labels` or class probabilities (B, C)."""

    images: Tensor
    labels: Tensor
    targets: Tensor


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """A CPU tensor on `device`. A GPU is not waited for, so that it computes meanwhile."""
    if device.type == "cpu":
        return tensor
    return tensor.pin_memory().to(device, non_blocking=True)


def resident(pixels: Tensor, device: torch.device, folder: Path) -> Tensor:
    """The images of `folder` on `device`. Raises AugcamError where it has no room for them."""
    try:
        return pixels.to(device)
    except torch.OutOfMemoryError as error:
        raise AugcamError(
            f"{folder}: the images take {pixels.nbytes / 2**30:.2f} GiB, for which the GPU has no "
            "room left; lower execution.jobs_per_gpu, end what else uses this GPU, or set "
            "execution.device: cpu."
        ) from error


class ImageStore:
    """The prepared images, in the form that networks take, on one device.

    `pixels` uint8 (N, H, W, 3), resident on `device`; on the CPU a memory map.
    Raises AugcamError naming a file that is missing or broken, or that a GPU has no room for.
    """

    def __init__(self, folder: str | Path, input_size: int, device: torch.device):
        folder = Path(folder)
        self.stats = read_json(folder / "stats.json")
        for name, checksum in self.stats["checksums"].items():
            verify(folder / name, checksum)
        self.index = read_columns(folder / "index.parquet", ["image_id", "split", "label"])
        # Copy-on-write, so that torch accepts it; nothing here writes.
        pixels = torch.from_numpy(read_array(folder / "images.npy", mmap="c"))
        self.pixels = resident(pixels, device, folder)
        self.labels = torch.tensor(self.index["label"], device=device)
        self.input_size = input_size
        self.device = device
        self._mean = torch.tensor(self.stats["mean"], device=device)[:, None, None]
        self._std = torch.tensor(self.stats["std"], device=device)[:, None, None]

    @property
    def num_classes(self) -> int:
        return len(self.stats["class_names"])

    def ids(self, split: str) -> Tensor:
        """Image ids of a split, ascending, int64, on the CPU."""
        return torch.tensor(self.index["image_id"][self.index["split"] == split])

    def raw(self, ids: Tensor) -> Tensor:
        """Images (B, 3, H, W), float32 in [0, 1], at the stored resolution, channels last."""
        return self.pixels[send(ids, self.device)].permute(0, 3, 1, 2).float() / 255

    def resized(self, images: Tensor) -> Tensor:
        """The largest centred square of images, resized to the input size (antialiased)."""
        height, width = images.shape[-2:]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        images = images[:, :, top : top + side, left : left + side]
        if side == self.input_size:
            return images
        size = (self.input_size, self.input_size)
        if self.input_size < side:
            return F.interpolate(images, size, mode="bilinear", antialias=True)
        # Enlarging needs no antialiasing: the same result, at a third of the time. Not by way of
        # F.interpolate: in deterministic mode it takes small steps on a GPU, for a gradient that
        # nobody asks for here.
        return torch.ops.aten.upsample_bilinear2d(images, size, False)

    def normalised(self, images: Tensor) -> Tensor:
        """Mean 0 and deviation 1 of each channel over the training images."""
        images = (images - self._mean) / self._std
        return images.contiguous(memory_format=torch.channels_last)

    def denormalised(self, images: Tensor) -> Tensor:
        """The inverse of `normalised`: images (…, 3, s, s) in [0, 1]."""
        return images * self._std + self._mean

    def prepared(self, images: Tensor) -> Tensor:
        """Resized and normalised, which commute: first whichever leaves less to do."""
        if self.input_size > max(images.shape[-2:]):
            return self.resized(self.normalised(images))
        return self.normalised(self.resized(images))

    def inputs(self, ids: Tensor) -> Tensor:
        """Network inputs (B, 3, s, s) of images `ids`."""
        return self.prepared(self.raw(ids))


class Course:
    """The batches of one condition and state: what is shown to the network, epoch by epoch.

    `order` int64 (2·N, 2) as made by `augcam.datasets.draw_order`. The condition `none` takes the
    originals alone, in the same relative order.
    """

    def __init__(
        self,
        store: ImageStore,
        order: np.ndarray,
        condition: str,
        parameters: dict[str, Any],
        state: int,
        training: Training,
        sampling_seed: int,
    ):
        self.store, self.order = store, order
        self.condition, self.parameters, self.state = condition, parameters, state
        self.training, self.sampling_seed = training, sampling_seed
        self.train_ids = np.unique(order[:, 0])
        if training.batch_size > len(self.train_ids):
            raise AugcamError(
                f"training.batch_size: {training.batch_size} is larger than the training set of "
                f"{len(self.train_ids)} images."
            )

    def __len__(self) -> int:
        """Images an epoch."""
        return len(self.train_ids) * (1 if self.condition == "none" else 2)

    def epoch_order(self, epoch: int) -> np.ndarray:
        """(images an epoch, 2): (image_id, copy) in the order of `epoch`."""
        order = self.order
        if self.training.reshuffle:
            rng = np.random.default_rng([self.sampling_seed, epoch])
            order = order[rng.permutation(len(order))]
        return order[order[:, 1] == 0] if self.condition == "none" else order

    def batches(self, epoch: int) -> Iterator[Batch]:
        """The batches of `epoch`; equal for equal arguments, whatever was asked for before."""
        order = self.epoch_order(epoch)
        for number in range(-(-len(order) // self.training.batch_size)):
            yield self._batch(order, epoch, number)

    def batch(self, epoch: int, number: int) -> Batch:
        """One of the batches of `epoch`, counted from 0."""
        return self._batch(self.epoch_order(epoch), epoch, number)

    def _batch(self, order: np.ndarray, epoch: int, number: int) -> Batch:
        store, size = self.store, self.training.batch_size
        rows = order[number * size : (number + 1) * size]
        ids, is_copy = torch.from_numpy(rows[:, 0].copy()), torch.from_numpy(rows[:, 1] == 1)
        labels = store.labels[send(ids, store.device)]
        images = store.raw(ids)
        at_input = self.training.augment_at == "input"
        if at_input:
            images = store.resized(images)
        targets = labels
        if is_copy.any() and self.condition != "identity":
            rng = generator(self.state, 0 if self.training.refresh == "once" else epoch, number)
            copies = is_copy.nonzero().squeeze(1)
            images, targets = self._augmented(images, labels, ids, copies, rng, at_input)
        return Batch(store.prepared(images), labels, targets)

    def _augmented(
        self,
        images: Tensor,
        labels: Tensor,
        ids: Tensor,
        copies: Tensor,
        rng: np.random.Generator,
        at_input: bool,
    ) -> tuple[Tensor, Tensor]:
        """Images with those at positions `copies` augmented, and the loss's targets."""
        store = self.store
        augmentation = AUGMENTATIONS[self.condition]
        size: Size = tuple(images.shape[-2:])
        draws = augmentation.draw(rng, len(copies), size, self.parameters)
        draws = {name: send(value, store.device) for name, value in draws.items()}
        places = send(copies, store.device)
        targets = labels
        if augmentation.mixes:
            partner_ids = other_images(self.train_ids, ids[copies].numpy(), rng)
            partners = store.raw(torch.from_numpy(partner_ids))
            draws["partners"] = store.resized(partners) if at_input else partners
            if self.parameters["label"] == "mixed":
                share = torch.zeros(len(labels), 1, device=store.device)
                share[places, 0] = pasted_share(draws["box"], size).float()
                other = labels.clone()
                other[places] = store.labels[send(torch.from_numpy(partner_ids), store.device)]
                hot = F.one_hot(torch.stack([labels, other]), store.num_classes).float()
                targets = (1 - share) * hot[0] + share * hot[1]
        augmented = augmentation.apply(images[places], **draws)
        return images.index_copy(0, places, augmented), targets


def other_images(train_ids: np.ndarray, ids: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each of `ids` another training image, uniformly drawn; never the image itself.

    `train_ids` are sorted and hold all of `ids`.
    """
    if len(train_ids) < 2:
        raise AugcamError("cutmix needs two training images or more.")
    step = rng.integers(1, len(train_ids), size=len(ids))
    return train_ids[(np.searchsorted(train_ids, ids) + step) % len(train_ids)]


# ----------------------------------------------------------------------------------- evaluation


@torch.inference_mode()
def evaluate(model: nn.Module, store: ImageStore, ids: Tensor) -> tuple[float, float]:
    """(mean cross-entropy, accuracy) of `model` on images `ids`."""
    loss, right = 0.0, 0
    for logits, labels in _outputs(model, store, ids):
        loss += F.cross_entropy(logits, labels, reduction="sum").item()
        right += (logits.argmax(1) == labels).sum().item()
    return loss / len(ids), right / len(ids)


def _outputs(model: nn.Module, store: ImageStore, ids: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """(logits, labels) of images `ids`, batch by batch."""
    model.eval()
    for chunk in ids.split(EVALUATION_BATCH):
        yield model(store.inputs(chunk)), store.labels[chunk.to(store.device)]


@torch.inference_mode()
def _test(model: nn.Module, store: ImageStore) -> dict[str, float]:
    """The performance measures of `model` on the test images."""
    outputs = [(o.argmax(1).cpu(), y.cpu()) for o, y in _outputs(model, store, store.ids("test"))]
    predicted, labels = (torch.cat(part).numpy() for part in zip(*outputs))
    return performance(labels, predicted, store.num_classes)


# ------------------------------------------------------------------------------------- training


def pick_device(name: str) -> torch.device:
    """The device called `auto`, `cpu` or `cuda`. Raises AugcamError where there is no GPU."""
    if name == "cuda" and not torch.cuda.is_available():
        raise AugcamError("execution.device: cuda is asked for, but torch sees no GPU here.")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def make_deterministic(threads: int, precision: str = "float32") -> None:
    """Have torch compute bitwise repeatably (for one number of threads and one kind of device).

    `precision` as in the config (`training.precision`): only `tf32` rounds float32 products, and
    only on a GPU, the one place where TF32 exists.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # The same switch as use_deterministic_algorithms(True), which imports the compiler: 4 s a job.
    torch.set_deterministic_debug_mode("error")
    # It also fills every new tensor with NaN, against reads of memory never written: not done here.
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.set_num_threads(threads)


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context in which networks run: mixed precision for `bfloat16`, no change otherwise."""
    # Each weight is used once a step: nothing to cache, and CUDA graphs allow no cache.
    return torch.autocast(
        device.type, torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False
    )


def fingerprint(settings: dict[str, Any], *files: str | Path) -> str:
    """What determines a training, in one string: settings, file contents, torch's version."""
    text = json.dumps(settings, sort_keys=True) + sha256(*files) + torch.__version__
    return hashlib.sha256(text.encode()).hexdigest()


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
        used = [i for i, parameter in enumerate(self.parameters) if parameter.grad is not None]
        adam(
            [self.parameters[i] for i in used],
            [self.parameters[i].grad for i in used],
            [self.moments["mean"][i] for i in used],
            [self.moments["square"][i] for i in used],
            [],
            [self.moments["step"][i] for i in used],
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


class Progress(NamedTuple):
    """What a training has reached: enough to go on as if nothing had happened."""

    history: list[dict[str, float]]
    best_epoch: int
    best_accuracy: float
    best_weights: dict[str, Tensor]


def train(
    model: nn.Module,
    course: Course,
    checkpoint: str | Path,
    identity: str,
    weights_path: str | Path,
    history_path: str | Path,
    test_every_epoch: bool = False,
) -> None:
    """Train `model`, already on the store's device, and write the weights of its best epoch.

    Best is the highest validation accuracy, the first on ties. `history.parquet`: epoch (from 1),
    train_loss, train_accuracy, val_loss, val_accuracy, seconds (of training alone),
    images_per_second; with `test_every_epoch` the measures of `augcam.performance` on the test
    images, too.
    After every epoch all that is needed to go on is written to `checkpoint`, which is used if its
    `identity` (see `fingerprint`) is the same: a training killed at any moment ends with bitwise
    the same weights. The caller deletes it once the two files can no longer be lost; until then a
    finished training that is started again makes them at once.
    Raises AugcamError when the loss is not finite.
    """
    training, store = course.training, course.store
    optimizer = Adam(model.parameters(), training.learning_rate, training.weight_decay)
    progress = _resume(checkpoint, identity, model, optimizer)
    done = len(progress.history)
    if done:
        print(f"resuming after epoch {done} of {training.epochs}")
    step = Step(model, optimizer, training.precision)
    run = step
    if store.device.type == "cuda" and done < training.epochs:
        run = RecordedStep(step, next(course.batches(0)))
    validation = store.ids("val")
    with tqdm(
        total=training.epochs * len(course),
        initial=done * len(course),
        desc=f"{course.condition}/{course.state}",
        unit="img",
        mininterval=5,
        ascii=True,
        dynamic_ncols=False,
    ) as bar:
        for epoch in range(done, training.epochs):
            row = {"epoch": epoch + 1, **_run_epoch(step, run, course, epoch, bar)}
            with autocast(store.device, training.precision):
                row["val_loss"], row["val_accuracy"] = evaluate(model, store, validation)
                if test_every_epoch:
                    row |= _test(model, store)
            bar.set_postfix_str(
                f"epoch {epoch + 1}/{training.epochs}, loss {row['train_loss']:.3f}, "
                f"val. accuracy {row['val_accuracy']:.3f}"
            )
            if not progress.history or row["val_accuracy"] > progress.best_accuracy:
                weights = {name: value.clone() for name, value in model.state_dict().items()}
                progress = progress._replace(
                    best_epoch=epoch + 1, best_accuracy=row["val_accuracy"], best_weights=weights
                )
            progress = progress._replace(history=[*progress.history, row])
            ahead = {} if epoch + 1 == training.epochs else _to_go_on(model, optimizer)
            _save_checkpoint(checkpoint, identity, progress, ahead)
    model.load_state_dict(progress.best_weights)
    save_weights(model, weights_path, epoch=str(progress.best_epoch))
    columns = ["epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy"]
    columns += ["seconds", "images_per_second", *(MEASURES if test_every_epoch else ())]
    history = {name: np.array([row[name] for row in progress.history]) for name in columns}
    write_columns(history, history_path)
    print(
        f"best epoch: {progress.best_epoch} of {training.epochs}, "
        f"validation accuracy {progress.best_accuracy:.4f}"
    )


def _run_epoch(
    step: Step, run: Callable[[Batch], None], course: Course, epoch: int, bar: tqdm
) -> dict[str, float]:
    """One pass over the training images; loss and accuracy are means over the images as shown."""
    _seed_network(course.state, epoch)
    step.model.train()
    step.reset()
    started = time.perf_counter()
    for batch in course.batches(epoch):
        run(batch)
        bar.update(len(batch.labels))
    loss = step.loss.item()
    if not math.isfinite(loss):
        raise AugcamError(
            f"{course.condition}, state {course.state}: the training loss is no longer a finite "
            f"number in epoch {epoch + 1}; lower training.learning_rate."
        )
    seconds = time.perf_counter() - started
    return {
        "train_loss": loss / len(course),
        "train_accuracy": step.right.item() / len(course),
        "seconds": seconds,
        "images_per_second": len(course) / seconds,
    }


def _seed_network(state: int, epoch: int) -> None:
    """Seed what is random inside the network, anew in every epoch: nothing to save for resuming."""
    seed = np.random.SeedSequence([_NETWORK_STREAM, state, epoch]).generate_state(1, np.uint64)[0]
    torch.manual_seed(int(seed))


# ---------------------------------------------------------------------------------- checkpoints


def _to_go_on(model: nn.Module, optimizer: Adam) -> dict[str, Tensor]:
    """What a further epoch begins with: weights and moments, named as in a checkpoint."""
    tensors = {f"model/{name}": value for name, value in model.state_dict().items()}
    return tensors | {f"adam/{name}": value for name, value in optimizer.state().items()}


def _save_checkpoint(
    path: str | Path, identity: str, progress: Progress, ahead: dict[str, Tensor]
) -> None:
    """`ahead`: see `_to_go_on`; empty after the last epoch, which leaves a quarter of the bytes."""
    tensors = ahead | {f"best/{name}": value for name, value in progress.best_weights.items()}
    tensors = {name: value.detach().cpu().clone() for name, value in tensors.items()}
    record = {"identity": identity, **progress._replace(best_weights={})._asdict()}
    write_tensors(tensors, path, record)


def _resume(path: str | Path, identity: str, model: nn.Module, optimizer: Adam) -> Progress:
    """Fill model and optimiser from a checkpoint of this very training, if there is one."""
    fresh = Progress([], 0, -1.0, {})
    if not Path(path).exists():
        return fresh
    try:
        tensors, record = read_recorded(path)
    except AugcamError as error:  # a broken checkpoint costs time, not correctness
        print(f"{error}\nstarting anew")
        return fresh
    if record.pop("identity") != identity:
        print(f"{path}: the checkpoint belongs to another training; starting anew")
        return fresh
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "adam": {}}
    for name, value in tensors.items():
        part, _, rest = name.partition("/")
        parts[part][rest] = value
    if parts["model"]:  # otherwise it was the last epoch
        model.load_state_dict(parts["model"])
        optimizer.load(parts["adam"])
    return Progress(**{**record, "best_weights": parts["best"]})


def epochs_done(checkpoint: str | Path) -> int:
    """Epochs that a checkpoint holds; 0 where it cannot be read, as training starts anew then."""
    from safetensors import safe_open

    try:
        with safe_open(checkpoint, framework="pt") as file:
            return len(json.loads(file.metadata()["augcam"])["record"]["history"])
    except Exception:
        return 0


def prepare_model(model: nn.Module, initial: str | Path, device: torch.device) -> nn.Module:
    """Fill `model` with the shared starting weights and bring it to `device`, channels last."""
    load_weights(model, initial)
    if not has_random_layers(model):
        print("note: this network has no random layers, so states differ by augmentation alone")
    return model.to(device, memory_format=torch.channels_last)
