#!/usr/bin/env python3
"""Compares random rules with a changed copy of themselves, and holds `compare` against the exported rows of both.

usage: compared.py --binary PATH --seeds A..B --kind micro|days [--crowd N]

Rules and events are those of engines.py; in the copy a constant, an operator, the order or a transition is another one. Of
each seed: `-o` names whoever has other rows under the two, and nobody else, with the first instant that differs; and a clause
holds under one side alone. Exit status 1 if any seed differs; the last line counts what the differences were put down to.
"""
import argparse
import collections
import csv
import io
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import engines


def changed(text, chance):
    """The rules with one or two places changed; they may be refused."""
    lines = text.split("\n")
    for _ in range(chance.choice([1, 1, 2])):
        places = [number for number, line in enumerate(lines) if "when:" in line or "within:" in line]
        if not places:
            break
        place = chance.choice(places)
        line, how = lines[place], chance.randrange(6)
        numbers = list(re.finditer(r"\b\d+\b", line))
        if how <= 2 and numbers:
            found = chance.choice(numbers)
            lines[place] = line[: found.start()] + str(max(0, int(found[0]) + chance.choice([-1, 1, 2, 5]))) + line[found.end() :]
        elif how == 3:
            lines[place] = line.replace(">=", ">", 1) if ">=" in line else line.replace("&&", "||", 1)
        elif how == 4 and "id:" in line:
            other = chance.choice([number for number in places if "id:" in lines[number]])
            lines[place], lines[other] = lines[other], line
        elif "id:" in line:
            del lines[place]
    return "\n".join(lines)


def problems(binary, folder, seed, kind, crowd, reasons):
    """What `compare` said wrongly; nil where the rules were refused."""
    run = lambda *arguments: subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True, timeout=600)
    engines.write(seed, kind, folder, crowd)
    rules, other, store, told = (folder / name for name in ("rules.yaml", "other.yaml", "store", "told.ndjson"))
    other.write_text(changed(rules.read_text(encoding="utf-8"), random.Random(seed)), encoding="utf-8")
    at = (folder / "as_of").read_text().strip()
    if run("import", store, folder / "events.ndjson", "-q").returncode > 1:
        return None
    tables = []
    for name, file in (("a", rules), ("b", other)):
        if run("replay", store, "--rules", file, "--view", name, "--as-of", at, "-q").returncode > 1:
            return None
        text = run("export", store, "--view", name, "--table", "transitions", "-o", "-", "-q").stdout
        rows = collections.defaultdict(list)
        for row in csv.DictReader(io.StringIO(text, newline="")):
            rows[row["customer"]].append(tuple(row.values()))
        tables.append(rows)
    a, b = tables
    done = run("compare", store, "--rules", rules, "--rules", other, "--as-of", at, "-o", told, "-q")
    if done.returncode > 1:
        return [f"ended with {done.returncode}: {done.stderr[-300:]}"]
    found = []
    rows = [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines()]
    differing = {row["customer"]: row for row in rows if row["differs"] == "rows"}
    for customer in a.keys() | b.keys():
        left, right = a.get(customer, []), b.get(customer, [])
        if (left != right) != (customer in differing):
            found.append(f"{customer} is told wrongly")
        elif left != right:
            first = next((n for n, pair in enumerate(zip(left, right)) if pair[0] != pair[1]), min(len(left), len(right)))
            instant = min(side[first][1] for side in (left, right) if len(side) > first)
            if differing[customer]["first_difference"] != instant:
                found.append(f"{customer} differs since {instant}, not {differing[customer]['first_difference']}")
    for row in rows:
        reasons[row["why"]] += 1
        if row["why"] == "clause" and (row["holds_a"] == row["holds_b"] or not (row["clause_a"] or row["clause_b"])):
            found.append(f"{row['customer']} has no clause that differs: {row}")
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--seeds", required=True)
    parser.add_argument("--kind", choices=("micro", "days"), default="days")
    parser.add_argument("--crowd", type=int, default=6)
    options = parser.parse_args()
    first, last = map(int, options.seeds.split(".."))
    binary = pathlib.Path(options.binary).resolve()
    reasons, bad, refused = collections.Counter(), 0, 0
    for seed in range(first, last + 1):
        with tempfile.TemporaryDirectory() as place:
            found = problems(binary, pathlib.Path(place), seed, options.kind, options.crowd, reasons)
        refused += found is None
        bad += bool(found)
        for problem in found or []:
            print(f"{options.kind} {seed}: {problem}")
    print(f"{options.kind} {options.seeds}: {bad} differ, {refused} refused; " + ", ".join(f"{count} {name}" for name, count in sorted(reasons.items())))
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
