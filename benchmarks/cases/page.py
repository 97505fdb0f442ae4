"""The explorer of a large run: size of the file, time to the first grid and from click to maps."""

import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import record

CLASSES = 10
METRICS = ["mad", "msd", "pearson", "spearman", "overlap_20", "overlap_10", "overlap_5"]
METRICS += ["class_kld"]
CONDITIONS = ["none", "affine", "cutmix", "colorjitter", "elastic", "equalize", "gaussblur"]
CONDITIONS += ["randcrop", "identity"]


def invent(folder: Path, images: int, states: int, cells: int, side: int) -> None:
    """A results folder of nine conditions at `states` states, with smooth images and random maps:
    what the explorer reads, and no more."""
    import pandas as pd

    from augcam.explanation.maps import Explanations, save_explanations
    from augcam.files.json import write_json
    from augcam.files.tables import write_table

    rng = np.random.default_rng(0)
    ids, labels = np.arange(images), np.arange(images) % CLASSES
    (folder / "data").mkdir(parents=True)
    coarse = rng.integers(0, 256, (images, side // 4, side // 4, 3))
    smooth = coarse.repeat(4, axis=1).repeat(4, axis=2) + rng.integers(
        -8, 9, (images, side, side, 3)
    )
    np.save(folder / "data/images.npy", smooth.clip(0, 255).astype(np.uint8))
    names = [f"class {label}" for label in labels]
    sources = [f"test/image_{i:05}.png" for i in ids]
    index = {"image_id": ids, "split": "test", "label": labels, "class_name": names}
    write_table(pd.DataFrame(index | {"source": sources}), folder / "data/index.parquet")
    stats = {
        "class_names": [f"class {k}" for k in range(CLASSES)],
        "fit": {"how": "crop", "ground": [255, 255, 255]},
    }
    write_json(stats, folder / "data/stats.json")
    models = [(c, s) for c in CONDITIONS for s in range(1, states + 1)]
    config = {"experiment": "invented", "model": {"input_size": 32}}
    record_ = {"config": config, "models": [{"condition": c, "state": s} for c, s in models]}
    write_json(record_, folder / "provenance.json")
    for condition, state in models:
        place = folder / f"explanations/main/{condition}/{state}"
        cam = rng.standard_normal((images, cells, cells), dtype=np.float32)
        logits = rng.standard_normal((images, CLASSES), dtype=np.float32)
        explained = Explanations(ids, cam, labels, logits, [])
        files = place / "cams.npz", place / "predictions.parquet"
        save_explanations(explained, labels, "layer3.2", "gradcam", *files)
        if (condition, state) != models[0]:
            values = dict(zip(METRICS, rng.random((len(METRICS), images))))
            path = folder / f"similarity/main/{condition}/{state}.parquet"
            write_table(pd.DataFrame({"image_id": ids} | values), path)


def opened(page_file: Path, clicks: int) -> dict[str, float]:
    """Seconds to the first grid of a page that headless Chromium opens from the disk, and
    milliseconds from a click on an image to all its maps, the first and the median of `clicks`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        started = time.perf_counter()
        page.goto(page_file.as_uri(), wait_until="commit")
        page.wait_for_selector("body[data-first]", state="attached", timeout=120_000)
        first = time.perf_counter() - started
        page.wait_for_selector("body[data-ahead]", state="attached", timeout=120_000)
        ahead = time.perf_counter() - started
        times = []
        for number in range(clicks):
            page.locator(".thumb").nth(number).click()
            page.wait_for_selector(f'#detail[data-image="{number}"]')
            times.append(float(page.locator("#detail").get_attribute("data-milliseconds")))
        browser.close()
    return {
        "first grid, s": first,
        "all unpacked, s": ahead,
        "first click to maps, ms": times[0],
        "click to maps, ms": statistics.median(times),
    }


@dataclass(frozen=True)
class Explorer:
    """Pages of several sizes, made and opened."""

    name: str
    title: str
    points: tuple[list[dict], list[dict]]  # quick, full
    packages: tuple[str, ...] = ("playwright",)

    def run(self, full: bool, rounds: int | None = None) -> dict[str, Any]:
        measured = [point | self._point(point, rounds or 20) for point in self.points[full]]
        return record(self, full) | {"kind": "growth", "measured": measured}

    def _point(self, point: dict, clicks: int) -> dict[str, float]:
        from augcam.page.explorer import explorer_page
        from augcam.results import load

        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            invent(folder, **point)
            started = time.perf_counter()
            page = folder / "explorer.html"
            page.write_text(explorer_page(load(folder), images=point["images"]), encoding="utf-8")
            made = time.perf_counter() - started
            size = page.stat().st_size / 1e6
            return {"made, s": made, "page, MB": size} | opened(page, clicks)


BENCHMARKS = [
    Explorer(
        "page-explorer",
        "The explorer of nine conditions (goals: 60 MB, 3 s to the first grid, 60 ms to the maps)",
        (
            [{"images": 1_000, "states": 3, "cells": 7, "side": 32}],
            [{"images": n, "states": 3, "cells": 7, "side": 32} for n in (1_000, 10_000)]
            + [{"images": 1_000, "states": 3, "cells": 7, "side": 128}],
        ),
    ),
]
