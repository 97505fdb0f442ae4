"""Which methods are one and the same on a network, as their entries say."""

from collections.abc import Iterable

from augcam.entries import method_named


def same(methods: Iterable[str], pooled_linear: bool, nonnegative: bool) -> dict[str, str]:
    """Each of `methods` → the first of them whose maps are the same, up to rounding.

    `pooled_linear`: on a network whose head is global average pooling and one linear layer;
    `nonnegative`: where no activation is below 0; `network.json` records both. Raises AugcamError
    for an unknown method.
    """
    first: dict[str, str] = {}
    return {
        name: first.setdefault(_meaning(name, pooled_linear, nonnegative), name) for name in methods
    }


def _meaning(name: str, pooled_linear: bool, nonnegative: bool) -> str:
    """The method that it is another name of, itself if of none."""
    method = method_named(name)
    holding = (
        (pooled_linear, method.equal_if_pooled_linear),
        (nonnegative, method.equal_if_nonnegative),
    )
    other = next((other for holds, other in holding if holds and other), "")
    return _meaning(other, pooled_linear, nonnegative) if other else name
