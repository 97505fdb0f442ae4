localrules:
    estimate,


# It has no output: it is done whenever it is asked for.
rule estimate:
    input:
        **DATA,
        **({"views": NETWORK_OF_VIEWS} if FURTHER_VIEWS else {}),
        network=f"{OUT}/models/network.json",
        initial=f"{OUT}/models/initial.safetensors",
    log:
        f"{OUT}/logs/estimate.log",
    conda:
        ENVIRONMENT
    threads: lambda wildcards: workflow.cores
    resources:
        gpu=gpus(),
        device=CONFIG.execution.device,
    params:
        config=CONFIG.model_dump(mode="json"),
        gpu_limit=gpu_limit(),
    message:
        "Measuring this machine for half a minute"
    script:
        "../scripts/estimate.py"
