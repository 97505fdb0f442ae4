"""The pages in a browser, opened from the disk as a reader does: Debian's Chromium, headless."""

import shutil
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from runs import CAPTIONS, NASTY, SOURCE, small_config

from augcam.comparison.maps import to_maps
from augcam.page.build import index_page
from augcam.page.explorer import explorer_page, quantised
from augcam.report.catalogue import figures, tables
from augcam.report.pictures import overlay
from augcam.results import load

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium here: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def run(invented_run):
    config, found = small_config(), load(invented_run)
    pages = [item for item in tables(config) if item.family == "pages"]
    texts = {
        "index": index_page(found, figures(config), pages, CAPTIONS, explorer="explorer.html"),
        "explorer": explorer_page(found, report="index.html"),
        "light": explorer_page(found, folder=invented_run / "explorer_parts"),
    }
    for name, text in texts.items():
        (invented_run / f"{name}.html").write_text(text, encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def show(browser, run) -> Iterator:
    """Open a page of the run; at the end nothing may have been complained of or asked for."""
    yield from pages_of(browser, run)


@pytest.fixture
def show_viewed(browser, viewed_run) -> Iterator:
    """The same of a run with further views, which has an explorer alone."""
    found = load(viewed_run)
    (viewed_run / "explorer.html").write_text(explorer_page(found), encoding="utf-8")
    yield from pages_of(browser, found)


def pages_of(browser, run) -> Iterator:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    complaints, asked = [], []

    def opened(name: str, hash_: str = ""):
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{(run.folder / name).as_uri()}{hash_}")
        if name != "index.html":
            page.wait_for_selector("body[data-first]", state="attached")
        return page

    yield opened
    context.close()
    assert complaints == []
    ours = run.folder.as_uri()
    assert all(url.startswith((ours, "data:image/", "blob:")) for url in asked)


def shown_ids(page) -> list[int]:
    return page.evaluate("app.selection.map((i) => app.meta.ids[i])")


def after(page, change) -> None:
    """Do something to the explorer, and wait until it is shown."""
    before = page.evaluate("document.body.dataset.ready")
    change()
    page.wait_for_function("before => document.body.dataset.ready !== before", arg=before)


# -------------------------------------------------------------------------------------- the report


def test_the_figure_has_the_numbers_of_the_table(show, run):
    page, effects = show("index.html"), run.tables["effects"]
    for metric in ("mad", "pearson"):
        page.select_option("#effect-metric", metric)
        for control in ("none", "identity"):
            page.select_option("#effect-control", control)
            rows = effects[(effects["metric"] == metric) & (effects["control"] == control)]
            lines = page.locator("#effect-chart g[role=img]")
            assert lines.count() == len(rows)
            for row, said in zip(rows.itertuples(), lines.evaluate_all(
                "nodes => nodes.map((node) => node.getAttribute('aria-label'))"
            )):  # fmt: skip
                assert f": {float(f'{row.mean:.4g}'):g};" in said
                assert f"verdict: {row.farther_than_control}" in said
    page.locator("#effect-chart g[role=img]").first.hover()
    assert page.locator("#effect-chart output").inner_text() == said_first(page)


def said_first(page) -> str:
    return page.locator("#effect-chart g[role=img]").first.get_attribute("aria-label")


def test_every_table_opens_sorts_filters_and_holds_what_the_file_holds(show, run):
    page = show("index.html")
    for name in page.evaluate("Object.keys(data.tables)"):
        table = run.tables[name]
        page.evaluate("name => { byId(`table-${name}`).open = true; }", name)
        rows = page.locator(f"#table-{name} tbody tr")
        page.wait_for_selector(f"#table-{name} table", state="attached")
        assert rows.count() == len(table), name
        kept = pd.DataFrame(page.evaluate("name => data.tables[name].rows", name))
        for place, column in enumerate(table):
            if table[column].dtype.kind in "if":
                found = kept[place].to_numpy(float) if len(table) else np.array([])
                np.testing.assert_array_equal(found, table[column].to_numpy(float))
            else:
                assert list(kept.get(place, [])) == list(table[column])
    page.goto(f"{page.url.partition('#')[0]}#table-effects")
    column = list(run.tables["effects"]).index("difference")
    head = page.locator("#table-effects th button").nth(column)
    head.click()
    head.click()
    first = page.locator("#table-effects tbody tr").first.locator("td").nth(column)
    assert float(first.get_attribute("title")) == run.tables["effects"]["difference"].max()
    page.fill("#table-effects input", "cutmix pearson")
    visible = page.locator("#table-effects tbody tr:visible")
    expected = run.tables["effects"].query("condition == 'cutmix' and metric == 'pearson'")
    assert visible.count() == len(expected)


# ------------------------------------------------------------------------------------ the explorer


def test_maps_are_enlarged_as_the_library_does(show, run, rng):
    page = show("explorer.html")
    cams = [run.maps("affine", 1)[:5]]
    cams += [rng.standard_normal((5, *shape)).astype(np.float32) for shape in [(7, 7), (4, 6)]]
    cams += [np.full((1, 7, 7), c, np.float32) for c in (-1, 0, 2)]
    cams += [np.full((1, 4, 4), 1, np.float32) + np.eye(4, dtype=np.float32) * 1e-3]
    for cam in cams:
        for size in (16, 32, 224):
            expected = to_maps(cam, size)
            for cells, map_ in zip(quantised(cam)[0], expected):
                found = page.evaluate(
                    "([cells, ...sizes]) => Array.from(toMap(Uint8Array.from(cells), ...sizes))",
                    [cells.ravel().tolist(), *cells.shape, size],
                )
                assert np.abs(np.reshape(found, (size, size)) - map_).max() <= 1 / 255


def test_the_pixels_on_the_page_are_the_librarys(show, run):
    page = show("explorer.html", "#image=7&opacity=0.7")
    page.wait_for_selector("#detail[data-image='7']")
    for model in ("affine/1", "identity/2"):
        condition, state = model.split("/")
        pixels = page.evaluate(
            """model => {
              const canvas = document.querySelector(`[data-model="${model}"] canvas`);
              return Array.from(canvas.getContext("2d").getImageData(0, 0, 16, 16).data);
            }""",
            model,
        )
        found = np.reshape(pixels, (16, 16, 4))[..., :3]
        cam = run.map_of(7, condition, int(state))
        expected = overlay(run.image(7), cam, 16).astype(int)
        # A map's error of 1/255 passes one step of the colours on.
        assert np.abs(found - expected).max() <= 6 and np.abs(found - expected).mean() < 1


def test_numbers_and_predictions_under_the_maps_are_those_of_the_files(show, run):
    page = show("explorer.html", "#image=11&metric=similarity/main/pearson")
    page.wait_for_selector("#detail[data-image='11']")
    for condition, state in run.models[1:]:
        text = page.locator(f'[data-model="{condition}/{state}"]').inner_text()
        value = run.distances(condition, state).set_index("image_id").loc[11, "pearson"]
        assert f"{float(f'{value:.3g}'):g}" in text
        row = run.predictions(condition, state).set_index("image_id").loc[11]
        assert NASTY[int(row["predicted"])] in text
        assert ("✓" in text) == (row["predicted"] == row["label"])


def test_filters_and_sorting_change_what_they_should(show, run):
    page, labels = show("explorer.html"), run.index["label"]
    assert shown_ids(page) == list(run.image_id)
    after(page, lambda: page.select_option("#class", "1"))
    assert shown_ids(page) == list(labels[labels == 1].index)
    after(page, lambda: page.click("#clear"))
    mean = run.tables["similarity_mean"].query("condition == 'cutmix'").set_index("image_id")["mad"]
    after(page, lambda: page.select_option("#condition", "cutmix"))
    after(page, lambda: page.select_option("#quantity", "similarity/main/mad"))
    assert shown_ids(page) == list(mean.sort_values(kind="stable").index)
    after(page, lambda: page.check("[data-key=down]"))
    assert shown_ids(page)[0] == mean.idxmax()
    middle = float(mean.median())
    after(page, lambda: page.fill("#min", str(middle)))
    assert sorted(shown_ids(page)) == sorted(mean[mean >= middle].index)
    after(page, lambda: page.click("#clear"))
    after(page, lambda: page.select_option("#condition", "affine"))
    after(page, lambda: page.select_option("#segment", "only_baseline"))
    segments = [run.distances("affine", state).set_index("image_id")["segment"] for state in (1, 2)]
    expected = (segments[0] == "only_baseline") | (segments[1] == "only_baseline")
    assert shown_ids(page) == list(expected[expected].index)
    after(page, lambda: page.click("#clear"))
    after(page, lambda: page.fill("#search", "17"))
    assert shown_ids(page) == [17]
    after(page, lambda: page.fill("#search", SOURCE.format(23)))
    assert shown_ids(page) == [23]


def test_a_region_of_the_scatter_becomes_the_selection(show, run):
    page = show("explorer.html", "#tab=scatter")
    box = page.locator("canvas.scatter").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.05)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + box["height"] * 0.9, steps=4)
    after(page, page.mouse.up)
    found = shown_ids(page)
    assert 0 < len(found) < 60
    x0, x1, y0, y1 = page.evaluate("app.state.brush.split(',').map(Number)")
    models = [model for model in run.models if model[0] in ("affine", "cutmix")]
    x = np.mean([run.distances(*model)["mad"] for model in models], axis=0)
    y = np.mean([true_share(run.predictions(*model)) for model in models], axis=0)
    assert found == list(np.flatnonzero((x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)))
    after(page, lambda: page.click("#tab-images"))
    assert shown_ids(page) == found
    assert page.locator(".thumb").count() == len(found)
    again = show("explorer.html", f"#{page.url.partition('#')[2]}")
    assert shown_ids(again) == found


