"""What everything is called: names in files, and names for people."""

MEASURES = ("accuracy", "precision", "recall", "f1")


METRICS = (
    "mad",
    "msd",
    "pearson",
    "spearman",
    "overlap_20",
    "overlap_10",
    "overlap_5",
    "class_kld",
)


CONTROLS = ("none", "identity")


PAPER_ARCHITECTURES = ("efficientnet_b0", "resnet18", "densenet121")


SMALL_ARCHITECTURES = ("resnet20", "resnet32", "resnet44")


NAMES = {
    "affine": "Affine",
    "cutmix": "CutMix",
    "colorjitter": "Colour jitter",
    "elastic": "Elastic",
    "equalize": "Equalise",
    "gaussblur": "Gaussian blur",
    "randcrop": "Random crop",
    "none": "None",
    "identity": "Identity",
    "accuracy": "Accuracy",
    "precision": "Precision (macro)",
    "recall": "Recall (macro)",
    "f1": "F1 score (macro)",
    "time": "Training time",
    "mad": "Mean absolute difference",
    "msd": "Mean squared difference",
    "pearson": "Pearson correlation",
    "spearman": "Spearman correlation",
    "class_kld": "Class-prediction KLD",
    "both_right": "Both right",
    "only_baseline": "Only baseline right",
    "only_augmented": "Only augmented right",
    "both_wrong": "Both wrong",
    "highest_mean": "Highest mean",
    "highest_std": "Highest standard deviation",
    "lowest_mean": "Lowest mean",
    "efficientnet_b0": "EfficientNet-B0",
    "densenet121": "DenseNet-121",
}
"""Names for people, by the names used in files."""


EXTREMES = ("highest_mean", "highest_std", "lowest_mean")


def display_name(name: str) -> str:
    """The name for people of a condition, measure, metric, segment or architecture."""
    if name.startswith("overlap_"):
        return f"Overlap rate, top {name.removeprefix('overlap_')} %"
    if name.startswith("resnet") and name[6:].isdigit():
        return f"ResNet-{name[6:]}"
    return NAMES.get(name, name)
