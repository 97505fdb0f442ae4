"""What the report holds: sections `figures` and `explorer` of a config."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveInt

from augcam.config.fields import Section, Seed, unique


class Figures(Section):
    dpi: Annotated[int, Field(ge=50, le=600)] = 150
    """Resolution of the PNG files."""
    outliers: bool = True
    """Draw the points beyond the whiskers of the boxplots."""
    formats: Annotated[list[Literal["png", "pdf", "svg"]], AfterValidator(unique)] = ["png", "pdf"]
    """Formats in which figures are written; always in PNG, which the report shows."""


class Explorer(Section):
    images: PositiveInt = 10_000
    """How many test images `explorer.html` holds; of more, a random sample and the extremes."""
    seed: Seed = 0
    """Seed of that sample."""
    files: bool = False
    """Write what is large into a folder beside the page, `explorer_parts`, from which it is read
    when it is looked at: for runs whose page would be too large to open."""
