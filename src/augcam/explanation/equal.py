"""CAM methods that are one and the same on a network."""

from collections.abc import Iterable

_IF_POOLED = ("gradcam", "hirescam", "xgradcam")
"""Where the layer is pooled by its mean and read by one linear layer, a weight is a gradient."""


def same(methods: Iterable[str], pooled_linear: bool, nonnegative: bool) -> dict[str, str]:
    """Each of `methods` → the first of them that gives the same maps, itself where none does.

    `pooled_linear`: whether global average pooling and one linear layer follow the explained layer;
    `nonnegative`: whether its output is never negative.
    """
    names = list(dict.fromkeys(methods))
    alike = [name for name in names if name in _IF_POOLED] if pooled_linear else []
    return {name: alike[0] if name in alike else name for name in names}
