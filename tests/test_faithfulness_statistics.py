"""Scores that ask the network, for a sample of the images: config, status, and statistics."""

import numpy as np
import pandas as pd
import pytest

from augcam.config.checks import scored, scores_of_maps, scores_of_networks
from augcam.config.messages import parse_config
from augcam.entries import Score, entries
from augcam.errors import AugcamError
from augcam.run.status import status
from augcam.statistics.scores import score_statistics

ASKING = [name for name, score in entries(Score).items() if score.needs == "network"]


def test_they_are_computed_where_the_config_names_them(tmp_path):
    assert not {*scored(parse_config({}))} & {*ASKING}
    config = parse_config({"scores": ["spread", "road"]})
    assert scores_of_maps(config) == ["spread"] and scores_of_networks(config) == ["road"]
    shown = status(config, tmp_path, 0).stages
    assert shown["asked"] == (0, len(config.models))
    assert "asked" not in status(parse_config({}), tmp_path, 0).stages
    record = parse_config({}).record()
    assert "faithfulness_images" not in record["statistics"]
    maps = {"maps": {"a": {0: "a.npz"}, "b": {0: "b.npz"}}}
    with pytest.raises(AugcamError) as error:
        parse_config(maps | {"scores": ["spread", "road"]})
    assert "scores.1: 'road' asks the network, and maps have none; bring checkpoints" in str(
        error.value
    )
    brought = {"checkpoints": {"a": {0: "a.pt"}, "b": {0: "b.pt"}}, "scores": ["road"]}
    assert scores_of_networks(parse_config(brought)) == ["road"]


def statistics_of(sampled, rng):
    """The tables of two scores of 60 images, one of them asked of 20; condition `b` is higher."""
    models = [("none", 1), ("none", 2), ("none", 3), ("b", 1), ("b", 2), ("b", 3)]
    ids = np.arange(100, 160)
    some = np.sort(rng.permutation(ids)[:20])
    tables, asked = {}, {}
    for condition, state in models:
        right = rng.integers(2, size=60)
        tables[condition, state] = pd.DataFrame(
            {"image_id": ids, "right": right, "spread": rng.random(60)}
        )
        values = 0.2 * (condition == "b") + 0.1 * rng.random(20)
        values[4] = np.nan
        asked[condition, state] = pd.DataFrame({"image_id": some, "road": values})
    empty = pd.DataFrame(columns=["condition", "state", "equal_to"])
    options = {"resamples": 200, "seed": 0, "alpha": 0.05, "smallest_effect": 0.1}
    found = score_statistics(
        tables, models[0], ["none"], empty, [], **options, sampled=asked if sampled else None
    )
    return found, asked


def test_images_outside_the_sample_are_not_undefined(rng):
    found, asked = statistics_of(True, rng)
    rows = found["scores"].set_index(["score", "condition", "state"])
    counts = rows[["n_images", "n_undefined", "n_not_sampled"]]
    assert counts.loc["road"].drop_duplicates().to_numpy().tolist() == [[19, 1, 40]]
    assert counts.loc["spread"].drop_duplicates().to_numpy().tolist() == [[60, 0, 0]]
    assert rows.loc[("road", "b", 2), "mean"] == pytest.approx(asked["b", 2]["road"].mean())
    effect = found["score_effects"].set_index("score").loc["road"]
    assert effect["n_images"] == 19 and effect["verdict"] == "higher"
    differences = [(asked["b", s]["road"] - asked["none", s]["road"]).mean() for s in (1, 2, 3)]
    assert effect["difference"] == pytest.approx(np.mean(differences))
    segments = found["score_segments"].groupby(["score", "condition"])[["n", "n_excluded"]].sum()
    assert segments.loc[("road", "b")].tolist() == [57, 3]
    assert segments.loc[("spread", "b")].tolist() == [180, 0]
    tests = found["score_segment_tests"]
    assert (tests.loc[tests["score"] == "road", "n"] == 19).all()
    assert set(found["score_variance_split"]["score"]) == {"spread", "road"}


def test_without_a_sample_tables_are_as_they_were(rng):
    found, _ = statistics_of(False, rng)
    assert list(found["scores"])[-2:] == ["n_images", "n_undefined"]
    assert set(found["scores"]["score"]) == {"spread"}
