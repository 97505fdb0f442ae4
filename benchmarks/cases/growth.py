"""How similarity, aggregation and images shown grow with models, images and map size."""

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
    from augcam.explanation.maps import Explanations, save_explanations

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
    from augcam.comparison.models import compare_files

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

    from augcam.comparison.explained import SEGMENTS
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


# ---------------------------------------------------------------------------------------- images

_SIDE = 64
_NAMES = ("images.npy", "index.parquet", "order.npy")


def prepare_images(folder: Path, images: int, pixels: str) -> None:
    """A prepared data set of black images, in a file with holes, which takes no room on a disk."""
    import pandas as pd

    from augcam.data.geometry import Fit
    from augcam.data.split import draw_order
    from augcam.files.checksums import sha256
    from augcam.files.json import write_json
    from augcam.files.tables import write_table

    paths = [folder / name for name in _NAMES]
    shape = (images, _SIDE, _SIDE, 3)
    np.lib.format.open_memmap(paths[0], mode="w+", dtype=np.uint8, shape=shape)
    ids = np.arange(images)
    split = np.where(ids % 10, "train", "val")
    index = pd.DataFrame({"image_id": ids, "split": split, "label": ids % CLASSES})
    write_table(index, paths[1])
    np.save(paths[2], draw_order(ids[split == "train"], 0))
    stats = {
        "mean": [0.5] * 3,
        "std": [0.25] * 3,
        "class_names": list(map(str, range(CLASSES))),
        "fit": Fit()._asdict(),
        "checksums": {path.name: sha256(path) for path in paths},
    }
    write_json(stats, folder / "stats.json")


def measure_images(folder: Path, images: int, pixels: str) -> list[Path]:
    """What an epoch shows: every training image, then those for validation.

    `pixels`: `read` batch by batch, as where a GPU has no room for them, or `mapped`.
    """
    import torch

    from augcam.config.schema import Training
    from augcam.data.images import ImageStore, read_order
    from augcam.train.batches import Course
    from augcam.train.evaluation import EVALUATION_BATCH

    room = 0 if pixels == "read" else float("inf")
    store = ImageStore(folder, _SIDE, torch.device("cpu"), room)
    order = read_order(folder / "order.npy")
    course = Course(store, order, "none", [{"use": "none"}], 1, Training(), 0)
    shown = sum(len(batch.images) for batch in course.batches(0))
    chunks = course.validation_ids.split(EVALUATION_BATCH)
    shown += sum(map(len, store.inputs_in_turn(chunks)))
    assert shown == images
    path = folder / "shown.txt"
    path.write_text(str(shown), encoding="utf-8")
    return [path]


BENCHMARKS = [
    Growth(
        "growth-images",
        "Growth of an epoch's images, 64×64, one thread",
        prepare_images,
        measure_images,
        (
            [{"images": n, "pixels": "read"} for n in (1_000, 10_000)],
            [{"images": 10**k, "pixels": "mapped"} for k in (4, 5)]
            + [{"images": 10**k, "pixels": "read"} for k in (4, 5, 6)],
        ),
        ("pyarrow",),
    ),
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
