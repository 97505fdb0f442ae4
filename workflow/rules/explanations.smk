rule explanations:
    input:
        files_of_views("explanations/{view}/{condition}/{state}/cams.npz"),
        targets_files(),
        DATA["stats"],


# With `statistics.targets` three classes are explained in one pass, written beside the one of
# `cam.target`, so that what is compared with the baseline stays as it is.
if not CONFIG.maps:

    rule explain:
        input:
            **DATA,
            network=NETWORK,
            weights=f"{OUT}/models/{{condition}}/{{state}}/weights.safetensors",
            baseline=predictions_of_baseline,
            code=lambda wildcards: network_code("explain", architecture_of(wildcards)),
        output:
            **({"targets": f"{EXPLANATIONS}/targets.npz"} if CONFIG.statistics.targets else {}),
            cams=f"{EXPLANATIONS}/cams.npz",
            predictions=f"{EXPLANATIONS}/predictions.parquet",
        log:
            f"{OUT}/logs/explain/{{condition}}/{{state}}.log",
        benchmark:
            f"{OUT}/benchmarks/explain/{{condition}}/{{state}}.tsv"
        conda:
            ENVIRONMENT
        threads: CONFIG.training.threads
        resources:
            gpu=gpus(),
            jobs_per_gpu=CONFIG.execution.jobs_per_gpu,
            device=CONFIG.execution.device,
            mem_mb=growing(6000),
            runtime=growing(240),
        params:
            **normalisation(),
            network=lambda wildcards: network(architecture_of(wildcards)),
            input_size=CONFIG.model.input_size,
            cam=section("cam"),
            threads=CONFIG.training.threads,
        message:
            "Explaining {wildcards.condition}, state {wildcards.state}"
        script:
            "../scripts/explain.py"
