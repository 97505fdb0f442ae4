"""The explorer: every test image through every model and view, in one file.

Maps lie in it at their own resolution, 8 bits each, and the browser enlarges them as the library
does (`static/maps.js`). What is large is one chunk per model, unpacked when it is looked at.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from augcam.comparison.maps import normalise
from augcam.entries import Metric, entries
from augcam.names import EXTREMES, NAMES, display_name
from augcam.page.answer import described
from augcam.page.embed import json_text, packed, page, picture
from augcam.results import MAIN, Results

SCRIPTS = (
    "dom", "maps", "chunks", "columns", "state", "grid", "detail", "scatter", "means", "matrix",
    "export", "explorer",
)  # fmt: skip

SIDE = 128
"""Pixels of a side of an image on the page; larger ones are made smaller."""

ACROSS = 10
"""Images side by side in a sprite, which has as many rows."""

LOSSLESS = 32
"""Up to this side, images are kept pixel by pixel; larger ones as `QUALITY` has them."""

QUALITY = 82


class Chunk(NamedTuple):
    """Something large: its key on the page, and its text there."""

    key: str
    text: str


def chosen(run: Results, most: int, seed: int) -> np.ndarray:
    """Ids of the images on the page, ascending: all, or of more than `most` a random sample
    together with all images at the extremes."""
    ids = run.image_id
    if len(ids) <= most:
        return ids
    extreme = np.array([], dtype=ids.dtype)
    if "extreme_images" in run.tables:
        extreme = np.intersect1d(run.tables["extreme_images"]["image_id"].to_numpy(), ids)
    others = np.setdiff1d(ids, extreme)
    rng = np.random.default_rng(seed)
    sample = rng.choice(others, min(len(others), max(0, most - len(extreme))), replace=False)
    return np.union1d(extreme, sample)


def quantised(cam: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Raw maps (N, h, w) → uint8 (N, h, w), their positive part scaled to its own range, and that
    range, float32 (N, 2): lowest and highest value."""
    positive = np.maximum(cam.astype(np.float32), 0)
    scaled = normalise(positive)
    ends = np.stack([positive.min(axis=(1, 2)), positive.max(axis=(1, 2))], axis=1)
    return np.rint(scaled.clip(0, 1) * 255).astype(np.uint8), ends


def explorer_page(
    run: Results,
    images: int = 10_000,
    seed: int = 0,
    report: str = "",
    folder: str | Path | None = None,
) -> str:
    """The HTML of the explorer of `run`, with at most about `images` images (see `chosen`).

    `report`: the path of the report from the page, where there is one. `folder`: beside the page;
    what is large is written there, file by file, and read when it is looked at.
    """
    ids = chosen(run, images, seed)
    total = len(run.image_id)
    note = ""
    if len(ids) < total:
        note = (
            f"{len(ids):,} of {total:,} test images: a random sample (seed {seed}) and all images "
            "at the extremes. The config's explorer.images says how many."
        )
    views = {view: _grid(run, view) for view in run.views}
    first, rest = _images(run, ids)
    chunks = chain(rest, _models(run, ids, views), _masks(run, ids))
    parts = {}
    if folder is not None:
        keys = [_write_part(chunk, Path(folder)) for chunk in chunks]
        parts = {"folder": Path(folder).name, "keys": keys}
    return page(
        "explorer.html.j2",
        SCRIPTS,
        ["page", "explorer"],
        beside=bool(parts),
        experiment=run.config["experiment"],
        note=note,
        report=report,
        meta=json_text(_meta(run, ids, views, total)),
        first=first,
        chunks=list(chunks),
        parts=json_text(parts) if parts else "",
        folder=parts.get("folder", ""),
    )


