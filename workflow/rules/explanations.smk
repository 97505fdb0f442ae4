rule explanations:
    input:
        model_files("explanations/{condition}/{state}/cams.npz"),
        targets_files(),


# With `statistics.targets` three classes are explained in one pass, written beside the one of
# `cam.target`, so that what is compared with the baseline stays as it is.
rule explain:
    input:
        **DATA,
        network=f"{OUT}/models/network.json",
        weights=f"{OUT}/models/{{condition}}/{{state}}/weights.safetensors",
        baseline=baseline_predictions,
        code=code("explanations", "models"),
    output:
        **TARGETS,
        cams=f"{OUT}/explanations/{{condition}}/{{state}}/cams.npz",
        predictions=f"{OUT}/explanations/{{condition}}/{{state}}/predictions.parquet",
    log:
        f"{OUT}/logs/explain/{{condition}}/{{state}}.log",
    benchmark:
        f"{OUT}/benchmarks/explain/{{condition}}/{{state}}.tsv"
    conda:
        "../../envs/augcam.yaml"
    threads: CONFIG.training.threads
    resources:
        gpu=gpus(),
        jobs_per_gpu=CONFIG.execution.jobs_per_gpu,
        device=CONFIG.execution.device,
        mem_mb=6000,
        runtime=240,
    params:
        network=network(),
        input_size=CONFIG.model.input_size,
        cam=section("cam"),
        threads=CONFIG.training.threads,
    message:
        "Explaining {wildcards.condition}, state {wildcards.state}"
    script:
        "../scripts/explain.py"
