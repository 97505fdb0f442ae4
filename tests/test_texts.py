"""Text that users bring, such as class names, is shown as it is: in figures, pages and CSV."""

import base64
import csv
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.text import Text
from test_pages import PROVENANCE, notes

from augcam.files.tables import read_table, write_table
from augcam.report import extremes, pictures, style
from augcam.report.pages import summary_page, table_page
from augcam.report.texts import FONT, fonts_for, glyph_notes, missing_characters, shortened

NAMES = [
    "$1_old_bill to $2_old_bill",
    "$5_x_y$",
    r"\frac{1}{0} ^_ 50 % \\",
    "a{b} <script>alert(1)</script>&amp;",
    'say "hi", ok',
    "=1+1",
    "-photos",
    "مرحبا",
    "❤\ufe0f é ñ Ж",
    "a\nb\tc",
    "x" * 300,
]
NOWHERE = "\U0001fbff\U00038000"  # the second can be in no font, the first in none that is common


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text)]


# ---------------------------------------------------------------------------------------- figures


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_a_class_is_taken_for_a_formula(tmp_path, name, rng):
    seen = pictures.Seen(rng.normal(size=(4, 4)), name, True, 0.5)
    pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    figure = extremes.extreme_grid(
        pixels, seen, {"affine": {1: seen}}, {"affine": 0.5}, ["title", f"class {name}"]
    )
    style.save_figures([("grid", figure)], [tmp_path / "grid.png", tmp_path / "grid.pdf"], dpi=60)
    assert (tmp_path / "grid.png").stat().st_size > 1000
    assert any(shortened(name, extremes.NAME) in text for text in texts(figure))


def test_no_text_of_any_figure_is_a_formula_even_where_its_author_forgot(tmp_path):
    """The same picture as with a sign that cannot begin a formula, wherever text may stand."""

    def pixels(sign):
        figure, axes = plt.subplots()
        line = f"{sign}a_b{sign}"
        axes.plot([1, 2, 3], label=line)
        axes.legend(title=line)
        axes.set(xlabel=line, ylabel=line, title=line)
        axes.set_xticks([0, 1], [line, line])
        axes.annotate(line, (1, 1))
        figure.suptitle(line)
        path = tmp_path / f"{ord(sign)}.png"
        style.save(figure, path, dpi=60)
        return plt.imread(path).shape, [text for text in texts(figure) if "a_b" in text]

    shape, shown = pixels("$")
    assert pixels("§")[0] == shape
    assert len(shown) >= 9 and set(shown) == {"$a_b$"}


def test_powers_on_logarithmic_axes_are_written_with_raised_digits(tmp_path):
    figure, axes = plt.subplots()
    axes.set_yscale("symlog", linthresh=0.01)
    axes.plot([-100, 0, 1e-3, 100])
    style.save(figure, tmp_path / "log.png", dpi=60)
    shown = {label.get_text() for label in axes.get_yticklabels()}
    assert {"0", "10⁻²", "10⁰", "10²", "−10²"} <= shown


def test_a_character_that_no_font_has_is_said_once_for_all_figures(tmp_path):
    said = []
    figures = [(str(i), plt.figure()) for i in range(2)]
    for _, figure in figures:
        figure.text(0, 0, f"cat {NOWHERE} 1")
    style.save_figures(figures, [tmp_path / "0.png", tmp_path / "1.pdf"], 60, said.append)
    (sentence,) = said
    assert sentence.startswith("warning: no installed font has ")
    assert NOWHERE[1] in sentence and "cat" not in sentence
    assert missing_characters(["cat", "é", "a\u200db\ufe0f\n", "✓"]) == ""


def test_names_that_figures_cannot_show_are_a_warning():
    assert glyph_notes(["cat", "é"]) == []
    (note,) = glyph_notes(["cat", "\U000f2345"])
    assert (note["topic"], note["level"]) == ("glyphs", "warning")
    assert note["text"].startswith("no installed font has \U000f2345: figures show boxes")


