"""Colours of any number of conditions, without matplotlib."""

import colorsys
from collections.abc import Iterator

from augcam.config.conditions import Condition
from augcam.config.experiment import Config
from augcam.names import built_in_colour

FURTHER = ("#0077BB", "#EE7733", "#009988", "#CC3311", "#33BBEE", "#EE3377", "#DDAA33")
"""For what has no colour of its own (Paul Tol's vibrant scheme, whose grey is a control's)."""


def condition_colours(config: Config) -> dict[str, str]:
    """The colour (#rrggbb) of every condition, by name.

    Built-ins have their own; the values of a sweep are shades of one, from light to dark.
    """
    further, found = _further(), {}
    sweeps: dict[str, list[Condition]] = {}
    for condition in config.all_conditions:
        if condition.sweep:
            sweeps.setdefault(condition.sweep, []).append(condition)
        else:
            found[condition.name] = built_in_colour(condition.name) or next(further)
    for conditions in sweeps.values():
        base = next(further)
        for place, condition in enumerate(conditions):
            found[condition.name] = shade(base, 0.6 - 1.1 * place / (len(conditions) - 1))
    return {condition.name: found[condition.name] for condition in config.all_conditions}


def _further() -> Iterator[str]:
    """Colours, the next one far from those before: after the scheme's, hues by the golden ratio."""
    yield from FURTHER
    hue, number = 0.0, 0
    while True:
        hue, number = (hue + 0.618034) % 1, number + 1
        value, saturation = ((0.85, 0.75), (0.55, 0.85), (0.95, 0.4))[number % 3]
        red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
        yield _hex(red, green, blue)


def shade(colour: str, amount: float) -> str:
    """`colour` mixed with white (`amount` in [0, 1]) or black (in [−1, 0])."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    end = 1 if amount > 0 else 0
    return _hex(*(channel + (end - channel) * abs(amount) for channel in channels))


def _hex(*channels: float) -> str:
    return "#" + "".join(f"{round(255 * channel):02X}" for channel in channels)
