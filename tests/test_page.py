"""The report as one page: what it says is what the tables say, and nothing in it can break out."""

import json
import re
from html import unescape

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from runs import CAPTIONS, NASTY, VIEWS, small_config

from augcam.errors import AugcamError
from augcam.names import condition_name
from augcam.page.answer import answer, effect_chart, fair_control, numbers, verdicts
from augcam.page.build import index_page
from augcam.page.embed import STATIC, bundle, json_text
from augcam.page.explorer import SCRIPTS, chosen, explorer_page, quantised
from augcam.page.methods import citations, methods
from augcam.page.sections import html_of
from augcam.report.catalogue import figures, tables
from augcam.results import load


@pytest.fixture(scope="module")
def run(invented_run):
    return load(invented_run)


@pytest.fixture(scope="module")
def index(run):
    config = small_config()
    pages = [item for item in tables(config) if item.family == "pages"]
    citation = ROOT / "CITATION.cff"
    return index_page(run, figures(config), pages, CAPTIONS, citation, "explorer.html")


def effect(condition, verdict, control="identity", metric="mad", **values):
    head = {"control": control, "condition": condition, "metric": metric}
    shared = {"mean": 0.3, "control_mean": 0.2, "difference": 0.1, "p_holm": 0.01, "n_states": 3}
    ends = {"pooled_low": 0.05, "pooled_high": 0.15, "low": 0.0, "high": 0.2}
    return head | shared | ends | {"farther_than_control": verdict} | values


def told(*rows, findings=(), **more):
    found = {"effects": pd.DataFrame(list(rows))}
    found["conclusions"] = pd.DataFrame(list(findings), columns=["topic", "finding"])
    return found | more


OPEN = "cannot be told with 3 states"


def test_the_sentence_claims_what_the_verdicts_say_and_no_more():
    effects = [effect("affine", "yes"), effect("affine", OPEN, metric="msd")]
    effects += [effect("cutmix", OPEN), effect("cutmix", OPEN, metric="msd")]
    effects += [effect("elastic", "no"), effect("elastic", "no", metric="msd")]
    effects += [effect("none", "yes"), effect("none", "yes", metric="msd")]
    found = answer(told(*effects), "the data set digits with ResNet-20", 3, 0.1)
    assert found.sentence == (
        "On the data set digits with ResNet-20 (3 starting states per condition), training with "
        "Affine (1 of 2 metrics) leads farther from the baseline than the step control does (as "
        "many training steps, nothing new to see); Elastic distortion at most 10 % farther in "
        "every metric; for CutMix this run cannot tell."
    ).replace("Elastic distortion", condition_name("elastic"))


def test_without_an_effect_none_is_claimed():
    found = answer(told(effect("affine", OPEN), effect("cutmix", OPEN)), "d with n", 1, 0.1)
    assert "none of the 2 augmentations is shown to lead farther" in found.sentence
    assert "too small to tell" in found.sentence
    found = answer(told(effect("affine", OPEN), effect("cutmix", "no")), "d with n", 1, 0.1)
    assert "no augmentation is shown to lead farther" in found.sentence
    assert "CutMix at most 10 % farther in every metric; for Affine this run" in found.sentence


def test_the_verdicts_are_those_of_the_conclusions(run):
    """The sentences of `conclusions` name the same augmentations."""
    effects, findings = run.tables["effects"], run.tables["conclusions"]
    texts = " ".join(findings.loc[findings["topic"] == "effects", "finding"])
    words = {"none": "seed noise", "identity": "the step-count control"}
    for control, title in words.items():
        found = verdicts(effects, control)
        assert sum(map(len, found.values())) == 2
        shown = re.search(f"Farther from the baseline than {title}: (.*?)\\.(?: |$)", texts)
        assert [condition_name(c) in (shown[1] if shown else "") for c in found["yes"]] == [
            True
        ] * len(found["yes"])
        for condition in found["open"]:
            assert re.search(f"against {title}: .*{condition_name(condition)}", texts)


