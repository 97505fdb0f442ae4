"""Recipes: optimisers, learning rates, losses and the epoch that is kept, against torch's own and
scikit-learn's; each survives being recorded and resumed."""

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from killing import assert_same_after_kills
from sklearn.utils.class_weight import compute_class_weight
from test_step import assert_equal, everything, needs_gpu, network
from test_training import assert_equal_weights, interrupt_after_first_epoch, run
from torch.utils._python_dispatch import TorchDispatchMode

from augcam.config.conditions import built_in_step
from augcam.config.experiment import Config
from augcam.config.schema import Training
from augcam.config.states import remarks
from augcam.data.images import ImageStore
from augcam.errors import AugcamError
from augcam.networks.build import build
from augcam.run.estimate import headline
from augcam.train import loop
from augcam.train.loss import Loss, balanced_weights
from augcam.train.optimizers import make_optimizer
from augcam.train.schedules import learning_rate
from augcam.train.selection import is_over, kept_epoch
from augcam.train.step import RecordedStep, cuda_graph, make_step

NESTEROV = {"name": "sgd", "momentum": 0.8, "nesterov": True}
OPTIMIZERS = [
    ("adam", torch.optim.Adam, {}),
    ({"name": "adam", "betas": [0.8, 0.9], "eps": 1e-3}, torch.optim.Adam,
     {"betas": (0.8, 0.9), "eps": 1e-3}),
    ("adamw", torch.optim.AdamW, {}),
    ({"name": "sgd", "momentum": 0}, torch.optim.SGD, {}),
    ("sgd", torch.optim.SGD, {"momentum": 0.9}),
    (NESTEROV, torch.optim.SGD, {"momentum": 0.8, "nesterov": True}),
]  # fmt: skip


@pytest.fixture
def small_course(make_course):
    """As `make_course`, with 40 training images."""
    course = make_course("none")
    order = course.order[np.isin(course.order[:, 0], course.train_ids[:40])]

    def make(*arguments, **options):
        return make_course(*arguments, order=order, **{"batch_size": 16, **options})

    return make


# ------------------------------------------------------------------------------------ optimisers


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize("chosen,theirs,values", OPTIMIZERS)
def test_optimisers_are_torchs_bit_by_bit(chosen, theirs, values, schedule):
    """With a number as learning rate, and with a tensor that changes from step to step."""
    models = [build("resnet20", 10, {}, seed=0) for _ in range(2)]
    training = Training(optimizer=chosen, schedule=schedule, weight_decay=0.01)
    ours = make_optimizer(models[0].parameters(), training)
    other = theirs(models[1].parameters(), lr=1e-3, weight_decay=0.01, fused=True, **values)
    assert isinstance(ours.learning_rate, torch.Tensor) == (schedule == "cosine")
    generator = torch.Generator().manual_seed(0)
    for step in range(3):
        images = torch.randn(8, 3, 16, 16, generator=generator)
        labels = torch.randint(10, (8,), generator=generator)
        rate = learning_rate(training.schedule, 1e-3, step, 1, 5)
        ours.set_learning_rate(rate)
        other.param_groups[0]["lr"] = rate
        for model, optimizer in zip(models, (ours, other)):
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
    assert_equal_weights(models[0].state_dict(), models[1].state_dict())


class Kernels(TorchDispatchMode):
    """Records the operations of `work` and repeats them on the same memory, as a CUDA graph does:
    tensors are read anew, numbers are those of the recording."""

    def __init__(self, work):
        self.calls = []
        super().__init__()
        with self:
            work()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        self.calls.append((function, args, kwargs or {}, result))
        return result

    @torch.no_grad()
    def __call__(self):
        for function, args, kwargs, result in self.calls:
            again = function(*args, **kwargs)
            for old, new in zip(self._tensors(result), self._tensors(again)):
                if old is not new and old.data_ptr() != new.data_ptr():
                    old.copy_(new)

    @staticmethod
    def _tensors(result):
        parts = result if isinstance(result, tuple | list) else [result]
        return [part for part in parts if isinstance(part, torch.Tensor)]


RECIPES = {
    "adam": {"schedule": "cosine"},
    "adamw": {"optimizer": "adamw", "schedule": "one_cycle"},
    "sgd": {"optimizer": "sgd", "schedule": {"name": "constant", "warmup": 1}},
    "nesterov": {"optimizer": NESTEROV, "schedule": {"name": "step", "step_size": 1}},
    "loss": {
        "schedule": "cosine",
        "label_smoothing": 0.1,
        "class_weights": "balanced",
        "gradient_clipping": 0.5,
    },
}


