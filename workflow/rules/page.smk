# The report that people read, and the explorer beside it: one file each, which need nothing else.


rule page:
    input:
        tables=[file for file in [*every_table(), *every_statistic()] if file.endswith(".parquet")],
        figures=[file for file in every_figure() if file.endswith(".png")],
        provenance=f"{OUT}/provenance.json",
        images=DATA["images"],
        index=DATA["index"],
        stats=DATA["stats"],
        masks=MASKS or [],
        cams=files_of_views("explanations/{view}/{condition}/{state}/cams.npz"),
        predictions=files_of_views("explanations/{view}/{condition}/{state}/predictions.parquet"),
        similarity=files_of_views("similarity/{view}/{condition}/{state}.parquet", CONFIG.compared),
        scores=files_of_views("scores/{view}/{condition}/{state}.parquet") if SCORE_TABLES else [],
        faithfulness=faithfulness_files(VIEWS),
        citation=CITATION,
        captions=captions(),
        code=[*code("page"), *templates("page/templates", "page/static")],
    output:
        **({"parts": directory(f"{OUT}/explorer_parts")} if CONFIG.explorer.files else {}),
        index=f"{OUT}/index.html",
        explorer=f"{OUT}/explorer.html",
    log:
        f"{OUT}/logs/page.log",
    benchmark:
        f"{OUT}/benchmarks/page.tsv"
    conda:
        ENVIRONMENT
    threads: 4  # the last job of a run: other cores are idle
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        called=CALLED,
        figures=[list(item) for item in FIGURES if item.family != "architectures"],
        pages=[list(item) for item in PAGES if item.family == "pages"],
        formats=CONFIG.figures.formats,
        explorer=section("explorer", "images", "seed"),
    message:
        "Writing index.html and the explorer"
    script:
        "../scripts/page.py"
