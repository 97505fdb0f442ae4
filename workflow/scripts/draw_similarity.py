"""Draw boxplots and correlation maps of all metrics."""

from augcam.files.tables import read_table
from augcam.report.charts import correlation_map, metric_boxplot
from augcam.report.style import save_figures
from augcam.run.job import job


def drawn(mean, maps, metrics, conditions, outliers):
    for metric in metrics:
        yield f"boxplot_{metric}", metric_boxplot(mean, metric, conditions, outliers)
        yield f"correlation_map_{metric}", correlation_map(maps, metric, conditions)
        if metric == "class_kld":
            linear = metric_boxplot(mean, metric, conditions, outliers, linear=True)
            yield "boxplot_class_kld_linear", linear


with job(snakemake.log[0]):
    params, files = snakemake.params, snakemake.input
    mean, maps = read_table(files.mean), read_table(files.maps)
    save_figures(
        drawn(mean, maps, params.metrics, params.compared, params.figures["outliers"]),
        snakemake.output,
        params.figures["dpi"],
    )
