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
    if (status == 1) != bool(match) or not text:
        return -1, None, f"exit status {status} with {text!r}"
    return status, match[1] if match else None, text


# --- What an attacker can do: sign, and make trees anew

def sign(seed, message):
    """Ed25519 (RFC 8032, 5.1.6) with the arithmetic of the checker."""
    digest = hashlib.sha512(seed).digest()
    secret = int.from_bytes(digest[:32], "little") & (2**254 - 8) | 2**254
    public = encode(checker.multiply_point(secret, checker.BASE))
    nonce = int.from_bytes(hashlib.sha512(digest[32:] + message).digest(), "little") % checker.ORDER
    commitment = encode(checker.multiply_point(nonce, checker.BASE))
    challenge = int.from_bytes(hashlib.sha512(commitment + public + message).digest(), "little") % checker.ORDER
    return public, commitment + ((nonce + challenge * secret) % checker.ORDER).to_bytes(32, "little")


def encode(point):
    inverse = pow(point[2], checker.PRIME - 2, checker.PRIME)
    x, y = point[0] * inverse % checker.PRIME, point[1] * inverse % checker.PRIME
    return (y | (x & 1) << 255).to_bytes(32, "little")


def signed(body, name, seed):
    """(note, verifier key) by a key of one's own under any name."""
    public, signature = sign(seed, body.encode())
    identity = hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]
    note, key = (base64.b64encode(content).decode() for content in (identity + signature, b"\x01" + public))
    return f"{body}\n\u2014 {name} {note}\n", f"{name}+{identity.hex()}+{key}"


def tree(leaves):
    """(root, audit paths) of RFC 9162, 2.1.1 and 2.1.3.1, as they are defined."""
    if len(leaves) == 1:
        return leaves[0], [[]]
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    (left, lefts), (right, rights) = tree(leaves[:middle]), tree(leaves[middle:])
    return checker.node_hash(left, right), [path + [right] for path in lefts] + [path + [left] for path in rights]


def leaf_of(event):
    return checker.leaf_hash(bytes.fromhex(event["header"]) + event["line"].encode())


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


# --- Kinds of tampering with a bundle: name -> (codes, function that changes a copy, or returns False where it does not fit)

KINDS = {}


def kind(name, *codes):
    def enter(function):
        KINDS[name] = (codes, function)
        return function
    return enter


def other_digit(text, at=0):
    return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1:]


def moved(time, by=1):
    return checker.print_time(checker.parse_time(time) + by)


def events_of(bundle):
    return [event for subject in bundle["subjects"] for event in subject["events"]]


def path_to(*steps):
    """A function that changes the place at the end of `steps` by `change`; no fit where there is none."""
    def place(bundle):
        for step in steps[:-1]:
            try:
                bundle = bundle[step]
            except (KeyError, IndexError, TypeError):
                return None
            if bundle is None:
                return None
        return bundle
    return place


def change(name, codes, steps, new):
    """A kind that changes one place to `new(old)`."""
    def function(bundle, world):
        found = path_to(*steps)(bundle)
        last = steps[-1]
        if found is None or isinstance(last, int) and not -len(found) <= last < len(found) or last not in found and not isinstance(last, int):
            return False
        if found[last] is None:
            return False
        found[last] = new(found[last])
    KINDS[name] = (tuple(codes.split()), function)