def test_no_answer_is_given_where_conclusions_are_withheld_or_there_is_no_noise():
    findings = [("withheld", "There are no conclusions: the networks learned nothing.")]
    found = answer(told(effect("affine", "yes"), findings=findings), "d with n", 3, 0.1)
    assert found.withheld and "no conclusions" in found.sentence and not found.numbers
    equal = pd.DataFrame({"condition": ["none", "identity"]})
    rows = [effect("affine", "yes"), effect("affine", "yes", control="none")]
    assert fair_control(told(*rows, equal_models=equal)) is None
    assert "cannot tell" in answer(told(*rows, equal_models=equal), "d with n", 3, 0.1).sentence
    assert answer({}, "d with n", 3, 0.1).numbers == []


def test_the_three_numbers_are_means_of_the_table():
    rows = [
        effect("affine", OPEN, mean=0.31, control_mean=0.22),
        effect("cutmix", OPEN, mean=0.42, control_mean=0.22),
        effect("none", OPEN, mean=0.11, control_mean=0.23, n_states=2),  # not at the baseline's
        effect("affine", OPEN, control="none", mean=0.5, control_mean=0.1),
    ]
    found = numbers(told(*rows), "identity")
    assert [number.value for number in found] == ["0.110", "0.220", "0.310 to 0.420"]
    found = numbers(told(*rows), "none")
    assert [number.value for number in found] == ["0.100", "0.500"]


def test_a_run_without_controls_has_no_figure_and_says_so(tmp_path):
    assert effect_chart({})["rows"] == []
    with pytest.raises(AugcamError, match="no finished experiment"):
        load(tmp_path)


def test_effects_on_scores_are_shown_likewise():
    row = effect("affine", "", metric="") | {"score": "in_part", "part": "object"}
    scores = pd.DataFrame([row | {"verdict": "higher"}]).drop(columns="metric")
    scores = scores.drop(columns="farther_than_control")
    chart = effect_chart({"score_effects": scores, **told(effect("affine", "yes"))})
    assert list(chart["quantities"]) == ["mad", "in_part@object"]
    assert chart["quantities"]["in_part@object"]["direction"] == 0
    assert chart["rows"][1][-1] == "higher"


def test_the_page_needs_nothing_from_elsewhere(index, run):
    for html in (index, explorer_page(run, report="index.html")):
        visible = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
        links = set(re.findall(r'(?:src|href)="([^"]*)"', visible))
        outside = {
            link
            for link in links
            if not link.startswith(("#", "data:image/", "figures/", "tables/"))
        }
        assert outside <= {"explorer.html", "index.html", "provenance.json"}
        assert "default-src 'none'" in unescape(html)


def test_every_link_of_the_page_is_to_what_the_run_makes(index, run):
    for path in re.findall(r'href="(tables/[^"]*)"', index):
        assert (run.folder / path).is_file()
    for name in re.findall(r'href="#(table-[^"]*)"', index):
        assert f'id="{name}"' in index


def test_text_of_users_is_no_markup(index, run):
    pages = index, explorer_page(run)
    for html in pages:
        assert "<script>alert" not in html and "</script>alert" not in html
    assert "3 images of &lt;b&gt;two&lt;/b&gt; splits." in index
    meta = json.loads(re.search(r'id="meta">(.*?)</script>', pages[1], re.DOTALL)[1])
    assert meta["classes"] == NASTY
    assert json.loads(json_text({"a": "</script>", "b": float("nan")})) == {
        "a": "</script>",
        "b": None,
    }


def test_captions_read_no_file_and_pass_no_html_through():
    caption = ".. raw:: html\n\n   <b>x</b>\n\n.. include:: /etc/passwd\n\nA *word*, <i>.\n"
    assert html_of(caption).strip() == "<p>A <em>word</em>, &lt;i&gt;.</p>"


def test_the_methods_paragraph_has_counts_seeds_and_versions(run):
    text = methods(run.provenance)
    for part in ("8 networks", "60 test images", "state 1", "(1 and 2)", "torch 2.", "ResNet-20"):
        assert part in text
    found = citations(ROOT / "CITATION.cff")
    assert "Lucas M. Dorneles" in found[0] and "2505.12581" in found[0] and "(2025)" in found[0]
    assert citations(None) == []


