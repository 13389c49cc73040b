#!/usr/bin/env python3
"""Compares a binary with the reference model over many seeds.

usage: campaign.py --binary PATH --seeds A..B --kind micro|days [-j 2] [--keep DIR] [--threads N]

Each seed is one line: `same`, `refused` (the program does not take the rules) or what differs. The files of a seed
that is not the same stay in DIR. Exit status 1 if anything differs or the program failed, refused rules apart.
"""
import argparse
import collections
import csv
import io
import json
import multiprocessing
import pathlib
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True

from events import read_events
from expressions import parse_time
from generate import generate
from reference import UNKNOWN, as_of_time, differences, evaluate, read_table
from rules import Rules

KINDS = ("fact", "alias", "identity", "transition", "stage", "segment")
TIMEOUT_SECONDS = 300


class Failed(Exception):
    """A command of the program that ended as it must not."""


def command(binary, *arguments, allowed=(0,)):
    try:
        done = subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        raise Failed(f"{arguments[0]} took more than {TIMEOUT_SECONDS} s") from None
    if done.returncode not in allowed:
        raise Failed(f"{arguments[0]} ended with {done.returncode}: {done.stderr.strip()[-600:]}")
    return done


def added_up(faults):
    """Counts by (kind, name), added up over reasons."""
    found = collections.Counter()
    for fault in faults:
        for kind in KINDS:
            if kind in fault:
                found[kind, fault[kind] if kind != "identity" else ""] += fault["count"]
    return dict(found)


def run_binary(binary, folder, threads):
    """(transitions, customers, faults, segments) as the program computes them; rows are dictionaries."""
    store, rules, at = str(folder / "store"), str(folder / "rules.yaml"), (folder / "as_of").read_text().strip()
    command(binary, "import", store, str(folder / "events.ndjson"), allowed=(0, 1))
    extra = ["--threads", str(threads)] if threads else []
    done = command(binary, "replay", store, "--rules", rules, "--as-of", at, "--format", "json",
                   "--fold-engine", "both", *extra, allowed=(0, 1))
    if not done.stdout.strip():
        raise Failed(f"replay printed no summary and ended with {done.returncode}: {done.stderr.strip()[-600:]}")
    summary = json.loads(done.stdout.splitlines()[-1])
    tables = []
    for table in ("transitions", "customers", "segments"):
        text = command(binary, "export", store, "--table", table, "-o", "-", "--format", "csv").stdout
        (folder / f"{table}.csv").write_text(text, encoding="utf-8")
        tables.append(list(csv.DictReader(io.StringIO(text, newline=""))))
    spells = [row for row in tables[2] if row["cause"]]  # the others are those of segments that read the population
    return tables[0], tables[1], added_up(summary.get("faults", [])), spells


def fault_lines(want, got):
    keys = sorted(set(want) | set(got))
    return [f"fault {kind} {name}: {want.get((kind, name), 0)} expected, {got.get((kind, name), 0)} found"
            for kind, name in keys if want.get((kind, name), 0) != got.get((kind, name), 0)]


def compare(expected, found):
    """(what differs, lines) in the order of weight."""
    lines, labels = [], []
    without = lambda rows: [{k: v for k, v in row.items() if k not in ("event_id", "position")} for row in rows]
    rows = differences(expected[0], found[0]) if expected[0] or found[0] else []
    if rows:
        labels.append("transitions" if differences(without(expected[0]), without(found[0])) else "anchors")
        lines += rows
    rows = differences(expected[1], found[1]) if expected[1] else [f"+ {row}" for row in found[1]]
    if rows:
        columns = [c for a, b in zip(expected[1], found[1]) for c in a if a[c] != b.get(c) and a[c] != UNKNOWN]
        labels.append(f"customers ({', '.join(sorted(set(columns)))})" if columns else "customers")
        lines += rows
    rows = fault_lines(expected[2], found[2])
    if rows:
        labels.append("faults")
        lines += rows
    rows = differences(expected[3], found[3]) if expected[3] else [f"+ {row}" for row in found[3]]
    if rows:
        labels.append("segments")
        lines += rows
    return labels, lines


