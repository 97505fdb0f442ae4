rule similarity:
    input:
        files_of_views("similarity/{view}/{condition}/{state}.parquet", CONFIG.compared),
        DATA["stats"],


rule compare:
    input:
        baseline=explained(REFERENCE_CONDITION, REFERENCE_STATE, "{view}"),
        others=explained("{condition}", "{state}", "{view}"),
        code=code("compare"),
    output:
        f"{OUT}/similarity/{{view}}/{{condition}}/{{state}}.parquet",
    log:
        f"{OUT}/logs/compare/{{view}}/{{condition}}/{{state}}.log",
    benchmark:
        f"{OUT}/benchmarks/compare/{{view}}/{{condition}}/{{state}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2000),
        runtime=growing(120),
    params:
        similarity=section("similarity"),
        input_size=CONFIG.model.input_size,
    message:
        "Comparing {wildcards.condition}, state {wildcards.state}, with the baseline ({wildcards.view})"
    script:
        "../scripts/compare.py"