def test_scripts_are_modules_whose_names_are_their_own():
    """They stand in one script on the page, after what they import."""
    for scripts in (SCRIPTS, ("dom", "tables", "effects", "report")):
        names = []
        for number, name in enumerate(scripts):
            text = STATIC.joinpath(f"{name}.js").read_text(encoding="utf-8")
            assert text.startswith("// @ts-check")
            imports = re.findall(r'from "\./(\w+)\.js"', text)
            assert set(imports) <= set(scripts[:number]), name
            names += re.findall(
                r"^(?:export )?(?:async )?(?:function|const|let|class) \[?\{?(\w+)", text, re.M
            )
        assert len(names) == len(set(names)), [n for n in names if names.count(n) > 1]
        assert not re.search(r"^(import|export)\b", bundle(scripts), re.M)


def test_quantised_maps_keep_their_range(rng):
    cam = rng.standard_normal((20, 4, 5)).astype(np.float32)
    cam[0], cam[1] = -1, 3
    cells, ends = quantised(cam)
    assert cells.dtype == np.uint8 and not cells[:2].any()
    assert (cells[2:].max(axis=(1, 2)) == 255).all() and (cells[2:].min(axis=(1, 2)) == 0).all()
    np.testing.assert_array_equal(ends[:, 1], np.maximum(cam, 0).max(axis=(1, 2)))


def test_of_many_images_a_seeded_sample_and_all_extremes_are_kept(run):
    extremes = set(run.tables["extreme_images"]["image_id"])
    few = chosen(run, 25, seed=1)
    assert extremes <= set(few) and len(few) == max(25, len(extremes))
    np.testing.assert_array_equal(few, chosen(run, 25, seed=1))
    assert set(few) != set(chosen(run, 25, seed=2))
    np.testing.assert_array_equal(chosen(run, 60, seed=1), run.image_id)
    assert "25 of 60 test images: a random sample" in explorer_page(run, images=25, seed=1)


def test_of_brought_models_the_baselines_condition_is_the_control():
    rows = [effect("flip", "yes", control="plain")]
    found = answer(told(*rows), "d with n", 2, 0.1, base="plain")
    assert "training with flip (1 of 1 metrics) leads farther" in found.sentence
    assert "than seed noise does" in found.sentence
    assert [number.name for number in found.numbers] == ["Seed noise", "Augmentations"]
    assert effect_chart(told(*rows), "plain")["conditions"]["plain"]["control"]


def test_the_methods_of_brought_models_name_no_training(run):
    models = [{"condition": "plain", "state": 0}, {"condition": "flip", "state": 0}]
    brought = run.provenance | {"models": models}
    brought["config"] = run.config | {"maps": {}, "variation": []}
    text = methods(brought)
    assert "brought as maps" in text and "trained for" not in text
    assert "which vary what is not known here" in text


def test_the_methods_name_the_views(run):
    views = {"early": {"layer": "layer2", "method": None, "images": None, "seed": 0},
             "few": {"layer": None, "method": "hirescam", "images": 9, "seed": 4}}  # fmt: skip
    text = methods(run.provenance | {"config": run.config | {"views": views}})
    assert "in 2 further views: early (layer layer2) and few (method hirescam, images 9, " in text
    assert "seed of the sample 4)" in text and "further view" not in methods(run.provenance)


def test_effects_in_further_views_are_not_among_those_of_the_main_one():
    effects = told(effect("affine", "yes"))
    of_view = effects["effects"].assign(view="early")
    assert effect_chart(effects | {"view_effects": of_view}) == effect_chart(effects)


@pytest.mark.slow
def test_a_run_with_views_has_a_section_and_all_of_them_in_the_explorer(viewed_run):
    run, config = load(viewed_run), small_config(views=VIEWS)
    pages = [item for item in tables(config) if item.family == "pages"]
    text = index_page(run, figures(config), pages, CAPTIONS)
    assert 'id="section-views">Does it hold?' in text
    assert all(f'id="table-{name}"' in text for name in ("holds", "view_effects"))
    assert "Kendall" in text and "in 2 further views: early (layer layer2.2)" in text
    explorer = explorer_page(run)
    meta = json.loads(re.search('id="meta">(.*?)</script>', explorer, re.DOTALL)[1])
    grids = {view["name"]: (view["height"], view["width"]) for view in meta["views"]}
    assert grids == {"main": (4, 4), "early": (8, 8), "some": (4, 4)}
    assert {kind["view"] for kind in meta["kinds"]} == set(grids)
    assert all(f'id="chunk-maps-{view}-3"' in explorer for view in grids)
    assert 'id="section-views"' not in index_page(run, figures(small_config()), [], CAPTIONS)
