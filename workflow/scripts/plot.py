"""Draw performance bars, boxplots and correlation maps."""

from pathlib import Path

from augcam import figures
from augcam.config import MEASURES
from augcam.files import read_table
from augcam.jobs import job

with job(snakemake.log[0]):
    params, files = snakemake.params, snakemake.input
    performance, mean, maps = map(read_table, (files.performance, files.mean, files.maps))
    style = params.figures
    drawn = {}
    for measure in MEASURES:
        drawn[f"performance_{measure}"] = figures.performance_bars(
            performance, measure, params.conditions, tuple(params.reference)
        )
    for metric in params.metrics:
        drawn[f"boxplot_{metric}"] = figures.metric_boxplot(
            mean, metric, params.compared, style["outliers"]
        )
        drawn[f"correlation_map_{metric}"] = figures.correlation_map(maps, metric, params.compared)
    for path in (*snakemake.output.png, *snakemake.output.pdf):
        figures.save(drawn[Path(path).stem], path, dpi=style["dpi"])
