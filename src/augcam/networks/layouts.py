"""How a layer's output holds a map: channels first or last, or as tokens of a grid."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from torch import Tensor

from augcam.errors import AugcamError


class Layout(NamedTuple):
    """`order` of the output's axes, N images, C channels, a grid of `height` × `width` cells or L
    tokens; `prefix`: tokens before those of the grid, such as a class token or registers."""

    order: Literal["NCHW", "NHWC", "NLC"]
    height: int
    width: int
    prefix: int = 0

    def to_map(self, output: Tensor) -> Tensor:
        """(N, C, height, width), from an output, or a gradient there."""
        if self.order == "NCHW":
            return output
        if self.order == "NHWC":
            return output.permute(0, 3, 1, 2)
        tokens = output[:, self.prefix :].transpose(1, 2)
        return tokens.reshape(*tokens.shape[:2], self.height, self.width)


def find_layout(
    output: Any, layer: str, prefix: int | None = None, grid: Sequence[int] | None = None
) -> Layout:
    """The layout of the output of `layer` for square images; rows and columns are alike there.

    `prefix`: how many tokens the network says it has before those of its grid; without it as few
    as leave a square number. `grid`: height and width, which go before what is found.
    Raises AugcamError where the output is no map.
    """
    shape = tuple(output.shape) if isinstance(output, Tensor) else ()
    if grid is not None and (found := _with_grid(shape, grid[0], grid[1])):
        return found
    if grid is None and len(shape) == 4:
        _, first, second, third = shape
        return (
            Layout("NHWC", first, second)
            if first == second != third
            else Layout("NCHW", second, third)
        )
    if grid is None and len(shape) == 3:
        wanted = [] if prefix is None else [prefix]
        for count in [*wanted, *range(min(shape[1], _MOST_PREFIX_TOKENS))]:
            side = math.isqrt(max(shape[1] - count, 0))
            if side > 0 and side**2 == shape[1] - count:
                return Layout("NLC", side, side, count)
    as_grid = "" if grid is None else f" with a grid of {grid[0]}×{grid[1]} (model.cam_grid)"
    raise AugcamError(
        f"model.cam_layer: the output of '{layer}' is no map{as_grid}: (N, C, h, w), (N, h, w, C) "
        f"or tokens (N, h·w, C) are needed, not {shape or type(output).__name__}."
    )


_MOST_PREFIX_TOKENS = 16  # a class token, one for distillation, registers


def _with_grid(shape: tuple[int, ...], height: int, width: int) -> Layout | None:
    if len(shape) == 4 and shape[2:] == (height, width):
        return Layout("NCHW", height, width)
    if len(shape) == 4 and shape[1:3] == (height, width):
        return Layout("NHWC", height, width)
    if len(shape) == 3 and shape[1] >= height * width:
        return Layout("NLC", height, width, shape[1] - height * width)
    return None


def layout_in(description: Mapping[str, Any]) -> Layout:
    """The layout that `network.json` records."""
    height, width = description["feature_map"]
    return Layout(description.get("layout", "NCHW"), height, width, description.get("prefix", 0))
