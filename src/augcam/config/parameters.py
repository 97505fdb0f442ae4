"""Parameters of the augmentations, one section each."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from augcam.config.fields import Factor, Range, Section, Share, ShareRange


class AffineParameters(Section):
    degrees: Annotated[float, Field(ge=0, le=180)] = 30
    """Rotation is uniform in ± this many degrees."""
    translate: tuple[Share, Share] = (0.1, 0.1)
    """Largest shift, horizontal and vertical, as shares of the image's width and height."""
    scale: Range = (0.9, 1.1)
    """Range of the scale factor."""
    shear: Annotated[float, Field(ge=0, lt=90)] = 10
    """Horizontal shear is uniform in ± this many degrees."""


class CutmixParameters(Section):
    alpha: Factor = 1.0
    """The pasted share of the image is `max_area` × Beta(alpha, alpha)."""
    max_area: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Largest pasted share; 1 is Yun et al. 2019, 0.5 leaves the label's image the larger part."""
    label: Literal["source", "mixed"] = "source"
    """`source`: the first image's label (section 2.2); `mixed`: both, by area (Yun et al. 2019)."""


class ColorjitterParameters(Section):
    brightness: Share = 0.4
    """Brightness factor uniform in 1 ± this."""
    contrast: Share = 0.4
    """Contrast factor uniform in 1 ± this."""
    saturation: Share = 0.4
    """Saturation factor uniform in 1 ± this."""
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    """Hue shift uniform in ± this share of the colour circle."""


class ElasticParameters(Section):
    alpha: Annotated[float, Field(ge=0, le=10_000)] = 50.0
    """Magnitude of the displacements (torchvision's definition)."""
    sigma: Factor = 5.0
    """Standard deviation in pixels of the Gaussian that smooths the displacements."""


class EqualizeParameters(Section):
    pass


class GaussblurParameters(Section):
    kernel_size: Annotated[int, Field(ge=3, le=999)] = 5
    """Side of the kernel in pixels, odd."""
    sigma: Range = (0.1, 2.0)
    """Range of the kernel's standard deviation in pixels."""

    @model_validator(mode="after")
    def _odd(self):
        if self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, not {self.kernel_size}")
        return self


class RandcropParameters(Section):
    scale: ShareRange = (0.3, 1.0)
    """Range of the crop's share of the image's area."""
    ratio: Range = (3 / 4, 4 / 3)
    """Range of the crop's width / height."""


class AugmentationParameters(Section):
    affine: AffineParameters = AffineParameters()
    cutmix: CutmixParameters = CutmixParameters()
    colorjitter: ColorjitterParameters = ColorjitterParameters()
    elastic: ElasticParameters = ElasticParameters()
    equalize: EqualizeParameters = EqualizeParameters()
    gaussblur: GaussblurParameters = GaussblurParameters()
    randcrop: RandcropParameters = RandcropParameters()


AUGMENTATIONS = tuple(AugmentationParameters.model_fields)
