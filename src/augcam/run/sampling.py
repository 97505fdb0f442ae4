"""A little of the work that follows explaining, on maps and tables made up for the estimate.

Distances, maps and pictures cost what they cost whatever their values are.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from augcam.config.checks import scores_of_maps
from augcam.config.experiment import Config
from augcam.entries import metric_named

SAMPLE = 256
"""Images in one sample of comparing."""

RESAMPLES = (20, 200)
"""Resamples in two samples of decoupling, whose difference tells what one costs."""

STARTS = {
    "start": "import pandas, pyarrow.parquet, pydantic",
    "compiled": """
import numpy as np
from augcam.comparison.explained import Explained
from augcam.comparison.models import compare
from augcam.config.experiment import Config

maps = np.arange(18, dtype=np.float32).reshape(2, 3, 3)
model = Explained(np.arange(2), maps, maps[:, 0], np.ones(2, bool))
compare(model, [model], list(Config().similarity.metrics), 6, 1e-16)
""",
}
"""What jobs do before they work: those that make tables, and those that compare, whose inner loops
are compiled."""

UNDEFINED = 0.02
"""Share of images on which a metric that constant maps leave undefined is so here."""


def rate(work: Callable[[], int], seconds: float) -> float:
    """What `work` does a second, as it returns it, once it has warmed up."""
    work()
    done, started = 0, time.perf_counter()
    while True:
        done += work()
        spent = time.perf_counter() - started
        if spent >= seconds:
            return done / spent


def rate_of_any(work: Callable[[int], int], seconds: float) -> float:
    """What `work` does a second, given how many images, where one may take long: then one it is,
    the second, as the first may wait for a library to be imported."""
    work(1)
    started = time.perf_counter()
    work(1)
    spent = time.perf_counter() - started
    return rate(lambda: work(32), seconds) if spent < seconds else 1 / spent


def rates_after_explaining(
    config: Config, images: int, map_shape: tuple[int, ...], classes: int, seconds: float
) -> dict[str, float]:
    """What one job does a second, by kind of work, for a run with so many test `images`.

    comparison: images of a model compared with a baseline; shared: the same where the job compares
    many models, for which the baseline is ranked once; scoring: images of which maps are scored,
    with masks of one part where there are some; decoupling: the whole of that step; figure:
    figures drawn; start, compiled: jobs started (see `STARTS`).
    """
    rng = np.random.default_rng(0)
    alone, shared = _comparing(config, map_shape, classes, rng)
    return {
        "comparison": rate(alone, seconds),
        "shared": rate(shared, seconds),
        "scoring": rate(_scoring(config, map_shape, rng), seconds / 2),
        "decoupling": 1 / _decoupling_seconds(config, images, rng),
        "figure": rate(_drawing(config, images, rng), seconds),
    } | {name: rate(partial(_start, code), seconds / 2) for name, code in STARTS.items()}


def _comparing(
    config: Config, map_shape: tuple[int, ...], classes: int, rng: np.random.Generator
) -> list[Callable[[], int]]:
    """Compares one model's images with a baseline, and three models' at once."""
    from augcam.comparison.explained import Explained
    from augcam.comparison.models import compare

    baseline, *others = (
        Explained(
            np.arange(SAMPLE),
            rng.normal(size=(SAMPLE, *map_shape)).astype(np.float32),
            rng.normal(size=(SAMPLE, classes)).astype(np.float32),
            rng.random(SAMPLE) < 0.5,
        )
        for _ in range(4)
    )
    size, similarity = config.model.input_size, config.similarity

    def comparing(models: list[Explained]) -> int:
        compare(baseline, models, similarity.metrics, size, similarity.epsilon)
        return SAMPLE * len(models)

    return [lambda: comparing(others[:1]), lambda: comparing(others)]


def _scoring(
    config: Config, map_shape: tuple[int, ...], rng: np.random.Generator
) -> Callable[[], int]:
    """Scores the maps of one model's images."""
    from augcam.comparison.scoring import score_maps

    size, names = config.model.input_size, scores_of_maps(config)
    cam = rng.normal(size=(SAMPLE, *map_shape)).astype(np.float32)
    inside = np.zeros((SAMPLE, size, size), dtype=bool)
    inside[:, size // 4 : size // 2, size // 4 : size // 2] = True
    parts = {"object": inside} if config.has_masks else {}

    def scoring() -> int:
        score_maps(cam, size, names, parts)
        return SAMPLE

    return scoring


def _decoupling_seconds(config: Config, images: int, rng: np.random.Generator) -> float:
    """Seconds that the step `decouple` of this config will take."""
    from augcam.statistics.decoupled import decouple
    from augcam.statistics.distances import Distances

    metrics, states = config.similarity.metrics, config.starting_states
    baselines = [state for _, state in config.baselines]
    conditions = config.compared_conditions
    shape = (len(metrics), len(conditions), len(states), len(baselines), images)
    values = rng.normal(size=shape)
    for m, metric in enumerate(metrics):
        if metric_named(metric).undefined_on_constant:
            values[m][rng.random(shape[1:]) < UNDEFINED] = np.nan
    distances = Distances(values, metrics, conditions, states, config.reference[0], baselines)
    settings = config.statistics

    def seconds(resamples: int, sample: Distances = distances) -> float:
        started = time.perf_counter()
        decouple(
            sample,
            config.augmented,
            config.counted_pairs,
            resamples,
            settings.seed,
            settings.alpha,
            settings.clusters,
        )
        return time.perf_counter() - started

    few, many = RESAMPLES
    seconds(few, distances._replace(values=values[..., :100]))  # warms up
    fixed, more = seconds(few), seconds(many)
    return fixed + (settings.resamples - few) * max(0.0, more - fixed) / (many - few)


def _drawing(config: Config, images: int, rng: np.random.Generator) -> Callable[[], int]:
    import pandas as pd

    from augcam.report.charts import metric_boxplot
    from augcam.report.style import save

    conditions, metric = config.compared_conditions, config.similarity.metrics[0]
    mean = pd.DataFrame(
        {
            "image_id": np.tile(np.arange(images), len(conditions)),
            "condition": np.repeat(conditions, images),
            metric: rng.random(images * len(conditions)),
        }
    )
    numbers = count()

    def draw() -> int:
        with TemporaryDirectory() as folder:
            name = f"{folder}/{next(numbers)}"
            figure = metric_boxplot(mean, metric, conditions)
            save(figure, Path(f"{name}.png"), Path(f"{name}.pdf"), dpi=config.figures.dpi)
        return 1

    return draw


def _start(code: str) -> int:
    subprocess.run([sys.executable, "-c", code], check=True)
    return 1
