"""Hold the paper's claims against this run."""

from augcam.files.tables import read_table, write_table
from augcam.paper.claims import check_claims
from augcam.paper.run import Run
from augcam.run.job import job
from augcam.statistics.warnings import nothing_learned

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    names = ("performance", "mean", "maps", "pairs", "segment_tests")
    tables = {name: read_table(files[name]) for name in names}
    run = Run(**tables, **params.study)
    nothing = nothing_learned(read_table(files.warnings))
    withheld = "withheld: the networks learned nothing" if nothing else ""
    write_table(check_claims(run, withheld), *snakemake.output)
