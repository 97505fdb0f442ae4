"""With which mean and deviation inputs are normalised: the data set's, or those of weights."""

from typing import Any, NamedTuple

from augcam.entries import TIMM
from augcam.errors import AugcamError


class Normalisation(NamedTuple):
    """Mean and deviation of each channel of images in [0, 1]."""

    mean: list[float]
    std: list[float]


def normalisation(architecture: str, wanted: Any = None) -> Normalisation | None:
    """What `model.normalisation` means for a network; None: what the data set itself has.

    `wanted`: `pretrained`, a section or mapping with mean and std, or `dataset` or None.

    Raises AugcamError where nothing is known of the weights of `architecture`.
    """
    if wanted in (None, "dataset"):
        return None
    if wanted != "pretrained":
        return Normalisation(*(list(dict(wanted)[key]) for key in Normalisation._fields))
    known = (
        _of_timm(architecture) if architecture.startswith(TIMM) else _of_torchvision(architecture)
    )
    if known is None:
        raise AugcamError(
            f"model.normalisation: nothing is known of weights of '{architecture}'; give mean and "
            "deviation, e.g. {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}."
        )
    return known


def _of_timm(architecture: str) -> Normalisation | None:
    import timm

    known = timm.get_pretrained_cfg(architecture.removeprefix(TIMM), allow_unregistered=True)
    return Normalisation(list(known.mean), list(known.std)) if known else None


def _of_torchvision(architecture: str) -> Normalisation | None:
    from torchvision.models import get_model_weights

    if architecture in _NORMALISE_AGAIN:
        return Normalisation([0.5] * 3, [0.5] * 3)
    try:
        transforms = get_model_weights(architecture).DEFAULT.transforms()
    except ValueError:  # none of torchvision's
        return None
    return Normalisation(list(transforms.mean), list(transforms.std))


_NORMALISE_AGAIN = ("googlenet", "inception_v3")
"""With their weights torchvision's own have `transform_input`, from its usual mean and deviation to
those that they were trained with, which ours get at once."""
