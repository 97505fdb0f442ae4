"""The list of figures: complete, unique, and the same in the documentation."""

import re

import pytest
from conftest import ROOT

from augcam.config.document import with_generated
from augcam.config.messages import parse_config
from augcam.names import PAPER_AUGMENTATIONS, PAPER_METRICS, display_name
from augcam.report.catalogue import PAGES, PAPER_FIGURES, SECTIONS, figure_table, figures, tables


def test_every_figure_of_the_paper_is_drawn():
    names = [item.name for item in figures(parse_config({}))]
    assert len(names) == len(set(names))
    assert sorted(PAPER_FIGURES[name] for name in names if name in PAPER_FIGURES) == list(
        range(1, 57)
    )
    assert set(PAPER_FIGURES) <= set(names)


def test_the_paper_numbers_are_those_of_its_captions():
    assert PAPER_FIGURES["augmentation_gaussblur"] == 6
    assert PAPER_FIGURES["architectures_time"] == 13
    assert PAPER_FIGURES["performance_f1"] == 17
    assert PAPER_FIGURES["boxplot_overlap_20"] == 18
    assert PAPER_FIGURES["correlation_map_spearman"] == 27
    assert PAPER_FIGURES["boxplot_class_kld"] == 32
    assert PAPER_FIGURES["highest_mean_spearman"] == 42
    assert PAPER_FIGURES["highest_std_class_kld"] == 49
    assert PAPER_FIGURES["segments_overlap_20_colorjitter"] == 51


def test_figures_follow_metrics_and_augmentations():
    config = {
        "augmentations": ["affine"],
        "controls": [],
        "similarity": {"metrics": ["overlap_30"]},
    }
    items = {item.name: item for item in figures(parse_config(config))}
    assert items["boxplot_overlap_30"].labels["figure"] == "–"
    assert items["boxplot_overlap_30"].section == "overlap"
    assert "segments_overlap_30_affine" in items
    assert "augmentation_cutmix" not in items and "boxplot_mad" not in items
    assert items["lowest_mean_overlap_30"].subsection == "Overlap rate, top 30 %"


@pytest.mark.parametrize("wanted", [True, False])
def test_three_targets_are_shown_where_they_are_explained(wanted):
    config = parse_config({"statistics": {"targets": wanted}})
    for listed in (figures(config), tables(config)):
        assert ("target_changes" in [item.name for item in listed]) == wanted


def switches_work(items):
    """What Snakemake's report does with labels: see its `abstract_results.js`."""
    if len({tuple(item.labels) for item in items}) > 1:
        return True
    names = list(items[0].labels)[1:]
    values = {name: [item.labels[name] for item in items] for name in names}
    switches = [
        name
        for name, column in values.items()
        if len(set(column)) == 2 and all(2 * column.count(v) == len(column) for v in column)
    ]
    if len(switches) != 1:
        return True
    rows = [tuple(v for k, v in i.labels.items() if k != switches[0]) for i in items]
    return all(rows.count(row) == 2 for row in rows)


@pytest.mark.parametrize("augmentations", [["affine", "cutmix"], ["affine"], PAPER_AUGMENTATIONS])
@pytest.mark.parametrize("controls", [[], ["none", "identity"]])
@pytest.mark.parametrize("metrics", [["mad"], ["overlap_20", "overlap_10"], list(PAPER_METRICS)])
def test_the_reports_switches_have_both_positions(augmentations, controls, metrics):
    values = {"augmentations": list(augmentations), "controls": controls}
    config = parse_config(values | {"similarity": {"metrics": metrics}})
    groups = {}
    for item in [*figures(config), *PAGES]:
        groups.setdefault((item.section, item.subsection), []).append(item)
    assert all(map(switches_work, groups.values()))


def test_captions_exist_and_the_index_links_to_real_sections():
    folder = ROOT / "workflow" / "report"
    for item in [*figures(parse_config({})), *PAGES]:
        assert (folder / f"{item.caption}.rst").is_file()
        assert item.section in SECTIONS
    links = re.findall(r"`([^`]+)`_", (folder / "workflow.rst").read_text(encoding="utf-8"))
    of_some_runs = {SECTIONS[name] for name in ("architectures", "doses", "scores", "views")}
    assert set(links) == set(SECTIONS.values()) - of_some_runs


def test_the_documentation_lists_the_figures():
    page = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    assert page == with_generated(page, "figures", "augcam.report.catalogue", figure_table())


def test_names_for_people():
    assert display_name("overlap_7") == "Overlap rate, top 7 %"
    assert display_name("resnet44") == "ResNet-44"
    assert display_name("gaussblur") == "Gaussian blur"
    assert display_name("something_new") == "something_new"
