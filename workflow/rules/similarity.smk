rule similarity:
    input:
        model_files("similarity/{condition}/{state}.parquet", CONFIG.compared),


rule compare:
    input:
        baseline_cams=f"{OUT}/explanations/{REFERENCE_CONDITION}/{REFERENCE_STATE}/cams.npz",
        baseline_predictions=f"{OUT}/explanations/{REFERENCE_CONDITION}/{REFERENCE_STATE}/predictions.parquet",
        cams=f"{OUT}/explanations/{{condition}}/{{state}}/cams.npz",
        predictions=f"{OUT}/explanations/{{condition}}/{{state}}/predictions.parquet",
        code=code("similarity"),
    output:
        f"{OUT}/similarity/{{condition}}/{{state}}.parquet",
    log:
        f"{OUT}/logs/compare/{{condition}}/{{state}}.log",
    benchmark:
        f"{OUT}/benchmarks/compare/{{condition}}/{{state}}.tsv"
    conda:
        "../../envs/augcam.yaml"
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        similarity=section("similarity"),
        input_size=CONFIG.model.input_size,
    message:
        "Comparing {wildcards.condition}, state {wildcards.state}, with the baseline"
    script:
        "../scripts/compare.py"
