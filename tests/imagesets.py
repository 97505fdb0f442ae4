"""Small data sets in the forms that users have them, and what the project makes of them."""

import io
import json
import os
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from augcam.config.schema import Dataset, Split
from augcam.data.store import prepare
from augcam.errors import AugcamError

FILES = ("images.npy", "index.parquet", "order.npy", "stats.json")


def prepared(folder, split=None, dataset=None, **keys):
    """Prepare a data set, or the one with these keys, into `folder`.

    Returns (images, index, order, stats), with what was said among the stats.
    """
    paths = [folder / name for name in FILES]
    said = []
    prepare(
        dataset or Dataset(**keys),
        split or Split(),
        *paths,
        notes_path=folder / "notes.json",
        say=said.append,
    )
    stats = json.loads(paths[3].read_text())
    stats["notes"] = json.loads((folder / "notes.json").read_text())["notes"]
    images, order = np.load(paths[0]), np.load(paths[2])
    return images, pd.read_parquet(paths[1]), order, {**stats, "said": said}


def picture(value, size=(12, 12), mode="RGB"):
    """A noisy image whose colours tell `value`."""
    rng = np.random.default_rng(value)
    pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def encoded(image, kind="PNG"):
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def save(path, image):
    """Save an image into a folder that need not be there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def parquet(path, images, labels, names=None, label_column="label", image_column="img"):
    table = pa.table(
        {image_column: [{"bytes": b, "path": None} for b in images], label_column: labels}
    )
    if names:
        info = {"info": {"features": {label_column: {"names": names, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(info)})
    pq.write_table(table, path)


def from_parquet(folder, **options):
    options = {"train": str(folder / "train.parquet")} | options
    return prepared(folder / "data", name="parquet", **options)


def texts(stats, topic):
    """The notes of a topic, as `level: text`."""
    return [f"{n['level']}: {n['text']}" for n in stats["notes"] if n["topic"] == topic]


def assert_refused(folder, message, read, **options):
    with pytest.raises(AugcamError, match=message) as caught:
        read(folder, **options)
    assert "\n" not in str(caught.value)
    left = [path.name for path in (folder / "data").glob("*")] if (folder / "data").exists() else []
    assert left == []


@contextmanager
def another_user(*folders):
    """Be somebody to whom these folders are open, and nothing is that has no permissions."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    for folder in folders:
        folder.chmod(0o777)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
