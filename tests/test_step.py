"""One training step: recorded or not, in every precision; on a GPU where there is one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import ROOT
from killing import training_command

from augcam.config.choices import AUGMENTATIONS
from augcam.config.conditions import built_in_step
from augcam.config.schema import Training
from augcam.data.images import ImageStore
from augcam.files.arrays import read_array
from augcam.files.tensors import read_tensors
from augcam.networks.build import build
from augcam.train.batches import Course
from augcam.train.determinism import make_deterministic
from augcam.train.loop import train
from augcam.train.optimizers import Adam
from augcam.train.step import RecordedStep, Step

PARAMETERS = {name: built_in_step(name) for name in AUGMENTATIONS}
RANDOM = {"dropout": 0.2, "stochastic_depth_prob": 0.2}
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")


NETWORKS = {"resnet20": 24, "efficientnet_b0": 64}  # architecture → input size


def network(architecture, device):
    """It draws random numbers, and lies channels last on `device`."""
    arguments = RANDOM if architecture == "resnet20" else {}
    model = build(architecture, 10, arguments, seed=0)
    return model.to(device, memory_format=torch.channels_last)


def new_step(device="cpu", precision="float32", architecture="resnet20"):
    model = network(architecture, device)
    return Step(model.train(), Adam(model.parameters(), 1e-3, 1e-5), precision)


def everything(step):
    """What a step changes: weights, buffers, moments and sums."""
    moments = step.optimizer.state()
    return {**step.model.state_dict(), **moments, "loss": step.loss, "right": step.right}


def assert_equal(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


def played_back(work):
    """What `cuda_graph` does, without a GPU: warm up, then repeat on the same memory."""
    for _ in range(3):
        work()
    return work


@pytest.mark.slow
@pytest.mark.parametrize("label", ["source", "mixed"])
def test_a_recorded_step_is_the_step_bit_by_bit(make_course, label):
    parameters = PARAMETERS["cutmix"] | {"label": label}
    course = make_course("cutmix", parameters)
    assert len(course) % course.training.batch_size  # so that the last batch is a smaller one
    assert_recording_changes_nothing("resnet20", list(course.batches(0)))


def test_a_recorded_step_of_efficientnet_is_the_step_bit_by_bit(make_course):
    first, second, *_, last = make_course("none", batch_size=8).batches(0)
    assert len(last.labels) == 4
    assert_recording_changes_nothing("efficientnet_b0", [first, second, last])


def assert_recording_changes_nothing(architecture, batches):
    plain, recorded = (new_step(architecture=architecture) for _ in range(2))
    run = RecordedStep(recorded, batches[0], played_back)
    for one, step in ((plain, plain), (run, recorded)):
        torch.manual_seed(7)
        step.reset()
        for batch in batches:
            one(batch)
    assert_equal(everything(plain), everything(recorded))


def test_recording_changes_neither_weights_nor_moments(make_course):
    step, untouched = new_step(), new_step()
    RecordedStep(step, next(make_course("none").batches(0)), played_back)
    step.reset()
    assert_equal(everything(step), everything(untouched))


def test_a_recorded_step_reads_only_its_own_memory(make_course):
    """Kernels recorded on the example's memory would see whatever lies there later."""
    plain, recorded = new_step(), new_step()
    example, batch = (next(make_course("none").batches(0)) for _ in range(2))
    run = RecordedStep(recorded, example, played_back)
    example.images.fill_(float("nan"))
    for one, step in ((plain, plain), (run, recorded)):
        torch.manual_seed(7)
        step.reset()
        one(batch)
    assert_equal(everything(plain), everything(recorded))


def trained(course, folder, device="cpu", architecture="resnet20"):
    make_deterministic(1, course.training.precision)
    try:
        model = network(architecture, device)
        names = ("checkpoint.safetensors", "weights.safetensors", "history.parquet")
        paths = [folder / name for name in names]
        train(model, course, paths[0], "test", *paths[1:])
    finally:
        make_deterministic(1)
    return read_tensors(paths[1])


@pytest.mark.slow
def test_bfloat16_repeats_and_keeps_weights_in_float32(make_course, tmp_path):
    courses = [
        make_course("affine", PARAMETERS["affine"], precision=precision)
        for precision in ("bfloat16", "bfloat16", "float32")
    ]
    a, b, exact = (trained(c, tmp_path / str(i)) for i, c in enumerate(courses))
    assert_equal(a, b)
    assert {value.dtype for value in a.values()} == {torch.float32, torch.int64}
    assert not torch.equal(a["fc.weight"], exact["fc.weight"])
    torch.testing.assert_close(a["fc.weight"], exact["fc.weight"], rtol=0, atol=0.02)


