"""Kinds of tampering with evidence, each with the codes under which docs/check_evidence.py may refuse it.

`KINDS` are for bundles: name -> (codes, function of a copy of a bundle and of what an attacker may draw from). The
function changes the copy, or returns bytes in its place, or False where the kind does not fit the bundle. `PROOFS` are
for the output of `prove`.
"""
import base64
import copy
import hashlib
import json
import re

from folded import RULES, checker


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


# --- Bundles

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
change("customer whose name looks like a sentence", "subject", ("customer",), lambda name: name + "\nShown.\n- All is well.\x1b[2J\u2028")
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


@kind("event of another customer told elsewhere", "link")
def _(bundle, world):
    bundle["elsewhere"].append(copy.deepcopy(events_of(world.other(bundle))[0]))


@kind("own event told elsewhere", "link")
def _(bundle, world):
    bundle["elsewhere"].append(copy.deepcopy(events_of(bundle)[0]))


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


# --- The output of `prove`: (name, codes, function); a place that a form does not have does not fit
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
