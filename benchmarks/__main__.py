"""Run benchmarks by name (all by default), write their results and the table."""

import argparse
from importlib.util import find_spec

from augcam.run.provenance import hardware
from benchmarks.harness import benchmarks
from benchmarks.table import save, section, write_table


def main() -> None:
    known = benchmarks()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help="a benchmark, or how it begins")
    parser.add_argument("--full", action="store_true", help="larger sizes, more rounds")
    parser.add_argument("--rounds", type=int, help="rounds instead of the mode's own")
    parser.add_argument("--list", action="store_true", help="list the benchmarks and stop")
    parser.add_argument("--dry", action="store_true", help="print the results, write nothing")
    arguments = parser.parse_args()
    prefixes = tuple(arguments.names) or ("",)
    chosen = [benchmark for name, benchmark in known.items() if name.startswith(prefixes)]
    if not chosen:
        parser.error(f"no benchmark begins with {' or '.join(prefixes)}; there are: {[*known]}.")
    for benchmark in chosen:
        if arguments.list:
            print(f"{benchmark.name:32} {benchmark.title}")
            continue
        if getattr(benchmark, "device", "cpu") == "cuda" and not hardware()["gpus"]:
            print(f"{benchmark.name}: left out, there is no GPU here", flush=True)
            continue
        missing = [name for name in getattr(benchmark, "optional", ()) if not find_spec(name)]
        if missing:
            print(f"{benchmark.name}: left out, {missing[0]} is not installed", flush=True)
            continue
        result = benchmark.run(arguments.full, arguments.rounds)
        print(section(result), flush=True)
        if not arguments.dry:
            save(result)
            write_table()


if __name__ == "__main__":
    main()
