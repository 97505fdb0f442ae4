"""Models that are another one again, where nothing that states vary reaches a condition."""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import pandas as pd

Model = tuple[str, int]  # condition, starting state
Value = TypeVar("Value")


def equal_models(predictions: Mapping[Model, Hashable]) -> pd.DataFrame:
    """Models that predict all test images exactly as an earlier one of their condition does.

    `predictions`: what is equal for equal predictions only, such as a checksum of the logits.
    Returns condition, state, equal_to (the earlier one's state). Weights that give the same logits
    bit by bit are the same weights: such models are one, not two draws.
    """
    first: dict[tuple[str, Hashable], int] = {}
    rows = []
    for (condition, state), seen in predictions.items():
        earlier = first.setdefault((condition, seen), state)
        if earlier != state:
            rows.append((condition, state, earlier))
    return pd.DataFrame(rows, columns=["condition", "state", "equal_to"])


def distinct(
    models: Iterable[Sequence[Any]], values: Iterable[Value], equal: pd.DataFrame
) -> dict[Model, Value]:
    """Model → its value, without the models that are an earlier one again.

    `models`: (condition, state) of each of `values`; `equal`: the table of `equal_models`.
    """
    again = set(zip(equal["condition"], equal["state"]))
    by_model = ((tuple(model), value) for model, value in zip(models, values))
    return {model: value for model, value in by_model if model not in again}


def with_noise(controls: Collection[str], equal: pd.DataFrame) -> list[str]:
    """Those of `controls` whose models differ: against the others nothing can be tested."""
    return [control for control in controls if control not in set(equal["condition"])]
