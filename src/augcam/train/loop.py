"""Training: one network, one condition, one starting state; deterministic and resumable.

Protocol of section 5.1 and appendix B of the paper: all models share initial weights, split and
order; the state seeds what is random besides (augmentation draws, dropout, stochastic depth). With
another `variation` the models of one state share them.
"""

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from augcam.config.recipe import varies
from augcam.errors import AugcamError
from augcam.files.tables import write_columns
from augcam.names import MEASURES
from augcam.networks.weights import load_weights, save_weights
from augcam.train.batches import Batch, Course
from augcam.train.checkpoint import Progress, resume, save_checkpoint, to_go_on
from augcam.train.determinism import autocast, seed_network
from augcam.train.evaluation import evaluate, test_measures
from augcam.train.schedules import learning_rate
from augcam.train.selection import is_over, kept_epoch
from augcam.train.step import RecordedStep, Step, make_step


def train(
    model: nn.Module,
    course: Course,
    checkpoint: str | Path,
    identity: str,
    weights_path: str | Path,
    history_path: str | Path,
    test_every_epoch: bool = False,
    tell: Callable[..., None] = lambda **_: None,
) -> None:
    """Train `model`, already on the store's device, and write the weights of one of its epochs.

    Which one says the course's `training`, as `augcam.train.selection` reads it. `history.parquet`:
    epoch (from 1), train_loss (what the steps made smaller), train_accuracy, val_loss,
    val_accuracy, seconds (of training alone), images_per_second; where it varies the learning_rate
    of the epoch's last step; with `test_every_epoch` the measures of `augcam.train.measures` on the
    test images, too.
    After every epoch all that is needed to go on is written to `checkpoint`, which is used if its
    `identity` (see `fingerprint`) is the same: a training killed at any moment ends with bitwise
    the same weights. The caller deletes it once the two files can no longer be lost; until then a
    finished training that is started again makes them at once.
    Every few seconds `tell` is called with `done` and `total` (images), `rate` (images a second),
    and from the first epoch's end with `epoch`, `epochs`, `loss` and `accuracy` (validation).
    Raises AugcamError when the loss is not finite.
    """
    training, store = course.training, course.store
    step = make_step(model, training, course.class_weights())
    progress = resume(checkpoint, identity, model, step.optimizer)
    done = len(progress.history)
    if done:
        print(f"resuming after epoch {done} of {training.epochs}")
    run: Step | RecordedStep = step
    if store.device.type == "cuda" and not is_over(progress.history, training):
        run = RecordedStep(step, next(course.batches(0)))
    validation = course.validation_ids
    with _Bar(
        tell,
        total=training.epochs * len(course),
        initial=done * len(course),
        desc=f"{course.condition}/{course.state}",
        unit="img",
        mininterval=5,
        ascii=True,
        dynamic_ncols=False,
    ) as bar:
        while not is_over(progress.history, training):
            epoch = len(progress.history)
            row = {"epoch": epoch + 1, **_run_epoch(step, run, course, epoch, bar)}
            with autocast(store.device, training.precision):
                row["val_loss"], row["val_accuracy"] = evaluate(model, store, validation)
                if test_every_epoch:
                    row |= test_measures(model, store)
            bar.show_epoch(
                epoch=epoch + 1,
                epochs=training.epochs,
                loss=row["train_loss"],
                accuracy=row["val_accuracy"],
            )
            history = [*progress.history, row]
            kept = progress.kept_weights
            if kept_epoch(history, training) == epoch:
                kept = {name: value.clone() for name, value in model.state_dict().items()}
            progress = Progress(history, kept)
            ahead = {} if is_over(history, training) else to_go_on(model, step.optimizer)
            save_checkpoint(checkpoint, identity, progress, ahead)
    kept_row = progress.history[kept_epoch(progress.history, training)]
    model.load_state_dict(progress.kept_weights)
    save_weights(model, weights_path, epoch=str(kept_row["epoch"]))
    columns = ["epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy"]
    columns += ["learning_rate"] if varies(training.schedule) else []
    columns += ["seconds", "images_per_second", *(MEASURES if test_every_epoch else ())]
    rows = progress.history
    write_columns({name: np.array([row[name] for row in rows]) for name in columns}, history_path)
    if len(progress.history) < training.epochs:
        print(
            f"stopped after epoch {len(progress.history)} of {training.epochs}: "
            f"{training.early_stopping} epochs in a row were no better"
        )
    print(
        f"{training.weights} epoch: {kept_row['epoch']} of {len(progress.history)}, "
        f"validation accuracy {kept_row['val_accuracy']:.4f}"
    )


class _Bar(tqdm):
    """A progress bar that tells what it shows, as often as it is drawn."""

    def __init__(self, tell: Callable[..., None], **options):
        self.tell = tell
        self.of_epoch: dict[str, float] = {}
        super().__init__(disable=False, **options)  # also where the environment wants no bars

    def show_epoch(self, **values) -> None:
        self.of_epoch = values
        self.set_postfix_str(
            "epoch {epoch}/{epochs}, loss {loss:.3f}, val. accuracy {accuracy:.3f}".format(**values)
        )

    def display(self, *args, **options) -> None:
        super().display(*args, **options)
        seconds = self.format_dict["elapsed"]
        rate = (self.n - self.initial) / seconds if self.n > self.initial and seconds else None
        self.tell(done=self.n, total=self.total, rate=rate, **self.of_epoch)


def _run_epoch(
    step: Step, run: Callable[[Batch], None], course: Course, epoch: int, bar: tqdm
) -> dict[str, float]:
    """One pass over the training images; loss and accuracy are means over the images as shown."""
    seed_network(course.seeds["network"], epoch)
    step.model.train()
    step.reset()
    started = time.perf_counter()
    for number, batch in enumerate(course.batches(epoch), epoch * course.steps):
        step.optimizer.set_learning_rate(rate := _rate(course, number))
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
        "learning_rate": rate,
        "seconds": seconds,
        "images_per_second": len(course) / seconds,
    }


def _rate(course: Course, number: int) -> float:
    """The learning rate of a training's step, counted from 0 over all epochs."""
    training = course.training
    return learning_rate(
        training.schedule, training.learning_rate, number, course.steps, training.epochs
    )


def prepare_model(model: nn.Module, initial: str | Path, device: torch.device) -> nn.Module:
    """Fill `model` with its starting weights and bring it to `device`, channels last."""
    load_weights(model, initial)
    return model.to(device).to(memory_format=torch.channels_last)
