"""Seeds of what varies with the starting state."""

import numpy as np


def state_seed(seed: int, state: int | None) -> int:
    """Seed below 2³² of a draw at `state`, from the config's `seed`; `seed` itself without one.

    Different states, and different seeds, give independent draws (numpy's SeedSequence).
    """
    if state is None:
        return seed
    return int(np.random.SeedSequence(seed, spawn_key=(state,)).generate_state(1)[0])
