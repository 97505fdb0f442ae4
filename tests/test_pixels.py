"""Images that a device has no room for: read batch by batch, they are the same."""

import shutil

import numpy as np
import pytest
import torch
from test_step import needs_gpu
from test_training import assert_equal_weights, run

from augcam.config.conditions import built_in_step
from augcam.data.images import ImageStore
from augcam.data.pixels import Resident, Streamed, open_pixels, room_on
from augcam.errors import AugcamError
from augcam.explanation.maps import explain
from augcam.names import PAPER_METHOD
from augcam.networks.build import build
from augcam.train.evaluation import evaluate

CPU, GPU = torch.device("cpu"), torch.device("cuda")
LIMIT = 10_000  # bytes, fewer than the digits take


def streamed(folder, input_size=16):
    return ImageStore(folder, input_size, CPU, room=LIMIT)


def on_either(make_course, data_folder, condition, **options):
    """The same course with all images on the device, and with streamed ones."""
    parameters = built_in_step(condition)
    courses = [make_course(condition, parameters, **options) for _ in range(2)]
    courses[1].store = streamed(data_folder)
    assert isinstance(courses[0].store.pixels, Resident)
    assert isinstance(courses[1].store.pixels, Streamed)
    return courses


@pytest.mark.parametrize("condition", ["affine", "cutmix"])
def test_the_same_batches_are_shown(make_course, data_folder, condition):
    """Also when one is asked for in between, or a pass is given up."""
    resident, other = on_either(make_course, data_folder, condition, reshuffle=True)
    next(other.batches(0))
    for epoch in range(2):
        for number, (a, b) in enumerate(zip(resident.batches(epoch), other.batches(epoch))):
            assert all(map(torch.equal, a, b))
            if number == 1:
                assert torch.equal(resident.batch(1, 0).images, other.batch(1, 0).images)


@pytest.mark.slow
def test_training_ends_with_the_same_weights(make_course, data_folder, tmp_path):
    courses = on_either(make_course, data_folder, "mixup")
    results = [run(course, tmp_path / str(i)) for i, course in enumerate(courses)]
    assert_equal_weights(results[0][0], results[1][0])
    for column in ("train_loss", "val_loss"):
        assert results[0][1][column].equals(results[1][1][column])


@needs_gpu
def test_a_gpu_shows_the_same_batches(make_course, data_folder):
    courses = [make_course("cutmix", built_in_step("cutmix")) for _ in range(2)]
    for course, room in zip(courses, (None, LIMIT)):
        course.store = ImageStore(data_folder, 24, GPU, room)
    for a, b in zip(*(course.batches(0) for course in courses)):
        assert all(map(torch.equal, a, b))


def test_explaining_gives_the_same_maps(data_folder, store):
    model = build("resnet20", store.num_classes, {}, seed=0)
    other = streamed(data_folder)
    ids = store.ids("test")
    with torch.inference_mode():
        assert evaluate(model, store, ids) == evaluate(model, other, ids)
    explained = [explain(model, "layer3.2", one, ids, PAPER_METHOD) for one in (store, other)]
    for a, b in zip(*explained):
        np.testing.assert_array_equal(a, b)


def test_what_is_chosen_is_said(data_folder, capsys):
    path = data_folder / "images.npy"
    takes = np.load(path, mmap_mode="r").nbytes
    assert isinstance(open_pixels(path, CPU, takes), Resident)
    assert capsys.readouterr().out == ""  # nothing was to be chosen
    assert isinstance(open_pixels(path, CPU, takes - 1), Streamed)
    said = capsys.readouterr().out
    assert said.startswith("images: 48.8 KiB, more than the 48.7 KiB that there are for them on")
    assert said.endswith(": read and sent batch by batch\n")


def test_images_stay_on_the_host_where_a_gpu_is_full(data_folder, monkeypatch, capsys):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(torch.Tensor, "to", full)
    pixels = open_pixels(data_folder / "images.npy", GPU, float("inf"))
    assert isinstance(pixels, Streamed)
    assert "more than what is free on the GPU: read and sent batch" in capsys.readouterr().out


def test_images_may_take_a_part_of_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (60, 80))
    assert room_on(GPU) == 30
    assert room_on(GPU, jobs_per_gpu=4) == 10
    assert room_on(CPU) == float("inf")


def test_what_is_expected_is_read_ahead(data_folder, tmp_path):
    """Before it is asked for; what cannot be read is an error that names the file."""
    path = shutil.copy(data_folder / "images.npy", tmp_path / "images.npy")
    images = np.load(path)
    pixels = Streamed(path, CPU)
    ids = torch.tensor([7, 3, 259])
    pixels.expect(ids)
    pixels.expected[1].result()
    with path.open("rb+") as file:
        file.truncate(pixels.start + 4 * images[0].size)
    np.testing.assert_array_equal(pixels.take(ids), images[ids])
    np.testing.assert_array_equal(pixels.take(torch.tensor([3])), images[[3]])
    with pytest.raises(AugcamError, match=r"images\.npy: it ends before image 4: .* prepare the"):
        pixels.take(torch.tensor([3, 4]))
