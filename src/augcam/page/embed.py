"""One HTML file out of a template, scripts, data and pictures, which needs nothing else.

What users have named is data: it stands in JSON whose `<` is written as an escape, or in templates
that escape. Scripts are the project's own, and the page's policy runs these alone, by their digest.
"""

import base64
import hashlib
import json
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from importlib import resources
from io import BytesIO
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

STATIC = resources.files("augcam.page").joinpath("static")

_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.MULTILINE)


def bundle(names: Sequence[str]) -> str:
    """The modules `static/<name>.js` as one script, in this order.

    A page opened from a disk cannot import modules; their names are unique, so they stand in one.
    """
    parts = [STATIC.joinpath(f"{name}.js").read_text(encoding="utf-8") for name in names]
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", part)) for part in parts)


def json_text(values: Any) -> str:
    """JSON that may stand in a `<script>`: not a number becomes null, `<` an escape."""
    text = json.dumps(_plain(values), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _plain(values: Any) -> Any:
    """Numbers, text, lists and dicts of Python's own, as JSON has them."""
    if isinstance(values, Mapping):
        return {str(key): _plain(value) for key, value in values.items()}
    if isinstance(values, np.ndarray):
        return _plain(values.tolist())
    if isinstance(values, list | tuple):
        return [_plain(value) for value in values]
    if isinstance(values, np.generic):
        return _plain(values.item())
    if isinstance(values, float) and not math.isfinite(values):
        return None
    return values


def packed(values: np.ndarray) -> str:
    """The bytes of an array, deflated, as base64: what `static/chunks.js` unpacks."""
    return base64.b64encode(zlib.compress(np.ascontiguousarray(values).tobytes(), 6)).decode()


def picture(pixels: Image.Image | np.ndarray, quality: int | None = None) -> str:
    """A picture as a `data:` address of WebP; without `quality` pixel by pixel."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = BytesIO()
    options: dict[str, Any] = {"lossless": True} if quality is None else {"quality": quality}
    image.save(buffer, "WEBP", method=4, **options)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def chart(image: Image.Image) -> str:
    """A drawing as a `data:` address of PNG in 256 colours: a third of the size."""
    buffer = BytesIO()
    image.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def page(
    template: str,
    scripts: Sequence[str],
    styles: Sequence[str],
    beside: bool = False,
    **values: Any,
) -> str:
    """`templates/<template>` filled in, with `scripts` (see `bundle`) and `static/<style>.css`.

    `beside`: the page may also run scripts that lie beside it.
    """
    environment = Environment(
        loader=PackageLoader("augcam.page", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = bundle(scripts)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    more = " 'self' file:" if beside else ""
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'{more}; style-src 'unsafe-inline'; "
        "img-src data: blob:"
    )
    style = "".join(STATIC.joinpath(f"{name}.css").read_text(encoding="utf-8") for name in styles)
    template_ = environment.get_template(template)
    return template_.render(style=style, script=script, policy=policy, **values)
