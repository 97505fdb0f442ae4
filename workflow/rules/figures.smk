rule figures:
    input:
        every_figure(),


rule plot:
    input:
        performance=f"{OUT}/tables/performance.parquet",
        mean=f"{OUT}/tables/similarity_mean.parquet",
        maps=f"{OUT}/tables/correlation_maps.parquet",
        code=code("figures"),
    output:
        png=[
            report(
                f"{OUT}/figures/{name}.png",
                caption=f"../report/{family}.rst",
                category=FAMILY_TITLES[family],
                labels=labels,
            )
            for family, names in figure_names().items()
            for name, labels in names.items()
        ],
        pdf=[f"{OUT}/figures/{name}.pdf" for names in figure_names().values() for name in names],
    log:
        f"{OUT}/logs/plot.log",
    benchmark:
        f"{OUT}/benchmarks/plot.tsv"
    conda:
        "../../envs/augcam.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        figures=section("figures"),
        metrics=CONFIG.similarity.metrics,
        conditions=CONFIG.conditions,
        compared=list(dict.fromkeys(condition for condition, _ in CONFIG.compared)),
        reference=CONFIG.reference,
    message:
        "Drawing the figures"
    script:
        "../scripts/plot.py"
