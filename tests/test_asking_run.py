"""A whole run in which networks are asked again, and one of them has random weights."""

import pandas as pd
import pytest
from projects import copy_project, planned, run, write_config

from augcam.results import Results

pytestmark = pytest.mark.workflow

SMALL = {
    "experiment": "small",
    "dataset": {"train_limit": 120, "test_limit": 40},
    "model": {"input_size": 16},
    "training": {"epochs": 2, "batch_size": 16, "learning_rate": 0.003},
    "augmentations": ["affine"],
    "starting_states": [1],
    "scores": ["spread", "deletion", "road", "increase"],
    "views": {"early": {"layer": "layer1", "images": 20}},
    "statistics": {
        "resamples": 100,
        "faithfulness_images": 12,
        "sanity": True,
        "sanity_images": 20,
    },
}
ARGUMENTS = "--configfile", "small.yaml"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = copy_project(tmp_path_factory.mktemp("project") / "copy")
    write_config(folder, SMALL)
    run(folder, "--cores", "2", *ARGUMENTS)
    return folder


def test_networks_are_asked_about_one_sample(finished):
    results = Results(finished / "results" / "small")
    asked = [
        pd.read_parquet(results.folder / f"faithfulness/main/{condition}/{state}.parquet")
        for condition, state in results.models
    ]
    assert len(asked) == 3
    for table in asked:
        assert list(table) == ["image_id", "deletion", "road", "increase"] and len(table) == 12
        assert table["image_id"].tolist() == asked[0]["image_id"].tolist()
    rows = results.tables["scores"].set_index("score")
    assert (rows.loc["deletion", "n_not_sampled"] == 28).all()
    assert (rows.loc["spread", "n_not_sampled"] == 0).all()
    assert (rows[["n_images", "n_undefined", "n_not_sampled"]].sum(axis=1) == 40).all()
    assert set(results.tables["score_effects"]["score"]) == {*SMALL["scores"]}
    both = results.scores("affine", 1)
    assert len(both) == 40 and both["road"].notna().sum() <= 12 and both["spread"].notna().any()


def test_networks_are_asked_about_the_maps_of_every_view(finished):
    results = Results(finished / "results" / "small")
    files = [results.folder / f"faithfulness/{view}/none/1.parquet" for view in ("main", "early")]
    main, early = map(pd.read_parquet, files)
    assert len(main) == len(early) == 12 and not main["road"].equals(early["road"])
    shown = results.explained("none", 1, "early")["image_id"]
    assert set(early["image_id"]) <= set(shown) and len(shown) == 20
    rows = results.tables["view_scores"].set_index("score")
    assert set(rows["view"]) == {"early"} and len(rows) == 3 * len(SMALL["scores"])
    assert (rows.loc["deletion", "n_not_sampled"] == 8).all()
    of_baseline = rows[rows["condition"] == "none"].loc["deletion", "mean"]
    assert of_baseline == pytest.approx(early["deletion"].mean())
    assert set(results.tables["view_score_effects"]["score"]) == {*SMALL["scores"]}


def test_random_weights_have_a_table_a_figure_a_page_and_a_sentence(finished):
    results = Results(finished / "results" / "small")
    table = results.tables["sanity"]
    blocks = ["", "fc", "layer3", "layer2", "layer1", "stem.1", "stem.0"]
    assert set(table["view"]) == {"main", "early"} and set(table["method"]) == {"gradcam"}
    for _, of_view in table.groupby("view"):
        assert of_view["layer"].tolist() == blocks
        assert (of_view["n_images"] + of_view["n_undefined"]).tolist() == [20, *[60] * 6]
    assert (results.folder / "figures/sanity.png").is_file()
    assert (results.folder / "pages/sanity.html").is_file()
    findings = results.tables["conclusions"].set_index("topic")["finding"]
    assert "sanity" in findings.index or "nothing learned" in findings.index


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        (
            {"statistics": {"faithfulness_images": 13}},
            {"faithfulness": 6, "score_statistics": 1, "draw_scores": 1, "view_statistics": 1},
        ),
        ({"statistics": {"sanity_images": 10}}, {"randomise_weights": 2, "sanity": 1}),
        ({"statistics": {"sanity": False}}, {}),
        ({"scores": ["spread", "deletion"]}, {"faithfulness": 6, "score_statistics": 1}),
        ({"scores": ["spread"]}, {"score_statistics": 1}),
    ],
)
def test_a_change_asks_again_only_where_it_matters(finished, changes, expected):
    values = SMALL | {k: SMALL[k] | v if isinstance(v, dict) else v for k, v in changes.items()}
    write_config(finished, values, "changed")
    plan = planned(finished, "--configfile", "changed.yaml")
    costly = {"train", "explain", "compare", "score", "faithfulness", "randomise_weights"}
    assert {rule: n for rule, n in plan.items() if rule in costly} == {
        rule: n for rule, n in expected.items() if rule in costly
    }
    assert expected.items() <= plan.items()
    assert bool(plan) == bool(changes)
