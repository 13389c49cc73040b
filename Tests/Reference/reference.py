#!/usr/bin/env python3
"""A slow model of the rules: what must come out of a log and a rules file.

usage: reference.py RULES EVENTS.ndjson AS_OF     prints one JSON object with transitions, customers, segments and faults
       reference.py --cases DIR [NAME...]         runs the worked examples in DIR and prints what differs
"""
import csv
import json
import pathlib
import sys

sys.dont_write_bytecode = True

from events import read_events
from expressions import CelError, parse_time, print_duration, print_money, print_time
from fold import Customer, Faults
from instants import Plan
from population import rank
from rules import NoValue, Rules

COLUMNS = ("customer", "at", "from", "to", "transition", "cause", "event_id", "position")
SPELLS = ("customer", "segment", "from", "to", "cause", "event_id", "position")
HEAD = ("customer", "stage", "since", "first_seen", "last_seen", "next_at", "next_to", "parked_at")
UNKNOWN = "?"


def not_ignored(rules, event):
    try:
        return rules.ignore is None or not rules.ignore.function(event)
    except CelError:
        return True


def join(rules, events, faults):
    """The customer of each subject, by the links in order of (occurred, position)."""
    follows = {}

    def customer(subject):
        while subject in follows:
            subject = follows[subject]
        return subject

    alias, field = rules.link or (None, None)
    for event in sorted(events, key=lambda event: event.key):
        if alias is None or event.type not in alias.types:
            continue
        try:
            if alias.where is not None and not alias.where.function(event):
                continue
            subject = field.value(event)
        except CelError:
            continue
        except NoValue:
            faults.add("identity", "")
            continue
        if follows.get(subject) == event.subject:
            continue
        if subject in follows or customer(event.subject) == subject:
            faults.add("identity", "")
        else:
            follows[subject] = event.subject
    return customer


def show(value, type, currency):
    """A fact's value as machine output prints it."""
    if type == "money":
        return print_money(value, currency)
    if type == "timestamp":
        return print_time(value)
    if type == "duration":
        return print_duration(value)
    if type == "double":
        return f"{value:.9g}"
    return {True: "true", False: "false"}[value] if type == "bool" else str(value)


def customer_row(customer, as_of, plan, ranks):
    rules = customer.rules
    row = dict.fromkeys((*HEAD, *rules.facts, *ranks.COLUMNS, "segments"), "")
    row.update(customer=customer.name, first_seen=print_time(customer.events[0].time))
    if customer.parked_at is not None:
        row["parked_at"] = print_time(customer.parked_at)
        return row
    row.update(stage=customer.stage, since=print_time(customer.entered), last_seen=print_time(customer.last_seen))
    change = customer.next_change(as_of, plan)
    if change is None:
        row["next_at"] = row["next_to"] = UNKNOWN
    elif change[0] is not None:
        row["next_at"], row["next_to"] = print_time(change[0]), change[1] or ""
    for fact in rules.facts.values():
        try:
            row[fact.name] = show(customer.fact(fact), fact.type, rules.currency)
        except CelError:
            pass
    row.update(ranks.row(customer.name))
    customer.extra = lambda path: ranks.read(customer.name, path)
    held = []
    for name, when in rules.segments.items():
        try:
            held += [name] if when.function(customer) else []
        except CelError as error:
            if not error.unset:
                customer.faults.once("segment", name, customer.name)
    row["segments"] = ";".join(held)
    return row


def evaluate(rules, events, as_of, also=()):
    """(transitions rows, customers rows, faults, segments rows) of a log under `rules` as of an instant."""
    faults = Faults()
    view = [event for event in events if event.time <= as_of and not_ignored(rules, event)]
    plan = Plan(rules, events, as_of)
    plan.also = sorted(also)
    customer_of = join(rules, view, faults)
    histories = {}
    for event in view:
        histories.setdefault(customer_of(event.subject), []).append(event)
    customers, transitions = [], []
    for name in sorted(histories, key=lambda name: name.encode()):
        customer = Customer(name, histories[name], rules, faults)
        customer.run(as_of, plan)
        customers.append(customer)
        for at, source, target, transition, cause, event in customer.rows:
            anchor = (event.id, str(event.position)) if event else ("", "")
            transitions.append(dict(zip(COLUMNS, (name, print_time(at), source, target, transition, cause, *anchor))))
    ranks = rank(rules, [customer for customer in customers if customer.parked_at is None], as_of)
    rows = [customer_row(customer, as_of, plan, ranks) for customer in customers]
    return transitions, rows, faults.counts, [row for customer in customers for row in spell_rows(customer)]


def spell_rows(customer):
    """Spells by segment (file order) and time."""
    order = list(customer.rules.segments)
    for name, start, end, cause, event in sorted(customer.spells, key=lambda spell: order.index(spell[0])):
        anchor = (event.id, str(event.position)) if event else ("", "")
        yield dict(zip(SPELLS, (customer.name, name, print_time(start), "" if end is None else print_time(end), cause, *anchor)))


def as_of_time(text):
    return parse_time(text if "T" in text or " " in text else text + "T00:00:00Z")


def differences(expected, found):
    """Lines that tell expected from found rows, in the columns of the expected ones; `?` matches everything."""
    columns = list(expected[0]) if expected else []
    lines = []
    for index in range(max(len(expected), len(found))):
        want = [expected[index][c] for c in columns] if index < len(expected) else None
        got = [found[index].get(c, "no such column") for c in columns] if index < len(found) else None
        if want is None or got is None or any(UNKNOWN not in (a, b) and a != b for a, b in zip(want, got)):
            lines += [f"- {','.join(want)}"] if want else []
            lines += [f"+ {','.join(got)}"] if got else []
    return lines


def read_table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def run_case(folder, stem):
    file = lambda ending: folder / f"{stem}.{ending}"
    rules = Rules(file("rules.yaml").read_text(encoding="utf-8"))
    events = read_events(file("events.ndjson"))
    transitions, customers, faults, _ = evaluate(rules, events, as_of_time(file("as_of").read_text().strip()))
    problems = differences(read_table(file("transitions.csv")), transitions)
    if file("customers.csv").exists():
        problems += differences(read_table(file("customers.csv")), customers)
    if file("faults.csv").exists():
        want = {(row["kind"], row["name"]): int(row["count"]) for row in read_table(file("faults.csv"))}
        problems += [] if want == faults else [f"faults {faults}, expected {want}"]
    return problems


def run_cases(folder, names):
    passed = failed = 0
    for path in sorted(folder.glob("*.transitions.csv")):
        stem = path.name.removesuffix(".transitions.csv")
        if names and not any(name in stem for name in names):
            continue
        problems = run_case(folder, stem)
        passed, failed = passed + (not problems), failed + bool(problems)
        if problems:
            print("\n".join([f"{stem}:"] + [f"  {line}" for line in problems[:12]]), flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def main(arguments):
    if len(arguments) >= 2 and arguments[0] == "--cases":
        return run_cases(pathlib.Path(arguments[1]), arguments[2:])
    if len(arguments) != 3:
        sys.exit(__doc__)
    rules = Rules(pathlib.Path(arguments[0]).read_text(encoding="utf-8"))
    transitions, customers, faults, spells = evaluate(rules, read_events(arguments[1]), as_of_time(arguments[2]))
    listed = [{kind: name, "count": count} for (kind, name), count in sorted(faults.items())]
    json.dump({"transitions": transitions, "customers": customers, "segments": spells, "faults": listed}, sys.stdout, indent=1, ensure_ascii=False)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