def test_tf32_is_switched_on_for_tf32_alone_and_is_float32_on_a_cpu(make_course, tmp_path):
    def allowed(precision):
        make_deterministic(1, precision)
        return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32

    on = {precision: allowed(precision) for precision in ("tf32", "bfloat16", "float32")}
    assert on == {"tf32": (True, True), "bfloat16": (False, False), "float32": (False, False)}
    a = trained(make_course("none", precision="tf32"), tmp_path / "a")
    assert_equal(a, trained(make_course("none"), tmp_path / "b"))


@pytest.mark.slow
def test_results_do_not_depend_on_how_many_jobs_run_at_once(data_folder, tmp_path):
    def command(name):
        return training_command(data_folder, [PARAMETERS["affine"]], tmp_path / name)

    together = [subprocess.Popen(command(n), stderr=subprocess.DEVNULL) for n in ("a", "b")]
    assert [process.wait() for process in together] == [0, 0]
    subprocess.run(command("alone"), check=True, capture_output=True)
    weights = {(tmp_path / name / "weights").read_bytes() for name in ("a", "b", "alone")}
    assert len(weights) == 1


@pytest.mark.slow
@pytest.mark.parametrize("module", ["train.loop", "explanation.maps"])
def test_a_job_imports_nothing_that_it_does_not_use(module):
    heavy = {"pandas", "torchvision", "scipy", "sklearn", "matplotlib", "numba", "torch._dynamo"}
    code = f"import sys, augcam.{module}; print(*{heavy!r} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT / "src"
    )
    assert done.stdout.split() == []


@pytest.mark.slow
def test_measuring_a_gpu_needs_one():
    done = subprocess.run(
        [ROOT / "benchmarks" / "gpu.sh"],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "PATH": PATH},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "torch sees no GPU here, so there is nothing to measure" in done.stderr
    assert len(done.stderr.splitlines()) == 1


# ------------------------------------------------------------------------------------- on a GPU


@pytest.fixture
def gpu_course(data_folder):
    def make(condition, precision="float32", input_size=24) -> Course:
        store = ImageStore(data_folder, input_size, torch.device("cuda"))
        training = Training(epochs=2, precision=precision, augment_at="input")
        order = read_array(data_folder / "order.npy")
        steps = [PARAMETERS.get(condition, {"use": condition})]
        return Course(store, order, condition, steps, 1, training, 0)

    return make


@needs_gpu
@pytest.mark.parametrize("architecture", NETWORKS)
@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_a_cuda_graph_repeats_the_step_bit_by_bit(gpu_course, precision, architecture):
    course = gpu_course("affine", precision, NETWORKS[architecture])
    make_deterministic(1, precision)
    plain, recorded = (new_step("cuda", precision, architecture) for _ in range(2))
    run = RecordedStep(recorded, next(course.batches(0)))
    for one, step in ((plain, plain), (run, recorded)):
        torch.manual_seed(7)
        step.reset()
        for batch in course.batches(0):
            one(batch)
    make_deterministic(1)
    assert_equal(everything(plain), everything(recorded))


@needs_gpu
@pytest.mark.parametrize(
    "condition,architecture",
    [
        *((condition, "resnet20") for condition in ("none", "identity", *PARAMETERS)),
        ("none", "efficientnet_b0"),
        ("affine", "efficientnet_b0"),
    ],
)
def test_training_on_a_gpu_repeats_and_resumes(gpu_course, tmp_path, condition, architecture):
    def course():
        return gpu_course(condition, input_size=NETWORKS[architecture])

    def result(course, name):
        return trained(course, tmp_path / name, "cuda", architecture)

    expected = result(course(), "a")
    assert_equal(expected, result(course(), "b"))
    stopped = course()
    batches = stopped.batches

    def stop_in_the_second_epoch(epoch):
        if epoch == 1:
            raise KeyboardInterrupt
        return batches(epoch)

    stopped.batches = stop_in_the_second_epoch
    with pytest.raises(KeyboardInterrupt):
        result(stopped, "c")
    assert_equal(expected, result(course(), "c"))


@needs_gpu
def test_a_network_that_pools_to_more_than_a_pixel_repeats_on_a_gpu(gpu_course):
    course = gpu_course("none", input_size=96)
    make_deterministic(1)
    steps = [new_step("cuda", architecture="alexnet") for _ in range(2)]
    for step in steps:
        torch.manual_seed(7)
        run = RecordedStep(step, next(course.batches(0)))
        step.reset()
        torch.manual_seed(7)
        for batch in course.batches(0):
            run(batch)
    assert_equal(*map(everything, steps))


@needs_gpu
@pytest.mark.parametrize("condition", list(PARAMETERS))
def test_a_gpu_shows_the_same_images_as_a_cpu(gpu_course, make_course, condition):
    cpu = make_course(condition, PARAMETERS[condition], 1, 24, augment_at="input")
    for a, b in zip(gpu_course(condition).batches(0), cpu.batches(0)):
        assert torch.equal(a.labels.cpu(), b.labels)
        # A pixel on the border of two levels may be equalised to either.
        assert ((a.images.cpu() - b.images).abs() < 1e-3).float().mean() > 0.99
