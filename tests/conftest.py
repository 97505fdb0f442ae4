"""Small real inputs shared by the tests."""

import gc
from pathlib import Path

import numpy as np
import pytest
import torch

from augcam.config.schema import Dataset, Split, Training
from augcam.data.images import ImageStore
from augcam.data.store import prepare
from augcam.files.arrays import read_array
from augcam.train.batches import Course
from augcam.train.determinism import make_deterministic

ROOT = Path(__file__).resolve().parents[1]


def pytest_collection_finish():
    gc.freeze()  # what is imported stays: hypothesis often collects garbage


def pytest_unconfigure():
    gc.unfreeze()  # or libraries complain at exit of what they think lost


@pytest.fixture(scope="session", autouse=True)
def _deterministic():
    make_deterministic(threads=1)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory) -> Path:
    """The prepared store of 200 real digits for training and validation, 60 for testing."""
    folder = tmp_path_factory.mktemp("digits") / "data"
    prepare(
        Dataset(name="digits", train_limit=200, test_limit=60),
        Split(),
        folder / "images.npy",
        folder / "index.parquet",
        folder / "order.npy",
        folder / "stats.json",
    )
    return folder


@pytest.fixture(scope="session")
def store(data_folder) -> ImageStore:
    return ImageStore(data_folder, 16, torch.device("cpu"))


@pytest.fixture(scope="session")
def make_course(data_folder):
    """A course for (condition, parameters, state, input size), training options by name; `order`
    and `seeds` as a course takes them."""
    shared = read_array(data_folder / "order.npy")

    def make(
        condition, parameters=None, state=1, input_size=16, order=shared, seeds=None, **options
    ) -> Course:
        store = ImageStore(data_folder, input_size, torch.device("cpu"))
        training = Training(**{"epochs": 2, "batch_size": 32, **options})
        steps = [{"use": condition} | (parameters or {})]
        return Course(store, order, condition, steps, state, training, 0, seeds)

    return make


@pytest.fixture(scope="session")
def invented_run(tmp_path_factory) -> Path:
    """The results folder of `runs.write_run`: tables, invented maps of 60 images, masks."""
    from runs import write_run

    folder = tmp_path_factory.mktemp("results") / "invented"
    write_run(folder)
    return folder


@pytest.fixture(scope="session")
def viewed_run(tmp_path_factory) -> Path:
    """The same with two further views: another layer with another grid, and a sample of images."""
    from runs import VIEWS, small_config, write_run

    folder = tmp_path_factory.mktemp("results") / "viewed"
    write_run(folder, small_config(views=VIEWS))
    return folder