def stepped(course, record=None, frozen=False):
    """All that an epoch changes, by the steps or by a recording of one."""
    training = course.training
    model = network("resnet20", course.store.device).train()
    step = make_step(model, training, course.class_weights())
    if frozen:
        step.optimizer.learning_rate = training.learning_rate
    batches = list(course.batches(0))
    one = RecordedStep(step, batches[0], record) if record else step
    torch.manual_seed(7)
    step.reset()
    for number, batch in enumerate(batches):
        rate = learning_rate(training.schedule, 1e-3, number, len(batches), training.epochs)
        step.optimizer.set_learning_rate(rate)
        one(batch)
    return everything(step)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recorded_step_follows_the_schedule(small_course, recipe):
    parameters = built_in_step("cutmix") | {"label": "mixed"}
    course = small_course("cutmix", parameters, epochs=3, **RECIPES[recipe])
    assert_equal(stepped(course), stepped(course, Kernels))


def test_a_number_is_frozen_into_a_recorded_step(small_course):
    """Or the test above could not fail."""
    course = small_course("none", schedule="cosine")
    plain, recorded = stepped(course), stepped(course, Kernels, frozen=True)
    assert torch.equal(plain["fc.bias"], stepped(course, frozen=True)["fc.bias"])
    assert not torch.equal(plain["fc.bias"], recorded["fc.bias"])


@needs_gpu
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_cuda_graph_follows_the_schedule(make_course, data_folder, recipe):
    course = make_course("none", epochs=3, batch_size=60, **RECIPES[recipe])
    course.store = ImageStore(data_folder, 24, torch.device("cuda"))
    assert_equal(stepped(course), stepped(course, cuda_graph))


# ----------------------------------------------------------------------------------------- losses


@pytest.mark.parametrize("smoothing", [0, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_label_counts_the_same_as_a_class_and_as_a_probability(rng, smoothing, weighted):
    logits = torch.tensor(rng.normal(size=(9, 4)), dtype=torch.float32)
    labels = torch.tensor(rng.integers(4, size=9))
    weights = torch.tensor([0.5, 2, 1, 4]) if weighted else None
    loss = Loss(smoothing, weights)
    as_class = loss(logits, labels)
    theirs = torch.nn.CrossEntropyLoss(weights, label_smoothing=smoothing)(logits, labels)
    assert torch.equal(as_class, theirs)
    torch.testing.assert_close(loss(logits, F.one_hot(labels, 4).float()), as_class)
    # Mixed labels: by hand.
    mixed = torch.tensor(rng.dirichlet(np.ones(4), 9), dtype=torch.float64)
    w = torch.ones(4, dtype=torch.float64) if weights is None else weights.double()
    spread = (1 - smoothing) * mixed + smoothing / 4
    by_hand = -(spread * w * logits.double().log_softmax(1)).sum() / (mixed * w).sum()
    assert loss(logits, mixed.float()).item() == pytest.approx(by_hand.item(), rel=1e-5)


def test_balanced_weights_are_those_of_scikit_learn(make_course):
    labels = np.array([0, 0, 0, 1, 2, 2])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    np.testing.assert_allclose(balanced_weights(labels, ["a", "b", "c"]), expected, rtol=1e-6)
    course = make_course("none", class_weights="balanced", order=some_of_one_class(make_course))
    labels = course.store.labels[course.train_ids].numpy()
    expected = compute_class_weight("balanced", classes=np.arange(10), y=labels)
    np.testing.assert_allclose(course.class_weights(), expected, rtol=1e-6)
    assert make_course("none").class_weights() is None


def some_of_one_class(make_course, kept=3):
    """The training order with all but `kept` images of class 0 left out."""
    course = make_course("none")
    of_class = course.train_ids[course.store.labels[course.train_ids].numpy() == 0]
    return course.order[~np.isin(course.order[:, 0], of_class[kept:])]


def test_a_class_without_a_training_image_has_no_weight(make_course):
    course = make_course("none", class_weights="balanced", order=some_of_one_class(make_course, 0))
    with pytest.raises(AugcamError, match=r"class_weights: 'balanced' .* class '0', which has no"):
        course.class_weights()


def test_gradients_are_clipped_to_their_norm(make_course):
    batch = next(make_course("none").batches(0))

    def norm(clipping):
        training = Training(optimizer="sgd", gradient_clipping=clipping)
        step = make_step(network("resnet20", "cpu"), training)
        torch.manual_seed(0)
        step(batch)
        return torch.stack([p.grad.norm() for p in step.model.parameters()]).norm().item()

    free = norm(None)
    assert norm(0.5 * free) == pytest.approx(0.5 * free, rel=1e-4)
    assert norm(2 * free) == free


# ------------------------------------------------------------------------------- the epoch kept

ACCURACIES, LOSSES = [0.3, 0.8, 0.7, 0.8, 0.6], [2.0, 1.5, 1.0, 1.2, 1.0]
HISTORY = [{"val_accuracy": a, "val_loss": b} for a, b in zip(ACCURACIES, LOSSES)]


@pytest.mark.parametrize(
    "options,kept",
    [({}, 1), ({"best_by": "loss"}, 2), ({"weights": "last"}, 4)],
)
def test_which_epoch_is_kept(options, kept):
    assert kept_epoch(HISTORY, Training(**options)) == kept
    nothing = [{"val_accuracy": 0.1, "val_loss": float("nan")}, *HISTORY]
    assert kept_epoch(nothing, Training(**options)) == kept + 1


def test_a_training_ends_with_its_patience():
    training = Training(epochs=5, early_stopping=2)
    ends = [is_over(HISTORY[:epochs], training) for epochs in range(6)]
    assert ends == [False, False, False, False, True, True]
    by_loss = training.model_copy(update={"best_by": "loss", "early_stopping": 1})
    assert [is_over(HISTORY[:n], by_loss) for n in range(5)] == [False, False, False, False, True]
    assert not is_over(HISTORY[:4], Training(epochs=5))


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"best_by": "loss"}, {"weights": "last"}])
def test_the_kept_epoch_is_written(small_course, tmp_path, monkeypatch, options, capsys):
    """That of one training which ends there and of another which goes on."""
    kept = kept_epoch(HISTORY, Training(**options))

    def trained(name, epochs, **more):
        rows = iter(HISTORY)
        monkeypatch.setattr(loop, "evaluate", lambda *_: tuple(next(rows).values())[::-1])
        return run(small_course("none", epochs=epochs, **more), tmp_path / name)

    weights, history = trained("a", 5, **options)
    short, _ = trained("b", kept + 1, weights="last")
    assert_equal_weights(weights, short)
    assert list(history.columns) == [
        "epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "seconds",
        "images_per_second",
    ]  # fmt: skip
    if "weights" not in options:
        early, stopped = trained("c", 5, early_stopping=1, **options)
        assert_equal_weights(early, weights)
        assert len(stopped) == kept + 2
        said = capsys.readouterr().out
        assert (f"stopped after epoch {kept + 2} of 5" in said) == (kept + 2 < 5)


