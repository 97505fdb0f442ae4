"""Write the report as one page, and the explorer of its images beside it."""

from pathlib import Path

from augcam.files.atomic import atomic
from augcam.files.checksums import verify
from augcam.page.build import index_page
from augcam.page.explorer import explorer_page
from augcam.report.catalogue import Item
from augcam.results import load
from augcam.run.job import job

with job(snakemake):
    params, files, output = snakemake.params, snakemake.input, snakemake.output
    run = load(Path(output.index).parent)
    verify(files.images, run.stats["checksums"]["images.npy"])
    figures, pages = ([Item(*item) for item in items] for items in (params.figures, params.pages))
    names = {name: Path(output[name]).name for name in ("index", "explorer")}
    texts = {
        "index": index_page(
            run,
            figures,
            pages,
            files.captions,
            files.citation or None,
            names["explorer"],
            params.formats,
            snakemake.threads,
        ),
        "explorer": explorer_page(
            run, **params.explorer, report=names["index"], folder=output.get("parts")
        ),
    }
    for name, text in texts.items():
        with atomic(output[name]) as temporary:
            temporary.write_text(text, encoding="utf-8")
