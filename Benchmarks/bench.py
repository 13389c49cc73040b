"""`make bench`: this program beside what others have, on the same file, in one run, answers compared.

usage: bench.py --binary PATH --store-benchmark PATH [--events N] [--report FILE] [--lifetimes PYTHON] …

Ends with 1 where a budget of instructions an event is exceeded by 10 %, or where an answer differs.
"""
import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import commands
import folding
import growth
import instructions
import values
from measure import Peer, run
from report import Report, machine
from shop import Shop

HEAD = ["what", "time", "a second", "beside", "ratio"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--store-benchmark", help="the program of Benchmarks/Store; needed unless only instructions are counted")
    parser.add_argument("--events", type=int, default=10_000_000, help="events of the largest log; others have a tenth and a fiftieth")
    parser.add_argument("--rounds", type=int, default=3, help="of each replay and query that are held against each other")
    parser.add_argument("--report", type=Path, help="the file whose measured part is replaced")
    parser.add_argument("--lifetimes", help="a Python that has the library `lifetimes`; without it values are left out")
    parser.add_argument("--customers", type=int, default=1_000_000, help="customers whose value is fitted")
    parser.add_argument("--models", nargs="*", default=["mbg_nbd"], help="bg_nbd, mbg_nbd, pareto_nbd, bg_bb")
    parser.add_argument("--folder", type=Path, help="where files and stores are made, and left behind; a temporary folder otherwise")
    parser.add_argument("--no-instructions", action="store_true", help="counts none, which takes two minutes")
    parser.add_argument("--instructions-only", action="store_true")
    parser.add_argument("--set-budgets", action="store_true", help="makes the instructions that are counted the budgets")
    return parser.parse_args()


def measure(options, folder, report):
    """All tables, in their order; returns what exceeds a budget."""
    binary, count = options.binary, options.events
    sizes = [count // 50, count // 10, count]
    shop = Shop(binary, folder, count).make()
    report.section("Replay, beside what others have")
    with Peer("duckdb", shop.file) as duckdb:
        work = commands.imports(report, shop, duckdb)
        report.say(f"{count:,} events of a made-up shop, {shop.file.stat().st_size / count:.0f} bytes a line. A replay is a cold process from the stored log "
                   "to a synced view that readers are switched to, with the facts of each customer, the anchor of each row and an output root; DuckDB's "
                   "queries make their rows in memory, from a table in memory. Under `six-transitions.yaml` the rows are the same, row for row. Best of "
                   f"{options.rounds}, in turn, two threads each.\n")
        best = folding.beside_duckdb(report, shop, duckdb, options.rounds)
        report.say(f"\nLoading: DuckDB took {duckdb.load_seconds:.2f} s for its table of five columns; the import that a replay starts from stands below.\n")
        work += commands.verify(report, shop)
        work += commands.derived(report, shop, options.rounds, duckdb)
        work += commands.cold(report, shop, duckdb)
        versions = [run(binary, "--version").output.strip(), duckdb.version]
    report.say("")
    versions += folding.others(report, binary, folder, {"polars": count, "sqlite": sizes[1], "eventsourcing": min(20_000, count // 40)})
    report.say("")
    folding.both_folds(report, Shop(binary, folder, sizes[1]))
    versions.append(commands.reading(report, shop, best["six-transitions"]))
    report.section("Other commands")
    report.table(HEAD, work)
    report.section("Growth and size")
    growth.table(report, binary, folder, sizes)
    report.section("What trust costs")
    commands.trust(report, shop, options.store_benchmark)
    report.section("Customer values")
    if options.lifetimes:
        values.table(report, binary, folder, options.lifetimes, options.customers, options.models)
    else:
        report.say("Not measured: no Python with `lifetimes` was named.")
    return [] if options.no_instructions else count_instructions(options, folder, report), versions


def count_instructions(options, folder, report):
    report.section("Instructions", f"Of one more event, between a log of {instructions.SMALL:,} and one of {instructions.LARGE:,} events, by callgrind, one thread.")
    return instructions.table(report, options.binary, folder, options.set_budgets)


def conclude(report, options, versions):
    """What leads the page: the machine, where this program loses, and goals."""
    found, report.lines = report.lines, []
    report.say(f"`make bench EVENTS={options.events}`\n")
    report.table(["machine", ""], machine() + [("versions", ", ".join(versions))])
    report.section("Where others are faster")
    for loss in report.losses or ["nowhere in this run"]:
        report.say(f"- {loss}")
    report.section("Goals")
    report.table(["work", "measured", "goal", "met"], [[goal.work, goal.figure, goal.goal, "yes" if goal.is_met else "**no**"] for goal in report.goals])
    report.lines += found


def main():
    options = arguments()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    report = Report()
    try:
        if options.instructions_only:
            exceeded = count_instructions(options, folder, report)
        else:
            exceeded, versions = measure(options, folder, report)
            conclude(report, options, versions)
            if options.report:
                report.write(options.report)
    finally:
        if not options.folder:
            shutil.rmtree(folder, ignore_errors=True)
    for line in exceeded:
        print(f"error[budget]: {line}", file=sys.stderr)
    sys.exit(1 if exceeded else 0)


main()