# --------------------------------------------------------------------------------------- resuming

SURVIVORS = {
    "sgd": {
        "optimizer": NESTEROV,
        "schedule": {"name": "cosine", "warmup": 1},
        "label_smoothing": 0.1,
        "class_weights": "balanced",
        "gradient_clipping": 1.0,
        "best_by": "loss",
        "early_stopping": 3,
    },
    "adamw": {"optimizer": "adamw", "schedule": "one_cycle", "weights": "last"},
}


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_resumes_bit_by_bit(small_course, tmp_path, recipe):

    def course():
        return small_course("mixup", built_in_step("mixup"), **RECIPES[recipe])

    expected, history = run(course(), tmp_path / "a")
    interrupt_after_first_epoch(course(), tmp_path / "b")
    weights, resumed = run(course(), tmp_path / "b")
    assert_equal_weights(expected, weights)
    measured = ["seconds", "images_per_second"]
    same = [table.drop(columns=measured) for table in (history, resumed)]
    pd.testing.assert_frame_equal(*same, check_exact=True)
    used = [training_rate(course(), epoch) for epoch in history["epoch"]]
    np.testing.assert_allclose(history["learning_rate"], used)


def training_rate(course, epoch):
    """The learning rate of the last step of an epoch, counted from 1."""
    training, steps = course.training, course.steps
    last = epoch * steps - 1
    return learning_rate(training.schedule, training.learning_rate, last, steps, training.epochs)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", SURVIVORS)
def test_a_killed_recipe_ends_with_the_same_weights(data_folder, tmp_path, recipe):
    steps = [built_in_step("mixup")]
    history = assert_same_after_kills(data_folder, tmp_path, steps, SURVIVORS[recipe])
    assert history["learning_rate"].nunique() == len(history)


# --------------------------------------------------------------------------- configs of before


def test_a_config_without_new_keys_hands_on_what_it_did_before():
    """These values decide what is run again, and which checkpoint belongs to a training."""
    before = {
        "epochs": 30, "batch_size": 32, "learning_rate": 0.001, "weight_decay": 1e-05,
        "reshuffle": False, "refresh": "epoch", "augmented": "added", "copies": 1,
        "augment_at": "stored", "precision": "float32", "threads": 1,
    }  # fmt: skip
    assert Training().model_dump(mode="json") == before
    written = {
        "optimizer": "adam",
        "schedule": "constant",
        "weights": "best",
        "best_by": "accuracy",
    }
    written |= {"label_smoothing": 0, "class_weights": "equal"}
    assert Training(**written).model_dump(mode="json") == before
    used = Training(optimizer="sgd", early_stopping=3)
    assert set(used.model_dump(mode="json")) - set(before) == {"optimizer", "early_stopping"}
    assert Training(**used.model_dump(mode="json")) == used


def test_what_a_recipe_means_for_the_study_is_said():
    config = Config(training={"early_stopping": 3})
    assert config.setting("training.early_stopping") == 3
    assert config.setting("training.weights") == "best"
    assert config.setting("training.optimizer")["name"] == "adam"
    assert any("training.early_stopping" in sentence for sentence in remarks(config))
    assert not any("training.early_stopping" in sentence for sentence in remarks(Config()))
    assert "at most 30 epochs" in headline(config, "cpu", 1)