def test_a_font_that_has_the_character_is_found_also_when_it_is_new(tmp_path, monkeypatch):
    """A real font with one glyph, installed after matplotlib has made its list of fonts."""
    wanted = "\U000f1234"  # for private use: no other font has it
    assert missing_characters(["\U000f4321"]) == "\U000f4321"
    path = tmp_path / "new.ttf"
    build_font("Font of one glyph", wanted, path)
    monkeypatch.setattr("augcam.report.texts.findSystemFonts", lambda: [str(path)])
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [*font_manager.fontManager.ttflist])
    assert fonts_for([f"{wanted} and more", "é"]) == ((FONT, "Font of one glyph"), "")
    figure = plt.figure()
    figure.text(0.1, 0.5, f"cat {wanted}")
    assert style.save(figure, tmp_path / "x.png", tmp_path / "x.pdf", dpi=60) == ""


def build_font(family, character, path):
    pen = TTGlyphPen(None)
    for draw, point in zip(
        [pen.moveTo] + [pen.lineTo] * 3, [(0, 0), (0, 700), (700, 700), (700, 0)]
    ):
        draw(point)
    pen.closePath()
    square, font = pen.glyph(), FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", "square"])
    font.setupCharacterMap({ord(character): "square"})
    font.setupGlyf({".notdef": square, "square": square})
    font.setupHorizontalMetrics(dict.fromkeys([".notdef", "square"], (800, 0)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": family, "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(path)


@pytest.mark.parametrize(
    "text,columns,expected",
    [
        ("short", 5, "short"),
        ("long name of a class", 9, "long…lass"),
        ("a\n b\t c", 20, "a b c"),
        ("日本語の猫", 10, "日本語の猫"),
        ("日本語の猫", 9, "日本…の猫"),
        ("x" * 300, 3, "x…x"),
    ],
)
def test_long_names_lose_their_middle(text, columns, expected):
    assert shortened(text, columns) == expected


# ------------------------------------------------------------------------------------------ pages


def test_text_cannot_become_markup_anywhere():
    attack = "\"'><script>alert(1)</script>{{ 7 * 7 }}"
    table = pd.DataFrame({attack: [attack, "x"], "number": [1.0, np.nan]})
    claims = pd.DataFrame({"holds": ["yes", attack]})
    warnings = notes((attack, "warning", attack), (attack, "note", attack))
    config = PROVENANCE["config"] | {"dataset": {"name": attack, "train": attack}}
    record = PROVENANCE | {"config": config, "git_commit": attack, "versions": {attack: attack}}
    for html in (table_page("claims", table), summary_page(record, claims, warnings)):
        assert "<script>alert" not in html and "49" not in html
        assert "&lt;script&gt;alert(1)" in html


# -------------------------------------------------------------------------------------------- CSV


CELLS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\t=1",
    "\n=1",
    "＝1",
    "'=1",
    "''+x",
    "'tis",
    "-",
    "1-1",
    "",
]
FORMULA = r"^'(?='*[=+\-@\t\n＝＋－＠])"  # as docs/reliability.md has it


def test_no_cell_of_a_csv_is_a_formula_and_programs_get_the_text_back(tmp_path):
    table = pd.DataFrame({"=class": CELLS, "shift": np.linspace(-0.5, 0.5, len(CELLS))})
    write_table(table, tmp_path / "t.csv", tmp_path / "t.parquet")
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    cells = [row[0] for row in rows]
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r＝")]
    assert [re.sub(FORMULA, "", cell) for cell in cells] == ["=class", *CELLS]
    assert [float(row[1]) for row in rows[1:]] == table["shift"].tolist()
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.parquet"), table)


def test_numbers_and_gaps_in_a_column_of_text_stay_as_they_are(tmp_path):
    table = pd.DataFrame({"value": ["-0.5", "+1e-3", None, "-inf", -2]})
    write_table(table, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == 'value\n-0.5\n+1e-3\n""\n-inf\n-2\n'


def test_the_csv_of_a_page_is_harmless_and_a_line_break_cannot_begin_a_row(tmp_path):
    page = table_page("claims", pd.DataFrame({"a": ["=1", "x\r=1"]}))
    text = base64.b64decode(re.search(r"base64,([^\"]+)", page)[1]).decode()
    assert pd.read_csv(io.StringIO(text))["a"].tolist() == ["'=1", "x\n=1"]
