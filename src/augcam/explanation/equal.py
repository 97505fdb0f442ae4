"""Which methods are one and the same on a network."""

from collections.abc import Iterable


def same(methods: Iterable[str], pooled_linear: bool, nonnegative: bool) -> dict[str, str]:
    """Each of `methods` → the first of them whose maps are the same. Until entries say which are,
    each is its own."""
    return {name: name for name in methods}