def flip_base64(text):
    content = bytearray(base64.b64decode(text))
    content[len(content) // 2] ^= 1
    return base64.b64encode(bytes(content)).decode()


def flip_signature(note):
    head, _, last = note.rstrip("\n").rpartition(" ")
    return f"{head} {flip_base64(last)}\n"


change("signature changed", "signature", ("checkpoint",), flip_signature)
change("text of the note changed", "signature", ("checkpoint",), lambda note: note.replace("\nregister ", "\nregister 1", 1))
change("origin of the note changed", "signature", ("checkpoint",), lambda note: "clm-replay/0" + note[12:])
change("note without a signature", "note", ("checkpoint",), lambda note: note.split("\u2014")[0])
change("size of the log changed", "log path", ("log", "size"), lambda size: size + 1)
change("root of the log changed", "log", ("log", "root"), other_digit)
change("size of the register changed", "log", ("log", "register_size"), lambda size: size + 1)
change("root of the register changed", "log", ("log", "register_root"), other_digit)
change("id in the key changed", "key", ("key",), lambda key: re.sub(r"\+.", lambda m: "+" + ("0" if m[0] != "+0" else "1"), key, count=1))
change("bytes of the key changed", "key", ("key",), lambda key: key[:-8] + ("A" if key[-8] != "A" else "B") + key[-7:])
change("comment in the rules changed, hash as before", "rules", ("rules", "text"), lambda text: text + "# \n")
change("hash of the rules changed", "rules", ("rules", "sha256"), other_digit)
change("name of the view changed", "record", ("view", "name"), lambda name: name + "x")
change("model of the view changed", "record", ("view", "model"), lambda name: name + "x")
change("version of the view changed", "record", ("view", "version"), lambda version: version + 1)
change("view larger than the log", "log", ("view", "size"), lambda size: 10**9)
change("view folded nothing", "rows", ("view", "size"), lambda size: 0)
change("bytes of the control record changed", "record", ("register", "bytes"), flip_base64)
change("number of the control record changed", "record", ("register", "record"), lambda number: number + 1)
change("path of the control record changed", "record", ("register", "path", 0), other_digit)
change("leaf hash changed", "leaf", ("subjects", 0, "events", -1, "leaf_hash"), other_digit)
change("salt in the header changed", "leaf", ("subjects", 0, "events", -1, "header"), lambda header: other_digit(header, 60))
change("kind in the header changed", "header", ("subjects", 0, "events", 0, "header"), lambda header: header[:2] + "01" + header[4:])
change("number in the header changed", "header", ("subjects", 0, "events", 0, "header"), lambda header: header[:8] + "01" + header[10:])
change("predecessor in the header changed", "header", ("subjects", 0, "events", 0, "header"), lambda header: header[:32] + "00" + header[34:])
change("recorded in the header changed", "header", ("subjects", 0, "events", 0, "header"), lambda header: other_digit(header, 17))
change("number of an event changed", "header", ("subjects", 0, "events", 0, "sequence"), lambda number: number + 1)
change("predecessor of an event changed", "header", ("subjects", 0, "events", 1, "previous"), lambda position: position + 1)
change("recorded of an event changed", "header", ("subjects", 0, "events", 0, "recorded"), moved)
change("line of an event changed", "leaf", ("subjects", 0, "events", -1, "line"), lambda line: line.replace('"time":"20', '"time":"19', 1).replace('"time": "20', '"time": "19', 1))
change("space added to a line", "leaf", ("subjects", 0, "events", -1, "line"), lambda line: line + " ")
change("line that is no event", "leaf line", ("subjects", 0, "events", 0, "line"), lambda line: line[:-1])
change("sibling in a path changed", "path", ("subjects", 0, "events", -1, "path", 0), other_digit)
change("path shortened", "path", ("subjects", 0, "events", 0, "path"), lambda path: path[:-1])
change("path lengthened", "path", ("subjects", 0, "events", 0, "path"), lambda path: path + path[-1:])
change("position of an event changed", "path", ("subjects", 0, "events", -1, "position"), lambda position: position ^ 1)
change("customer renamed", "subject", ("customer",), lambda name: name + "x")
change("subject renamed", "subject", ("subjects", -1, "subject"), lambda name: name + "x")
change("row a microsecond later", "rows", ("transitions", -1, "at"), moved)
change("row a microsecond earlier", "rows", ("transitions", 0, "at"), lambda time: moved(time, -1))
change("row from another stage", "rows", ("transitions", -1, "from"), lambda stage: stage + "x")
change("row to another stage", "rows", ("transitions", -1, "to"), lambda stage: stage + "x")
change("row by another transition", "rows", ("transitions", -1, "transition"), lambda name: name + "x")
change("row of another cause", "rows", ("transitions", -1, "cause"), lambda cause: {"event": "timer", "timer": "event"}[cause])
change("row with another anchor (position)", "rows", ("transitions", -1, "position"), lambda position: position + 1)
change("row with another anchor (id)", "rows", ("transitions", -1, "event_id"), lambda text: text + "x")
change("row left out at the end", "rows", ("transitions",), lambda rows: rows[:-1])
change("row left out at the beginning", "rows", ("transitions",), lambda rows: rows[1:])
change("row told twice", "rows", ("transitions",), lambda rows: rows + rows[-1:])
change("stage changed", "stage", ("stage",), lambda stage: stage + "x")
change("since changed", "stage", ("since",), moved)
change("claim of a row that is none", "claim", ("claim", "transition"), lambda index: index + 1000)
change("claim of another segment", "claim", ("claim", "segment"), lambda name: name + "x")
change("claim that a segment holds turned", "claim", ("claim", "holds"), lambda flag: not flag)
change("stay a microsecond later", "claim", ("claim", "stay", "from"), moved)
change("stay that ends a microsecond later", "claim", ("claim", "stay", "to"), moved)
change("stay with another anchor", "claim", ("claim", "stay", "position"), lambda position: position + 1)
change("stay denied", "claim", ("claim", "stay"), lambda stay: None)
change("id of the rule changed", "rule", ("rule", "id"), lambda name: name + "x")
change("line of the rule changed", "rule", ("rule", "line"), lambda line: line + 1)
change("text of the rule changed", "rule", ("rule", "text"), lambda text: text + " ")
change("rule left out", "rule", ("rule",), lambda rule: None)
change("facts left out", "facts", ("facts",), lambda facts: {} if facts else {"x": {"value": 1, "before": 1, "events": []}})
change("one minimal event less", "minimal", ("minimal", "events"), lambda events: events[1:])
change("minimal event of another id", "minimal", ("minimal", "events", 0, "id"), lambda text: text + "x")
change("minimal event at another instant", "minimal", ("minimal", "events", 0, "at"), moved)
change("minimal event of another type", "minimal", ("minimal", "events", 0, "type"), lambda text: text + "x")
change("minimal of another number of events", "minimal", ("minimal", "of"), lambda count: count + 1)
change("smallest turned", "minimal", ("minimal", "smallest"), lambda flag: not flag)
change("what was tried changed", "minimal", ("minimal", "tried_below"), lambda count: count + 1)
change("last event before a silence changed", "minimal", ("minimal", "absence", "position"), lambda position: position + 1)
change("aliases of a silence changed", "minimal", ("minimal", "absence", "aliases"), lambda names: names + ["x"])
change("begin of a silence moved", "minimal", ("minimal", "absence", "after"), moved)
change("end of a silence moved", "minimal", ("minimal", "absence", "before"), moved)
change("silence denied", "minimal", ("minimal", "absence"), lambda absence: None)
change("minimal events denied", "minimal", ("minimal",), lambda minimal: None)
change("hash in capitals", "form", ("log", "root"), lambda text: text.upper() if text != text.upper() else text + "A")
change("base64 of another spelling", "record", ("register", "bytes"), lambda text: text.rstrip("=") if text.endswith("=") else text + "====")


@kind("fact with another value", "facts")
def _(bundle, world):
    for fact in bundle["facts"].values():
        fact["value"] = {"x": 1} if fact["value"] is None else None
        return None
    return False


@kind("fact that was otherwise before", "facts")
def _(bundle, world):
    for fact in bundle["facts"].values():
        fact["before"] = 77 if fact["before"] is None else None
        return None
    return False


def fact_event(change_it):
    def function(bundle, world):
        found = [fact for fact in bundle["facts"].values() if fact["events"]]
        if not found:
            return False
        change_it(found[0]["events"])
    return function


for NAME, CHANGE in (
        ("event of a fact left out", lambda events: events.pop()),
        ("event of a fact told twice", lambda events: events.append(events[-1])),
        ("event of a fact at another position", lambda events: events[0].update(position=events[0]["position"] + 1)),
        ("event of a fact of another id", lambda events: events[0].update(id="x")),
        ("event of a fact at another instant", lambda events: events[0].update(at=moved(events[0]["at"]))),
        ("event of a fact that adds something else", lambda events: events[0].update(adds=[events[0]["adds"]]))):
    KINDS[NAME] = (("facts",), fact_event(CHANGE))


@kind("fact added", "facts")
def _(bundle, world):
    bundle["facts"]["none_of_it"] = {"value": 1, "before": 1, "events": []}


@kind("event left out of a fact is told", "facts")
def _(bundle, world):
    for fact in bundle["facts"].values():
        fact["left_out"] = fact.get("left_out", 0) + 1
        return None
    return False


@kind("one minimal event more", "minimal")
def _(bundle, world):
    if not bundle["minimal"] or not bundle["minimal"]["irreducible"]:
        return False
    have = {event["position"] for event in bundle["minimal"]["events"]}
    limit = bundle["transitions"][bundle["claim"]["transition"]]["at"]
    for proof in events_of(bundle):
        event = checker.Event(proof["position"], proof["line"])
        if event.position not in have and checker.print_time(event.time) <= limit and event.type != "identify":
            more = {"position": event.position, "id": event.id, "at": checker.print_time(event.time), "type": event.type}
            bundle["minimal"]["events"] = sorted(bundle["minimal"]["events"] + [more], key=lambda e: (e["at"], e["position"]))
            bundle["minimal"].update(smallest=False, earliest=False)
            return None
    return False


@kind("minimal event that is none of the customer", "minimal")
def _(bundle, world):
    if not bundle["minimal"]:
        return False
    bundle["minimal"]["events"].append({"position": 10**6, "id": "x", "at": bundle["transitions"][0]["at"], "type": "x"})


@kind("minimal events in another order", "minimal")
def _(bundle, world):
    if not bundle["minimal"] or len(bundle["minimal"]["events"]) < 2:
        return False
    bundle["minimal"]["events"].reverse()


@kind("claim of another row", "rule", "facts", "minimal")
def _(bundle, world):
    claim, rows = bundle["claim"], bundle["transitions"]
    if "transition" not in claim or len(rows) < 2:
        return False
    claim["transition"] = (claim["transition"] + 1) % len(rows)


@kind("rows in another order", "rows")
def _(bundle, world):
    if len(bundle["transitions"]) < 2:
        return False
    bundle["transitions"].reverse()


@kind("parked where it is not", "stage")
def _(bundle, world):
    if bundle["parked_at"] is not None:
        return False
    bundle["parked_at"], bundle["stage"], bundle["since"] = bundle["since"], None, None


@kind("as-of before the last row", "rows", "link", "subject")
def _(bundle, world):
    bundle["view"]["as_of"] = moved(bundle["transitions"][-1]["at"], -1)


# events and chains

def with_chain(least, function):
    def fitting(bundle, world):
        chains = [subject["events"] for subject in bundle["subjects"] if len(subject["events"]) >= least]
        return function(chains[0]) if chains else False
    return fitting


for NAME, LEAST, CHANGE in (
        ("event left out at the beginning", 2, lambda events: events.pop(0) and None),
        ("event left out in the middle", 3, lambda events: events.pop(len(events) // 2) and None),
        ("two events in another order", 2, lambda events: events.insert(0, events.pop(1))),
        ("event told twice", 1, lambda events: events.append(copy.deepcopy(events[-1])))):
    KINDS[NAME] = (("chain",), with_chain(LEAST, CHANGE))


@kind("events left out at the end, and folded before", "rows", "facts", "minimal", "link", "claim")
def _(bundle, world):
    events = bundle["subjects"][0]["events"]
    folded_ones = [event for event in events[1:] if event["position"] < bundle["view"]["size"]
                   and checker.Event(0, event["line"]).time <= checker.parse_time(bundle["view"]["as_of"])]
    if not folded_ones or not bundle["minimal"] or bundle["customer"].startswith("qa-"):
        return False
    del events[1:]


@kind("header and leaf hash of another salt", "path")
def _(bundle, world):
    event = events_of(bundle)[-1]
    event["header"] = other_digit(event["header"], 60)
    event["leaf_hash"] = leaf_of(event).hex()


@kind("line and leaf hash changed together", "path")
def _(bundle, world):
    event = events_of(bundle)[0]
    event["line"] = event["line"].replace('"type":"', '"type":"x', 1).replace('"type": "', '"type": "x', 1)
    event["leaf_hash"] = leaf_of(event).hex()


@kind("path of another position", "path")
def _(bundle, world):
    events = events_of(bundle)
    if len(events) < 2:
        return False
    events[0]["path"], events[1]["path"] = events[1]["path"], events[0]["path"]


@kind("event of another customer among the own", "subject")
def _(bundle, world):
    bundle["subjects"][0]["events"].insert(0, copy.deepcopy(events_of(world.other(bundle))[0]))


@kind("chain of another customer under the own name", "subject")
def _(bundle, world):
    bundle["subjects"][0]["events"] = copy.deepcopy(world.other(bundle)["subjects"][0]["events"])


@kind("subject added without a link", "subject")
def _(bundle, world):
    bundle["subjects"].append(copy.deepcopy(world.other(bundle)["subjects"][0]))


@kind("subject told twice", "subject")
def _(bundle, world):
    bundle["subjects"].append(copy.deepcopy(bundle["subjects"][0]))


# links

def linked(function):
    return lambda bundle, world: function(bundle) if bundle["links"] and len(bundle["subjects"]) > 1 else False


def left_out(bundle):
    """A joined subject and its link, as far as nobody follows it."""
    name = bundle["links"][-1]["named"]
    if any(link["subject"] == name for link in bundle["links"]):
        return False
    bundle["links"].pop()
    bundle["subjects"] = [subject for subject in bundle["subjects"] if subject["subject"] != name]


for NAME, CODE, CHANGE in (
        ("link left out", "subject", lambda bundle: bundle["links"].pop() and None),
        ("link and its subject left out", "link-left-out", left_out),
        ("subject left out, its link as before", "subject", lambda bundle: bundle["subjects"].pop() and None),
        ("link that names another subject", "link", lambda bundle: bundle["links"][0].update(named="x")),
        ("link of another subject", "link", lambda bundle: bundle["links"][0].update(subject="x")),
        ("link at another position", "link", lambda bundle: bundle["links"][0].update(position=bundle["subjects"][1]["events"][0]["position"])),
        ("link with another path", "link", lambda bundle: bundle["links"][0].update(path=["x"])),
        ("link told twice", "link", lambda bundle: bundle["links"].append(bundle["links"][0])),
        ("links in another order", "link", lambda bundle: bundle["links"].reverse() if len(bundle["links"]) > 1 else False),
        ("events of the named subject under another name", "subject", lambda bundle: bundle["subjects"][1].update(subject="x"))):
    KINDS[NAME] = ((CODE,), linked(CHANGE))


@kind("link added that is none", "link", "subject")
def _(bundle, world):
    event = events_of(bundle)[0]
    line = json.loads(event["line"])
    name = next((name for name, value in line.get("data", {}).items() if isinstance(value, str)), None)
    if name is None or line["type"] == "identify":
        return False
    bundle["links"].append({"position": event["position"], "subject": line["subject"], "named": line["data"][name], "path": [name]})


# the log, its signature, the rules

@kind("signed by another key, the key as before", "signature")
def _(bundle, world):
    body = checker.Note(bundle["checkpoint"], "").body
    bundle["checkpoint"], _ = signed(body, bundle["key"].split("+")[0], world.seed)


@kind("signed by another key, which is in the bundle", "key")
def _(bundle, world):
    body = checker.Note(bundle["checkpoint"], "").body
    bundle["checkpoint"], bundle["key"] = signed(body, bundle["key"].split("+")[0], world.seed)


@kind("signed by another key, under the id of the right one", "signature")
def _(bundle, world):
    note = checker.Note(bundle["checkpoint"], "")
    name, identity = bundle["key"].split("+")[0], note.signatures[0][1][:4]
    _, signature = sign(world.seed, note.body.encode())
    bundle["checkpoint"] = f"{note.body}\n\u2014 {name} {base64.b64encode(identity + signature).decode()}\n"


@kind("signature with S above the order", "signature")
def _(bundle, world):
    note = checker.Note(bundle["checkpoint"], "")
    name, value = note.signatures[0]
    s = (int.from_bytes(value[36:], "little") + checker.ORDER).to_bytes(32, "little")
    bundle["checkpoint"] = f"{note.body}\n\u2014 {name} {base64.b64encode(value[:36] + s).decode()}\n"


@kind("note of an older state", "log")
def _(bundle, world):
    if bundle["checkpoint"] != world.read(world.store.newer):
        return False
    bundle["checkpoint"] = world.read(world.store.older)


@kind("note of another store", "signature")
def _(bundle, world):
    bundle["checkpoint"] = world.read(world.stranger.newer)


@kind("note and key of another store", "key")
def _(bundle, world):
    bundle["checkpoint"], bundle["key"] = world.read(world.stranger.newer), world.read(world.stranger.key).strip()


@kind("note without the key", "log", "key")
def _(bundle, world):
    bundle["checkpoint"] = None


@kind("log made anew around a changed event, not signed", "log", "signature")
def _(bundle, world):
    forge(bundle, world)


@kind("log made anew around a changed event, note changed, not signed", "signature")
def _(bundle, world):
    forge(bundle, world)
    bundle["checkpoint"] = bundle["checkpoint"].replace(checker.Note(bundle["checkpoint"], "").body, new_body(bundle))


@kind("log made anew around a changed event, signed by another key", "key")
def _(bundle, world):
    forge(bundle, world)
    bundle["checkpoint"], bundle["key"] = signed(new_body(bundle), bundle["key"].split("+")[0], world.seed)


def forge(bundle, world):
    """Everything right but the signature: a tree in which the customer's events stand as they were changed."""
    changed = events_of(bundle)[0]
    changed["line"] = changed["line"].replace('"id":"', '"id":"x', 1).replace('"id": "', '"id": "x', 1)
    leaves = [b"\x01" * 32] * bundle["log"]["size"]
    for event in events_of(bundle):
        event["leaf_hash"] = leaf_of(event).hex()
        leaves[event["position"]] = bytes.fromhex(event["leaf_hash"])
    root, paths = tree(leaves)
    for event in events_of(bundle):
        event["path"] = [sibling.hex() for sibling in paths[event["position"]]]
    bundle["log"]["root"] = root.hex()


def new_body(bundle):
    log = bundle["log"]
    encoded = [base64.b64encode(bytes.fromhex(log[name])).decode() for name in ("root", "register_root")]
    origin = checker.Note(bundle["checkpoint"], "").origin
    return f"{origin}\n{log['size']}\n{encoded[0]}\nregister {log['register_size']} {encoded[1]}\n"


@kind("rules changed with their hash", "record")
def _(bundle, world):
    bundle["rules"]["text"] += "# \n"
    bundle["rules"]["sha256"] = hashlib.sha256(bundle["rules"]["text"].encode()).hexdigest()


@kind("rules of another file with their hash", "record")
def _(bundle, world):
    other = next(path.read_text() for path in RULES if path.read_text() != bundle["rules"]["text"])
    bundle["rules"]["text"], bundle["rules"]["sha256"] = other, hashlib.sha256(other.encode()).hexdigest()


@kind("control record of another view", "record")
def _(bundle, world):
    number = next((n for n in range(bundle["log"]["register_size"])
                   if n in world.records and world.records[n]["size"] == bundle["log"]["register_size"]
                   and checker.Record(base64.b64decode(world.records[n]["bytes"])).view != bundle["view"]["name"]), None)
    if number is None:
        return False
    bundle["register"] = {name: world.records[number][name] for name in ("record", "bytes", "path")}


# members

for NAME, STEPS, CODES in (
        ("key", ("key",), ("key",)), ("note", ("checkpoint",), ("note", "signature")), ("rules", ("rules", "text"), ("rules",)),
        ("line", ("subjects", 0, "events", 0, "line"), ("line",)), ("name", ("customer",), ("subject",))):
    change(f"half a character in the {NAME}", " ".join(CODES), STEPS, lambda text: "\ud800" + text)


@kind("member twice", "form")
def _(bundle, world):
    text = json.dumps(bundle, ensure_ascii=False)
    return text.replace('"customer":', '"customer": "x", "customer":', 1).encode()


@kind("member that the format does not know", "form")
def _(bundle, world):
    bundle["comment"] = "x"


@kind("a member less", "form")
def _(bundle, world):
    objects = [value for value in walk(bundle) if isinstance(value, dict) and value and value is not bundle["facts"]]
    chosen = world.chance.choice(objects)
    name = world.chance.choice(sorted(chosen))
    if name in ("evidence", "left_out", "claim", "transition", "segment"):
        return False
    del chosen[name]


@kind("a member of another type", "form")
def _(bundle, world):
    objects = [value for value in walk(bundle) if isinstance(value, dict) and value and value is not bundle["facts"]]
    chosen = world.chance.choice(objects)
    name = world.chance.choice(sorted(chosen))
    if name in ("evidence", "value", "before", "adds", "claim", "transition", "segment"):
        return False
    chosen[name] = world.chance.choice([1.5, [[]], {"x": None}, True if not isinstance(chosen[name], bool) else "true", -1, 2**80])
    if isinstance(chosen[name], list) and name in ("subjects", "links", "transitions", "events", "path", "aliases") or name == "version":
        return False


def walk(value):
    yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(item)


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
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return [d for name in a for d in differences(a[name], b[name], (*at, name))]
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
                if not all(at in FREE | TRUE or at[0] in UNREAD and "evidence" not in before for at in changed):
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
            if status not in (1, 3) or time.monotonic() - before > 120:
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
        bundle.update(subjects=[subject for subject in bundle["subjects"] if subject["subject"] == "C-2"], links=[])
        status, code, text = check(bundle, "--key", store.key, place=self.place)
        self.note("link of a cookie that is not shown", status, code, ("link-left-out",), text, "C-2")
        earlier = store.prove(2)
        bundle["elsewhere"] = [{name: earlier[name] for name in checker.EVENT}]
        status, _, text = check(bundle, "--key", store.key, place=self.place)
        if status != 0:
            self.fail(f"a cookie that follows another customer: {text}")
        for what, codes, proof in (
                ("later link in place of the earlier one", ("link",), store.prove(1)),
                ("event that is no link in place of the earlier one", ("link",), store.prove(0)),
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
            self.tamper(world, 2 if self.options.small else 60)
            self.every_member(world, 1 if self.options.small else 12)
            self.kept_checkpoints(world)
            self.page(world)
            self.proofs(world)
        self.fuzz(worlds[1], 300 if self.options.small else 20_000)
        self.strange_rules(worlds[0], 100 if self.options.small else 5_000)
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


# Kinds for the output of `prove`: (name, codes, function); places that a form does not have do not fit.
PROOFS = (
    ("root changed", "path checkpoint consistency record log", lambda p: p.update(root=other_digit(p["root"]))),
    ("size changed", "path checkpoint consistency record log", lambda p: p.update(size=p["size"] + 1)),
    ("path changed", "path consistency record", lambda p: p["path"].__setitem__(0, other_digit(p["path"][0]))),
    ("path shortened", "path consistency record", lambda p: p["path"].pop() and None),
    ("path lengthened", "path consistency record", lambda p: p["path"].append(p["path"][0])),
    ("position changed", "path", lambda p: p.update(position=p["position"] ^ 1)),
    ("line changed", "leaf", lambda p: p.update(line=p["line"] + " ")),
    ("header changed", "leaf", lambda p: p.update(header=other_digit(p["header"], 60))),
    ("leaf hash changed", "leaf", lambda p: p.update(leaf_hash=other_digit(p["leaf_hash"]))),
    ("leaf recomputed", "path", lambda p: p.update(line=p["line"] + " ", leaf_hash=leaf_of({**p, "line": p["line"] + " "}).hex())),
    ("header left out", "form", lambda p: p.update(header=None) if p["header"] else False),
    ("subject renamed", "subject", lambda p: p.update(subject="x") if p["subject"] else False),
    ("event left out at the beginning", "chain", lambda p: p["events"].pop(0) and None),
    ("event left out in the middle", "chain", lambda p: p["events"].pop(len(p["events"]) // 2) and None
     if len(p["events"]) > 2 else False),
    ("order changed", "chain", lambda p: p["events"].reverse() if len(p["events"]) > 1 else False),
    ("customer renamed", "subject", lambda p: p.update(customer="x") if p["customer"] else False),
    ("link left out", "subject", lambda p: p["links"].pop() and None),
    ("link named otherwise", "link", lambda p: p["links"][0].update(named="x")),
    ("link of another subject", "link", lambda p: p["links"][0].update(subject="x")),
    ("link of another path", "link", lambda p: p["links"][0].update(path=["x"])),
    ("subject left out of the middle of a chain", "subject link", lambda p: p["subjects"].pop(0) and None),
    ("chain with a gap", "chain", lambda p: p["subjects"][0]["events"].pop(0) and None if len(p["subjects"][0]["events"]) > 1 else False),
    ("subjects under two roots", "log", lambda p: p["subjects"][-1].update(root=other_digit(p["subjects"][-1]["root"]))),
    ("older root changed", "consistency", lambda p: p.update(old_root=other_digit(p["old_root"]))),
    ("older size changed", "consistency", lambda p: p.update(old_size=p["old_size"] + 1)),
    ("record number changed", "record", lambda p: p.update(record=p["record"] + 1)),
    ("record bytes changed", "record", lambda p: p.update(bytes=flip_base64(p["bytes"]))),
)


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
