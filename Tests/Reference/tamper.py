"""Tampers with evidence in every way that its format has room for, and looks that docs/check_evidence.py refuses it.

usage: tamper.py --binary PATH [--customers N] [--seed S] [--small]

Makes stores (a generated shop; hand-made lines with links, late events and timers), replays fixtures/rules, signs
checkpoints, and writes bundles for random customers, rows and segments. Each has to be accepted. Then each kind of
tampering is done to each bundle that it fits, and has to be refused under the code that is expected; the same with
the output of `prove`. Bytes changed at random may be accepted only where what is said stays the same or true, and
never end in anything but a reason. At last the evaluator is held against the program (folded.py). Exit status 1: something failed.
"""
import argparse
import base64
import collections
import contextlib
import copy
import hashlib
import io
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time
import traceback

import folded
from folded import ROOT, RULES, checker
from tampering import KINDS, PROOFS


# --- Running the checker in this process, as its command line would

def check(content, *arguments, place, name="evidence.json"):
    """(exit status, code of refusal or None, what it printed); -1 where an exception got out."""
    path = pathlib.Path(place, name)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    errors = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
        try:
            status = checker.main([str(path), *map(str, arguments)])
        except Exception:
            return -1, None, traceback.format_exc()
    text = ""
    for stream in (printed, errors):
        stream.flush()
        text += stream.buffer.getvalue().decode()
    match = re.match(r"refused\[([a-z-]+)\]: .", text)
    lines = text.splitlines()
    is_sound = all(line.startswith("- ") or line in ("Shown.", "Open.", "Not shown.") for line in lines) if status in (0, 3) else \
        len(lines) == 1
    if (status == 1) != bool(match) or not text or not is_sound:
        return -1, None, f"exit status {status} with {text!r}"
    return status, match[1] if match else None, text


# --- Stores

# Two customers say that a cookie was theirs; it is C-1's, who said so first.
SHARED = """\
k-1 site_visit 2024-01-01T00:00:00Z
C-2 identify 2024-01-06T00:00:00Z {"anonymous_id":"k-1"}
C-1 identify 2024-01-04T00:00:00Z {"anonymous_id":"k-1"}
C-2 purchase 2024-01-07T00:00:00Z {"amount":"20.00"}
"""
HAND_MADE = """\
k-1 site_visit 2024-01-02T10:00:00Z {"channel":"web"}
k-1 comparison_visit 2024-01-03T10:00:00Z
k-2 ad_view 2024-01-01T08:00:00Z
C-1 purchase 2024-01-10T12:00:00Z {"amount":"120.00"}
C-2 purchase 2024-01-11T12:00:00Z {"amount":"20.00"}
C-1 identify 2024-01-10T12:00:00Z {"anonymous_id":"k-1"}
C-1 purchase 2024-02-20T12:00:00Z {"amount":"180.00"}
k-1 identify 2024-02-21T12:00:00Z {"anonymous_id":"k-2"}
C-2 purchase 2024-08-01T09:30:00Z {"amount":"30.00"}
C-1 order_paid 2024-03-15T12:00:00Z {"amount":"100.00","currency":"USD"}
C-1 nps_response 2024-03-20T12:00:00Z {"score":9}
C-2 site_visit 2024-03-01T00:00:00Z
C-1 purchase 2024-04-28T16:45:00.123456Z {"amount":"160.00"}
C-3 site_visit 2024-05-01T00:00:00Z
C-3 purchase 2024-05-02T00:00:00Z {"amount":"12.345"}
qa-1 purchase 2024-05-03T00:00:00Z {"amount":"12.00"}
C-1 purchase 2024-01-05T12:00:00Z {"amount":"1.00","order":{"status":"cancelled"}}
C-1 purchase 2024-01-06T09:00:00+02:00 {"amount":"11.00"}
C-1 review 2024-12-31T00:00:00Z {"stars":5}
"""


def hand_made_lines(text):
    for number, line in enumerate(text.splitlines()):
        subject, kind, time, *data = line.split(" ", 3)
        event = {"specversion": "1.0", "id": f"h-{number}", "source": "shop", "type": kind, "subject": subject, "time": time}
        yield json.dumps({**event, **({"data": json.loads(data[0])} if data else {})}, ensure_ascii=False)


