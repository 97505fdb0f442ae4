"""Draw boxplots and correlation maps of all metrics."""

from augcam.entries import metric_named
from augcam.files.tables import read_table
from augcam.report.charts import correlation_map, metric_boxplot
from augcam.report.style import save_figures
from augcam.run.job import job


def drawn(mean, maps, metrics, conditions, outliers):
    for metric in metrics:
        yield f"boxplot_{metric}", metric_boxplot(mean, metric, conditions, outliers)
        yield f"correlation_map_{metric}", correlation_map(maps, metric, conditions)
        if metric_named(metric).linear_below is not None:
            linear = metric_boxplot(mean, metric, conditions, outliers, linear=True)
            yield f"boxplot_{metric}_linear", linear


with job(snakemake.log[0]):
    params, files = snakemake.params, snakemake.input
    mean, maps = read_table(files.mean), read_table(files.maps)
    save_figures(
        drawn(mean, maps, params.metrics, params.compared, params.figures["outliers"]),
        snakemake.output,
        params.figures["dpi"],
    )
