"""Draw every metric by segment, one by one and at a glance."""

from augcam.files.tables import read_table
from augcam.paper.segments import by_condition, segment_values
from augcam.report.charts import segment_boxplot, segments_overview
from augcam.report.style import save_figures
from augcam.run.job import job


def drawn(tables, summary, tests, metrics, conditions):
    yield "segments_overview", segments_overview(summary, tests, metrics, conditions)
    for condition, pooled in by_condition(tables):
        for metric in metrics:
            values = segment_values(pooled, metric)
            yield f"segments_{metric}_{condition}", segment_boxplot(values, metric, condition)


with job(snakemake.log[0]):
    params, files = snakemake.params, snakemake.input
    models = [tuple(model) for model in params.models]
    tables = {model: read_table(path) for model, path in zip(models, files.similarity)}
    summary, tests = read_table(files.summary), read_table(files.tests)
    save_figures(
        drawn(tables, summary, tests, params.metrics, params.compared),
        snakemake.output,
        params.dpi,
    )
