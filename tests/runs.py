"""A whole results folder without training, for pages and notebooks: invented maps, all tables."""

from pathlib import Path

import numpy as np
import pandas as pd
from conftest import ROOT
from experiments import CLASSES, SIZE, followed, invented, predictions

from augcam.comparison.explained import Explained
from augcam.comparison.models import compare
from augcam.config.experiment import Config
from augcam.config.messages import parse_config
from augcam.data.masks import Masks, write_masks
from augcam.explanation.looks import sample
from augcam.explanation.maps import Explanations, save_explanations
from augcam.files.json import write_json
from augcam.files.tables import write_table
from augcam.names import MAIN
from augcam.report.catalogue import figures
from augcam.run.provenance import provenance
from augcam.statistics.distances import Distances, gather
from augcam.statistics.views import against_main, holds, on_images
from augcam.train.selection import summary

CAPTIONS = sorted((ROOT / "workflow/report").glob("*.rst"))

NASTY = ["<script>alert(1)</script>", "quote'\"&amp;", "猫"]
"""Names of classes that would break a page that took them for markup."""

VIEWS = {"early": {"layer": "layer2.2"}, "some": {"method": "hirescam", "images": 20}}

SOURCE = 'photos/it\'s "one"&<b>{}.png'
SIDE = 8


def small_config(**values) -> Config:
    """Two augmentations, both controls, two states."""
    shared = {
        "experiment": "invented",
        "augmentations": ["affine", "cutmix"],
        "starting_states": [1, 2],
        "model": {"architecture": "resnet20", "input_size": 16},
        "statistics": {"resamples": 100},
    }
    return parse_config(shared | values)


def write_run(
    folder: Path, config: Config | None = None, images: int = 60, masks: bool = True
) -> Config:
    """Write what an experiment leaves behind: `images` test images, of 8×8 pixels."""
    from PIL import Image

    config = config or small_config()
    models = invented(config, images)
    tables = followed(config, models)
    tables["warnings"] = pd.DataFrame(
        [("leak", "warning", "3 images of <b>two</b> splits."), ("files", "note", "All read.")],
        columns=["topic", "level", "text"],
    )
    for name, table in tables.items():
        write_table(table, folder / f"tables/{name}.parquet", folder / f"tables/{name}.csv")
    _write_data(folder, config, models, images, masks)
    reference = models[config.reference]
    labels = predictions(reference)["label"].to_numpy()
    distances = {}
    for view in config.looks:
        distances[view] = _write_view(folder, config, view, models, labels)
    if config.views:
        for name, table in _tables_of_views(config, distances).items():
            write_table(table, folder / f"tables/{name}.parquet", folder / f"tables/{name}.csv")
    drawn = figures(config)
    for item in [*drawn[:12], *(item for item in drawn if item.section == "views")]:
        path = folder / f"figures/{item.name}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (40, 20), "white").save(path)
    return config


def _write_view(folder: Path, config: Config, view: str, models, labels) -> Distances:
    """Write maps and distances of one view; at another layer maps are twice as large, and noisier.
    Returns the distances."""
    look = config.looks[view]
    rows = sample(len(labels), look.images, look.seed)
    rows = np.arange(len(labels)) if rows is None else rows
    seen = {}
    for number, ((condition, state), explained) in enumerate(models.items()):
        cam = explained.cam[rows]
        if look.layer:
            noise = np.random.default_rng(number).standard_normal((len(cam), 8, 8))
            cam = (np.kron(cam, np.ones((1, 2, 2))) + noise).astype(np.float32)
        ids, logits = explained.image_id[rows], explained.logits[rows]
        seen[condition, state] = Explained(ids, cam, logits, explained.right[rows])
        place = folder / f"explanations/{view}/{condition}/{state}"
        save_explanations(
            Explanations(ids, cam, logits.argmax(1), logits, []),
            labels[rows],
            look.layer or "layer3.2",
            look.method,
            place / "cams.npz",
            place / "predictions.parquet",
        )
    metrics = config.similarity.metrics
    others = [seen[model] for model in config.compared]
    tables = compare(seen[config.reference], others, metrics, SIZE, config.similarity.epsilon)
    for (condition, state), table in zip(config.compared, tables):
        write_table(table, folder / f"similarity/{view}/{condition}/{state}.parquet")
    return gather(config.reference, dict(zip(config.compared, tables)), {}, metrics)


def _tables_of_views(config: Config, distances: dict[str, Distances]) -> dict[str, pd.DataFrame]:
    found, held, described = {}, {}, {}
    n_images = distances[MAIN].values.shape[-1]
    for view, look in config.looks.items():
        described[view] = look._asdict() | {"layer": look.layer or "layer3.2"}
        if view != MAIN:
            rows = sample(n_images, look.images, look.seed)
            main = distances[MAIN] if rows is None else on_images(distances[MAIN], rows)
            controls = config.effect_controls
            found[view], held[view] = against_main(main, distances[view], controls, 100)
    table = pd.concat(found, names=["view"]).reset_index("view")
    return {"view_effects": table, "holds": holds(described, held, lambda m, *_: dict(zip(m, m)))}


def _write_data(folder: Path, config: Config, models, images: int, masks: bool) -> None:
    rng = np.random.default_rng(0)
    labels = predictions(models[config.reference])["label"].to_numpy()
    (folder / "data").mkdir(parents=True, exist_ok=True)
    np.save(
        folder / "data/images.npy", rng.integers(0, 256, (images, SIDE, SIDE, 3), dtype=np.uint8)
    )
    index = {
        "image_id": np.arange(images),
        "split": "test",
        "label": labels,
        "class_name": [NASTY[label] for label in labels],
        "source": [SOURCE.format(i) for i in range(images)],
    }
    write_table(pd.DataFrame(index), folder / "data/index.parquet")
    counts = np.bincount(labels, minlength=CLASSES).tolist()
    stats = {
        "class_names": NASTY[:CLASSES],
        "fit": {"how": "crop", "ground": [255, 255, 255]},
        "counts": {part: dict(zip(NASTY, counts)) for part in ("train", "val", "test")},
        "duplicates": {},
    }
    write_json(stats, folder / "data/stats.json")
    if masks:
        mask = np.zeros((images, SIDE, SIDE), np.uint8)
        mask[:, 2:5, 3:6] = 1
        write_masks(
            Masks(np.arange(images), mask, ("nothing", "object")), folder / "data/masks.npz"
        )
    network = {
        "architecture": "resnet20",
        "parameters": 270_000,
        "cam_layer": "layer3.2",
        "feature_map": [4, 4],
    }
    history = pd.DataFrame({"epoch": [1], "val_accuracy": [0.5], "seconds": [1.0]})
    excluded = pd.DataFrame({"metric": ["mad"], "n_excluded": [0]})
    models = [
        {"condition": condition, "state": state} | summary(history, config.training)
        for condition, state in config.models
    ]
    record = provenance(config.record(), network, stats, models, excluded)
    write_json(record, folder / "provenance.json")
