rule tables:
    input:
        every_table(),


rule performance:
    input:
        predictions=model_files("explanations/{condition}/{state}/predictions.parquet"),
        stats=DATA["stats"],
        code=code("performance"),
    output:
        table("performance"),
    log:
        f"{OUT}/logs/performance.log",
    benchmark:
        f"{OUT}/benchmarks/performance.tsv"
    conda:
        "../../envs/augcam.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        models=CONFIG.models,
    message:
        "Measuring the performance of {params.models}"
    script:
        "../scripts/performance.py"


rule aggregate:
    input:
        similarity=model_files("similarity/{condition}/{state}.parquet", CONFIG.compared),
        code=code("aggregation"),
    output:
        **{name: table(name) for name in MEAN_TABLES},
    log:
        f"{OUT}/logs/aggregate.log",
    benchmark:
        f"{OUT}/benchmarks/aggregate.tsv"
    conda:
        "../../envs/augcam.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        models=CONFIG.compared,
        metrics=CONFIG.similarity.metrics,
    message:
        "Averaging over starting states and correlating augmentations"
    script:
        "../scripts/aggregate.py"


rule count_pairs:
    input:
        maps=f"{OUT}/tables/correlation_maps.parquet",
        code=code("aggregation"),
    output:
        table("pair_counts"),
    log:
        f"{OUT}/logs/count_pairs.log",
    benchmark:
        f"{OUT}/benchmarks/count_pairs.tsv"
    conda:
        "../../envs/augcam.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        augmentations=CONFIG.augmentations,
        pair_k=CONFIG.analysis.pair_k,
    message:
        "Counting the {params.pair_k} strongest and weakest pairs of each correlation map"
    script:
        "../scripts/count_pairs.py"


rule provenance:
    input:
        histories=model_files("models/{condition}/{state}/history.parquet"),
        network=f"{OUT}/models/network.json",
        stats=DATA["stats"],
        excluded=f"{OUT}/tables/excluded_values.parquet",
        code=code("provenance"),
    output:
        f"{OUT}/provenance.json",
    log:
        f"{OUT}/logs/provenance.log",
    benchmark:
        f"{OUT}/benchmarks/provenance.tsv"
    conda:
        "../../envs/augcam.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        config=CONFIG.model_dump(mode="json"),
        models=CONFIG.models,
    message:
        "Recording what was run"
    script:
        "../scripts/provenance.py"
