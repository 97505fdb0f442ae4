"""How similarity and aggregation grow with models, images and map size."""

from pathlib import Path

import numpy as np

from benchmarks.harness import Growth

METRICS = ["mad", "msd", "pearson", "spearman", "overlap_20", "overlap_10", "overlap_5"]
METRICS += ["class_kld"]
STATES = (1, 2, 3)
EPSILON = 2.220446049250313e-16
CLASSES = 10
_ROWS = 50_000  # written at once when inputs are made up


# ------------------------------------------------------------------------------------ similarity


def _explained(folder: Path, model: int) -> tuple[Path, Path]:
    return folder / f"{model}.npz", folder / f"{model}.parquet"


def prepare_similarity(folder: Path, models: int, images: int, size: int) -> None:
    """The explanations of a baseline and `models` models."""
    from augcam.explain.maps import Explanations, save_explanations

    for model in range(models + 1):
        rng = np.random.default_rng(model)
        ids = np.arange(images)
        save_explanations(
            Explanations(
                ids,
                rng.standard_normal((images, 7, 7), dtype=np.float32),
                ids % CLASSES,
                rng.standard_normal((images, CLASSES), dtype=np.float32),
                others=[],
            ),
            ids % CLASSES,
            "layer",
            "gradcam",
            *_explained(folder, model),
        )


def measure_similarity(folder: Path, models: int, images: int, size: int) -> list[Path]:
    """What the job `compare` does, for `models` models at once."""
    from augcam.compare.models import compare_files

    outputs = [folder / f"similarity-{model}.parquet" for model in range(1, models + 1)]
    baseline, *others = (_explained(folder, model) for model in range(models + 1))
    compare_files(baseline, others, outputs, METRICS, size, EPSILON)
    return outputs


# ----------------------------------------------------------------------------------- aggregation


def _models(count: int) -> list[tuple[str, int]]:
    return [(f"augmentation{i // len(STATES)}", STATES[i % len(STATES)]) for i in range(count)]


def _table(folder: Path, model: tuple[str, int]) -> Path:
    return folder / f"{model[0]}-{model[1]}.parquet"


def prepare_aggregation(folder: Path, models: int, images: int) -> None:
    """The comparisons of `models` models, three states an augmentation."""
    import pandas as pd

    from augcam.compare.explained import SEGMENTS
    from augcam.files.tables import table_writer

    for number, model in enumerate(_models(models)):
        rng = np.random.default_rng(number)
        with table_writer(_table(folder, model)) as write:
            for start in range(0, images, _ROWS):
                ids = np.arange(start, min(start + _ROWS, images))
                values = rng.random((len(METRICS), len(ids)))
                values[2:4, ids % 100 == 0] = np.nan
                head = {
                    "image_id": ids,
                    "segment": np.array(SEGMENTS)[ids % 4],
                    "degenerate_baseline": ids % 100 == 0,
                    "degenerate_augmented": ids % 50 == 0,
                }
                write(pd.DataFrame(head | dict(zip(METRICS, values))))


def measure_aggregation(folder: Path, models: int, images: int) -> list[Path]:
    """What the job `aggregate` does."""
    from augcam.files.tables import Tables, write_tables
    from augcam.paper.aggregation import aggregate

    names = ("similarity_mean", "similarity_summary", "excluded_values", "correlation_maps")
    names += ("extreme_images",)
    output = {n: [folder / f"{n}.parquet", folder / f"{n}.csv"] for n in names}
    planned = _models(models)
    columns = ["image_id", "degenerate_baseline", "degenerate_augmented", *METRICS]
    tables = Tables({model: _table(folder, model) for model in planned}, columns)
    write_tables(aggregate(tables, METRICS, list(dict(planned))), output)
    return [path for paths in output.values() for path in paths]


BENCHMARKS = [
    Growth(
        "growth-similarity",
        "Growth of similarity, one thread",
        prepare_similarity,
        measure_similarity,
        (
            [{"models": 3, "images": n, "size": 32} for n in (1_000, 10_000)]
            + [{"models": n, "images": 50, "size": 224} for n in (8, 16)],
            [{"models": 3, "images": 10**k, "size": 32} for k in (3, 4, 5, 6)]
            + [{"models": n, "images": 200, "size": 224} for n in (8, 16, 32, 64)]
            + [{"models": 3, "images": 500, "size": n} for n in (56, 112, 224, 448)],
        ),
        ("numba", "pyarrow"),
    ),
    Growth(
        "growth-aggregation",
        "Growth of aggregation, eight metrics",
        prepare_aggregation,
        measure_aggregation,
        (
            [{"models": 21, "images": n} for n in (1_000, 10_000)]
            + [{"models": n, "images": 2_000} for n in (8, 64)],
            [{"models": 21, "images": 10**k} for k in (3, 4, 5, 6)]
            + [{"models": n, "images": 10_000} for n in (8, 16, 32, 64)],
        ),
    ),
]
