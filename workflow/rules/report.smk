rule report_pages:
    input:
        page_files("pages"),
        DATA["stats"],


rule write_pages:
    input:
        provenance=f"{OUT}/provenance.json",
        warnings=f"{OUT}/tables/warnings.parquet",
        start=REPORT_TEXT,
        tables=[
            f"{OUT}/tables/{item.name}.parquet"
            for item in PAGES
            if item.family == "pages" and item.name != "summary"
        ],
        code=[*code("write_pages"), *templates()],
    output:
        START_PAGE,
        pages("pages"),
    log:
        f"{OUT}/logs/write_pages.log",
    benchmark:
        f"{OUT}/benchmarks/write_pages.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    message:
        "Writing the report's pages"
    script:
        "../scripts/write_pages.py"