def _write_part(chunk: Chunk, folder: Path) -> str:
    """A chunk as a script that a page can read from a disk; its key."""
    folder.mkdir(parents=True, exist_ok=True)
    name, text = json.dumps(chunk.key), json.dumps(chunk.text)
    script = f"(window.parts ??= {{}})[{name}] = {text};\n"
    (folder / f"{chunk.key}.js").write_text(script, encoding="utf-8")
    return chunk.key


def _grid(run: Results, view: str) -> dict[str, Any]:
    """What a view is: its maps' height and width, and how it looks at models."""
    found = run.explained(*run.baseline, view)
    height, width = found["cam"].shape[1:]
    words = f"{found['method']}, {found['layer']}"
    return {"name": view, "height": height, "width": width, "title": words}


def _meta(run: Results, ids: np.ndarray, views: Mapping[str, Any], total: int) -> dict[str, Any]:
    index = run.index.loc[ids]
    side, _ = _sides(run)
    models = [{"condition": c, "state": s} for c, s in run.models]
    return {
        "models": models,
        "conditions": described(dict.fromkeys(c for c, _ in run.models), run.baseline[0]),
        "views": list(views.values()),
        "kinds": _quantities(run),
        "classes": list(run.stats["class_names"]),
        "size": run.input_size,
        "side": side,
        "across": ACROSS,
        "total": total,
        "ids": ids,
        "labels": index["label"].to_numpy(),
        "sources": list(index["source"]) if "source" in index else [],
        "extremes": _extremes(run, ids),
        "pairs": _pairs(run),
        "masks": list(run.masks.names) if run.masks else [],
        "colours": {name: _colours(name) for name in ("inferno", "viridis", "cividis", "RdBu_r")},
    }


def _quantities(run: Results) -> list[dict[str, Any]]:
    """Every number of an image and a model that the run has: its metrics, and its scores."""
    found = []
    for kind in ("similarity", "scores"):
        for view in run.views:
            having = [model for model in run.models if run.has(kind, *model, view)]
            if not having:
                continue
            for name in _columns(_numbers(run, kind, having[-1], view)):
                metric = entries(Metric).get(name)
                found.append(
                    {
                        "kind": kind,
                        "view": view,
                        "name": name,
                        "title": display_name(name) + (f" ({view})" if view != MAIN else ""),
                        "direction": metric.direction if metric else 0,
                    }
                )
    return found


def _numbers(run: Results, kind: str, model: tuple[str, int], view: str) -> pd.DataFrame:
    return (run.distances if kind == "similarity" else run.scores)(*model, view)


def _columns(table: pd.DataFrame) -> list[str]:
    """Columns with a number per image, in a fixed order."""
    numbers = table.select_dtypes("floating")
    return [name for name in numbers if not name.startswith("logit_")]


def _extremes(run: Results, ids: np.ndarray) -> list[dict[str, Any]]:
    """The paper's extreme images as selections: title and ids."""
    if "extreme_images" not in run.tables:
        return []
    rows = run.tables["extreme_images"]
    rows = rows[rows["image_id"].isin(ids)]
    found = []
    for extreme in EXTREMES:
        for row in rows[rows["extreme"] == extreme].itertuples():
            title = f"{NAMES[extreme]}: {display_name(row.metric)}"
            found.append({"title": title, "ids": [row.image_id]})
    if len(rows):
        found.insert(0, {"title": "All of the paper's extremes", "ids": rows["image_id"].unique()})
    return found


def _pairs(run: Results) -> list[dict[str, Any]]:
    """The distances of every two models, by metric: a square of all models."""
    if "model_pairs" not in run.tables:
        return []
    table, place = run.tables["model_pairs"], {model: i for i, model in enumerate(run.models)}
    found = []
    for metric, rows in table.groupby("metric", sort=False):
        square = np.full((len(place), len(place)), np.nan)
        for row in rows.itertuples():
            a = place.get((row.condition_a, row.state_a))
            b = place.get((row.condition_b, row.state_b))
            if a is not None and b is not None:
                square[a, b] = square[b, a] = row.value
        own = entries(Metric).get(str(metric))
        found.append(
            {
                "metric": metric,
                "title": display_name(str(metric)),
                "direction": own.direction if own else 1,
                "values": square,
            }
        )
    return found


