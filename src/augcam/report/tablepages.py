"""The tables that stand in the report: one entry each, with its title and what it says.

Those that are made from other tables alone are files of their own, in `report/tables`.
"""

from typing import NamedTuple


class TablePage(NamedTuple):
    """A table of the report: its file's name, title, explanation, key of its section (see
    `augcam.report.catalogue.SECTIONS`), and what it is called there; `caption`: of Snakemake's
    report (`workflow/report/<caption>.rst`); `subsection` there; `family`: the rule
    `write_<family>` that makes its page."""

    name: str
    title: str
    note: str
    section: str
    label: str = "table"
    caption: str = "tables"
    subsection: str = ""
    family: str = "pages"


TABLE_PAGES = [
    TablePage(
        "claims",
        "The paper's claims",
        "What the paper says, and whether it is so in this run. Where the paper gives no "
        "number, the criterion is ours.",
        "summary",
        label="2 The paper's claims",
        caption="claims",
    ),
    TablePage(
        "similarity_summary",
        "Similarity in numbers",
        "Distribution over test images of each metric, averaged over starting states: the "
        "numbers behind the boxplots.",
        "summary",
        label="3 Similarity in numbers",
    ),
    TablePage(
        "excluded_values",
        "What summaries leave out",
        "Undefined values, left out of summaries (a map that is constant has no correlation), "
        "and degenerate maps, which are kept (so flat that their top pixels are all pixels).",
        "summary",
        label="4 What summaries leave out",
    ),
    TablePage(
        "performance",
        "Performance of every model",
        "Measures on the test images; precision, recall and F1 are macro averages.",
        "performance",
    ),
    TablePage(
        "chance",
        "Better than chance?",
        "How often each model is right on the test images, against always naming the most "
        "frequent class (majority), and against naming classes as often as it does, but "
        "whatever the image (chance).",
        "performance",
        label="better than chance?",
        caption="chance",
    ),
    TablePage(
        "extreme_images",
        "Images at the extremes",
        "The test images whose metric has the highest mean, highest standard deviation and "
        "lowest mean over augmentations.",
        "extremes",
        subsection="Overview",
    ),
    TablePage(
        "segment_summary",
        "Similarity by segment",
        "Each metric by which of the two models is right; n counts images times states.",
        "segments",
        subsection="Overview",
    ),
    TablePage(
        "segment_tests",
        "Do segments differ?",
        "Kruskal–Wallis test, one a model, of whether the segments differ in a metric. With "
        "many images the smallest difference is significant: read epsilon squared, the share of "
        "the ranks' variance that the segment explains (below .06: small).",
        "segments",
        label="tests",
        subsection="Overview",
    ),
    TablePage(
        "conclusions",
        "What can be concluded",
        "From the numbers of this run alone; how each is found is in docs/statistics.md.",
        "conclusions",
        label="findings",
        caption="conclusions",
    ),
    TablePage(
        "effects",
        "Effects against controls",
        "How much farther from the baseline each condition leads than a control (none: seed "
        "noise; identity: as many steps). Differences in the metric's own units.",
        "effects",
    ),
    TablePage(
        "trends",
        "Dose and response",
        "Does a metric's mean change with the strength? slope: from the weakest to the "
        "strongest value, in the metric's own units; p by exchanging strengths within each "
        "starting state, p_holm over all rows.",
        "doses",
    ),
    TablePage(
        "scores",
        "Scores of maps",
        "What each model's maps say by themselves: mean of each score over the test images with "
        "a value; part: what the pixels show that the score is about.",
        "scores",
        label="means of models",
    ),
    TablePage(
        "score_effects",
        "Which way maps move",
        "How much higher each score is than a control's, paired by image and starting state, in "
        "the score's own units; verdict: higher or lower after Holm's correction, no where the "
        "interval lies within the smallest effect that matters.",
        "scores",
        label="effects",
    ),
    TablePage(
        "score_variance_split",
        "Variance of one image's score",
        "Components of the variance over images, conditions and starting states, all conditions "
        "included.",
        "scores",
        label="variance split",
    ),
    TablePage(
        "score_segments",
        "Scores by segment",
        "Each score by which of model and baseline is right; n counts images times states.",
        "scores",
        label="segments",
    ),
    TablePage(
        "score_segment_tests",
        "Do segments differ in a score?",
        "Kruskal–Wallis test, one a model; read epsilon squared, the share of the ranks' "
        "variance that the segment explains (below .06: small).",
        "scores",
        label="tests of segments",
    ),
    TablePage(
        "score_trends",
        "Dose and response of scores",
        "Does a score's mean change with the strength? slope: from the weakest to the strongest "
        "value; p by exchanging strengths within each starting state, p_holm over all rows.",
        "scores",
        label="trends",
    ),
    TablePage(
        "mask_parts",
        "What masks show",
        "In how many test images each part is seen, how many have no mask, and the part's share "
        "of the image, which a map that is the same everywhere has on it.",
        "scores",
        label="masks",
    ),
    TablePage(
        "holds",
        "Does it hold?",
        "Every further view of the same networks, metric by metric, against the main view of "
        "the same images: Kendall's τ-b of the order of conditions, with its interval; verdicts "
        "of effects that agree, are contrary (yes and no), or can be told in one view alone "
        "(gained, lost). same_as: a view that is an earlier one on this network, which counts "
        "once.",
        "views",
    ),
    TablePage(
        "view_effects",
        "Effects in further views",
        "As effects against controls, view by view; differences in the metric's own units.",
        "views",
        label="effects",
    ),
    TablePage(
        "view_scores",
        "Scores in further views",
        "As scores of maps, view by view: means over images of each model, with the images that "
        "have a value and those that have none.",
        "views",
        label="scores",
    ),
    TablePage(
        "view_score_effects",
        "Effects on scores in further views",
        "As effects on scores, view by view; differences in the score's own units.",
        "views",
        label="effects on scores",
    ),
    TablePage(
        "variance_split",
        "Variance of one image's value",
        "Components of the variance over images, conditions and starting states; condition × "
        "state is what two trainings of one condition differ.",
        "effects",
        label="variance split",
    ),
    TablePage(
        "behaviour",
        "Predictions against the baseline's",
        "Disagreement, Jensen–Shannon divergence (bits) and error consistency (Cohen's kappa).",
        "effects",
        label="predictions",
    ),
    TablePage(
        "class_changes",
        "How much goes with another predicted class",
        "Each metric where model and baseline predict the same class, and where they do not.",
        "effects",
        label="another class predicted",
    ),
    TablePage(
        "target_changes",
        "How much is another class explained",
        "Each metric between maps that explain the models' own predictions, the true label, or "
        "the baseline's prediction; share_of_change is what is gone of the distance with this "
        "target.",
        "effects",
        label="class explained",
    ),
    TablePage(
        "pair_significance",
        "Strongest and weakest pairs, and chance",
        "p_any: how often any pair counts as many where conditions are exchangeable; frequency: "
        "the share of metrics in whose top pairs it is, over resamples.",
        "decoupled",
        label="pairs and chance",
    ),
    TablePage(
        "suggested_clusters",
        "The paper's clusters, by correlation",
        "Are members more alike than others? Margin: mean r within minus mean r to the others.",
        "decoupled",
        label="the paper's clusters",
    ),
    TablePage(
        "separation",
        "Do conditions differ as groups of models?",
        "PERMANOVA on distances between models; smallest_p is what so few models can reach.",
        "modelspace",
        label="separation",
    ),
    TablePage(
        "suggested_model_clusters",
        "The paper's clusters, by distance between models",
        "Margin: how much closer members lie to each other than to the others.",
        "modelspace",
        label="the paper's clusters",
    ),
    TablePage(
        "sanity",
        "Do maps notice random weights?",
        "Likeness of the baseline's maps to those of the same network while its weights become "
        "random, from the head down to the layer; another image: the level of what has nothing "
        "in common.",
        "effects",
        label="random weights",
    ),
    TablePage(
        "planning",
        "Starting states needed",
        "For a shift of the given share of the control's distance; −1: more than 1000.",
        "planning",
    ),
    TablePage(
        "architectures",
        "Comparison of architectures",
        "Each epoch of each architecture: training and validation images, time of training "
        "alone, and the measures on the test images.",
        "architectures",
        family="architecture_page",
    ),
]
"""In the order of the report."""
