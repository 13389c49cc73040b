#!/usr/bin/env python3
"""Counts how many answers of `explain` hold when they are tried as events of customers of their own.

usage: why.py EVENTS.ndjson RULES... [--binary PATH] [--customers 200] [--seed 1] [--work DIR]

For random customers every transition's minimal evidence, and every way to every stage that they are not in, becomes a set of
made-up customers: one with exactly the events that were told, and one for each of them left out. All are imported into a store of
their own and replayed, by the engine that folds whole logs, and the rows are held against what was told. Exit status 1: one differs.
"""
import argparse
import csv
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

COLUMNS = ("at", "from", "to", "transition", "cause", "event_id")


def run(binary, *arguments):
    done = subprocess.run([binary, *map(str, arguments), "-q"], capture_output=True, text=True)
    if done.returncode > 1:
        sys.exit(f"{' '.join(map(str, arguments))}: {done.stderr}")
    return done.stdout


def table(binary, store, name):
    return list(csv.DictReader(run(binary, "export", store, "--table", name, "-o", "-").splitlines()))


class Trials:
    """Made-up customers, and what has to come of each."""

    def __init__(self):
        self.lines = []
        self.claims = []
        self.count = 0

    def customer(self, name, events, moment=None):
        """Adds a copy of some events of a customer and its other subjects; its name."""
        self.count += 1
        subjects = {event["subject"] for event in events} | {name}
        for number, event in enumerate(events):
            text = json.dumps(event)
            for subject in subjects:
                text = text.replace(json.dumps(subject), json.dumps(f"{subject}/{self.count}"))
            copy = json.loads(text)
            copy["source"] = f"trial/{self.count}"
            if moment and event.get("source") == "what-if":
                copy["time"] = moment
            self.lines.append(json.dumps(copy))
        return f"{name}/{self.count}"

    def claim(self, kind, customer, holds):
        self.claims.append((kind, customer, holds))


def without(events, index):
    return events[:index] + events[index + 1 :]


def ask(binary, store, name, trials, counts, seconds):
    history = [json.loads(line) for line in run(binary, "history", store, name, "--format", "ndjson").splitlines()]
    by_position = {step["position"]: step["event"] for step in history if step["kind"] == "event"}
    everything = list(by_position.values())
    rows = [step for step in history if step["kind"] == "transition"]
    for row in rows:
        if any(other["at"] == row["at"] and other["to"] == row["to"] and other is not row for other in rows):
            continue
        told = explain(binary, store, name, seconds, "--at", row["at"], "--to", row["to"])
        minimal = told["minimal"]
        events = [by_position[event["position"]] for event in minimal["events"]]
        counts["transitions"] += 1
        counts["smallest"] += minimal["smallest"]
        wanted = tuple(str(told["transition"][column] or "") for column in COLUMNS)
        trials.claim("minimal", trials.customer(name, events), lambda found, wanted=wanted: wanted in found)
        for index in range(len(events)) if minimal["irreducible"] and len(events) > 1 else ():
            trials.claim(
                "minimal, one left out",
                trials.customer(name, without(events, index)),
                lambda found, wanted=wanted: wanted not in found,
            )
    return everything


def explain(binary, store, name, seconds, *options):
    start = time.perf_counter()
    told = json.loads(run(binary, "explain", store, name, "--format", "json", *options))
    seconds.append(time.perf_counter() - start)
    return told


def ask_why_not(binary, store, name, stages, everything, trials, counts, seconds):
    for stage in stages:
        told = explain(binary, store, name, seconds, "--why-not", stage)
        if told["is_there"]:
            continue
        counts["goals"] += 1
        counts["goals with a way"] += bool(told["ways"])
        for way in told["ways"]:

            def reaches(found, stage=stage, way=way):
                return any(row[2] == stage and way["at"] <= row[0] <= way["reached"] for row in found)

            def exactly(found, stage=stage, way=way):
                return any(row[2] == stage and row[0] == way["reached"] for row in found)

            trials.claim("way", trials.customer(name, everything + way["events"]), exactly)
            for index in range(len(way["events"])) if way["tight"] else ():
                trials.claim(
                    "way, one left out",
                    trials.customer(name, everything + without(way["events"], index)),
                    lambda found, reaches=reaches: not reaches(found),
                )
            if way["until"]:
                trials.claim(
                    "way, too late",
                    trials.customer(name, everything + way["events"], way["until"]["at"]),
                    lambda found, stage=stage, at=way["until"]["at"]: not any(
                        row[0] == at and row[2] == stage for row in found
                    ),
                )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events")
    parser.add_argument("rules", nargs="+")
    parser.add_argument("--binary", default=".build/release/clm-replay")
    parser.add_argument("--customers", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    failed = False
    for rules in options.rules:
        with tempfile.TemporaryDirectory() as place:
            failed |= not check(options, rules, pathlib.Path(place))
    sys.exit(1 if failed else 0)


def check(options, rules, place):
    binary, store, trial_store = options.binary, place / "store", place / "trials"
    run(binary, "import", store, options.events, "--max-rejects", "100%")
    stages = list(json.loads(run(binary, "replay", store, "--rules", rules, "--format", "json"))["stages"])
    customers = [row for row in table(binary, store, "customers") if row["stage"]]
    chosen = random.Random(options.seed).sample(customers, min(options.customers, len(customers)))
    counts = {"transitions": 0, "smallest": 0, "goals": 0, "goals with a way": 0}
    trials, why, why_not = Trials(), [], []
    for row in chosen:
        everything = ask(binary, store, row["customer"], trials, counts, why)
        ask_why_not(binary, store, row["customer"], stages, everything, trials, counts, why_not)
    (place / "trials.ndjson").write_text("".join(line + "\n" for line in trials.lines))
    run(binary, "import", trial_store, place / "trials.ndjson", "--max-skew", "9000d")
    latest = max(json.loads(line)["time"] for line in trials.lines)
    horizon = f"{int(latest[:4]) + 21}-01-01T00:00:00Z"
    run(binary, "replay", trial_store, "--rules", rules, "--as-of", horizon)
    found = {}
    for row in table(binary, trial_store, "transitions"):
        found.setdefault(row["customer"], []).append(tuple(row[column] for column in COLUMNS))
    held, wrong = {}, 0
    for kind, customer, holds in trials.claims:
        good = holds(found.get(customer, []))
        held.setdefault(kind, [0, 0])
        held[kind][0] += good
        held[kind][1] += 1
        if not good:
            wrong += 1
            print(f"{kind}: {customer} does not", file=sys.stderr)
    print(f"{pathlib.Path(rules).stem}: {len(chosen)} customers, {json.dumps(counts)}")
    for kind, (good, count) in held.items():
        print(f"  {kind}: {good} of {count} hold")
    for name, seconds in (("explain", why), ("--why-not", why_not)):
        ordered = sorted(seconds)
        print(f"  {name}: median {ordered[len(ordered) // 2] * 1e3:.0f} ms, slowest {ordered[-1] * 1e3:.0f} ms")
    return wrong == 0


if __name__ == "__main__":
    main()