def _colours(name: str) -> list[int]:
    """256 colours of one of matplotlib's maps, as 768 bytes."""
    import matplotlib.pyplot as plt

    table = plt.get_cmap(name)(np.arange(256))[:, :3]
    return (table * 255).astype(np.uint8).ravel().tolist()


def _sides(run: Results) -> tuple[int, bool]:
    """Side of the images on the page, and whether they are kept pixel by pixel."""
    own = run.image(int(run.image_id[0])).shape[0]
    return min(own, SIDE), own <= LOSSLESS


def _images(run: Results, ids: np.ndarray) -> tuple[Chunk, list[Chunk]]:
    """Sprites of all images; the first of them apart, as the page begins with it."""
    side, lossless = _sides(run)
    chunks = []
    for number, start in enumerate(range(0, len(ids), ACROSS**2)):
        part = ids[start : start + ACROSS**2]
        rows = -(-len(part) // ACROSS)
        sprite = np.zeros((rows * side, ACROSS * side, 3), np.uint8)
        for i, image in enumerate(part.tolist()):
            pixels = run.image(image)
            if pixels.shape[0] != side:
                reduced = Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS)
                pixels = np.asarray(reduced)
            top, left = i // ACROSS * side, i % ACROSS * side
            sprite[top : top + side, left : left + side] = pixels
        text = picture(sprite, None if lossless else QUALITY)
        chunks.append(Chunk(f"images-{number}", text.partition(",")[2]))
    return chunks[0], chunks[1:]


def _models(run: Results, ids: np.ndarray, views: Iterable[str]) -> Iterator[Chunk]:
    """Of each model: predictions, and of each view maps and numbers, those of all `ids`; images
    that a view has not explained have an empty range and no numbers."""
    for number, model in enumerate(run.models):
        table = run.predictions(*model).set_index("image_id").loc[ids]
        logits = table.filter(regex=r"^logit_\d+$").to_numpy(dtype=np.float64)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        rows, predicted = np.arange(len(ids)), table["predicted"].to_numpy()
        both = np.stack([shares[rows, predicted], shares[rows, table["label"].to_numpy()]])
        yield Chunk(f"predicted-{number}", packed(predicted.astype(np.int32)))
        yield Chunk(f"shares-{number}", packed(both.astype(np.float32)))
        for view in views:
            if run.has("explanations", *model, view):
                found = run.explained(*model, view)
                places, known = _places(found["image_id"], ids)
                cells = np.zeros((len(ids), *found["cam"].shape[1:]), np.uint8)
                ends = np.full((len(ids), 2), np.nan, np.float32)
                cells[known], ends[known] = quantised(found["cam"][places])
                yield Chunk(f"maps-{view}-{number}", packed(cells))
                yield Chunk(f"ends-{view}-{number}", packed(ends))
            for kind in ("similarity", "scores"):
                if run.has(kind, *model, view):
                    values = _numbers(run, kind, model, view).set_index("image_id")
                    values = values[_columns(values)].reindex(ids).to_numpy(np.float32)
                    yield Chunk(f"{kind}-{view}-{number}", packed(values.T))


def _places(having: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of `having` (ids, each once) that hold those of `ids` that are there, and which are."""
    order = np.argsort(having)
    places = np.searchsorted(having, ids, sorter=order).clip(max=len(having) - 1)
    places = order[places]
    known = having[places] == ids
    return places[known], known


def _masks(run: Results, ids: np.ndarray) -> Iterator[Chunk]:
    if run.masks is not None:
        side, _ = _sides(run)
        seen = run.masks.of(ids).seen(side, run.fit)
        yield Chunk("masks", packed(seen))