class Store:
    """A store with a key and a checkpoint after each of three imports; after two of them a view for each rules file."""

    def __init__(self, place, name, binary, lines, rules):
        self.place, self.name, self.binary, self.lines, self.rules = place, name, binary, lines, rules
        self.key = f"{place}/{name}.key.pub"
        first, second = max(1, len(lines) * 3 // 5), len(lines) * 9 // 10
        for number, part in enumerate((lines[:first], lines[first:second], lines[second:])):
            pathlib.Path(place, "part").write_text("".join(line + "\n" for line in part))
            self.run("import", name, "part")
            for path in rules if number < 2 else ():
                self.run("replay", name, "--rules", path, "--view", path.stem)
            self.run("checkpoint", name, "--init", f"{name}.key", "-o", f"{name}.checkpoint-{number}")
        # Before the views of now, with them, and what the log is now.
        self.older, self.viewed, self.newer = (f"{place}/{name}.checkpoint-{number}" for number in range(3))

    def run(self, *arguments, may_fail=False):
        done = subprocess.run([self.binary, *map(str, arguments)], capture_output=True, text=True, cwd=self.place)
        if done.returncode and not may_fail:
            raise AssertionError(f"{arguments}: {done.returncode} {done.stderr}")
        return done.stdout if not done.returncode else None

    def prove(self, *arguments):
        return json.loads(self.run("prove", self.name, *arguments, "--format", "json"))

    def evidence(self, *arguments, suffix="json"):
        path = pathlib.Path(self.place, f"written.{suffix}")
        path.unlink(missing_ok=True)
        if self.run("explain", self.name, *arguments, "--evidence", path, "--format", "json", may_fail=True) is None:
            return None
        content = path.read_bytes()
        return json.loads(content) if suffix == "json" else content


# --- What nothing rests on, or what stays true when it is changed

FREE = {("engine",), ("rules", "file")}
TRUE = {("view", "as_of"), ("view", "size"), ("minimal", "tried_below"), ("minimal", "smallest"), ("minimal", "earliest"),
        ("minimal", "irreducible"), ("claim", "transition")}


PIECES = ["[", "{", "}", "]", ": ", "- ", "\n", "'", '"', "(", ")", "&&", "||", "!", "?", " : ", "#", "- - ", "-" * 5000, "(" * 5000,
          "!" * 5000, "[" * 5000, "a." * 3000, " && true" * 2000, "&a ", "*a", "|\n", ">\n", "\\", "%", "now", "since(", "stage.previous",
          " " * 3000, "\n" * 3000, "9" * 5000, "\ud7ff", "0x1", "1u", "b'x'", "null", "~", "{ expr: now }"]
STRANGE = ["", "\n", "a", "- a", "rules: 1", "[" * 3000, "{a: " * 3000, "a: b: c", "? a", "a:\n" * 100, "- " * 3000, "'", '"', "|", ">", "--- a"]

# Of `prove`, what it says of the view without a proof.
UNREAD = {"view", "rules_hash", "as_of", "view_size", "joined"}


def carried(content):
    """The JSON of a bundle or proof, or of a page."""
    match = checker.PAGE.search(content)
    return json.loads(base64.b64decode(match[1]) if match else content)


def differences(a, b, at=()):
    if isinstance(a, dict) and isinstance(b, dict):
        both = [name for name in a if name in b]
        return [(*at, name) for name in a.keys() ^ b.keys()] + [d for name in both for d in differences(a[name], b[name], (*at, name))]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [d for number in range(len(a)) for d in differences(a[number], b[number], (*at, number))]
    return [] if type(a) is type(b) and a == b else [at]


def scalars(value, at=()):
    if isinstance(value, (dict, list)):
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from scalars(item, (*at, name))
    else:
        yield at


def with_other(bundle, at, chance):
    """A copy whose scalar at one place is another one of the same type."""
    found = copy.deepcopy(bundle)
    place = found
    for step in at[:-1]:
        place = place[step]
    old = place[at[-1]]
    if isinstance(old, bool):
        new = not old
    elif isinstance(old, int):
        new = old + chance.choice([1, 2, 100, -1])
    elif isinstance(old, str) and old:
        spot = chance.randrange(len(old))
        new = old[:spot] + chance.choice([c for c in "0123456789abcdefxyz+/" if c != old[spot]]) + old[spot + 1:]
    else:
        new = "x"
    place[at[-1]] = new
    return found


# --- The campaign

class World:
    """What the kinds draw from."""

    def __init__(self, store, stranger, chance):
        self.store, self.stranger, self.chance, self.seed = store, stranger, chance, chance.randbytes(32)
        self.bundles, self.records, self.proofs, self.pages = [], {}, [], []
        for entry in json.loads(store.run("views", store.name, "--history", "--format", "json")):
            self.records[entry["record"]] = store.prove("--record", entry["record"])

    def other(self, bundle):
        return next(other for other in self.bundles if other["customer"] != bundle["customer"] and other["log"] == bundle["log"])

    @staticmethod
    def read(path):
        return pathlib.Path(path).read_text()


class Campaign:
    def __init__(self, options, place):
        self.options, self.place, self.chance = options, place, random.Random(options.seed)
        self.table = collections.defaultdict(collections.Counter)
        self.failures, self.accepted, self.open = [], 0, collections.Counter()
        self.tried = collections.Counter()

    def fail(self, text):
        self.failures.append(text)
        print(f"FAILED {text}"[:600])

    def stores(self):
        binary = str(pathlib.Path(self.options.binary).resolve())
        events = 400 if self.options.small else 2_000
        shop = pathlib.Path(self.place, "shop.ndjson")
        subprocess.run([binary, "generate", "--events", str(events), "--seed", str(self.options.seed), "-o", shop], check=True,
                       capture_output=True)
        rules = RULES if not self.options.small else [path for path in RULES if path.stem in (
            "retail", "first-match", "article-000-perception-to-loyalty")]
        made = Store(self.place, "shop", binary, shop.read_text().splitlines(), rules)
        hand = Store(self.place, "hand", binary, list(hand_made_lines(HAND_MADE)), [path for path in rules if path.stem in (
            "retail", "first-match")])
        return made, hand

    def bundles(self, store, world, count, rules):
        """Bundles of random customers: the last row, one in between, a segment, other times, and under an older checkpoint."""
        recorded = store.prove(len(store.lines) // 2)["recorded"]
        for path in rules:
            view = path.stem
            store.run("export", store.name, "--view", view, "--table", "transitions", "-o", "rows.csv")
            rows = folded.exported(f"{self.place}/rows.csv")
            segments = [name for name in checker.Rules(path.read_text()).segments if name != "champions"]
            names = sorted(rows, key=lambda name: (-len(rows[name]), name))
            for name in names[:1] + self.chance.sample(names, min(count, len(names))):
                instant = self.chance.choice(rows[name])[0]
                for arguments in ([], ["--at", instant], ["--segment", self.chance.choice(segments)] if segments else None,
                                  ["--as-of", instant], ["--checkpoint", store.viewed], ["--known-at", recorded]):
                    if arguments is None or arguments and self.chance.random() < (0.7 if self.options.small else 0.3):
                        continue
                    if (bundle := store.evidence(name, "--view", view, *arguments)) is not None:
                        bundle_name = f"{store.name} {view} {name} {' '.join(arguments)}"
                        self.accept(bundle, bundle_name, world)

    def accept(self, bundle, name, world):
        status, code, text = check(bundle, "--key", world.store.key, place=self.place)
        if status == 3:
            self.open[text.split("Open.\n")[1].split("\n")[0][:100]] += 1
        if status not in (0, 3):
            self.fail(f"{name}: {text}")
            return
        self.accepted += 1
        world.bundles.append(bundle)

    def tamper(self, world, most):
        """Each kind on at most so many bundles."""
        for name, (codes, function) in KINDS.items():
            done = 0
            for bundle in self.chance.sample(world.bundles, len(world.bundles)):
                if done == most:
                    break
                changed = copy.deepcopy(bundle)
                try:
                    result = function(changed, world)
                except StopIteration:
                    continue
                if result is False or result is None and changed == bundle:
                    continue
                done += 1
                status, code, text = check(result or changed, "--key", world.store.key, place=self.place)
                self.note(name, status, code, codes, text, bundle["customer"])

    def note(self, name, status, code, codes, text, where):
        self.table[name][code or f"exit {status}"] += 1
        if status != 1 or code not in codes:
            self.fail(f"{name} ({where}): expected {' or '.join(codes)}: {text}")

    def every_member(self, world, count):
        """Each scalar of a bundle, changed to another one of its type."""
        for bundle in self.chance.sample(world.bundles, min(count, len(world.bundles))):
            places = [at for at in scalars(bundle) if at not in FREE]
            few = [at for at in places if at[0] not in ("subjects", "rules")]
            rest = [at for at in places if at[0] in ("subjects", "rules")]
            for at in few + self.chance.sample(rest, min(60, len(rest))):
                status, code, text = check(with_other(bundle, at, self.chance), "--key", world.store.key, place=self.place)
                self.tried["times one member changed"] += 1
                if status not in (1, 2) and (status == -1 or at not in TRUE):
                    self.fail(f"{'.'.join(map(str, at))} changed was accepted ({bundle['customer']}): {text[-500:]}")

    def fuzz(self, world, count):
        """Bytes at random."""
        small = sorted(world.bundles, key=lambda bundle: len(json.dumps(bundle)))[:6] + world.proofs
        for number in range(count):
            bundle = world.pages[0] if number % 10 == 0 and world.pages else self.chance.choice(small)
            is_page = isinstance(bundle, bytes)
            content = bytearray(bundle if is_page else json.dumps(bundle, ensure_ascii=False).encode())
            for _ in range(self.chance.choice([1, 1, 1, 2, 5])):
                at = self.chance.randrange(len(content))
                how = self.chance.randrange(4)
                if how == 0:
                    content[at] ^= 1 << self.chance.randrange(8)
                elif how == 1:
                    del content[at:at + self.chance.choice([1, 1, 40])]
                elif how == 2:
                    content[at:at] = self.chance.choice([b'"', b"{", b"[" * 60_000, b"9" * 5_000, b"\\ud800", b"\xff", b",", b"null", b"1e999"])
                else:
                    content[at] = self.chance.randrange(256)
            given = ["--key", world.store.key] if is_page or "evidence" in bundle else ["--checkpoint", world.store.newer]
            status, code, text = check(bytes(content), *given, place=self.place)
            self.tried["times bytes changed at random"] += 1
            if status == -1:
                self.fail(f"bytes changed: {text[-500:]}")
            if status in (0, 3):
                before, after = (carried(bytes(file)) for file in ((bundle, content) if is_page else (json.dumps(bundle).encode(), content)))
                changed = differences(before, after)
                # Of a proof, members that its form does not have are not read.
                unread = set() if "evidence" in before else UNREAD | (after.keys() - before.keys())
                if not all(at in FREE | TRUE or at[:1] and at[0] in unread for at in changed):
                    self.fail(f"bytes changed, and accepted: {changed} {text[-300:]}")

    def strange_rules(self, world, count):
        """Rules of a stranger: what is not signed gets as far as the evaluator, which has to come to an end with a reason."""
        bundle = {**min(world.bundles, key=lambda bundle: len(json.dumps(bundle))), "checkpoint": None, "key": None, "register": None}
        for _ in range(count):
            text = bundle["rules"]["text"].split("\ntests:")[0] if self.chance.random() < 0.9 else self.chance.choice(STRANGE)
            for _ in range(self.chance.choice([1, 1, 2, 4])):
                at, end = sorted(self.chance.choices(range(len(text) + 1), k=2))
                how = self.chance.randrange(4)
                if how == 0:
                    text = text[:at] + self.chance.choice(PIECES) + text[at:]
                elif how == 1:
                    text = text[:at] + text[at + 1:]
                elif how == 2:
                    text = text[:at] + text[at:end][:60] + text[at:]
                else:
                    number = re.search(r"\d+", text[at:])
                    if number:
                        start = at + number.start()
                        text = text[:start] + self.chance.choice(["0", "1", "-1", "99999999999999999999", "1.5"]) + text[at + number.end():]
            rules = {**bundle["rules"], "text": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}
            before = time.monotonic()
            status, _, printed = check({**bundle, "rules": rules}, place=self.place)
            self.tried["times rules of a stranger"] += 1
            if status not in (1, 3) or time.monotonic() - before > 60:
                self.fail(f"rules of a stranger: {status} after {time.monotonic() - before:.0f} s: {printed[-300:]} {text!r}")

    def kept_checkpoints(self, world):
        """--checkpoint and --key of the checker, right and wrong."""
        bundle, store, other = world.bundles[0], world.store, world.stranger
        for name, arguments, codes in (
                ("own checkpoint of an older state", ["--checkpoint", store.older, "--key", store.key], ("checkpoint",)),
                ("own checkpoint of another store", ["--checkpoint", other.newer], ("checkpoint",)),
                ("own checkpoint not signed by the own key", ["--checkpoint", other.newer, "--key", store.key], ("signature",)),
                ("own key of another store", ["--key", other.key], ("key",))):
            status, code, text = check(bundle, *arguments, place=self.place)
            self.note(name, status, code, codes, text, bundle["customer"])
        unsigned = {**copy.deepcopy(bundle), "checkpoint": None, "key": None}
        unbound = {**copy.deepcopy(bundle), "register": None}
        for what, arguments, expected in (
                (bundle, [], 0), (bundle, ["--checkpoint", store.newer], 0), (unsigned, [], 3), (unsigned, ["--key", store.key], 3),
                (unsigned, ["--checkpoint", store.newer, "--key", store.key], 0), (unbound, ["--key", store.key], 3),
                ({**bundle, "evidence": 2}, [], 2), ([], [], 2), (b"{", [], 2), (b"[" * 100_000, [], 2), (b"\xff", [], 2)):
            status, code, text = check(what, *arguments, place=self.place)
            if status != expected:
                self.fail(f"exit status {status} and not {expected} with {arguments}: {text}")

    def page(self, world):
        """The page carries the same bundle."""
        store = world.store
        page = store.evidence(world.bundles[0]["customer"], "--view", world.bundles[0]["view"]["name"], suffix="html")
        if not page or not page.lstrip().startswith(b"<"):
            print("no page: this binary writes none")
            return
        status, _, text = check(page, "--key", store.key, place=self.place, name="evidence.html")
        if status != 0:
            self.fail(f"page: {text}")
        world.pages.append(page)
        match = checker.PAGE.search(page)
        content = bytearray(base64.b64decode(match[1]))
        content[content.index(b'"customer"') + 14] ^= 1
        changed = page.replace(match[1], base64.b64encode(bytes(content)))
        self.note("page with a changed attachment", *check(changed, "--key", store.key, place=self.place, name="evidence.html")[:2],
                  ("subject",), "", "page")

    # proofs

    def shared_cookie(self, binary):
        """A cookie that two customers name: whose it is, is shown by the earlier of both links."""
        store = Store(self.place, "shared", binary, list(hand_made_lines(SHARED)), [ROOT / "fixtures/rules/retail.yaml"])
        store.run("replay", "shared", "--view", "retail")
        bundle = store.evidence("C-2", "--view", "retail")
        status, code, text = check(bundle, "--key", store.key, place=self.place)
        shown = [subject["subject"] for subject in bundle["subjects"]]
        if status != 0 or shown != ["C-2"]:
            self.fail(f"the bundle of C-2 shows {shown}, and the cookie is C-1's: {text}")
        earlier = store.prove(2)
        bundle["elsewhere"] = []
        status, code, text = check(bundle, "--key", store.key, place=self.place)
        self.note("cookie of two: earlier link not shown", status, code, ("link-left-out",), text, "C-2")
        for what, codes, proof in (
                ("later link in place of the earlier one", ("link",), store.prove(1)),
                ("event that is no link in place of the earlier one", ("link",), store.prove(0)),
                ("earlier link with the path of another", ("path",), {**earlier, "path": store.prove(1)["path"]}),
                ("earlier link with another line", ("leaf",), {**earlier, "line": earlier["line"] + " "})):
            bundle["elsewhere"] = [{name: proof[name] for name in checker.EVENT}]
            status, code, text = check(bundle, "--key", store.key, place=self.place)
            self.note(f"cookie of two: {what}", status, code, codes, text, "C-2")

    def proofs(self, world):
        store = world.store
        bundle = max(world.bundles, key=lambda bundle: len(bundle["links"]))
        joined, size = bundle["customer"], len(store.lines)
        subject = max((s for s in bundle["subjects"]), key=lambda s: len(s["events"]))["subject"]
        old = checker.Note(world.read(store.older), "").size
        proofs = {"position": store.prove(size // 2), "subject": store.prove("--subject", subject),
                  "customer": store.prove("--customer", joined, "--view", bundle["view"]["name"]),
                  "consistency": store.prove("--consistency", old), "record": store.prove("--record", 0)}
        for name, proof in proofs.items():
            given = ["--checkpoint", store.newer, "--key", store.key]
            status, _, text = check(proof, *given, place=self.place)
            alone, _, _ = check(proof, place=self.place)
            if status != 0 or alone != 3:
                self.fail(f"proof of a {name}: {status}, alone {alone}: {text}")
            self.accepted += status == 0
            for what, codes, function in PROOFS:
                changed = copy.deepcopy(proof)
                try:
                    result = function(changed)
                except (KeyError, IndexError, TypeError):
                    continue
                if result is False or changed == proof:
                    continue
                status, code, text = check(changed, *given, place=self.place)
                self.note(f"prove, {name}: {what}", status, code, codes.split(), text, name)
            wrong = [("against an older checkpoint", store.older), ("against a checkpoint of another store", world.stranger.newer)]
            for what, note in wrong[name == "consistency":]:
                status, code, text = check(proof, "--checkpoint", note, place=self.place)
                self.note(f"prove, {name}: {what}", status, code, ("checkpoint",), text, name)
            places = list(scalars(proof))
            for at in self.chance.sample(places, min(10 if self.options.small else 60, len(places))):
                status, _, text = check(with_other(proof, at, self.chance), *given, place=self.place)
                self.tried["times one member changed"] += 1
                if status == -1 or status == 0 and at[0] not in UNREAD:
                    self.fail(f"proof of a {name}: {at} changed was accepted: {text}")
        world.proofs = list(proofs.values())
        status, _, text = check(proofs["consistency"], "--checkpoint", store.older, "--key", store.key, place=self.place)
        if status != 0:
            self.fail(f"consistency from the own checkpoint: {text}")

    def run(self):
        shop, hand = self.stores()
        worlds = []
        for store, stranger in ((shop, hand), (hand, shop)):
            world = World(store, stranger, self.chance)
            self.bundles(store, world, self.options.customers, store.rules)
            worlds.append(world)
            self.tamper(world, 1 if self.options.small else 60)
            self.every_member(world, 1 if self.options.small else 12)
            self.kept_checkpoints(world)
            self.page(world)
            self.proofs(world)
        self.fuzz(worlds[1], 200 if self.options.small else 20_000)
        self.strange_rules(worlds[0], 50 if self.options.small else 5_000)
        self.shared_cookie(shop.binary)
        self.evaluator(shop)
        self.summary()

    def evaluator(self, shop):
        agreed, wrong, beyond = folded.compare_cases()
        print(f"{len(agreed)} worked examples agree with the evaluator; beyond it: {', '.join(beyond) or 'none'}")
        for name in wrong:
            self.fail(f"the worked example {name}")
        events = folded.read_events(pathlib.Path(self.place, "shop.ndjson"))
        found = folded.compare_shop(shop.run, "shop", events, self.place, RULES[::3] if self.options.small else RULES)
        for name, (customers, others) in found.items():
            if others:
                self.fail(f"{name}: other rows for {others[:5]}")
        print(f"{sum(customers for customers, _ in found.values()):,} customers under {len(found)} rules files have the rows"
              f" that the evaluator gives them, {sum(len(others) for _, others in found.values())} do not")

    def summary(self):
        width = max(map(len, self.table))
        for name, codes in sorted(self.table.items()):
            print(f"{name:{width}}  " + ", ".join(f"{code} {count}" for code, count in codes.most_common()))
        never = [name for name in KINDS if name not in self.table]
        if never:
            print("did not fit any bundle: " + "; ".join(never))
        for what, count in self.open.items():
            print(f"open in {count} bundles: {what}")
        for what, count in self.tried.items():
            print(f"{count:,} {what}")
        total = sum(sum(codes.values()) for codes in self.table.values())
        print(f"{self.accepted} bundles and proofs accepted; {len(self.table)} kinds of tampering refused {total:,} times;"
              f" {len(self.failures)} failures")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--customers", type=int, help="of each view; 12, with --small 1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="a minute's worth")
    options = parser.parse_args()
    options.customers = options.customers or (1 if options.small else 12)
    with tempfile.TemporaryDirectory() as place:
        campaign = Campaign(options, place)
        campaign.run()
    return bool(campaign.failures)


if __name__ == "__main__":
    sys.exit(main())
