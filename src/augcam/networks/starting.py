"""Starting weights from a file: read, matched with the network, and what is not there said."""

import re
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from augcam.errors import AugcamError
from augcam.files.atomic import reading
from augcam.files.checksums import sha256_of_file
from augcam.networks.build import head_tensors
from augcam.networks.pretrained import fetched, pretrained_source

WRAPPERS = ("state_dict", "model", "model_state_dict", "net", "state_dict_ema", "model_ema")
"""Under which of them checkpoints keep the weights, with other things beside."""


PREFIXES = ("module.", "_orig_mod.", "model.")
"""What DataParallel, torch.compile and Lightning put in front of names."""


def start_from(model: nn.Module, path: str | Path, head: Collection[str] = ()) -> list[str]:
    """Fill `model` with the weights in `path`; a sentence each on what is not taken over as it is.

    `head`: the tensors whose shape depends on the number of classes; where the file has none of
    them, or of other shapes, they stay as they were drawn. Without any, all must be there.
    Raises AugcamError where the file cannot be read without running code, or is of another network.
    """
    own = model.state_dict()
    found, taken = unwrapped(read_state(path), path)
    state, said = to_float32(without_prefixes(found, own), path)
    said = taken + said
    state = fitted(state, model)
    # torch counts batches there for a momentum that nobody here uses; old files have no such count.
    state = {n: own[n] for n in own if n.endswith("num_batches_tracked")} | state
    unused = [name for name in state if name not in own and _AUXILIARY.match(name)]
    state = {name: value for name, value in state.items() if name not in unused}
    if unused:
        said.append(f"{path}: auxiliary classifiers are left out ({len(unused)} tensors).")
    drawn = [n for n in own if n in head and (n not in state or state[n].shape != own[n].shape)]
    if drawn:
        shown = ", ".join(f"{n} {_compared(state.get(n), own[n])}" for n in drawn)
        said.append(f"{path}: the head is drawn anew ({shown}).")
    elif head:
        said.append(f"{path}: the head is taken over, too ({', '.join(sorted(head))}).")
    state |= {name: own[name] for name in drawn}
    _refuse_another_network(state, own, path)
    model.load_state_dict(state)
    if bad := [n for n, v in model.state_dict().items() if not bool(v.isfinite().all())]:
        raise AugcamError(f"{path}: '{bad[0]}' holds values that are no finite numbers.")
    return said


_AUXILIARY = re.compile(r"aux\d?\.|AuxLogits\.")  # of GoogLeNet and Inception


def _compared(found: Tensor | None, own: Tensor) -> str:
    had = "is not there" if found is None else f"{list(found.shape)} there"
    return f"{list(own.shape)}, {had}"


def read_state(path: str | Path) -> Any:
    """What a file of weights holds, read without running code from it."""
    path = Path(path)
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        with reading(path):
            return load_file(path)
    if not path.is_file():
        raise AugcamError(f"{path}: the file is missing.")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's own kinds, and on damage any
        if found := re.search(r"GLOBAL ([\w.]+)", str(error)):
            raise AugcamError(
                f"{path}: the file holds objects of {found[1]}, which could run code when they are "
                "read; save the weights alone: torch.save(model.state_dict(), …), or as "
                "safetensors."
            ) from error
        reason = str(error).strip().partition("\n")[0]
        raise AugcamError(
            f"{path}: the file cannot be read as one of torch's ({reason})."
        ) from error


def unwrapped(found: Any, path: str | Path) -> tuple[dict[str, Tensor], list[str]]:
    """The weights by name, without what checkpoints have around them; a sentence where there are
    several."""
    said = []
    while isinstance(found, Mapping) and not _is_state(found):
        inside = [key for key in WRAPPERS if isinstance(found.get(key), Mapping)]
        if not inside:
            keys = ", ".join(map(str, list(found)[:8])) or "nothing"
            raise AugcamError(
                f"{path}: no weights were found in it; a state dict is needed (name → tensor), or "
                f"one under {', '.join(map(repr, WRAPPERS))}; it holds {keys}."
            )
        if inside[1:]:
            others = " and ".join(map(repr, inside[1:]))
            said.append(f"{path}: the weights under '{inside[0]}' are taken, not {others}.")
        found = found[inside[0]]
    if not isinstance(found, Mapping):
        raise AugcamError(
            f"{path}: a state dict is needed (name → tensor), not a {type(found).__name__}."
        )
    return {name: value for name, value in found.items() if isinstance(value, Tensor)}, said


