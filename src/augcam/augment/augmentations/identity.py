"""The control whose augmented copies are copies: as many steps, nothing new to see."""

from augcam.entries import Augmentation

ENTRY = Augmentation(
    name="identity",
    display_name="Identity",
    colour="#BBBBBB",
    control="the number of steps",
)
