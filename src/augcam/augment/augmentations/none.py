"""The control without copies: only the originals are shown."""

from augcam.entries import Augmentation

ENTRY = Augmentation(
    name="none",
    display_name="None",
    colour="#777777",
    control="seed noise",
    copies=0,
)