def instants_of(tables):
    """Every instant that the program's rows name."""
    found = {parse_time(row.get(c) or "") for rows in tables for row in rows for c in ("at", "since", "next_at", "parked_at", "from", "to")}
    return found - {None}


def one(task):
    """(seed, verdict, labels, lines, counts) of one seed."""
    binary, seed, kind, keep, threads = task
    folder = keep / f"{kind}-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    generate(seed, kind, folder)
    counts = collections.Counter()
    started = time.time()
    try:
        rules = Rules((folder / "rules.yaml").read_text(encoding="utf-8"))
        events, at = read_events(folder / "events.ndjson"), as_of_time((folder / "as_of").read_text().strip())
        check = subprocess.run([binary, "check", str(folder / "rules.yaml")], capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
        if check.returncode == 1:
            return seed, "refused", [], (check.stderr + check.stdout).strip().splitlines()[:3], counts
        found = run_binary(binary, folder, threads)
        expected = evaluate(rules, events, at)
        labels, lines = compare(expected, found)
        if labels:  # perhaps the plan of instants has a gap: try those that the program found as well
            again = evaluate(rules, events, at, also=instants_of((found[0], found[1], found[3])))
            if again != expected:
                counts["plan gaps"] += 1
                labels, lines = compare(again, found)
    except (Failed, ValueError, KeyError, TypeError, OSError) as error:
        return seed, "failed", [type(error).__name__], str(error).splitlines()[-6:], counts
    counts.update(rows=len(found[0]), spells=len(found[3]), timers=sum(row["cause"] == "timer" for row in found[0]), customers=len(found[1]),
                  parked=sum(bool(row["parked_at"]) for row in found[1]), seconds=round(time.time() - started))
    if not labels:
        shutil.rmtree(folder)
        return seed, "same", [], [], counts
    (folder / "difference.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return seed, "differs", labels, lines, counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--seeds", required=True, help="A..B, both included")
    parser.add_argument("--kind", choices=("micro", "days"), required=True)
    parser.add_argument("-j", type=int, default=2, help="processes")
    parser.add_argument("--keep", default="campaign-differences", help="folder for the files of seeds that differ")
    parser.add_argument("--threads", type=int, default=0, help="--threads of replay")
    parser.add_argument("--lines", type=int, default=8, help="lines of a difference that are printed")
    parser.add_argument("--show-refused", action="store_true")
    options = parser.parse_args()
    first, last = (int(part) for part in options.seeds.split(".."))
    keep = pathlib.Path(options.keep)
    keep.mkdir(parents=True, exist_ok=True)
    tasks = [(options.binary, seed, options.kind, keep, options.threads) for seed in range(first, last + 1)]
    verdicts, kinds, total = collections.Counter(), collections.Counter(), collections.Counter()
    with multiprocessing.Pool(options.j) as pool:
        for seed, verdict, labels, lines, counts in pool.imap(one, tasks):
            verdicts[verdict] += 1
            kinds.update(label.split(" (")[0] for label in labels)
            total.update(counts)
            if verdict in ("differs", "failed") or (verdict == "refused" and options.show_refused):
                print(f"seed {seed}: {verdict} {', '.join(labels)}", flush=True)
                print("\n".join(f"    {line}" for line in lines[: options.lines]), flush=True)
            if verdict == "refused":
                shutil.rmtree(keep / f"{options.kind}-{seed}", ignore_errors=True)
    print(f"{options.kind} {options.seeds}: " + ", ".join(f"{count} {name}" for name, count in sorted(verdicts.items())))
    print("refused: %.0f %%" % (100 * verdicts["refused"] / len(tasks)))
    print("in those compared: " + ", ".join(f"{count} {name}" for name, count in sorted(total.items())))
    if kinds:
        print("differ in: " + ", ".join(f"{name} {count}" for name, count in kinds.most_common()))
    sys.exit(1 if verdicts["differs"] or verdicts["failed"] else 0)


if __name__ == "__main__":
    main()