def true_share(predictions) -> np.ndarray:
    """Probability of the true class of each image."""
    logits = predictions.filter(regex=r"^logit_").to_numpy(float)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return shares[np.arange(len(shares)), predictions["label"]]


def test_the_address_restores_what_was_shown(show):
    page = show("explorer.html")
    after(page, lambda: page.select_option("#class", "2"))
    page.locator(".thumb").nth(1).click()
    page.select_option("[data-key=show]", "difference")
    page.select_option("[data-key=colours]", "viridis")
    page.wait_for_selector("#detail canvas")
    image = page.evaluate("app.state.image")
    again = show("explorer.html", f"#{page.url.partition('#')[2]}")
    again.wait_for_selector(f"#detail[data-image='{image}']")
    assert again.evaluate("app.state") == page.evaluate("app.state")
    assert shown_ids(again) == shown_ids(page)
    assert again.locator("[data-key=show]").input_value() == "difference"


def test_every_part_opens(show, run):
    page = show("explorer.html")
    after(page, lambda: page.click("#tab-means"))
    assert page.locator("#means canvas").count() == 4 * (1 + 3)
    after(page, lambda: page.click("#tab-models"))
    page.select_option("[aria-label='Second model']", "3")
    after(page, lambda: page.click("text=Show images on which they differ most"))
    a, b = (run.maps(*run.models[m]) for m in (0, 3))
    cells = [quantised(cam)[0].astype(float) for cam in (a, b)]
    expected = np.abs(cells[0] - cells[1]).mean(axis=(1, 2))
    found = shown_ids(page)
    np.testing.assert_allclose(expected[found], -np.sort(-expected))
    after(page, lambda: page.select_option("#ready", "0"))
    assert set(shown_ids(page)) == set(run.tables["extreme_images"]["image_id"])


