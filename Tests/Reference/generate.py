#!/usr/bin/env python3
"""Writes a random rules file and a random log that exercise it.

usage: generate.py --seed N --kind micro|days --out DIR     writes rules.yaml, events.ndjson and as_of
"""
import argparse
import json
import pathlib
import random as randoms
import sys

sys.dont_write_bytecode = True

from conditions import Conditions
from expressions import DAY, HOUR, parse_time, print_time

START = parse_time("2024-03-01T00:00:00Z")
WHERES = {
    "purchase": ["event.channel == 'web'", "event.amount >= money('5.00')", "event.type != 'order_paid'", "event.qty > 1 || event.channel != 'app'",
                 "event.source == 'shop' && event.amount > 0", "!(event.channel in ['app', 'store'])"],
    "review": ["event.stars >= 4", "event.ok", "event.stars > 2 && event.source != 'till'"],
    "visit": ["event.source == 'shop'", "event.subject.endsWith('1') || event.id.contains('1')"],
    "sub": ["event.weight > 1.5", "event.weight >= 2"],
    "nps": ["event.score >= 7"],
}


def quoted(text):
    return json.dumps(text, ensure_ascii=False)


class Generator:
    """One seed's files."""

    def __init__(self, seed, kind):
        self.random, self.seed, self.kind = randoms.Random(f"{kind}-{seed}"), seed, kind
        self.micro = kind == "micro"
        self.unit = HOUR if self.micro else self.random.choice([6 * HOUR, 12 * HOUR, DAY, DAY])
        self.first_match = self.random.random() < 0.25
        self.identity = self.random.random() < 0.4
        self.dense = self.micro and self.random.random() < 0.4
        self.conditions = Conditions(self.random, self.unit, self.micro, self.dense, self.first_match)
        self.lines = []

    def chance(self, share):
        return self.random.random() < share

    # --- rules

    def window(self):
        count = self.random.choice([1, 1, 1, 2, 2, 3] if self.micro else [1, 1, 2, 3, 3, 5, 7, 10]) * self.unit
        return self.within(count)

    def within(self, length):
        if length % (7 * DAY) == 0 and self.chance(0.5):
            return f"{length // (7 * DAY)}w"
        return f"{length // DAY}d" if length % DAY == 0 and self.chance(0.7) else f"{length // HOUR}h"

    def events_section(self):
        self.purchase_where = self.chance(0.4)
        where = "where: \"event.status != 'cancelled'\", " if self.purchase_where else ""
        quantity = self.random.choice(["int", "{ type: int, default: 1 }"])
        lines = ["events:",
                 "  visit: { types: [visit, site_visit] }",
                 f"  purchase: {{ types: [purchase, order_paid], {where}fields: {{ amount: money, channel: string, qty: {quantity}, "
                 "status: { type: string, path: order.status, default: paid } } }",
                 "  review: { types: [review], fields: { stars: int, ok: bool } }",
                 "  referral: { types: [referral] }",
                 "  nps: { types: [nps_response], fields: { score: int } }",
                 "  sub: { types: [subscription], fields: { renews: timestamp, weight: { type: double, path: /w~1x/0 } } }",
                 "  refund: { types: [refund], fields: { amount: { type: money, currency: unit } } }"]
        if self.chance(0.3):
            lines.append("  touch: { types: [visit, review, ad_view] }")
            self.touch = True
        else:
            self.touch = False
        if self.identity:
            lines.append("  identify: { types: [identify], fields: { anonymous_id: string } }")
        return lines

    def fact(self, index):
        """(name, text, type) of a random fact that is no `expr`."""
        random, options = self.random, {}
        kind = random.choice(["count", "count", "count", "last_time", "last_time", "first_time", "sum", "sum", "money", "money", "active",
                              "distinct", "edge", "edge", "when", "double", "text", "flag"])
        aliases = ["visit", "purchase", "purchase", "review", "referral", "nps"] + (["touch"] if self.touch else [])
        alias, default = random.choice(aliases), None
        many = f"[{', '.join(random.sample(['visit', 'purchase', 'review', 'referral', 'sub'], 2))}]"
        with_field = random.choice(["purchase.amount", "review.stars", "purchase.channel"])
        target = random.choice([alias, alias, alias, many, with_field])
        owner, type = target.split(".")[0], "int"
        windowed = self.chance(0.55)
        if kind == "count":
            text = f"count: {target}"
        elif kind == "active":
            every, spans, windowed = random.choice([1, 1, 2, 3]) * self.unit, random.randint(2, 6), False
            text = f"active: {target}, every: {self.within(every)}, within: {self.within(every * spans)}"
        elif kind in ("last_time", "first_time"):
            text, type, windowed = f"{kind}: {target}", "timestamp", self.chance(0.35)
            default = f'"2024-02-{"29T22" if self.micro else "20T00"}:00:00Z"' if self.chance(0.1) else None
        elif kind == "sum":
            target = random.choice(["purchase.qty", "review.stars", "nps.score"])
            text = f"sum: {target}"
        elif kind == "money":
            target, type = random.choice(["purchase.amount", "purchase.amount", "refund.amount"]), "money"
            aggregate = random.choice(["sum", "sum", "avg", "min", "max", "first", "last"])
            text, default = f"{aggregate}: {target}", '"3.50"' if aggregate != "sum" and self.chance(0.4) else None
        elif kind == "distinct":
            target = random.choice(["purchase.channel", "purchase.amount", "review.stars", "review.ok", "sub.renews"])
            text = f"distinct: {target}"
        elif kind == "edge":
            target = random.choice(["purchase.qty", "review.stars", "nps.score"])
            text, default = f"{random.choice(['first', 'last', 'min', 'max'])}: {target}", "2" if self.chance(0.3) else None
        elif kind == "when":
            target, type = "sub.renews", "timestamp"
            text = f"{random.choice(['first', 'last', 'min', 'max'])}: {target}"
        elif kind == "double":
            target, type = random.choice(["sub.weight", "review.stars"]), "double"
            text = f"avg: {target}" if target == "review.stars" else f"{random.choice(['sum', 'avg', 'min', 'last'])}: {target}"
        elif kind == "text":
            target, type = "purchase.channel", "string"
            text, default = f"{random.choice(['first', 'last', 'min', 'max'])}: {target}", "none" if self.chance(0.3) else None
        else:
            target, type = "review.ok", "bool"
            text = f"{random.choice(['first', 'last'])}: {target}"
        owner = target.split(".")[0]
        if windowed:
            text += f", within: {self.window()}"
        if owner in WHERES and self.chance(0.3):
            text += f", where: {quoted(random.choice(WHERES[owner]))}"
        if default is not None:
            text += f", default: {default}"
        return f"f{index}", text, type

    def facts_section(self):
        random, cond = self.random, self.conditions
        lines = ["facts:", "  seen: { last_time: [visit, purchase] }"]
        cond.add("seen", "timestamp")
        edge = f"{random.choice(['last_time', 'last_time', 'first_time'])}: {random.choice(['purchase', '[purchase, review]'])}"
        lines.append(f"  bought: {{ {edge}{f', within: {self.window()}' if self.chance(0.3) else ''} }}")
        cond.add("bought", "timestamp")
        for index in range(random.randint(2, 6)):
            name, text, type = self.fact(index)
            lines.append(f"  {name}: {{ {text} }}")
            cond.add(name, type)
            if type in ("int", "money") and "within" in text:
                cond.windowed.append((name, type))
        for index in range(random.randint(1, 2)):
            target = random.choice(["visit", "purchase", "[visit, purchase]", "[purchase, review, referral]"])
            name, type = f"w{index}", random.choice(["int", "int", "int", "money"])
            text = f"sum: purchase.amount, within: {self.window()}" if type == "money" else f"count: {target}, within: {self.window()}"
            if type == "int" and self.chance(0.25):
                every = random.choice([1, 1, 2]) * self.unit
                text = f"active: {target}, every: {self.within(every)}, within: {self.within(every * random.randint(2, 4))}"
            lines.append(f"  {name}: {{ {text} }}")
            cond.add(name, type)
            cond.windowed.append((name, type))
        for index in range(random.choice([0, 0, 1, 2, 3])):
            cond.moving, stage = 0, cond.stage
            cond.stage = False
            type = random.choice(["int", "int", "duration", "bool", "money", "timestamp"])
            if type == "money" and not cond.facts.get("money"):
                type = "int"
            text = {"int": cond.integer, "duration": cond.duration, "money": cond.money, "timestamp": cond.timestamp,
                    "bool": lambda: cond.condition(1, nested=True)}[type]()
            cond.stage = stage
            if type == "int" and text.isdigit():
                continue
            default = {"int": "1", "bool": "false", "money": '"2.50"'}.get(type)
            default = f", default: {default}" if default and self.chance(0.35) else ""
            lines.append(f"  e{index}: {{ expr: {quoted(text)}{default} }}")
            cond.add(f"e{index}", type, cond.moving)
            cond.moving = 0
        return lines

    def condition(self):
        self.conditions.moving = 0
        return self.conditions.mixed()

    def stages_section(self):
        random, count = self.random, self.random.randint(3, 6)
        names = [f"s{index}" for index in range(count)]
        if self.first_match:
            texts = [self.conditions.easy() if self.chance(0.4) else self.condition() for _ in names[:-1]]
            whens = [f"  - {{ name: {name}, when: {quoted(text)} }}" for name, text in zip(names, texts)]
            return ["stages:", *whens, f"  - {{ name: {names[-1]} }}"]
        lines = [f"stages: [{', '.join(names[:-1])}, {{ name: {names[-1]}, also: [end] }}]", "transitions:"]
        rows = []
        spine = self.chance(0.65)
        for index in range(count - 1 if spine else random.randint(2, 3)):
            # Pairs that swing, a condition one way and its negation back; along a spine they cannot chase.
            a, b = random.sample(names, 2)
            a, b = (names[0], b if b != names[0] else names[1]) if index == 0 else (a, b)
            a, b = names[index : index + 2] if spine else (a, b)
            self.conditions.stage = False  # its age starts anew in the other stage, so the pair would chase
            self.conditions.moving = 0
            live = self.conditions.easy if index == 0 or self.chance(0.3) else self.conditions.live
            text = live() if index == 0 or self.chance(0.65) else self.condition()
            self.conditions.stage = True
            rows += [(a, b, text), (b, a, f"!({text})")]
        for _ in range(random.randint(0, 2) if spine else random.randint(1, 3)):
            a, b = sorted(random.sample(range(count), 2))
            a, b = (a, a + 1) if self.chance(0.5) else (a, b)
            text = self.condition()
            anywhere = self.chance(0.15)
            if self.chance(0.7 if anywhere or spine else 0.3):
                a, b = (b, a) if not anywhere and self.chance(0.6) else (a, b)
                text = f"in_stage() {random.choice(['>', '>='])} hours({random.randint(1, 3) * self.unit // HOUR}) && ({text})"
            source = names[a]
            if anywhere:
                source = "any"
            elif self.chance(0.3):
                source = f"[{', '.join(sorted({names[a], *random.sample(names, 2)} - {names[b]}))}]"
            rows.append((source, names[b] if names[b] != names[-1] or self.chance(0.7) else "end", text))
        random.shuffle(rows)
        for index, (source, target, text) in enumerate(rows):
            lines.append(f"  - {{ id: t{index}, from: {source}, to: {target}, when: {quoted(text)} }}")
        return lines

    def values_section(self):
        """(lines of `clv` and `rfm`, segments that read scores); mostly neither.

        Drawn from numbers of their own, so that the rest of a seed's files stays as it was.
        """
        random = randoms.Random(f"{self.kind}-{self.seed}-values")
        if random.random() < 0.6:
            return [], []
        parts = random.sample(["ties: high", "ties: high", "ties: low", f"within: {self.lengths(random)}", f"within: {self.lengths(random)}"], 2)
        parts = list({part.split(":")[0]: part for part in parts}.values())
        clv = ["purchase: purchase.amount", f"margin: {random.choice(['0.35', '1', '0.5', '2'])}"]
        if random.random() < 0.7:
            clv.append("refund: refund.amount")
        if random.random() < 0.5:
            clv.append(f"monetary: {random.choice(['net', 'gross'])}")
        if random.random() < 0.3:
            clv += ["model: mbg_nbd", random.choice(["penalizer: 0.01", "prior: { r: { median: 0.5, sigma: 1 }, gamma: { median: 20, sigma: 1 } }"])]
        whens = ["rfm.f >= 3", "rfm.r < rfm.m", "rfm.segment in ['Lost', 'Champions', 'At Risk']", "!(rfm.m > 2 && rfm.r > 1)"]
        whens = random.sample(whens, random.choice([0, 1, 2]))
        return [f"clv: {{ {', '.join(clv)} }}", f"rfm: {{ {', '.join(parts)} }}"], [f"  p{n}: {{ when: {quoted(when)} }}" for n, when in enumerate(whens)]

    def lengths(self, random):
        count = random.choice([1, 2, 3] if self.micro else [1, 3, 5, 10, 20]) * self.unit
        return f"{count // DAY}d" if count % DAY == 0 else f"{count // HOUR}h"

    def rules(self):
        random = self.random
        body = ["rules: 1", "model: { name: random, version: 1 }", "currency: EUR"]
        if self.chance(0.4):
            body.append("ignore: " + random.choice(["event.subject.startsWith('qa-')", "event.source == 'qa'", '"event.source == \'qa\' || event.type == \'ad_view\'"']))
        if self.identity:
            body.append("identity: { link: identify.anonymous_id }")
        body += self.events_section() + self.facts_section() + self.stages_section()
        if self.chance(0.5):
            body += ["segments:"] + [f"  g{index}: {{ when: {quoted(self.condition())} }}" for index in range(random.randint(1, 3))]
        values, segments = self.values_section()
        body += (["segments:"] if segments and "segments:" not in body else []) + segments + values
        if self.chance(0.3) and not values:
            body.append("clv: { purchase: purchase.amount, refund: refund.amount, margin: 0.35, model: bg_nbd, unit: 7d, horizon: 364d, discount: { rate: 0.10, per: year } }")
        self.exchange = self.chance(0.4)
        if self.exchange:
            body.append('exchange: { USD: "0.92", JPY: "0.0061" }')
        return body

    # --- events

    def moment(self):
        random = self.random
        if self.dense:
            return START + random.randint(0, 25)
        if self.micro:
            return START + random.choice([0, 0, 1, 1, 2, 3]) * HOUR + random.randint(0, 12)
        value = START + random.randint(0, self.length) * self.unit
        return value + random.choice([0] * 16 + [1, 1, -1, 2])

    def time_text(self, value):
        roll, text = self.random.random(), print_time(value)
        if roll < 0.1:
            return text[:-1] + "789Z"
        if roll < 0.2:
            return print_time(value + 2 * HOUR)[:-1] + "+02:00"
        if roll < 0.25:
            return text.replace("T", " ").replace("Z", "z")
        return text.replace(".000000", "")

    def amount(self):
        value = self.random.choice([0, 1, 250, 499, 500, 1000, 1250, 2000, 4999, -300])
        text = f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02d}"
        return self.random.choice([text, text, text + "0", float(text), int(float(text)), "abc", None, True, "1.005", "5e0"])

    def payload(self, type):
        random, data = self.random, {}
        put = lambda name, values: data.update({name: random.choice(values)}) if self.chance(0.85) else None
        if type in ("purchase", "order_paid"):
            put("amount", [self.amount(), f"{random.randint(1, 40)}.00", f"{random.randint(1, 40)}.50"])
            put("channel", ["web", "app", "store", "web", 7, "ünï"])
            put("qty", [1, 2, 3, "2", 1.0, 2.5, "x"])
            if self.chance(0.2):
                data["currency"] = random.choice(["USD", "EUR", "JPY", "KWD"])
            if self.chance(0.3):
                data["order"] = random.choice([{"status": "cancelled"}, {"status": None}, {"status": "paid"}, {"status": 5}, {}])
        elif type == "review":
            put("stars", [1, 2, 3, 4, 5, "4", 5.0, "many", None])
            put("ok", [True, False, True, False, "true"])
        elif type == "nps_response":
            put("score", [0, 6, 7, 9, 10, "9"])
        elif type == "subscription":
            ahead = START + random.randint(-3, 3 if self.micro else 12) * self.unit + (random.randint(0, 8) if self.micro else 0)
            put("renews", [print_time(ahead), print_time(ahead), "soon", 5])
            put("w/x", [[1.5], ["2.5"], [2], [0.1], [], ["x"]])
        elif type == "refund":
            put("amount", ["1.00", 2, "3.50", None])
            if self.chance(0.3):
                data["unit"] = random.choice(["USD", "EUR", 3])
        elif type == "identify":
            data["anonymous_id"] = random.choice(self.subjects)
        return data

    def events(self):
        random = self.random
        self.length = random.randint(6, 30)
        people = [f"C-{index}" for index in range(1, random.randint(2, 4))]
        self.subjects = people + [f"k-{index}" for index in range(1, random.randint(2, 4))] * self.identity
        subjects = self.subjects + (["qa-1"] if self.chance(0.4) else []) + (["Ünï", "｡1", "😀1"] if self.chance(0.15) else [])
        types = ["visit", "visit", "site_visit", "purchase", "purchase", "purchase", "order_paid", "review", "review", "referral",
                 "nps_response", "subscription", "refund", "ad_view", "other"]
        types = ["visit", "purchase"] + random.sample(types, 6) + ["identify"] * self.identity
        events = []
        for index in range(random.randint(4, 10) * len(subjects)):
            type = random.choice(types)
            event = {"specversion": "1.0", "id": f"e{index}", "source": random.choice(["shop", "shop", "shop", "till", "qa"]), "type": type,
                     "subject": random.choice(subjects), "moment": self.moment()}
            data = self.payload(type)
            if data or self.chance(0.3):
                event["data"] = data
            events.append(event)
        events.sort(key=lambda event: event["moment"])
        for _ in range(random.choice([0, 0, 1, 3, 8])):  # late ones
            events.insert(random.randrange(len(events)), events.pop(random.randrange(len(events))))
        return events

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        body, events = self.rules(), self.events()
        moments = [event["moment"] for event in events]
        last = max(moments)
        if self.dense:
            as_of = last + self.random.choice([5, 40, 90, 4 * HOUR])
        elif self.micro:
            as_of = last + self.random.choice([0, HOUR + 2, 4 * HOUR, 7 * HOUR - 1, 10 * HOUR])
        else:
            as_of = last + self.random.choice([-2, 0, 3, 6, 10, 25]) * self.unit + self.random.choice([0, 0, 0, 1, -1])
        cond = self.conditions
        grid = min(self.unit // 2, HOUR if cond.clock else DAY)
        life = as_of - min(moments)
        spans = (24 if self.micro else 40) * self.unit
        horizon = 2 * max(life, 0) + spans + cond.allowance + (800 * DAY if cond.calendar else (1 if self.micro else 20) * DAY)
        head = [f"# seed {self.seed}, kind {self.kind}", f"# plan: grid={grid} band={8 if self.micro else 2} horizon={horizon}"]
        (folder / "rules.yaml").write_text("\n".join(head + body) + "\n", encoding="utf-8")
        with open(folder / "events.ndjson", "w", encoding="utf-8") as file:
            for event in events:
                moment = event.pop("moment")
                event["time"] = self.time_text(moment)
                line = json.dumps(event, ensure_ascii=False)
                file.write(line + "\n")
                if self.chance(0.02):
                    file.write(line + "\n")
        (folder / "as_of").write_text(print_time(as_of) + "\n")


def generate(seed, kind, folder):
    Generator(seed, kind).write(pathlib.Path(folder))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--kind", choices=("micro", "days"), required=True)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    generate(arguments.seed, arguments.kind, arguments.out)


if __name__ == "__main__":
    main()
