"""Draw boxplots and correlation maps of all metrics."""

from augcam.figures import correlation_map, metric_boxplot
from augcam.files import read_table
from augcam.jobs import job
from augcam.style import save_figures


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
