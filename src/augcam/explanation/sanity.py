"""Maps of a network whose weights become random, block after block from the top down: the cascading
randomisation of Adebayo et al. 2018 (arXiv 1810.03292, section 3.1)."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from augcam.data.images import ImageStore
from augcam.explanation.maps import explain_each
from augcam.networks.layers import get_layer, run_recorded
from augcam.networks.layouts import Layout

DRAWS = 3
"""Random networks: one alone may be like the trained one by chance."""

FEWEST, MOST = 3, 12
"""Blocks of a network: names are cut later where there are fewer, neighbours joined where there are
more."""

_BATCH = 32


class Block(NamedTuple):
    """A part of a network: what it is called, and the names of its parameters and buffers."""

    name: str
    tensors: list[str]


def blocks(model: nn.Module, input_size: int) -> list[Block]:
    """The parts of a network in the order in which they run, the last one, its head, first.

    A block is what is named alike up to the first number (`layer3`, `features.8`,
    `encoder.layers.encoder_layer_11`). What belongs to none that runs, such as the embeddings of
    positions, is in the last one, the stem.
    """
    ends = {name: i for i, (name, _, _) in enumerate(run_recorded(model, input_size))}
    owned: dict[str, list[str]] = {}
    for tensor in model.state_dict():
        owned.setdefault(tensor.rpartition(".")[0], []).append(tensor)
    for numbers in (1, 2, 3):
        found = _cut(owned, ends, numbers)
        if len(found) >= FEWEST:
            break
    if len(found) > MOST:
        parts = np.array_split(np.arange(len(found)), MOST)
        found = [_joined([found[i] for i in part]) for part in parts]
    return found


def _cut(owned: dict[str, list[str]], ends: dict[str, int], numbers: int) -> list[Block]:
    """Blocks whose names end with their first, or a later, part that holds a number; `owned`: name
    of a module → its own tensors; `ends`: when each module has run."""
    tensors: dict[str, list[str]] = {}
    last: dict[str, int] = {}
    for owner, names in owned.items():
        block = _prefix(owner, numbers)
        tensors.setdefault(block, []).extend(names)
        holds_others = any(other.startswith(f"{owner}.") for other in owned) or not owner
        if owner in ends and not holds_others:
            last[block] = max(last.get(block, 0), ends[owner])
    ordered = sorted(last, key=lambda block: -last[block])
    rest = [name for block, names in tensors.items() if block not in last for name in names]
    found = [Block(block, tensors[block]) for block in ordered]
    return [*found[:-1], Block(found[-1].name, found[-1].tensors + rest)]


def _prefix(name: str, numbers: int) -> str:
    parts = name.split(".")
    numbered = [i for i, part in enumerate(parts) if re.search(r"\d", part)]
    return ".".join(parts[: numbered[numbers - 1] + 1]) if len(numbered) >= numbers else name


def _joined(found: list[Block]) -> Block:
    ends = dict.fromkeys([found[0].name, found[-1].name])
    return Block(" … ".join(ends), [name for block in found for name in block.tensors])


def randomise(model: nn.Module, fresh: nn.Module, order: Iterable[Block]) -> Iterator[str]:
    """Give `model` the weights of `fresh`, the same network as it starts, one block of `order`
    after another; yields the name of each when it is done."""
    own, new = model.state_dict(), fresh.state_dict()
    for block in order:
        with torch.no_grad():
            for name in block.tensors:
                own[name].copy_(new[name])
        yield block.name


def randomised_maps(
    model: nn.Module,
    fresh: nn.Module,
    layer_name: str,
    store: ImageStore,
    ids: Tensor,
    targets: Tensor,
    method: str,
    layout: Layout | None = None,
) -> Iterator[tuple[str, np.ndarray]]:
    """Maps of images `ids` after each further block of `model` has become random: the block's name
    and float32 (N, h, w), raw; not finite where a random network's numbers are not.

    `model` on the store's device; it is changed. `fresh`: where the random weights come from.
    `targets` (N,): the classes that are explained, whatever the network now predicts.
    """
    model = model.eval().requires_grad_(False)
    layer = get_layer(model, layer_name)
    for name in randomise(model, fresh, blocks(model, store.input_size)):
        parts = []
        chunks = torch.arange(len(ids)).split(_BATCH)
        shown = store.inputs_in_turn([ids[rows] for rows in chunks])
        for rows, images in zip(chunks, shown):
            wanted = [targets[rows].to(store.device)]
            _, (cam,), _ = explain_each(model, layer, images, method, wanted, layout)
            parts.append(cam.float().cpu().numpy())
        yield name, np.concatenate(parts)