def test_the_keyboard_suffices(show):
    page = show("explorer.html")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.image") == "1"
    page.keyboard.press("Enter")
    page.wait_for_selector("#detail[data-image='1']")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#detail[data-image='2']")
    page.keyboard.press("Escape")
    assert page.locator("#side").is_hidden()
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#help").is_hidden()
    for control in page.locator("select:visible, input:visible, button:visible").all():
        said = control.evaluate(
            "node => node.labels?.[0]?.textContent || node.ariaLabel || node.textContent"
        )
        assert said.strip()


def test_names_that_look_like_markup_do_nothing(show):
    page = show("explorer.html", "#image=0")
    page.wait_for_selector("#detail[data-image='0']")
    assert SOURCE.format(0) in page.locator("#detail").inner_text()
    assert page.evaluate("document.querySelectorAll('#detail b, #grid script').length") == 0


def test_the_selection_is_downloaded(show, run):
    page = show("explorer.html", "#class=1")
    with page.expect_download() as csv:
        page.click("#csv")
    lines = csv.value.path().read_text(encoding="utf-8").splitlines()
    labels = run.index["label"]
    assert [int(line.split(",")[0]) for line in lines[1:]] == list(labels[labels == 1].index)
    with page.expect_download() as png:
        page.click("#png")
    assert png.value.path().read_bytes().startswith(b"\x89PNG")


def test_parts_beside_the_page_are_read_when_they_are_looked_at(show, run):
    asked, page = [], show("light.html", "#image=11&metric=similarity/main/pearson")
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.wait_for_selector("#detail[data-image='11']")
    one = show("explorer.html", "#image=11&metric=similarity/main/pearson")
    one.wait_for_selector("#detail[data-image='11']")
    assert page.locator("#detail").inner_text() == one.locator("#detail").inner_text()
    pixels = "[...document.querySelectorAll('#detail canvas')].map((c) => c.toDataURL())"
    assert page.evaluate(pixels) == one.evaluate(pixels)
    assert len(asked) == len(set(asked))
    sizes = [(run.folder / f"{name}.html").stat().st_size for name in ("light", "explorer")]
    assert sizes[0] < sizes[1]


def test_a_page_without_its_parts_says_so(browser, run, tmp_path):
    moved = tmp_path / "light.html"
    moved.write_bytes((run.folder / "light.html").read_bytes())
    page = browser.new_page()
    page.goto(f"{moved.as_uri()}#image=11")
    page.wait_for_selector("#missing:visible")
    assert "explorer_parts" in page.locator("#missing").inner_text()
    page.close()


def test_a_view_is_seen_at_its_own_grid_and_on_its_own_images(show_viewed, viewed_run):
    run = load(viewed_run)
    page = show_viewed("explorer.html", "#image=0")
    page.wait_for_selector("#detail canvas")
    options = page.locator("#view option").all_inner_texts()
    assert [text.split(":")[0] for text in options] == ["main", "early", "some"]
    models = len(run.models)
    for view in ("early", "some"):
        few = run.explained(*run.baseline, view)["image_id"]
        without = np.setdiff1d(run.image_id, few)
        for image in [int(few[0]), *map(int, without[:1])]:
            again = show_viewed("explorer.html", f"#image={image}&view={view}")
            again.wait_for_selector(f"#detail[data-image='{image}']")
            missing = again.locator("#detail .none").count()
            assert missing == (models if image in without else 0)
    # Sorted by how far two models lie apart, images that are not explained come last.
    page = show_viewed("explorer.html", "#quantity=pair&pair=0-3&view=some")
    shown = shown_ids(page)
    few = run.explained(*run.baseline, "some")["image_id"]
    assert set(shown[: len(few)]) == set(few.tolist())
