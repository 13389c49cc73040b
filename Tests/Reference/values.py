#!/usr/bin/env python3
"""Holds scores and the command `rfm` against the reference model, on logs of many buyers who tie.

usage: values.py --binary PATH --seeds A..B [--keep DIR]

Each seed: a log of up to 120 customers, some joined, some parked, and rules with random `rfm` and `clv`; then the columns of
`customers`, the segments and the grid at one instant, and who moved between two; and with given parameters the expected value
of a purchase under `monetary: gross` and `net`. Exit status 1 if anything differs.
"""
import argparse
import collections
import csv
import io
import json
import pathlib
import random as randoms
import shutil
import subprocess
import sys
import tempfile
from fractions import Fraction
from types import SimpleNamespace

sys.dont_write_bytecode = True

from events import read_events
from expressions import DAY, HOUR, parse_time, print_money, print_time
from fold import Faults
from population import RFM_SEGMENTS, measures, purchases, rank, spending
from reference import join
from rules import Rules

# Of Gamma-Gamma; those of the other model only have to be there, since what it says is read from the program.
GAMMA_GAMMA = {"p": 6.25, "q": 3.75, "gamma": 15.5}
PARAMETERS = {"model": "mbg_nbd", "params": {"r": 0.6, "alpha": 3.5, "a": 0.4, "b": 1.5}, "gamma_gamma": GAMMA_GAMMA}
START = parse_time("2024-01-01T00:00:00Z")
EVENTS = """rules: 1
model: { name: values, version: 1 }
currency: EUR
events:
  buy: { types: [purchase], fields: { amount: money } }
  back: { types: [refund], fields: { amount: money } }
  chase: { types: [chase] }
  identify: { types: [identify], fields: { anonymous_id: string } }
identity: { link: identify.anonymous_id }
facts:
  chases: { count: chase }
stages: [one, two]
transitions:
  - { id: there, from: one, to: two, when: chases >= 1 }
  - { id: back, from: two, to: one, when: chases >= 1 }
"""


