"""Training: what is shown in which order, determinism, and resuming after being killed."""

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from killing import assert_same_after_kills
from test_foreign import FOG, RANDAUGMENT, SWAPPED

from augcam.config.choices import AUGMENTATIONS
from augcam.config.conditions import built_in_step
from augcam.data.images import ImageStore
from augcam.data.split import draw_order
from augcam.entries import augmentation_named
from augcam.errors import AugcamError
from augcam.files.tensors import read_tensors
from augcam.networks.build import build
from augcam.train import loop
from augcam.train.batches import other_images
from augcam.train.determinism import fingerprint
from augcam.train.evaluation import evaluate
from augcam.train.loop import train
from augcam.train.optimizers import Adam

PARAMETERS = {name: built_in_step(name) for name in AUGMENTATIONS}


def run(course, folder, seed=1, **arguments):
    """Train a small network; returns its weights and history."""
    model = build("resnet20", course.store.num_classes, {"dropout": 0.2, **arguments}, seed)
    model = model.to(memory_format=torch.channels_last)
    paths = [folder / name for name in ("weights.safetensors", "history.parquet")]
    train(model, course, folder / "checkpoint.safetensors", "test", *paths)
    return read_tensors(paths[0]), pd.read_parquet(paths[1])


def assert_equal_weights(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


# ------------------------------------------------------------------------------------ the course


def test_the_baseline_sees_the_originals_in_the_same_relative_order(make_course):
    none, affine = make_course("none"), make_course("affine", PARAMETERS["affine"])
    order = affine.epoch_order(0)
    originals = order[order[:, 1] == 0]
    np.testing.assert_array_equal(none.epoch_order(0), originals)
    assert len(affine) == 2 * len(none) == len(order)
    ids, counts = np.unique(order[:, 0], return_counts=True)
    assert (counts == 2).all()
    np.testing.assert_array_equal(ids, none.store.ids("train"))


def test_identity_shows_every_image_twice_unchanged(make_course, store):
    course = make_course("identity")
    shown = torch.cat([batch.images for batch in course.batches(0)])
    expected = store.inputs(torch.from_numpy(course.epoch_order(0)[:, 0].copy()))
    torch.testing.assert_close(shown, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("condition", AUGMENTATIONS)
def test_originals_stay_and_copies_change(make_course, condition):
    # 24×24 pixels: Pillow's equalisation leaves images of fewer than 256 pixels as they are.
    course = make_course(condition, PARAMETERS[condition], 1, 24, augment_at="input")
    plain = make_course("identity", {}, 1, 24, augment_at="input")
    for batch, other in zip(course.batches(0), plain.batches(0)):
        assert torch.equal(batch.labels, other.labels)
    copies = course.epoch_order(0)[:, 1] == 1
    shown = torch.cat([batch.images for batch in course.batches(0)]).flatten(1)
    same = (shown == torch.cat([b.images for b in plain.batches(0)]).flatten(1)).all(1).numpy()
    assert same[~copies].all()
    # Some of CutMix's patches are black on black.
    assert same[copies].mean() < (0.6 if "flip" in condition else 0.2)  # half are flipped


@pytest.mark.parametrize("condition", AUGMENTATIONS)
def test_a_batch_depends_on_state_epoch_and_position_alone(make_course, condition):
    def batch(state, epoch, number):
        course = make_course(condition, PARAMETERS[condition], state)
        return list(course.batches(epoch))[number].images

    first = batch(1, 0, 2)
    assert torch.equal(first, batch(1, 0, 2))
    if augmentation_named(condition).is_random(PARAMETERS[condition]):
        assert not torch.equal(first, batch(2, 0, 2))
        assert not torch.equal(first, batch(1, 1, 2))


def test_refresh_once_keeps_the_copies(make_course):
    parameters = PARAMETERS["affine"]
    once = make_course("affine", parameters, refresh="once")
    for a, b in zip(once.batches(0), once.batches(1)):
        assert torch.equal(a.images, b.images)


def test_reshuffling_is_the_same_for_all_conditions(make_course):
    none = make_course("none", reshuffle=True)
    affine = make_course("affine", PARAMETERS["affine"], 2, reshuffle=True)
    order = affine.epoch_order(1)
    np.testing.assert_array_equal(none.epoch_order(1), order[order[:, 1] == 0])
    assert not np.array_equal(affine.epoch_order(0), order)


def test_inputs_are_normalised_over_the_training_images(store):
    images = store.inputs(store.ids("train"))
    means = store.normalised(store.raw(store.ids("train"))).mean(dim=(0, 2, 3))
    torch.testing.assert_close(means, torch.zeros(3), rtol=0, atol=1e-5)
    assert images.shape[1:] == (3, 16, 16)
    assert images.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("input_size", [5, 8, 24])
def test_inputs_are_the_images_resized_with_antialiasing(data_folder, input_size):
    store = ImageStore(data_folder, input_size, torch.device("cpu"))
    ids = store.ids("test")
    expected = F.interpolate(
        store.raw(ids), (input_size, input_size), mode="bilinear", antialias=True
    )
    torch.testing.assert_close(store.inputs(ids), store.normalised(expected), rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [(8, 8), (6, 9)])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_enlarging_is_torchs_own_bit_by_bit_and_keeps_the_layout(data_folder, size, layout):
    store = ImageStore(data_folder, 32, torch.device("cpu"))
    images = torch.rand(5, 3, *size).contiguous(memory_format=layout)
    enlarged = store.resized(images)
    left = (size[1] - size[0]) // 2
    square = images[..., left : left + size[0]]
    expected = F.interpolate(square, (32, 32), mode="bilinear", align_corners=False)
    assert torch.equal(enlarged, expected)
    assert enlarged.is_contiguous(memory_format=layout)


def test_cutmix_partner_is_another_training_image():
    train_ids = np.array([2, 3, 5, 7, 11])
    rng = np.random.default_rng(0)
    ids = np.repeat(train_ids, 200)
    partners = other_images(train_ids, ids, rng)
    assert (partners != ids).all()
    assert np.isin(partners, train_ids).all()
    for own in train_ids:
        _, counts = np.unique(partners[ids == own], return_counts=True)
        assert len(counts) == 4
        assert counts.min() > 25  # 50 expected


def test_cutmix_keeps_the_first_label_unless_asked_to_mix(make_course):
    source = make_course("cutmix", PARAMETERS["cutmix"])
    for batch in source.batches(0):
        assert batch.targets is batch.labels
    mixed = make_course("cutmix", PARAMETERS["cutmix"] | {"label": "mixed"})
    targets = torch.cat([batch.targets for batch in mixed.batches(0)])
    torch.testing.assert_close(targets.sum(1), torch.ones(len(targets)))
    copies = mixed.epoch_order(0)[:, 1] == 1
    assert (targets[~copies].amax(1) == 1).all()
    assert (targets[copies].amax(1) < 1).any()


def test_a_batch_larger_than_the_data_is_refused(make_course):
    with pytest.raises(AugcamError, match=r"training\.batch_size: 500 is larger .* 180 images"):
        make_course("none", batch_size=500)


# --------------------------------------------------------------------------------- the optimiser


def test_adam_is_torchs_adam_bit_by_bit():
    ours, theirs = (build("resnet20", 10, {}, seed=0) for _ in range(2))
    ours = ours.to(memory_format=torch.channels_last)
    theirs = theirs.to(memory_format=torch.channels_last)
    optimizers = [
        Adam(ours.parameters(), 1e-3, 1e-5),
        torch.optim.Adam(theirs.parameters(), lr=1e-3, weight_decay=1e-5, fused=True),
    ]
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        images = torch.randn(8, 3, 16, 16, generator=generator)
        labels = torch.randint(10, (8,), generator=generator)
        for model, optimizer in zip((ours, theirs), optimizers):
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
    assert_equal_weights(ours.state_dict(), theirs.state_dict())


def test_evaluation_is_the_mean_over_images(store):
    model = build("resnet20", store.num_classes, {}, seed=0)
    ids = store.ids("val")
    loss, accuracy = evaluate(model, store, ids)
    with torch.no_grad():
        logits = model.eval()(store.inputs(ids))
    labels = store.labels[ids]
    assert loss == pytest.approx(F.cross_entropy(logits, labels).item(), abs=1e-5)
    assert accuracy == (logits.argmax(1) == labels).double().mean().item()


# ------------------------------------------------------------------------------------- training


@pytest.mark.slow
@pytest.mark.parametrize("condition", ["none", "cutmix"])
def test_training_twice_gives_the_same_weights(make_course, tmp_path, condition):
    parameters = PARAMETERS.get(condition, {})
    a, history = run(make_course(condition, parameters), tmp_path / "a")
    b, _ = run(make_course(condition, parameters), tmp_path / "b")
    assert_equal_weights(a, b)
    assert list(history["epoch"]) == [1, 2]
    assert (tmp_path / "a" / "weights.safetensors").read_bytes() == (
        tmp_path / "b" / "weights.safetensors"
    ).read_bytes()
    other, _ = run(make_course(condition, parameters, state=2), tmp_path / "c")
    assert any(not torch.equal(a[name], other[name]) for name in a)


def test_without_random_layers_states_of_none_are_equal(make_course, tmp_path):
    weights = [run(make_course("none", state=s), tmp_path / str(s), dropout=0.0)[0] for s in (1, 2)]
    assert_equal_weights(*weights)


def test_the_best_epoch_is_kept_and_the_first_on_ties(make_course, tmp_path, monkeypatch):
    accuracies = iter([0.3, 0.8, 0.8, 0.5])
    monkeypatch.setattr(loop, "evaluate", lambda *_: (1.0, next(accuracies)))
    best, _ = run(make_course("none", epochs=4), tmp_path / "a")
    accuracies = iter([0.3, 0.8])
    second, _ = run(make_course("none", epochs=2), tmp_path / "b")
    assert_equal_weights(best, second)


def test_replaced_originals_are_augmented_anew_in_every_epoch(make_course):
    added = make_course("affine", PARAMETERS["affine"])
    course = make_course("affine", PARAMETERS["affine"], augmented="replaced")
    order = course.epoch_order(0)
    originals = added.epoch_order(0)
    np.testing.assert_array_equal(order, originals[originals[:, 1] == 0])
    assert len(course) == len(order) == len(course.train_ids) and course.augmented_rows(order).all()
    first, again, second = (next(course.batches(epoch)).images for epoch in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, second)
    shown = next(make_course("none", augmented="replaced").batches(0)).images
    assert torch.equal(shown, next(make_course("identity", augmented="replaced").batches(0)).images)
    assert not torch.equal(shown, first)


def test_every_copy_of_an_image_is_drawn_for_itself(make_course, store):
    ids = np.flatnonzero(store.index["split"] == "train")
    order = draw_order(ids, 0, copies=3)
    course = make_course("affine", PARAMETERS["affine"], order=order, copies=3)
    assert len(course) == 4 * len(ids) == len(course.epoch_order(0))
    rows = np.concatenate([course.epoch_order(0)])
    images = torch.cat([batch.images for batch in course.batches(0)])
    one = images[rows[:, 0] == ids[0]]
    assert len(one) == 4 and len({image.numpy().tobytes() for image in one}) == 4


def test_training_learns(make_course, tmp_path):
    _, history = run(make_course("identity", epochs=4), tmp_path)
    assert history["train_loss"].iloc[-1] < 0.6 * history["train_loss"].iloc[0]


def test_divergence_is_said(make_course, tmp_path):
    course = make_course("none", learning_rate=1e30)
    with pytest.raises(AugcamError, match=r"lower training\.learning_rate"):
        run(course, tmp_path)
    assert not (tmp_path / "weights.safetensors").exists()


@pytest.mark.slow
@pytest.mark.parametrize("steps", [[PARAMETERS["affine"]], [RANDAUGMENT, FOG, SWAPPED]])
def test_a_killed_training_ends_with_the_same_weights(data_folder, tmp_path, steps):
    assert_same_after_kills(data_folder, tmp_path, steps)


def test_a_finished_training_is_not_repeated_when_its_files_are_lost(make_course, tmp_path):
    """Snakemake deletes them if it is killed between a training's end and its record of it."""

    weights, history = run(make_course("none"), tmp_path)
    for name in ("weights.safetensors", "history.parquet"):
        (tmp_path / name).unlink()
    course = make_course("none")
    course.batches = None  # there is nothing to train on
    again, same = run(course, tmp_path)
    assert_equal_weights(weights, again)
    pd.testing.assert_frame_equal(history, same, check_exact=True)  # with its seconds
    # Only what that takes is kept: the best weights, neither the last ones nor Adam's moments.
    size = (tmp_path / "weights.safetensors").stat().st_size
    assert (tmp_path / "checkpoint.safetensors").stat().st_size < 1.5 * size


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["foreign", "truncated", "empty"])
def test_a_checkpoint_that_does_not_fit_is_ignored(make_course, tmp_path, damage, capsys):
    expected, _ = run(make_course("none"), tmp_path / "a")
    stop = make_course("none")
    checkpoint = tmp_path / "b" / "checkpoint.safetensors"
    interrupt_after_first_epoch(stop, tmp_path / "b")
    if damage == "foreign":
        content = checkpoint.read_bytes()
        checkpoint.write_bytes(content.replace(b'\\"test\\"', b'\\"tset\\"'))
        assert content != checkpoint.read_bytes()
    else:
        checkpoint.write_bytes(b"" if damage == "empty" else checkpoint.read_bytes()[:5000])
    weights, _ = run(make_course("none"), tmp_path / "b")
    assert "starting anew" in capsys.readouterr().out
    assert_equal_weights(weights, expected)


def interrupt_after_first_epoch(course, folder):
    batches = course.batches

    def interrupted(epoch):
        if epoch == 1:
            raise KeyboardInterrupt
        return batches(epoch)

    course.batches = interrupted
    with pytest.raises(KeyboardInterrupt):
        run(course, folder)


def test_fingerprint_depends_on_settings_and_contents(tmp_path):
    (tmp_path / "a").write_text("1")
    first = fingerprint({"x": 1}, tmp_path / "a")
    assert first == fingerprint({"x": 1}, tmp_path / "a")
    assert first != fingerprint({"x": 2}, tmp_path / "a")
    (tmp_path / "a").write_text("2")
    assert first != fingerprint({"x": 1}, tmp_path / "a")
