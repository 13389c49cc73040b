"""Holds the evaluator of docs/check_evidence.py against worked examples and against the program's exported rows.

usage: folded.py [--binary PATH] [--events N] [--seeds A,B…]

Without a binary only the worked examples under fixtures/cases are folded. What the evaluator refuses is counted apart.
"""
import argparse
import csv
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("check_evidence", ROOT / "docs/check_evidence.py")
checker = importlib.util.module_from_spec(SPEC)
sys.modules["check_evidence"] = checker
SPEC.loader.exec_module(checker)

RULES = sorted((ROOT / "fixtures/rules").glob("*.yaml"))
COLUMNS = ("at", "from", "to", "transition", "cause", "event_id", "position")


def is_taken(value):
    """Whether an import takes a line (contract: `specversion`, reserved types, lengths)."""
    return value.get("specversion", "1.0") == "1.0" and not value["type"].startswith("clm-replay.") and all(
        0 < len(value[name].encode()) <= 255 for name in ("id", "source", "type", "subject"))


def read_events(path):
    """The events of a file as a log holds them: bad lines and second ones of an id take no position."""
    events, known = [], set()
    for line in path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        try:
            text = line.decode()
            event = checker.Event(len(events), text)
            taken = is_taken(json.loads(text))
        except (checker.Refused, ValueError):
            continue
        if taken and (event.source, event.id) not in known:
            known.add((event.source, event.id))
            events.append(event)
    return events


def fold_all(rules, events, as_of):
    """Rows of all customers as `export --table transitions` has them, by customer."""
    events = [event for event in events if event.time <= as_of
              and not (rules.ignore and checker.is_true(rules.ignore, checker.EventState(event)))]
    follows, _ = checker.links_in_force(rules, events)
    customers = {}
    for event in events:
        customers.setdefault(checker.ends_at(follows, event.subject), []).append(event)
    found = {}
    for name, own in customers.items():
        checker.Fold.work = 0
        rows = [checker.row_json(row) for row in checker.Fold(rules, own, as_of).run().rows]
        found[name] = [["" if row[column] is None else str(row[column]) for column in COLUMNS] for row in rows]
    return found


def exported(path):
    found = {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in list(csv.reader(file))[1:]:
            found.setdefault(row[0], []).append(row[1:])
    return found


def different(found, expected):
    return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))


def compare_cases():
    """(worked examples that agree, those that do not, those that are beyond the evaluator)."""
    agreed, wrong, beyond = [], [], []
    for path in sorted((ROOT / "fixtures/cases").glob("*.transitions.csv")):
        stem = path.name[:-len(".transitions.csv")]
        file = lambda ending: path.with_name(f"{stem}.{ending}")
        try:
            rules = checker.Rules(file("rules.yaml").read_text(encoding="utf-8"))
            as_of = checker.parse_time(file("as_of").read_text().strip())
            rows = fold_all(rules, read_events(file("events.ndjson")), as_of)
        except checker.Beyond:
            beyond.append(stem)
            continue
        (wrong if different(rows, exported(path)) else agreed).append(stem)
    return agreed, wrong, beyond


def compare_shop(run, store, events, place, rules=RULES):
    """{rules file: (customers, names of those who differ)} for a store of `events`."""
    found = {}
    for path in rules:
        summary = run("replay", store, "--rules", path, "--view", path.stem, "--format", "json")
        as_of = checker.parse_time(json.loads(summary.splitlines()[-1])["as_of"])
        run("export", store, "--view", path.stem, "--table", "transitions", "-o", f"{place}/rows.csv")
        expected = exported(f"{place}/rows.csv")
        rows = fold_all(checker.Rules(path.read_text(encoding="utf-8")), events, as_of)
        found[path.stem] = (len(expected), different(rows, expected))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--seeds", default="1,2,3")
    options = parser.parse_args()
    agreed, wrong, beyond = compare_cases()
    print(f"{len(agreed)} worked examples agree, {len(wrong)} do not {wrong or ''}; beyond the evaluator: {beyond or 'none'}")
    failed = bool(wrong)
    for seed in options.seeds.split(",") if options.binary else ():
        with tempfile.TemporaryDirectory() as place:
            def run(*arguments):
                done = subprocess.run([options.binary, *map(str, arguments)], capture_output=True, text=True)
                assert done.returncode == 0, (arguments, done.stderr)
                return done.stdout

            run("generate", "--events", options.events, "--seed", seed, "-o", f"{place}/events")
            run("import", f"{place}/store", f"{place}/events")
            shop = compare_shop(run, f"{place}/store", read_events(pathlib.Path(place, "events")), place)
        for name, (customers, others) in shop.items():
            failed |= bool(others)
            print(f"seed {seed}, {name}: {customers - len(others)} customers agree, {len(others)} differ {others[:3] or ''}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