def _is_state(found: Mapping) -> bool:
    """Names and tensors. Quantised layers have other things beside them."""
    tensors = [isinstance(value, Tensor) for value in found.values()]
    return (
        bool(tensors) and all(isinstance(k, str) for k in found) and sum(tensors) > len(tensors) / 2
    )


def without_prefixes(state: dict[str, Tensor], own: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights by their names in the network, of which `own` are the names."""
    for prefix in PREFIXES:
        if (
            state
            and own.keys().isdisjoint(state)
            and all(name.startswith(prefix) for name in state)
        ):
            return without_prefixes({n.removeprefix(prefix): v for n, v in state.items()}, own)
    return state


def to_float32(state: dict[str, Tensor], path: str | Path) -> tuple[dict[str, Tensor], list[str]]:
    """Weights in single precision, and a sentence where they were not. Refuses quantised ones."""
    odd = [n for n, v in state.items() if v.is_quantized or _QUANTISED.search(n) or _is_code(n, v)]
    if odd:
        raise AugcamError(
            f"{path}: these weights are quantised ('{odd[0]}' is {state[odd[0]].dtype}), and "
            "cannot be trained or explained; take the file from before quantisation."
        )
    others = {v.dtype for v in state.values() if v.is_floating_point()} - {torch.float32}
    if not others:
        return state, []
    names = " and ".join(sorted(str(kind).removeprefix("torch.") for kind in others))
    converted = {n: v.float() if v.is_floating_point() else v for n, v in state.items()}
    return converted, [f"{path}: {names} is converted to float32."]


_QUANTISED = re.compile(r"_packed_params|\.zero_point$|\.weight_scale$|\.qweight$|\.absmax$")


def _is_code(name: str, value: Tensor) -> bool:
    """Weights as integers."""
    is_weight = name.endswith(("weight", "bias"))
    return is_weight and not value.is_floating_point() and not value.is_complex()


def fitted(state: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """The names and position embeddings that a network of timm or torchvision has today."""
    own = model.state_dict()
    module = type(model).__module__
    mend = getattr(sys.modules.get(module), "checkpoint_filter_fn", None)
    if mend is not None and module.startswith("timm."):
        try:
            return dict(mend(dict(state), model))
        except Exception:  # weights of something else, which is said below with their names
            return state
    state = {_OF_DENSENET.sub(r"\1\2", name): value for name, value in state.items()}
    name = "encoder.pos_embedding"  # of torchvision's vision transformers
    if name in state and name in own and state[name].shape != own[name].shape:
        from torchvision.models.vision_transformer import interpolate_embeddings

        size, patch = model.image_size, model.patch_size
        state = dict(interpolate_embeddings(size, patch, dict(state)))
    return state


_OF_DENSENET = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")


def _refuse_another_network(
    state: Mapping[str, Tensor], own: Mapping[str, Tensor], path: str | Path
) -> None:
    missing = [name for name in own if name not in state]
    unknown = [name for name in state if name not in own]
    other = [n for n in own if n in state and state[n].shape != own[n].shape]
    parts = []
    if missing:
        parts.append(f"{len(missing)} of {len(own)} tensors are missing (e.g. '{missing[0]}')")
    if unknown:
        parts.append(f"{len(unknown)} are unknown to the network (e.g. '{unknown[0]}')")
    if other:
        name = other[0]
        parts.append(
            f"{len(other)} have another shape (e.g. '{name}' {list(state[name].shape)}, not "
            f"{list(own[name].shape)})"
        )
    if parts:
        raise AugcamError(
            f"{path}: these are not weights of this network: {'; '.join(parts)}; see that "
            "model.architecture, architecture_arguments and the number of classes are the file's."
        )


def starting_weights(
    model: nn.Module, network: Mapping[str, Any], weights: str, root: str, varied: bool = False
) -> dict[str, Any]:
    """Fill `model` with `pretrained` weights, kept in the folder `root`, or those of a file.

    `network`: what `model` was built from (see `augcam.networks.build.build`). Returns what is to
    know of them: file, SHA-256, and sentences on what was not taken over as it is. `varied`: each
    state starts from other weights, which needs something that is drawn.
    """
    path = Path(weights)
    if weights == "pretrained":
        path = fetched(pretrained_source(network["architecture"]), root)
    head = head_tensors(model, **network)
    before = {name: value.clone() for name, value in model.state_dict().items() if name in head}
    said = start_from(model, path, head)
    after = model.state_dict()
    if varied and not any(torch.equal(before[name], after[name]) for name in head):
        raise AugcamError(
            f"variation: 'weights' varies what is drawn, but {path} fills the whole network; take "
            "it out, and vary 'order' or 'split'."
        )
    return {"file": str(path), "sha256": sha256_of_file(path), "said": said}
