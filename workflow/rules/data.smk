# A checkpoint, so that Snakemake looks again once it has run: what else has to be done is decided by
# the content of `stats.json`. After a rule, everything that follows would run.
checkpoint prepare_data:
    input:
        source=with_check(data_files()),
        code=code("prepare_data"),
    output:
        **({"masks": MASKS} if MASKS else {}),
        images=f"{OUT}/data/images.npy",
        index=f"{OUT}/data/index.parquet",
        order=f"{OUT}/data/order.npy",
        stats=f"{OUT}/data/stats.json",
        report=f"{OUT}/data/report.parquet",
        notes=NOTES,
    log:
        f"{OUT}/logs/prepare_data.log",
    benchmark:
        f"{OUT}/benchmarks/prepare_data.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        dataset=section("dataset"),
        split=section("split"),
        fit=CONFIG.model.fit,
        copies=CONFIG.training.copies,
        listing=lambda wildcards: data_listing(),  # not before it is asked for
    message:
        "Reading the images of '{params.dataset[name]}' into one store"
    script:
        "../scripts/prepare_data.py"


# Where starting states vary the order, or which images train.
rule draw_order:
    input:
        index=DATA["index"],
        stats=DATA["stats"],
        code=code("draw_order"),
    output:
        f"{OUT}/data/order/{{state}}.npz",
    log:
        f"{OUT}/logs/draw_order/{{state}}.log",
    benchmark:
        f"{OUT}/benchmarks/draw_order/{{state}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        split=section("split"),
        state=lambda wildcards: int(wildcards.state),
        varied=[source for source in ("order", "split") if CONFIG.varies(source)],
        copies=CONFIG.training.copies,
        groups=["group"] if CONFIG.dataset.group else [],
    message:
        "Drawing the training order of state {wildcards.state}"
    script:
        "../scripts/draw_order.py"
