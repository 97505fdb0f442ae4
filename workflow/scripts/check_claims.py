"""Hold the paper's claims against this run."""

from augcam.files.tables import read_table, write_table
from augcam.paper.claims import check_claims
from augcam.paper.run import Run
from augcam.run.job import job

with job(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    names = ("performance", "mean", "maps", "pairs", "segment_tests")
    tables = {name: read_table(files[name]) for name in names}
    run = Run(**tables, augmentations=params.augmentations, reference=tuple(params.reference))
    write_table(check_claims(run), *snakemake.output)
