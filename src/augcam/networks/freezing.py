"""Parts of a network that training leaves as they are."""

from collections.abc import Iterable

from torch import nn

from augcam.config.suggestions import suggestion
from augcam.errors import AugcamError


def freeze(model: nn.Module, prefixes: Iterable[str]) -> list[str]:
    """Freeze the modules and parameters whose dotted names begin with one of `prefixes`.

    Their parameters get no gradient, and they stay in evaluation mode whatever mode the network is
    in: batch normalisation keeps its running means, dropout is off. Returns the names of the frozen
    parameters. Raises AugcamError where a prefix names nothing, or nothing is left to train.
    """
    modules, parameters = dict(model.named_modules()), dict(model.named_parameters())
    frozen: dict[str, None] = {}
    for prefix in prefixes:
        below = [name for name in parameters if _is_below(name, prefix)]
        inside = [module for name, module in modules.items() if name and _is_below(name, prefix)]
        if not below and not inside:
            tops = dict.fromkeys(name.partition(".")[0] for name in parameters)
            near = suggestion(prefix, [*tops, *filter(None, modules)])
            raise AugcamError(f"training.freeze: the network has no part '{prefix}'{near}")
        frozen |= dict.fromkeys(below)
        for module in inside:
            module.eval()
            module.train = lambda mode=True, module=module: module
    if len(frozen) == len(parameters):
        raise AugcamError("training.freeze: this freezes the whole network; leave a part to train.")
    for name in frozen:
        parameters[name].requires_grad_(False)
    return list(frozen)


def _is_below(name: str, prefix: str) -> bool:
    """Whether `name` is `prefix` or a part of it: `blocks.1` holds `blocks.1.conv`, not
    `blocks.10`."""
    return name == prefix or name.startswith(f"{prefix}.")
