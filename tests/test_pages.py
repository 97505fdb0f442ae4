"""Pages: what they hold, and that nothing in them can break out."""

import base64
import io
import re

import numpy as np
import pandas as pd
import pytest

from augcam.config.schema import Training
from augcam.report.pages import augmentations, facts, start_page, summary_page, table_page
from augcam.report.recipe import recipe
from augcam.report.tablepages import TABLE_PAGES

TABLE = pd.DataFrame(
    {"condition": ["affine", "<b>&"], "r": [0.123456789, np.nan], "holds": ["yes", "no"]}
)


def test_a_table_is_shown_rounded_and_downloaded_exactly():
    html = table_page("claims", TABLE)
    assert "0.1235" in html and 'data-key="0.123456789"' in html
    assert '<td data-key="" class="number">–</td>' in html
    assert '<td data-key="yes" class="yes">yes</td>' in html
    csv = base64.b64decode(re.search(r"base64,([^\"]+)", html)[1]).decode()
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(csv)), TABLE)


def test_text_cannot_become_markup():
    html = table_page("claims", TABLE)
    assert "<b>&" not in html and "&lt;b&gt;&amp;" in html


def test_pages_need_nothing_from_elsewhere():
    for name in [page.name for page in TABLE_PAGES]:
        html = table_page(name, TABLE)
        assert not re.search(r"(src|href)=\"(?!data:)", html)
        assert "http" not in html


PROVENANCE = {
    "config": {
        "experiment": "one",
        "dataset": {"name": "digits"},
        "model": {"input_size": 24},
        "training": {"epochs": 3},
        "cam": {"method": "gradcam", "target": "predicted"},
        "conditions": {"affine": {}, "none": {}},
        "controls": [],
        "starting_states": [1, 2],
        "without": {"affine": [2]},
        "variation": ["augmentation", "order"],
    },
    "network": {
        "architecture": "resnet20", "cam_layer": "layer3.2", "feature_map": [6, 6], "parameters": 5
    },
    "images": {"train": 10, "val": 2, "test": 4},
    "duplicates": {"val in train": 0, "test in train": 3},
    "models": [
        {"condition": "none", "state": 1, "epochs": 3, "seconds": 3600.0},
        {"condition": "affine", "state": 1, "epochs": 2, "seconds": 7200.0},
    ],
    "excluded_values": {"mad": 0, "pearson": 7},
    "versions": {"python": "3.11"},
    "hardware": {"processor": "P", "cores": 2, "memory_gib": 8.0, "gpus": []},
    "git_commit": "abc",
}  # fmt: skip


def test_the_summary_says_what_was_run():
    claims = pd.DataFrame({"holds": ["yes", "yes", "no"]})
    found = facts(PROVENANCE, claims)
    assert found["Images in two splits"] == "3 of test in train"
    assert found["Starting states"] == "1, 2, which vary augmentation draws and training order"
    assert found["Time of training"].startswith("3 h 00 min in all, 1 h 30 min a model")
    assert found["Models trained"] == "2, 2 to 3 epochs"
    assert found["Training"] == (
        "Adam, L2 penalty 1e-05, learning rate 0.001, batches of 32; kept: the epoch with the "
        "highest validation accuracy"
    )
    assert found["The paper's claims"] == "2 yes, 1 no"
    html = summary_page(PROVENANCE, claims, notes())
    assert "Pearson correlation" in html and ">7<" in html
    assert "Mean absolute difference" not in html
    assert "<h2>Warnings</h2>" not in html and "<h2>Notes</h2>" not in html


def test_conditions_are_named_in_the_order_of_the_config():
    names = ["none", "turned_5", "turned_30", "affine"]
    models = [{"condition": name, "state": 1} for name in names]
    config = PROVENANCE["config"] | {"conditions": {name: {} for name in sorted(names)}}
    assert augmentations(PROVENANCE | {"config": config, "models": models}) == names[1:]


@pytest.mark.parametrize(
    "options,words",
    [
        (
            {"optimizer": {"name": "sgd", "nesterov": True}, "learning_rate": 0.1,
             "schedule": {"name": "cosine", "warmup": 1}, "weights": "last"},
            "SGD, Nesterov momentum 0.9, L2 penalty 1e-05, learning rate 0.1 to 0 along a cosine, "
            "1 epoch of warm-up, batches of 32; kept: the last epoch",
        ),
        (
            {"optimizer": {"name": "adamw", "betas": [0.9, 0.95]}, "schedule": "one_cycle",
             "label_smoothing": 0.1, "class_weights": "balanced", "gradient_clipping": 1,
             "best_by": "loss", "early_stopping": 5},
            "AdamW, betas 0.9, 0.95, weight decay 1e-05, learning rate up to 0.001 in one cycle, "
            "batches of 32, labels smoothed by 0.1, balanced class weights, gradients clipped to "
            "norm 1; kept: the epoch with the lowest validation loss, ended 5 epochs after it",
        ),
        (
            {"schedule": {"name": "step", "gamma": 0.5}},
            "Adam, L2 penalty 1e-05, learning rate 0.001, times 0.5 after every 10 epochs, batches "
            "of 32; kept: the epoch with the highest validation accuracy",
        ),
    ],
)  # fmt: skip
def test_recipes_have_words(options, words):
    assert recipe(Training(**options)) == words


def notes(*rows):
    return pd.DataFrame(list(rows), columns=["topic", "level", "text"])


def test_the_summary_begins_with_what_is_wrong():
    claims = pd.DataFrame({"holds": ["withheld"]})
    html = summary_page(
        PROVENANCE,
        claims,
        notes(("leak", "warning", "3 of <b> & co."), ("files", "note", "2 left out.")),
    )
    places = [html.index(text) for text in ("Warnings", "3 of &lt;b&gt; &amp; co.", "Notes")]
    places += [html.index(text) for text in ("2 left out.", "What was run")]
    assert places == sorted(places)


def test_the_reports_first_page_begins_with_the_warnings_as_they_are():
    """As Snakemake makes it: Jinja, then RST."""
    from docutils.core import publish_parts
    from docutils.writers.html5_polyglot import Writer
    from jinja2 import Environment

    texts = ["*a* `b`_ |c| {{ d }} {% e %} <f> g_ {#h#} C:\\i 5.5 % (größer) 猫.", "- Two."]
    page = start_page("The text.\n", notes(*(("t", "warning", text) for text in texts)))
    rst = Environment().from_string(page).render()
    shown = publish_parts(rst, writer=Writer())["html_body"]
    assert html_text(shown) == " ".join(["Warnings", *texts, "The text."])
    assert "<em>" not in shown and "system-message" not in shown
    assert start_page("The text.\n", notes(("t", "note", "n"))) == "The text.\n"


def html_text(html):
    import html as entities

    return " ".join(entities.unescape(re.sub(r"<[^>]+>", " ", html)).split())