class Log:
    """One seed's files and instants."""

    def __init__(self, seed, folder):
        self.random = random = randoms.Random(f"values-{seed}")
        self.folder, self.days = folder, random.choice([3, 20, 90])
        self.people = [f"c-{index}" for index in range(random.choice([1, 2, 4, 5, 9, 30, 120]))]
        events = [event for person in self.people for event in self.history(person)]
        random.shuffle(events)
        with open(folder / "events.ndjson", "w", encoding="utf-8") as file:
            for index, event in enumerate(events):
                file.write(json.dumps({"id": f"e{index}", "source": "s"} | event) + "\n")
        (folder / "rules.yaml").write_text(EVENTS + self.settings(), encoding="utf-8")
        early = START + random.randint(0, self.days) * DAY - random.choice([0, 1, 5 * HOUR])
        self.instants = early, early + random.choice([0, 1, DAY, self.days * DAY])

    def settings(self):
        random = self.random
        within = f"within: {random.choice(['12h', '1d', '3d', '2w', '60d'])}"
        rfm = random.choice([[], ["ties: high"], ["ties: low", within], [within], ["ties: high", within]])
        clv = ["purchase: buy.amount", f"margin: {random.choice(['1', '0.35', '2.5'])}"]
        clv += random.choice([[], ["refund: back.amount"], ["refund: back.amount"]])
        clv += random.choice([[], ["monetary: net"], ["monetary: net"], ["monetary: gross"]]) + ["model: mbg_nbd"]
        (self.folder / "parameters.json").write_text(json.dumps(PARAMETERS))
        return f"clv: {{ {', '.join(clv)} }}\n" + (f"rfm: {{ {', '.join(rfm)} }}\n" if rfm else "")

    def history(self, person):
        random = self.random
        at = lambda: print_time(START + random.randint(0, 2 * self.days) * DAY // 2 + random.choice([0, 0, 0, 1, -1]))
        event = lambda type, subject=person, **data: {"type": type, "subject": subject, "time": at(), "data": data}
        subjects = [person]
        if random.random() < 0.2:
            subjects.append(f"k-{person}")
            yield event("identify", anonymous_id=subjects[1])
        for _ in range(random.choice([0, 1, 1, 1, 2, 3, 6])):
            amount = random.choice(["0.00", "5.00", "5.00", "10.00", "77183.60", "-3.00", "x", None])
            yield event("purchase", random.choice(subjects), amount=amount)
        for _ in range(random.choice([0, 0, 0, 1, 2])):
            yield event("refund", random.choice(subjects), amount=random.choice(["5.00", "-5.00", "77183.60"]))
        yield event("chase" if random.random() < 0.05 else "look")


class World:
    """The model's answer at one instant."""

    def __init__(self, rules, events, as_of):
        view = [event for event in events if event.time <= as_of]
        self.customer_of, histories = join(rules, view, Faults()), collections.defaultdict(list)
        for event in sorted(view, key=lambda event: event.key):
            histories[self.customer_of(event.subject)].append(event)
        parked = {name for name, own in histories.items() if any(event.type == "chase" for event in own)}
        customers = [SimpleNamespace(name=name, events=own) for name, own in histories.items() if name not in parked]
        self.rules, self.as_of, self.histories = rules, as_of, histories
        self.spending = {customer.name: spending(rules, customer) for customer in customers if purchases(rules, customer)[0]}
        self.ranks, self.measures = rank(rules, customers, as_of), measures(rules, customers, as_of)
        self.standing = {name: "parked" for name in parked}
        for customer in customers:
            word = "none_within" if purchases(rules, customer)[0] else "no_purchase"
            self.standing[customer.name] = self.ranks.row(customer.name).get("rfm_segment", word)

    def scores(self, name):
        row = self.ranks.row(name)
        return [row.get(column, "") for column in ("rfm_r", "rfm_f", "rfm_m")]

    def counts(self):
        found = collections.Counter(self.standing.values())
        return {"as_of": print_time(self.as_of), "customers": len(self.standing), "scored": len(self.measures),
                **{word: found[word] for word in ("none_within", "no_purchase", "parked")}}

    def group(self, names):
        """What is said of some customers who are scored: n, share, mean days ago, mean days, mean money and total."""
        rows = [self.measures[name] for name in names]
        money, n = sum(row[2] for row in rows), len(rows)
        share = n / len(self.measures) if self.measures else None
        if not n:
            return [0, share, None, None, None, print_money(0, "EUR")]
        ago = Fraction(sum(self.as_of - row[0] for row in rows), DAY * n)
        return [n, share, float(ago), sum(row[1] for row in rows) / n, print_money(round(Fraction(money, n)), "EUR"), print_money(money, "EUR")]

    def segments(self):
        of = lambda segment: [name for name, standing in self.standing.items() if standing == segment]
        return [[segment, *self.group(of(segment))] for segment in RFM_SEGMENTS]

    def grid(self):
        for r in "54321":
            for f in "54321":
                group = self.group([name for name in self.measures if self.scores(name)[:2] == [r, f]])
                yield [int(r), int(f), group[0], group[1], group[4]]


class Comparison:
    """A binary held against the model on one log."""

    def __init__(self, binary, log):
        self.binary, self.log, self.problems = binary, log, []
        self.store = str(log.folder / "store")
        rules, events = Rules((log.folder / "rules.yaml").read_text()), read_events(log.folder / "events.ndjson")
        self.worlds = [World(rules, events, instant) for instant in log.instants]

    def run(self, *arguments, allowed=(0,)):
        done = subprocess.run([self.binary, *arguments], capture_output=True, text=True, timeout=300)
        if done.returncode not in allowed:
            self.problems.append(f"{arguments[0]} ended with {done.returncode}: {done.stderr.strip()[-400:]}")
        return done.stdout

    def expect(self, what, found, expected):
        same = lambda a, b: abs(a - b) <= 1e-8 * max(1, abs(a)) if isinstance(a, float) and isinstance(b, (int, float)) else a == b
        for index in range(max(len(found), len(expected))):
            got, want = (rows[index] if index < len(rows) else None for rows in (found, expected))
            if got is None or want is None or len(got) != len(want) or not all(map(same, want, got)):
                self.problems.append(f"{what}: {got} found, {want} expected")

    def check(self):
        early, late = (print_time(instant) for instant in self.log.instants)
        self.run("import", self.store, str(self.log.folder / "events.ndjson"))
        rules, parameters = (str(self.log.folder / name) for name in ("rules.yaml", "parameters.json"))
        self.run("replay", self.store, "--rules", rules, "--as-of", late, "--clv-params", parameters, allowed=(0, 1))
        self.check_customers()
        one = json.loads(self.run("rfm", self.store, "--as-of", early, "--format", "json"))
        self.check_one(self.worlds[0], one)
        self.check_one(self.worlds[1], json.loads(self.run("rfm", self.store, "--format", "json", "--threads", "1")))
        self.check_moves(("--as-of", early, "--as-of", late))

    def check_customers(self):
        world = self.worlds[1]
        table = list(csv.DictReader(io.StringIO(self.run("export", self.store, "--table", "customers", "-o", "-"))))
        columns = ["clv_historical", "rfm_r", "rfm_f", "rfm_m", "rfm_segment"]
        names = sorted(world.standing, key=lambda name: name.encode())
        self.expect("customers", [[row["customer"], *(row[column] for column in columns)] for row in table],
                    [[name, *(world.ranks.row(name).get(column, "") for column in columns)] for name in names])

        self.expect("buyers", [[row["customer"]] for row in table if row["clv_expected"]], [[name] for name in names if name in world.spending])
        for row in table:
            if row["clv_expected"]:
                self.check_value(row, *world.spending.get(row["customer"], (0, 0)))

    def check_value(self, row, count, total):
        """Without a discount a value is margin × expected value of a purchase × expected purchases, to the cent."""
        p, q, gamma = GAMMA_GAMMA.values()
        x = count if total is not None and total > 0 else 0
        mean = total / 100 / x if x else 0
        purchase = 0 if total is None else p * (gamma + x * mean) / (p * x + q - 1)
        want = float(self.worlds[1].rules.clv.get("margin", 1)) * purchase * float(row["expected_purchases"])
        if abs(float(row["clv_expected"]) - want) > 0.00501 + 1e-8 * want:
            self.problems.append(f"{row['customer']}: clv_expected is {row['clv_expected']}, {want:.4f} expected")

    def check_one(self, world, found):
        self.expect("counts", [[found[key] for key in world.counts()]], [list(world.counts().values())])
        rfm = world.rules.rfm
        self.expect("settings", [[found["ties"], found["within"] is None]], [[rfm.get("ties", "low"), "within" not in rfm]])
        self.expect("segments", [list(row.values()) for row in found["segments"]], world.segments())
        self.expect("grid", [list(row.values()) for row in found["grid"]], list(world.grid()))

    def check_moves(self, instants):
        early, late = self.worlds
        rows = []
        for name in sorted(early.standing.keys() | late.standing.keys(), key=lambda name: name.encode()):
            a, b = early.standing.get(name, "no_purchase"), late.standing.get(name, "joined")
            if (a, b) != ("no_purchase", "joined"):
                rows.append([name, a, *early.scores(name), b, *late.scores(name)])
        found = csv.reader(io.StringIO(self.run("rfm", self.store, *instants, "-o", "-")))
        self.expect("moves", list(found)[1:], rows)
        order = [*RFM_SEGMENTS, "none_within", "no_purchase", "parked", "joined"]
        pairs = collections.Counter((row[1], row[5]) for row in rows)
        matrix = [[*pair, pairs[pair]] for pair in sorted(pairs, key=lambda pair: [order.index(word) for word in pair])]
        report = json.loads(self.run("rfm", self.store, *instants, "--format", "json"))
        self.expect("matrix", [list(cell.values()) for cell in report["matrix"]], matrix)
        moved = [row for row in rows if row[1] != row[5]]
        between = [row for row in moved if row[1] in RFM_SEGMENTS and row[5] in RFM_SEGMENTS]
        self.expect("moved", [[report["customers"], report["moved"], report["moved_between_segments"]]], [[len(rows), len(moved), len(between)]])
        for side, world in (("from", early), ("to", late)):
            self.expect(side, [list(report[side].values())], [list(world.counts().values())])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--seeds", required=True, help="A..B, both included")
    parser.add_argument("--keep", help="folder for the files of seeds that differ")
    options = parser.parse_args()
    first, last = (int(part) for part in options.seeds.split(".."))
    differ, total = 0, collections.Counter()
    for seed in range(first, last + 1):
        folder = pathlib.Path(tempfile.mkdtemp())
        comparison = Comparison(str(pathlib.Path(options.binary).resolve()), Log(seed, folder))
        comparison.check()
        total.update(comparison.worlds[1].standing.values())
        if comparison.problems:
            differ += 1
            print(f"seed {seed}: differs\n" + "\n".join(f"    {line}" for line in comparison.problems[:8]), flush=True)
            if options.keep:
                shutil.copytree(folder, pathlib.Path(options.keep) / f"values-{seed}", dirs_exist_ok=True)
        shutil.rmtree(folder)
    print(f"values {options.seeds}: {last - first + 1 - differ} same, {differ} differ")
    print("customers: " + ", ".join(f"{count} {name}" for name, count in total.most_common()))
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
