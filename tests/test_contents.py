"""The list of figures: complete, unique, and the same in the documentation."""

import re

from conftest import ROOT

from augcam.config import parse_config, with_generated
from augcam.contents import PAGES, PAPER_FIGURES, SECTIONS, display_name, figure_table, figures


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


def test_captions_exist_and_the_index_links_to_real_sections():
    folder = ROOT / "workflow" / "report"
    for item in [*figures(parse_config({})), *PAGES]:
        assert (folder / f"{item.caption}.rst").is_file()
        assert item.section in SECTIONS
    links = re.findall(r"`([^`]+)`_", (folder / "workflow.rst").read_text(encoding="utf-8"))
    assert set(links) == set(SECTIONS.values()) - {SECTIONS["architectures"]}


def test_the_documentation_lists_the_figures():
    page = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    assert page == with_generated(page, "figures", "augcam.contents", figure_table())


def test_names_for_people():
    assert display_name("overlap_7") == "Overlap rate, top 7 %"
    assert display_name("resnet44") == "ResNet-44"
    assert display_name("gaussblur") == "Gaussian blur"
    assert display_name("something_new") == "something_new"
