#!/usr/bin/env python3
"""Checks evidence of clm-replay with nothing but Python's standard library.

FILE is what `clm-replay explain … --evidence FILE` wrote (the JSON, or the .html page that carries it), or what
`clm-replay prove … --format json` printed. docs/evidence.md says what stands in it, and what it can show.
This program shares no code with the one that wrote it: signatures, Merkle trees and the folding of a customer under
the rules are written here once more, so that whoever doubts the other can read this one.

A bundle is checked in this order, and the first thing that does not hold is the reason of refusal:
the signature over the log; the rules and the record that put them in force; each event, and that none was left out
between the first and the last one shown; the links that join subjects; and what follows from the events under the rules.
"""
import argparse
import base64
import bisect
import hashlib
import itertools
import json
import math
import os
import re
import sys
from datetime import datetime, timedelta, timezone

CODES = """\
codes of refusal, `refused[CODE]: why`:
  form           a member is missing, unknown, comes twice, or is of another type or spelling than the format says
  key            the key is no verifier key, or not the one that was given
  note           the checkpoint is no signed note of the known form
  signature      the note is not signed by the key
  checkpoint     the checkpoint that was given says something else
  log            size or root of the log or register are not those of the note
  rules          the rules are not those of the hash, or not of this model and version
  record         the control record is not under the register's root, or is none of this view and these rules
  header         number, predecessor or time of an event are not what its header says
  line           the line of an event is no event
  leaf           the leaf hash of an event is not that of its header and line
  path           a path does not lead from the leaf to the root
  subject        an event is of another subject, or a subject is not the customer
  chain          an event was left out, or they are in another order
  link           a link is not among the events, names somebody else, or joins nobody
  link-left-out  an event of the customer joins another subject, and is not among the links
  rows           the events do not lead to these transitions
  stage          the customer does not stand there
  claim          there is no such transition, or no such stay in the segment
  rule           the rule is not the one that was taken, or its line or text is another
  facts          a fact is missing, or has another value or other events
  minimal        the minimal events do not give the row, or one of them can be left out
  consistency    the log did not go on from the older one

exit status: 0 everything holds, and leads to a signature or to the checkpoint that was given; 1 refused;
2 it could not run (no such file, no JSON, no such form); 3 nothing is wrong, but something remains open, which is said"""


class Refused(Exception):
    """Something is not what it says."""

    def __init__(self, code, why):
        super().__init__(why)
        self.code = code


class CannotRun(Exception):
    """There is nothing that could be checked."""


class Beyond(Exception):
    """The rules need more than this evaluator can do exactly."""


class Report:
    """What came out, in sentences."""

    def __init__(self):
        self.proved, self.limits, self.open = [], [], []


def holds(condition, code, why):
    if not condition:
        raise Refused(code, why)


def several(count, word):
    return f"{count:,} {word}" + ("" if count == 1 else "s")


# --- Ed25519 (RFC 8032, 5.1), in extended coordinates (5.1.4) ---

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, PRIME - 2, PRIME) % PRIME
NEUTRAL = (0, 1, 1, 0)


def add_points(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % PRIME, (p[1] + p[0]) * (q[1] + q[0]) % PRIME
    c, d = 2 * p[3] * q[3] * CURVE % PRIME, 2 * p[2] * q[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME)


def multiply_point(number, point):
    result = NEUTRAL
    while number:
        if number & 1:
            result = add_points(result, point)
        point, number = add_points(point, point), number >> 1
    return result


def decode_point(encoded):
    """A point (5.1.3), or None where the bytes are none, or not spelled as they have to be."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= PRIME:
        return None
    square = (y * y - 1) * pow(CURVE * y * y + 1, PRIME - 2, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if x * x % PRIME != square:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    if x * x % PRIME != square or (x == 0 and sign):
        return None
    x = PRIME - x if x & 1 != sign else x
    return (x, y, 1, x * y % PRIME)


BASE = decode_point((4 * pow(5, PRIME - 2, PRIME) % PRIME).to_bytes(32, "little"))


def is_signed(key, message, signature):
    """Verification (5.1.7)."""
    if len(key) != 32 or len(signature) != 64:
        return False
    point, commitment = decode_point(key), decode_point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if point is None or commitment is None or s >= ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + key + message).digest()
    challenge = int.from_bytes(digest, "little") % ORDER
    left, right = multiply_point(s, BASE), add_points(commitment, multiply_point(challenge, point))
    return (left[0] * right[2] - right[0] * left[2]) % PRIME == 0 and (left[1] * right[2] - right[1] * left[2]) % PRIME == 0


# --- Merkle trees (RFC 9162, 2.1; SHA-256) ---

def leaf_hash(content):
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of_path(leaf, index, size, path):
    """The root to which an audit path leads (2.1.3.2), or None where its length is another."""
    if not 0 <= index < size:
        return None
    first, last, result = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if first & 1 or first == last:
            result = node_hash(sibling, result)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        first, last = first >> 1, last >> 1
    return result if last == 0 else None


def is_beginning(old, old_root, size, root, path):
    """Whether the tree of `old` leaves is the beginning of that of `size` (2.1.4.2)."""
    if old == 0:
        return not path and old_root == hashlib.sha256().digest()
    if old == size:
        return not path and old_root == root
    if old > size or not path:
        return False
    nodes = ([old_root] if old & (old - 1) == 0 else []) + path
    first, last = old - 1, size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    before = after = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        first, last = first >> 1, last >> 1
    return last == 0 and before == old_root and after == root


# --- JSON (RFC 8259), and members of the types that the format says ---

class Number(str):
    """A JSON number as it is spelled, where it is not a whole number of at most 19 digits."""


def once(pairs):
    found = {}
    for name, value in pairs:
        holds(name not in found, "form", f"the member {name!r} comes twice in one object")
        found[name] = value
    return found


def no_number(text):
    raise ValueError(f"{text} is no JSON")


def read_json(text):
    return json.loads(text, object_pairs_hook=once, parse_constant=no_number, parse_float=Number,
                      parse_int=lambda digits: int(digits) if len(digits) < 20 else Number(digits))


TYPES = {"text": str, "list": list, "object": dict, "bool": bool}


def as_type(value, kind, where):
    if kind.endswith("?"):
        return None if value is None else as_type(value, kind[:-1], where)
    if kind == "count":
        good = type(value) is int and 0 <= value < 2**63
    elif kind == "whole":
        good = type(value) is int and -(2**63) <= value < 2**63
    elif kind in ("hash", "header"):
        digits = 64 if kind == "hash" else 80
        good = type(value) is str and re.fullmatch("[0-9a-f]{%d}" % digits, value) is not None
    elif kind == "time":
        good = type(value) is str and parse_time(value) is not None and print_time(parse_time(value)) == value
    else:
        good = type(value) is TYPES[kind]
    holds(good, "form", f"{where} is no {kind}")
    return value


def members(value, where, exact=True, **kinds):
    """An object with these members, each of its type."""
    as_type(value, "object", where)
    for name, kind in kinds.items():
        holds(name in value, "form", f"{where} has no member {name!r}")
        as_type(value[name], kind, f"{name!r} of {where}")
    unknown = [name for name in value if name not in kinds]
    holds(not exact or not unknown, "form", f"{where} has a member {unknown[:1]} that the format does not know")
    return value


def hashes(path, where):
    return [bytes.fromhex(as_type(item, "hash", f"an element of {where}")) for item in path]


def from_base64(text, code, where):
    """Bytes in base64, which has to be spelled in the one way."""
    try:
        value = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        raise Refused(code, f"{where} is no base64") from None
    holds(base64.b64encode(value).decode() == text, code, f"{where} is base64 of another spelling")
    return value


def utf8(text, code, where):
    """The bytes of a text; JSON can spell half a character, which has none."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise Refused(code, f"{where} is no UTF-8") from None


# --- Time: microseconds since 1970-01-01T00:00:00Z ---

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
SECOND = 1_000_000
HOUR, DAY = 3600 * SECOND, 24 * 3600 * SECOND
RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII)


def parse_time(text):
    """An RFC 3339 instant, finer digits cut; None where the text is none."""
    match = RFC3339.fullmatch(text)
    if not match:
        return None
    try:
        moment = datetime(*(int(part) for part in match.groups()[:6]), tzinfo=timezone.utc)
    except ValueError:
        return None
    value = (moment - EPOCH) // timedelta(microseconds=1) + int(((match[7] or "") + "000000")[:6])
    if match[8]:
        if int(match[9]) > 23 or int(match[10]) > 59:
            return None
        value -= (int(match[9]) * 60 + int(match[10])) * 60 * SECOND * (1 if match[8] == "+" else -1)
    return value if FIRST_TIME <= value <= LAST_TIME else None


FIRST_TIME = (datetime(1, 1, 1, tzinfo=timezone.utc) - EPOCH) // timedelta(microseconds=1)
LAST_TIME = (datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=timezone.utc) - EPOCH) // timedelta(microseconds=1)
MONTHS = "January February March April May June July August September October November December".split()


def moment_of(value):
    return EPOCH + timedelta(microseconds=value)


def print_time(value):
    m = moment_of(value)
    return f"{m.year:04}-{m.month:02}-{m.day:02}T{m.hour:02}:{m.minute:02}:{m.second:02}.{m.microsecond:06}Z"


def say_time(value):
    m = moment_of(value)
    fraction = f".{m.microsecond:06}" if m.microsecond else ""
    return f"{m.day} {MONTHS[m.month - 1]} {m.year:04} at {m.hour:02}:{m.minute:02}:{m.second:02}{fraction} UTC"


# --- Signed notes (C2SP signed-note) and checkpoints (C2SP tlog-checkpoint) ---

class Key:
    """A verifier key: NAME+ID+BASE64(0x01 · public key)."""

    def __init__(self, text):
        match = re.fullmatch(r"([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)", text)
        holds(match, "key", "the key is no verifier key (NAME+ID+BASE64)")
        self.text, self.name = text, match[1]
        content = from_base64(match[3], "key", "the key")
        holds(len(content) == 33 and content[0] == 1, "key", "the key is not one for Ed25519")
        self.public = content[1:]
        self.id = hashlib.sha256(utf8(self.name, "key", "the key") + b"\n" + content).digest()[:4]
        holds(self.id.hex() == match[2], "key", "the id of the key is not that of its name and bytes")


class Note:
    """A checkpoint: what it says, and its signatures."""

    def __init__(self, text, where):
        body, gap, signatures = text.rpartition("\n\n")
        holds(gap and signatures.endswith("\n"), "note", f"{where} is no signed note")
        self.body = body + "\n"
        self.signatures = []
        for line in signatures[:-1].split("\n"):
            parts = line.split(" ")
            holds(len(parts) == 3 and parts[0] == "\u2014", "note", f"{where} has a line that is no signature")
            self.signatures.append((parts[1], from_base64(parts[2], "note", f"a signature of {where}")))
        lines = self.body.split("\n")[:-1]
        holds(len(lines) >= 4 and all(lines), "note", f"{where} has not the lines of a checkpoint with a register")
        self.origin, size, root, register = lines[:4]
        match = re.fullmatch(r"register (0|[1-9]\d{0,18}) (\S+)", register, re.ASCII)
        holds(match and re.fullmatch(r"0|[1-9]\d{0,18}", size, re.ASCII), "note", f"{where} has no sizes")
        self.size, self.register_size = int(size), int(match[1])
        self.root = from_base64(root, "note", f"the root in {where}")
        self.register_root = from_base64(match[2], "note", f"the register's root in {where}")
        holds(len(self.root) == len(self.register_root) == 32, "note", f"a root in {where} is no SHA-256")

    def verify(self, key, where):
        ours = [value for name, value in self.signatures if name == key.name and value[:4] == key.id]
        good = any(is_signed(key.public, utf8(self.body, "note", where), value[4:]) for value in ours)
        holds(good, "signature", f"{where} is not signed by {key.name}, key id {key.id.hex()}")

    def says(self):
        return (self.size, self.root.hex(), self.register_size, self.register_root.hex())


class Given:
    """What the checker has from elsewhere: a key, a checkpoint, or neither."""

    def __init__(self, key, checkpoint):
        self.key = key
        self.note = Note(checkpoint, "the checkpoint that was given") if checkpoint is not None else None
        if self.note and key:
            self.note.verify(key, "the checkpoint that was given")



def say_trust(report, note, key, came_with=None):
    """On whose word a root rests: a checkpoint and a key of the checker's own, or the key that came with the file."""
    if key:
        report.proved.append(f"It was signed by {key.name}, under the key that you gave.")
    elif came_with:
        report.proved.append(f"It was signed by {came_with.name}.")
        report.limits.append("The key came with the file: that it is the right one has to be learnt another way (--key). Its id"
                             f" is {came_with.id.hex()}.")
    if note:
        report.proved.append("It is the log of the checkpoint that you gave.")
        if not key:
            report.limits.append("Your checkpoint was taken as it is, since no --key was given to verify it.")
    if not (note or key or came_with):
        report.open.append("Nothing is signed, and no checkpoint was given: whether this is the log of anybody is open.")


# --- Events, and that none was left out (docs/evidence.md; docs/format.md, Leaf) ---

NO_EVENT = 2**64 - 1


class Event:
    """An event as it stands in its line."""

    def __init__(self, position, line):
        where = f"the line of event {position}"
        try:
            value = read_json(line)
            value["id"].encode(), value["source"].encode(), value["type"].encode(), value["subject"].encode()
            self.time = parse_time(value["time"])
            self.data = value.get("data", {})
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, Refused):
            raise Refused("line", f"{where} is no event") from None
        holds(self.time is not None and type(self.data) is dict, "line", f"{where} is no event")
        self.position, self.id, self.source = position, value["id"], value["source"]
        self.type, self.subject, self.key = value["type"], value["subject"], (self.time, position)


def check_event(proof, size, root, where=None):
    """One event under a root; None where it was erased."""
    where = where or f"event {proof['position']}"
    if proof["header"] is not None and proof["line"] is not None:
        header = bytes.fromhex(proof["header"])
        holds(header[:4] == b"\x01\0\0\0", "header", f"the header of {where} is of another version, kind or format")
        previous = int.from_bytes(header[16:24], "little")
        for name, value in (("sequence", int.from_bytes(header[4:8], "little")),
                            ("previous", None if previous == NO_EVENT else previous),
                            ("recorded", int.from_bytes(header[8:16], "little", signed=True))):
            if name == "recorded":
                holds(FIRST_TIME <= value <= LAST_TIME, "header", f"the header of {where} has no time")
                value = print_time(value)
            holds(proof[name] == value, "header", f"{name!r} of {where} is {proof[name]}, and its header says {value}")
        content = header + utf8(proof["line"], "line", f"the line of {where}")
        holds(leaf_hash(content).hex() == proof["leaf_hash"], "leaf", f"the leaf hash of {where} is not that of its bytes")
    else:
        holds(proof["header"] is None and proof["line"] is None, "form", f"{where} has a header or a line alone")
    found = root_of_path(bytes.fromhex(proof["leaf_hash"]), proof["position"], size, hashes(proof["path"], f"the path of {where}"))
    holds(found == root, "path", f"the path of {where} does not lead to the root of the log of {several(size, 'event')}")
    return Event(proof["position"], proof["line"]) if proof["line"] is not None else None


EVENT = dict(position="count", leaf_hash="hash", header="header?", sequence="count?", previous="count?", recorded="time?",
             line="text?", path="list")


def check_chain(name, proofs, size, root, exact=True):
    """All events of a subject, from its first one on without a gap."""
    events, previous = [], None
    for number, proof in enumerate(proofs):
        members(proof, f"event number {number} of {name!r}", exact, **EVENT)
        holds(proof["header"] is not None, "form", f"event {proof['position']} of {name!r} has no header")
        event = check_event(proof, size, root)
        where = f"event {event.position}"
        holds(event.subject == name, "subject", f"{where} stands among those of {name!r}, and is of {event.subject!r}")
        holds(proof["sequence"] == number and proof["previous"] == previous, "chain",
              f"{where} is number {proof['sequence']} of {name!r}, behind {proof['previous']}: number {number} behind"
              f" {previous} was due")
        previous = event.position
        events.append(event)
    return events


def say_chains(report, chains):
    shown = [(name, events) for name, events in chains if events]
    for name, events in shown:
        stand = "stands" if len(events) == 1 else "stand"
        between = "; it is the first" if len(events) == 1 else "; none between the first and the last was left out"
        report.proved.append(f"{several(len(events), 'event')} of {name} {stand} in it{between}.")
    report.limits.append("It does not show that no event came after the last one shown; who holds the log can tell.")
    for name, _ in [pair for pair in chains if not pair[1]]:
        report.limits.append(f"Of {name} no event is shown; that there is none cannot be shown.")


def value_at(data, path):
    """What stands in a payload at a path; None where nothing does."""
    for step in path:
        if type(data) is list and re.fullmatch(r"0|[1-9]\d{0,6}", step, re.ASCII) and int(step) < len(data):
            data = data[int(step)]
        elif type(data) is dict and step in data:
            data = data[step]
        else:
            return None
    return data


def check_links(links, chains, customer, exact=True):
    """Each link is an event of the chains and names its subject, and together they join all subjects to the customer."""
    events = {event.position: event for _, chain in chains for event in chain}
    shown = [name for name, _ in chains]
    holds(len(set(shown)) == len(shown), "subject", "a subject comes twice")
    holds(shown and shown[0] == customer, "subject", f"the first subject is not the customer {customer!r}")
    follows = {}
    for number, link in enumerate(links):
        where = f"link {number}"
        members(link, where, exact, position="count", subject="text", named="text", path="list")
        path = [as_type(step, "text", f"a step of the path of {where}") for step in link["path"]]
        event = events.get(link["position"])
        holds(event, "link", f"{where} is at {link['position']}, which is no event shown")
        holds(event.subject == link["subject"], "link", f"{where} is said to be of {link['subject']!r}, not {event.subject!r}")
        named = value_at(event.data, path)
        holds(type(named) is str and named == link["named"], "link", f"{where} does not name {link['named']!r}")
        holds(named not in follows and named != link["subject"], "link", f"{where} joins {named!r} once more")
        follows[named] = link["subject"]
    for name in shown:
        end, steps = name, 0
        while end in follows and steps <= len(follows):
            end, steps = follows[end], steps + 1
        holds(end == customer, "subject", f"no link joins {name!r} to {customer!r}")
    return [named for named in follows if named not in shown]


# --- YAML, as far as rules files use it; whatever else is refused ---

class Text(str):
    """A scalar; `is_plain` where it stands without quotes."""


class Map(dict):
    """A mapping; `line` where it begins, and of each member where its name stands."""


class Yaml:
    """Reads one document of block and flow collections and scalars, by recursive descent."""

    def __init__(self, text):
        if len(text) > 2**20 or "\r" in text or "\t" in text:
            raise Beyond("the rules file is beyond this reader: longer than 1 MiB, or with tabs or carriage returns")
        self.text, self.at, self.depth = text, 0, 0
        self.starts = [0] + [match.end() for match in re.finditer("\n", text)]

    def document(self):
        self.skip()
        value = self.block(self.column()) if self.at < len(self.text) else Map()
        self.skip()
        if self.at < len(self.text) or not isinstance(value, Map):
            self.beyond("what stands here")
        return value

    def line(self):
        return bisect.bisect_right(self.starts, self.at)

    def column(self):
        return self.at - self.starts[self.line() - 1]

    def beyond(self, what):
        raise Beyond(f"line {self.line()} of the rules file: {what} is beyond this reader")

    def peek(self, length=1):
        return self.text[self.at:self.at + length]

    def skip(self):
        """Goes to the next token, over blanks, line ends and comments."""
        while self.at < len(self.text):
            if self.peek() == "#" and (self.at == 0 or self.text[self.at - 1] in " \n"):
                self.at = self.end_of_line()
            elif self.peek() not in (" ", "\n"):
                if self.column() == 0 and (self.peek(3) in ("---", "...") or self.peek() == "%"):
                    self.beyond("a mark of documents")
                return
            else:
                self.at += 1

    def end_of_line(self):
        end = self.text.find("\n", self.at)
        return len(self.text) if end < 0 else end

    def is_dash(self):
        return self.peek() == "-" and self.text[self.at + 1:self.at + 2] in (" ", "\n", "")

    KEY = re.compile(r"""(?:"[^"\\\n]*"|'[^'\n]*'|[^\s\-?:,\[\]{}#&*!|>'"%@`][^\n:#{}\[\],]*):(?=[ \n]|\Z)""")

    def block(self, column):
        """What begins here, at a column: a sequence, a mapping or a scalar."""
        self.depth += 1
        if self.depth > 24:
            self.beyond("what is nested so deeply")
        if self.is_dash():
            value = self.sequence(column)
        elif self.KEY.match(self.text, self.at):
            value = self.mapping(column)
        else:
            value = self.inline(column - 1)
        self.depth -= 1
        return value

    def sequence(self, column):
        items = []
        while self.at < len(self.text) and self.column() == column and self.is_dash():
            self.at += 1
            items.append(self.value(column, is_item=True))
            self.skip()
        self.end_of_block(column)
        return items

    def mapping(self, column):
        found = self.new_map()
        while self.at < len(self.text) and self.column() == column:
            match = self.KEY.match(self.text, self.at)
            if not match:
                self.beyond("what should be a name and a colon")
            name = match[0][:-1].rstrip(" ")
            self.enter(found, name[1:-1] if name[0] in "'\"" else name)
            self.at = match.end()
            found[found.last] = self.value(column)
            self.skip()
        self.end_of_block(column)
        return found

    def end_of_block(self, column):
        if self.at < len(self.text) and self.column() > column:
            self.beyond("this indentation")

    def new_map(self):
        found = Map()
        found.line, found.lines, found.last = self.line(), {}, None
        return found

    def enter(self, found, name):
        if name in found or name == "<<":
            self.beyond(f"{name!r} for a second time, or as a merge,")
        found.last, found.lines[name] = name, self.line()

    def value(self, column, is_item=False):
        """What stands behind a colon or a dash, here or on the next lines."""
        while self.peek() == " ":
            self.at += 1
        if self.peek() not in ("\n", "", "#"):
            if is_item:
                return self.block(self.column())
            return self.inline(column)
        self.skip()
        here = self.column() if self.at < len(self.text) else -1
        if here > column or (here == column and not is_item and self.is_dash()):
            return self.block(here)
        return self.scalar("", True)

    def inline(self, column):
        """A flow collection or a scalar, in a block whose column is `column`."""
        first = self.peek()
        if first in "[{":
            value = self.flow()
        elif first in "\"'":
            value = self.quoted()
        elif first in "|>":
            return self.block_scalar(column)
        else:
            return self.plain(column)
        rest = self.text[self.at:self.end_of_line()]
        if rest.strip(" ") and not re.match(r" +#", rest):
            self.beyond(f"{rest.strip(' ')[:20]!r} behind a value")
        return value

    def scalar(self, text, is_plain):
        value = Text(text)
        value.is_plain = is_plain
        return value

    def plain(self, column, stop=r"(?=: |:\n|:\Z| #|\n|\Z)"):
        """A scalar without quotes, which may go on in lines that are indented further."""
        if re.match(r"[,\[\]{}#&*!|>'\"%@`]|[-?:](?=[ \n]|\Z)", self.peek(2)):
            self.beyond(f"a value that begins with {self.peek()!r}")
        parts = []
        while True:
            match = re.compile("(?s:.*?)" + stop).match(self.text, self.at)
            parts.append(match[0].strip(" "))
            self.at = match.end()
            if self.peek() == ":" and column is not None:
                self.beyond("a colon within a value")
            if self.peek() != "\n":
                break
            following = re.compile(r"\n( *\n)*( *)(?=[^ \n#])").match(self.text, self.at)
            if not following or (column is not None and len(following[2]) <= column):
                break
            if following[1]:
                self.beyond("an empty line within a value")
            self.at = following.end()
        return self.scalar(" ".join(parts), True)

    ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", '"': '"', "/": "/", "0": "\0", " ": " "}

    def quoted(self):
        quote, parts = self.peek(), []
        self.at += 1
        while True:
            char = self.peek()
            self.at += 1
            if char == "":
                self.beyond("a quote that does not end")
            if char == "\n":
                while parts and parts[-1] == " ":
                    parts.pop()
                while self.peek() == " ":
                    self.at += 1
                if self.peek() == "\n":
                    self.beyond("an empty line in quotes")
                parts.append(" ")
            elif char == "'" and quote == "'" and self.peek() == "'":
                self.at += 1
                parts.append("'")
            elif char == quote:
                return self.scalar("".join(parts), False)
            elif char == "\\" and quote == '"':
                if self.peek() not in self.ESCAPES or self.peek() == "":
                    self.beyond("this escape")
                parts.append(self.ESCAPES[self.peek()])
                self.at += 1
            else:
                parts.append(char)

    def block_scalar(self, column):
        """Lines behind `|` as they are, or behind `>` folded."""
        match = re.compile(r"([|>])(-?) *(#[^\n]*)?\n").match(self.text, self.at)
        if not match:
            self.beyond("this head of a block of text")
        self.at = match.end()
        indent, lines = None, []
        while self.at < len(self.text):
            line = self.text[self.at:self.end_of_line()]
            depth = len(line) - len(line.lstrip(" "))
            if line.strip(" "):
                indent = depth if indent is None else indent
                if depth <= column or depth < indent:
                    break
                if depth > indent and match[1] == ">":
                    self.beyond("a line that is indented further")
            lines.append(line[indent or 0:].rstrip(" ") if match[1] == ">" else line[indent or 0:])
            self.at = min(len(self.text), self.end_of_line() + 1)
        while lines and not lines[-1].strip(" "):
            lines.pop()
        if match[1] == ">" and "" in lines:
            self.beyond("an empty line in folded text")
        text = ("\n" if match[1] == "|" else " ").join(lines)
        return self.scalar(text + ("" if match[2] or not text else "\n"), False)

    def flow(self):
        """`[…]` or `{…}`."""
        self.depth += 1
        if self.depth > 24:
            self.beyond("what is nested so deeply")
        is_map, end = self.peek() == "{", {"{": "}", "[": "]"}[self.peek()]
        found = self.new_map() if is_map else []
        self.at += 1
        self.skip()
        while self.peek() != end:
            item = self.flow_value()
            self.skip()
            if is_map:
                self.enter(found, str(item) if isinstance(item, Text) else self.beyond("such a name"))
                if self.peek() != ":":
                    self.beyond("a name without a value")
                self.at += 1
                self.skip()
                found[found.last] = self.scalar("", True) if self.peek() in (",", end) else self.flow_value()
                self.skip()
            else:
                found.append(item)
            if self.peek() == ",":
                self.at += 1
                self.skip()
            elif self.peek() != end:
                self.beyond("what should be a comma or an end")
        self.at += 1
        self.depth -= 1
        return found

    def flow_value(self):
        if self.peek() in ("[", "{"):
            return self.flow()
        if self.peek() in ('"', "'"):
            return self.quoted()
        if self.peek() == "":
            self.beyond("a list that does not end")
        return self.plain(None, r"(?=:[ \n,\[\]{}]|:\Z| #|[,\[\]{}\n]|\Z)")


# --- Values of the rules: money in minor units, time and durations in microseconds ---

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
FOREVER = 2**63
LONGEST = INT_MAX // 1000
DIGITS = {**dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
          **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3), **dict.fromkeys("CLF UYW".split(), 4)}
SPELLED = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")


def digits_of(currency):
    if not re.fullmatch("[A-Z]{3}", currency):
        raise Beyond(f"the currency {currency!r} is unknown to this evaluator")
    return DIGITS.get(currency, 2)


def scaled(text, decimals):
    """A decimal times 10^decimals where that is whole and has 64 bits, else None."""
    match = SPELLED.fullmatch(text)
    if not match or len(match[4] or "") > 9:
        return None
    digits = (match[2] + (match[3] or "")).lstrip("0")
    shift = int(match[4] or 0) - len(match[3] or "") + decimals
    if not digits:
        return 0
    zeros = min(len(digits) - len(digits.rstrip("0")), max(-shift, 0))
    digits, shift = digits[:len(digits) - zeros], shift + zeros
    if shift < 0 or len(digits) + shift > 19:
        return None
    value = int(digits + "0" * shift) * (-1 if match[1] else 1)
    return value if INT_MIN <= value <= INT_MAX else None


def half_even(numerator, denominator):
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2))


def toward_zero(a, b):
    if b == 0:
        raise Fails(FOREVER)
    whole = abs(a) // abs(b)
    return whole if (a < 0) == (b < 0) else -whole


def print_money(value, digits):
    sign, value = "-" if value < 0 else "", abs(value)
    return f"{sign}{value // 10**digits}" + (f".{value % 10**digits:0{digits}}" if digits else "")


def print_duration(value):
    sign, value = "-" if value < 0 else "", abs(value)
    fraction = f"{value % SECOND:06}".rstrip("0")
    return f"{sign}{value // SECOND}" + (f".{fraction}" if fraction else "") + "s"


UNITS = {"h": HOUR * 1000, "m": 60 * SECOND * 1000, "s": SECOND * 1000, "ms": SECOND, "us": 1000, "ns": 1}


def parse_duration(text):
    """A duration of CEL, such as 1h30m or -0.5s."""
    if len(text) > 60 or not re.fullmatch(r"[+-]?(0|(\d+(\.\d*)?(h|ms|us|ns|m|s))+)", text, re.ASCII):
        raise Beyond(f"the duration {text!r} is beyond this evaluator")
    total = 0
    for whole, _, fraction, unit in re.findall(r"(\d+)(\.(\d*))?(h|ms|us|ns|m|s)", text):
        number, parts = int(whole + fraction) * UNITS[unit], 10 ** len(fraction)
        if number % (parts * 1000):
            raise Beyond(f"the duration {text!r} is finer than a microsecond")
        total += number // parts // 1000
    return -total if text[0] == "-" else total


def as_json(value, kind, digits):
    """A value as the program writes it."""
    if value is None or kind in ("bool", "int", "string"):
        return value
    if kind == "double":
        return ("number", float("%.9g" % value)) if math.isfinite(value) else None
    return {"money": lambda v: print_money(v, digits), "timestamp": print_time, "duration": print_duration}[kind](value)


def same_json(found, expected):
    if type(expected) is tuple:
        try:
            return type(found) in (int, Number) and float(found) == expected[1]
        except (ValueError, OverflowError):
            return False
    return type(found) is type(expected) and found == expected


# --- The language of conditions (CEL): parser ---

class Node:
    """An operation with its operands; `type` and `value(state)` are set when it is compiled."""

    def __init__(self, kind, name=None, args=()):
        self.kind, self.name, self.args = kind, name, list(args)
        self.depth = 1 + max((arg.depth for arg in self.args), default=0)
        self.size = 1 + sum(arg.size for arg in self.args)
        if self.depth > 60:
            raise Beyond("a condition is nested too deeply for this evaluator")
        self.type = self.value = None

    def walk(self):
        yield self
        for arg in self.args:
            yield from arg.walk()


TOKEN = re.compile(r"""[ \n]*(?:(?P<double>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)|(?P<int>\d+)(?![A-Za-z_])
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?!['"])
    |(?P<mark><=|>=|==|!=|&&|\|\||[-+*/%!<>?:.,()\[\]])|(?P<end>\Z))""", re.X | re.ASCII)
LEVELS = (("||",), ("&&",), ("<", "<=", ">", ">=", "==", "!=", "in"), ("+", "-"), ("*", "/", "%"))
COMPARISONS = LEVELS[2]


class Parser:
    """Recursive descent, a method for each level of the grammar."""

    def __init__(self, text):
        self.text, self.tokens, self.index, self.depth, at = text, [], 0, 0, 0
        if len(text) > 20_000:
            raise Beyond("a condition is too long for this evaluator")
        while not self.tokens or self.tokens[-1][0] != "end":
            match = TOKEN.match(text, at)
            if not match:
                raise Beyond(f"{text[at:at + 20]!r} in a condition is beyond this evaluator")
            self.tokens.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()

    def take(self, *marks):
        kind, text = self.tokens[self.index]
        if kind in ("mark", "name") and text in marks:
            self.index += 1
            return text
        return None

    def need(self, mark):
        if not self.take(mark):
            raise Beyond(f"{mark!r} is missing in {self.text!r}")

    def parse(self):
        node = self.choice()
        if self.tokens[self.index][0] != "end":
            raise Beyond(f"{self.tokens[self.index][1]!r} in {self.text!r} is beyond this evaluator")
        return node

    def choice(self):
        self.depth += 1
        if self.depth > 40:
            raise Beyond("a condition is nested too deeply for this evaluator")
        node = self.level(0)
        if self.take("?"):
            yes = self.level(0)
            self.need(":")
            node = Node("choice", None, [node, yes, self.choice()])
        self.depth -= 1
        return node

    def level(self, number):
        if number == len(LEVELS):
            return self.unary()
        node = self.level(number + 1)
        while mark := self.take(*LEVELS[number]):
            node = Node("operator", mark, [node, self.level(number + 1)])
        return node

    def unary(self):
        marks = []
        while mark := self.take("-", "!"):
            marks.append(mark)
        node = self.member()
        for mark in reversed(marks):
            if mark == "-" and node.kind in ("int", "double"):
                node = Node(node.kind, -node.name)
            else:
                node = Node("unary", mark, [node])
        return node

    def member(self):
        node = self.primary()
        while self.take("."):
            kind, name = self.tokens[self.index]
            if kind != "name":
                raise Beyond(f"{name!r} behind a dot is beyond this evaluator")
            self.index += 1
            if self.take("("):
                node = Node("method", name, [node, *self.list_until(")")])
            elif node.kind == "path":
                node = Node("path", f"{node.name}.{name}")
            else:
                raise Beyond(f".{name} is beyond this evaluator")
        return node

    def list_until(self, end):
        found = []
        while not self.take(end):
            if found:
                self.need(",")
            found.append(self.choice())
        return found

    def primary(self):
        kind, text = self.tokens[self.index]
        self.index += 1
        if kind == "int" and len(text) < 20:
            return Node("int", int(text))
        if kind == "double":
            return Node("double", float(text))
        if kind == "string":
            return Node("string", self.unescape(text[1:-1]))
        if text == "(":
            node = self.choice()
            self.need(")")
            return node
        if text == "[":
            return Node("list", None, self.list_until("]"))
        if kind != "name":
            raise Beyond(f"{text!r} in {self.text!r} is beyond this evaluator")
        if text in ("true", "false"):
            return Node("bool", text == "true")
        if self.take("("):
            return Node("call", text, self.list_until(")"))
        return Node("path", text)

    def unescape(self, text):
        def one(match):
            if match[1] not in "\\'\"nt":
                raise Beyond(f"the escape {match[0]!r} is beyond this evaluator")
            return {"n": "\n", "t": "\t"}.get(match[1], match[1])
        return re.sub(r"\\(.)", one, text)


# --- The language of conditions: values that move with time
#
# A value is (value, slope, until): what it is now, by how much it grows in a microsecond, and the first later
# microsecond from which this may no longer describe it. So each comparison knows when time alone may turn it,
# and no instant in between has to be tried.

class Fails(Exception):
    """An expression without a value, such as one that reads an unset fact; `until` as above."""

    def __init__(self, until):
        super().__init__()
        self.until = until


def steps(distance, slope):
    """After how many microseconds something that grows by `slope` has gone `distance` (rounded up)."""
    return -(-abs(distance) // abs(slope))


def ranged(value, slope, until, low, high, now):
    """A moving value that is an error outside of a range."""
    if low <= value <= high:
        if slope:
            until = min(until, now + (high - value if slope > 0 else value - low) // abs(slope) + 1)
        return value, slope, until
    beyond = low - value if value < low else high - value
    raise Fails(min(until, now + steps(beyond, slope)) if slope * beyond > 0 else until)


def whole(value, until):
    if not INT_MIN <= value <= INT_MAX:
        raise Fails(until)
    return value, 0, until


def turn(gap, slope, now):
    """When the sign of a gap changes."""
    if slope == 0 or gap * slope > 0:
        return FOREVER
    return now + max(1, steps(gap, slope))


def truncated(value, slope, until, unit, now):
    """Whole units in a moving duration, cut toward zero."""
    count = toward_zero(value, unit)
    if slope < 0:
        value, slope, whole_units = -value, -slope, -count
    else:
        whole_units = count
    if slope:
        edge = (whole_units + 1) * unit if value >= 0 or whole_units == 0 else whole_units * unit + 1
        until = min(until, now + steps(edge - value, slope))
    return count, 0, until


def calendar(pick, unit):
    """A field of the calendar in UTC; it may change when another `unit` begins."""
    def read(value, slope, until, now):
        if slope not in (0, 1):
            raise Beyond("the calendar of a time that does not run like time is beyond this evaluator")
        if slope:
            until = min(until, now + unit - value % unit)
        return pick(moment_of(value)), 0, until
    return read


ACCESSORS = {
    "getFullYear": calendar(lambda m: m.year, DAY), "getMonth": calendar(lambda m: m.month - 1, DAY),
    "getDate": calendar(lambda m: m.day, DAY), "getDayOfMonth": calendar(lambda m: m.day - 1, DAY),
    "getDayOfWeek": calendar(lambda m: m.isoweekday() % 7, DAY),
    "getDayOfYear": calendar(lambda m: m.timetuple().tm_yday - 1, DAY),
    "getHours": calendar(lambda m: m.hour, HOUR), "getMinutes": calendar(lambda m: m.minute, 60 * SECOND),
    "getSeconds": calendar(lambda m: m.second, SECOND),
}
PARTS = {"getHours": HOUR, "getMinutes": 60 * SECOND, "getSeconds": SECOND}
AGES = {"hours": HOUR, "days": DAY, "weeks": 7 * DAY}
ORDER_OF = {"<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
            "==": lambda a, b: a == b, "!=": lambda a, b: a != b}
MOVING = ("timestamp", "duration")


class Compiler:
    """Gives each node its type, and a function from a state to a value; what has no type here is beyond it."""

    def __init__(self, variable, currency_digits):
        self.variable, self.digits = variable, currency_digits

    def compile(self, node):
        if node.kind in ("int", "double", "string", "bool"):
            self.constant(node, node.kind, node.name)
        elif node.kind == "path":
            node.type, node.value = self.variable(node.name)
        else:
            getattr(self, node.kind)(node)
        return node

    def all(self, node):
        return [self.compile(arg) for arg in node.args]

    def beyond(self, node, *types):
        raise Beyond(f"{node.name or node.kind} of {', '.join(types) or 'this'} is beyond this evaluator")

    def constant(self, node, kind, value):
        node.type, node.value = kind, lambda state: (value, 0, FOREVER)

    @staticmethod
    def zero_is_money(a, b):
        for one, other in ((a, b), (b, a)):
            if one.type == "money" and other.kind == "int" and other.name == 0:
                other.type = "money"

    def list(self, node):
        kinds = {arg.type for arg in self.all(node)}
        if len(kinds) != 1:
            self.beyond(node, *kinds)
        node.type = "list " + kinds.pop()

    def unary(self, node):
        (arg,) = self.all(node)
        if node.name == "!" and arg.type == "bool":
            def value(state):
                found, _, until = arg.value(state)
                return not found, 0, until
        elif node.name == "-" and arg.type in ("int", "money", "double"):
            def value(state):
                found, _, until = arg.value(state)
                return (-found, 0, until) if arg.type == "double" else whole(-found, until)
        else:
            self.beyond(node, arg.type)
        node.type, node.value = arg.type, value

    def choice(self, node):
        test, yes, no = self.all(node)
        self.zero_is_money(yes, no)
        if test.type != "bool" or yes.type != no.type:
            self.beyond(node, test.type, yes.type, no.type)

        def value(state):
            found, _, until = test.value(state)
            try:
                value, slope, other = (yes if found else no).value(state)
            except Fails as failure:
                raise Fails(min(until, failure.until)) from None
            return value, slope, min(until, other)
        node.type, node.value = yes.type, value

    def operator(self, node):
        left, right = self.all(node)
        if node.name in ("&&", "||"):
            if left.type != "bool" or right.type != "bool":
                self.beyond(node, left.type, right.type)
            node.type, node.value = "bool", self.logic(left, right, node.name == "||")
        elif node.name == "in":
            if right.kind != "list" or right.type not in ("list " + left.type, *(["list int"] if left.type == "double" else [])):
                self.beyond(node, left.type, right.type)
            node.type, node.value = "bool", self.membership(left, right.args)
        elif node.name in COMPARISONS:
            self.zero_is_money(left, right)
            if left.type.startswith("list") or left.type != right.type and {left.type, right.type} != {"int", "double"}:
                self.beyond(node, left.type, right.type)
            node.type, node.value = "bool", self.comparison(left, right, ORDER_OF[node.name])
        else:
            if node.name in "+-":
                self.zero_is_money(left, right)
            self.arithmetic(node, left, right)

    @staticmethod
    def logic(left, right, absorbing):
        """Either side decides alone with the absorbing value, even where the other one fails."""
        def value(state):
            found, until = [], FOREVER
            for side in (left, right):
                try:
                    result, _, other = side.value(state)
                except Fails as failure:
                    result, other = None, failure.until
                if result is absorbing:
                    return absorbing, 0, other
                found, until = found + [result], min(until, other)
            if None in found:
                raise Fails(until)
            return not absorbing, 0, until
        return value

    @staticmethod
    def comparison(left, right, order):
        def value(state):
            a, slope_a, until_a = left.value(state)
            b, slope_b, until_b = right.value(state)
            until = min(until_a, until_b)
            if slope_a != slope_b:
                until = min(until, turn(a - b, slope_a - slope_b, state.now))
            return order(a, b), 0, until
        return value

    def membership(self, left, items):
        tests = [self.comparison(left, item, ORDER_OF["=="]) for item in items]

        def value(state):
            found = [test(state) for test in tests]
            return any(result for result, _, _ in found), 0, min(until for _, _, until in found)
        return value

    def arithmetic(self, node, left, right):
        mark, kinds = node.name, (left.type, right.type)
        if mark in "+-" and kinds in {("int", "int"), ("money", "money")} or mark == "*" and kinds in {
                ("int", "int"), ("money", "int"), ("int", "money")}:
            node.type = "money" if "money" in kinds else "int"
            compute = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}[mark]
            bound = whole
        elif mark in "/%" and kinds == ("int", "int") or mark == "/" and kinds == ("money", "int"):
            node.type, bound = left.type, whole
            compute = toward_zero if mark == "/" else lambda a, b: a - b * toward_zero(a, b)
        elif kinds == ("double", "double") and mark in "+-*" or mark == "/" and kinds == ("money", "money"):
            node.type, bound = "double", lambda value, until: (value, 0, until)
            compute = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": self.ratio}[mark]
        elif mark in "+-" and set(kinds) <= set(MOVING):
            return self.moving_sum(node, left, right)
        elif mark == "+" and kinds == ("string", "string"):
            node.type, bound, compute = "string", lambda value, until: (value, 0, until), lambda a, b: a + b
        else:
            self.beyond(node, *kinds)

        def value(state):
            a, _, until_a = left.value(state)
            b, _, until_b = right.value(state)
            until = min(until_a, until_b)
            try:
                return bound(compute(a, b), until)
            except Fails:
                raise Fails(until) from None
        node.value = value

    @staticmethod
    def ratio(a, b):
        if b == 0:
            raise Fails(FOREVER)
        return a / b

    def moving_sum(self, node, left, right):
        sign = 1 if node.name == "+" else -1
        times = (left.type == "timestamp") + sign * (right.type == "timestamp")
        if times not in (0, 1) or (times == 1 and sign == -1 and right.type == "timestamp"):
            self.beyond(node, left.type, right.type)
        node.type = MOVING[0] if times else MOVING[1]
        low, high = (FIRST_TIME, LAST_TIME) if times else (-LONGEST, LONGEST)

        def value(state):
            a, slope_a, until_a = left.value(state)
            b, slope_b, until_b = right.value(state)
            return ranged(a + sign * b, slope_a + sign * slope_b, min(until_a, until_b), low, high, state.now)
        node.value = value

    LITERALS = {"timestamp": parse_time, "duration": parse_duration}

    def call(self, node):
        name = node.name
        if name in ("money", "timestamp", "duration"):
            if len(node.args) != 1 or node.args[0].kind != "string":
                self.beyond(node)
            read = self.LITERALS.get(name, lambda text: scaled(text, self.digits))
            value = read(node.args[0].name)
            if value is None:
                self.beyond(node)
            return self.constant(node, name, value)
        if name == "has":
            if len(node.args) != 1 or node.args[0].kind != "path" or not node.args[0].name.startswith("facts."):
                self.beyond(node)
            return self.has(node, self.compile(node.args[0]))
        args = self.all(node)
        kinds = [arg.type for arg in args]
        if name == "in_stage" and not args:
            args, kinds = [self.compile(Node("path", "stage.entered_at"))], ["timestamp"]
            name = "since"
        if name == "since" and kinds == ["timestamp"]:
            self.moving_sum_of_now(node, args[0])
        elif name in AGES and kinds == ["int"]:
            def value(state):
                count, _, until = args[0].value(state)
                return ranged(count * AGES[name], 0, until, -LONGEST, LONGEST, state.now)
            node.type, node.value = "duration", value
        elif name == "int" and kinds == ["timestamp"]:
            self.step(node, args[0], calendar(lambda m: (m - EPOCH) // timedelta(seconds=1), SECOND))
        elif name == "double" and kinds == ["int"]:
            def value(state):
                found, _, until = args[0].value(state)
                return float(found), 0, until
            node.type, node.value = "double", value
        elif name == "size" and kinds == ["string"]:
            def value(state):
                found, _, until = args[0].value(state)
                return len(found), 0, until
            node.type, node.value = "int", value
        else:
            self.beyond(node, *kinds)

    def has(self, node, arg):
        def value(state):
            try:
                return True, 0, arg.value(state)[2]
            except Fails as failure:
                return False, 0, failure.until
        node.type, node.value = "bool", value

    def moving_sum_of_now(self, node, arg):
        def value(state):
            found, slope, until = arg.value(state)
            return ranged(state.now - found, 1 - slope, until, -LONGEST, LONGEST, state.now)
        node.type, node.value = "duration", value

    @staticmethod
    def step(node, arg, read):
        node.type, node.value = "int", lambda state: read(*arg.value(state), state.now)

    def method(self, node):
        target, *args = self.all(node)
        kinds = [arg.type for arg in args]
        if target.type == "timestamp" and node.name in ACCESSORS and not args:
            return self.step(node, target, ACCESSORS[node.name])
        if target.type == "duration" and node.name in PARTS and not args:
            unit = PARTS[node.name]
            return self.step(node, target, lambda value, slope, until, now: truncated(value, slope, until, unit, now))
        tests = {"startsWith": str.startswith, "endsWith": str.endswith, "contains": str.__contains__}
        if target.type != "string" or node.name not in tests or kinds != ["string"]:
            self.beyond(node, target.type, *kinds)

        def value(state):
            text, _, until = target.value(state)
            other, _, until_other = args[0].value(state)
            return tests[node.name](text, other), 0, min(until, until_other)
        node.type, node.value = "bool", value


# --- The rules file: aliases, fields, facts, stages, transitions, segments ---

def need_map(value, what, *names):
    """A mapping with no other members than these."""
    if not isinstance(value, Map) or names and set(value) - set(names):
        raise Beyond(f"{what} has members that are beyond this evaluator: {', '.join(sorted(set(value) - set(names)))}"
                     if isinstance(value, Map) else f"{what} is no mapping")
    return value


def need_text(value, what):
    if not isinstance(value, Text):
        raise Beyond(f"{what} is no text")
    return str(value)


def texts(value, what):
    return [need_text(item, what) for item in (value if isinstance(value, list) else [value])]


def window(value, what):
    match = re.fullmatch(r"([1-9]\d{0,7})([smhdw])", need_text(value, what), re.ASCII)
    if not match:
        raise Beyond(f"{what} is beyond this evaluator")
    return int(match[1]) * {"s": SECOND, "m": 60 * SECOND, "h": HOUR, "d": DAY, "w": 7 * DAY}[match[2]]


def path_of(text):
    if text.startswith("/"):
        return [step.replace("~1", "/").replace("~0", "~") for step in text[1:].split("/")]
    return text.split(".")


FIELD_TYPES = ("money", "int", "double", "string", "bool", "timestamp")


class Field:
    """A typed value of an event's payload."""

    def __init__(self, name, declared, rules):
        if isinstance(declared, Text):
            declared = {"type": declared}
        else:
            need_map(declared, f"the field {name}", "type", "path", "default", "currency")
        self.type, self.rules = need_text(declared.get("type"), f"the type of {name}"), rules
        if self.type not in FIELD_TYPES:
            raise Beyond(f"the type {self.type} is beyond this evaluator")
        self.path = path_of(need_text(declared.get("path", Text(name)), f"the path of {name}"))
        if any(step in ("*", "") for step in self.path):
            raise Beyond(f"the path of {name} is beyond this evaluator")
        self.currency = path_of(need_text(declared.get("currency", Text("currency")), f"the currency of {name}"))
        self.default = rules.default(declared["default"], self.type) if "default" in declared else None

    def value(self, event):
        """Its value in an event; None where it has none."""
        found = value_at(event.data, self.path)
        if found is None:
            return self.default
        if self.type == "money":
            return self.rules.amount(found, value_at(event.data, self.currency))
        return self.rules.cast(found, self.type)


class Alias:
    """Events of some types, as rules speak of them."""

    def __init__(self, name, declared, rules):
        need_map(declared, f"the alias {name}", "types", "where", "fields")
        self.name, self.types = name, texts(declared["types"], f"the types of {name}")
        fields = need_map(declared.get("fields", Map()), f"the fields of {name}")
        self.fields = {field: Field(field, value, rules) for field, value in fields.items()}
        self.where = None
        if "where" in declared:
            self.where = rules.event_condition(need_text(declared["where"], f"where of {name}"), [self])

    def matches(self, event):
        return event.type in self.types and (self.where is None or is_true(self.where, EventState(event)))


class EventState:
    """What `where` and `ignore` look at; nothing in it moves."""
    now = 0

    def __init__(self, event):
        self.event = event


def is_true(node, state):
    try:
        return node.value(state)[0]
    except Fails:
        return False


AGGREGATES = ("count", "sum", "min", "max", "avg", "distinct", "first", "last", "first_time", "last_time", "active")


class Fact:
    """A value over the events of a customer, or an expression over the facts above it."""

    def __init__(self, name, declared, rules, above):
        kinds = [kind for kind in (*AGGREGATES, "expr") if isinstance(declared, Map) and kind in declared]
        self.name, self.kind = name, kinds[0] if len(kinds) == 1 else None
        need_map(declared, f"the fact {name}", *kinds, "default", *(() if kinds == ["expr"] else ("within", "where", "every")))
        if self.kind is None or ("every" in declared) != (self.kind == "active"):
            raise Beyond(f"the fact {name} is beyond this evaluator")
        self.within = window(declared["within"], f"within of {name}") if "within" in declared else None
        self.every = window(declared["every"], f"every of {name}") if "every" in declared else None
        self.aliases, self.where, self.node, self.field = [], None, None, None
        if self.kind == "expr":
            self.node = rules.compile(need_text(declared["expr"], f"expr of {name}"), above, has_stage=False)
            self.type = self.node.type
        else:
            self.target(texts(declared[self.kind], f"the target of {name}"), rules)
            if "where" in declared:
                self.where = rules.event_condition(need_text(declared["where"], f"where of {name}"), self.aliases)
                rules.weight += self.where.size // 8
        self.default = rules.default(declared["default"], self.type) if "default" in declared else None
        self.reads = rules.facts_under(self.node) | {name} if self.node else {name}

    def target(self, targets, rules):
        for target in targets:
            alias, _, field = target.partition(".")
            if alias not in rules.aliases or field and field not in rules.aliases[alias].fields:
                raise Beyond(f"the target {target!r} of {self.name} is beyond this evaluator")
            self.aliases.append(rules.aliases[alias])
            self.field = field or self.field
        takes_field = self.kind not in ("count", "first_time", "last_time", "active")
        if self.field and len(targets) > 1 or takes_field and not self.field:
            raise Beyond(f"the target of {self.name} is beyond this evaluator")
        own = self.aliases[0].fields[self.field].type if self.field else None
        if self.kind in ("sum", "avg") and own not in ("money", "int", "double"):
            raise Beyond(f"{self.kind} of {own} is beyond this evaluator")
        if self.kind in ("min", "max") and own == "bool":
            raise Beyond(f"{self.kind} of {own} is beyond this evaluator")
        self.own = own
        self.type = {"count": "int", "distinct": "int", "active": "int", "first_time": "timestamp", "last_time": "timestamp",
                     "avg": "double" if own == "int" else own}.get(self.kind, own)

    def contribution(self, event, matching):
        """(whether the event counts, what it adds, whether it was left out for want of a value)."""
        owner = next((alias for alias in self.aliases if alias in matching), None)
        if owner is None:
            return False, None, False
        if self.where is not None:
            try:
                if not self.where.value(EventState(event))[0]:
                    return False, None, False
            except Fails:
                return False, None, True
        value = owner.fields[self.field].value(event) if self.field else None
        if self.field and value is None:
            return False, None, True
        return True, value, False


class Transition:
    def __init__(self, name, sources, target, text, line, node):
        self.name, self.sources, self.target = name, sources, target
        self.text, self.line, self.node = text, line, node


class Rules:
    """A rules file, as far as one customer needs it; what is not needed is not read."""

    KNOWN = ("rules", "model", "currency", "ignore", "identity", "events", "facts", "stages", "transitions", "segments",
             "population", "rfm", "clv", "exchange", "timezone", "tests")

    def __init__(self, text):
        file = need_map(Yaml(text).document(), "the rules file", *self.KNOWN)
        self.file = file
        for name in ("rules", "model", "currency", "events", "stages"):
            if name not in file:
                raise Beyond(f"the rules file has no {name!r}")
        if file["rules"] != "1":
            raise Beyond("the rules are of another version")
        model = need_map(file["model"], "model", "name", "version")
        self.model, self.version = need_text(model.get("name"), "model.name"), need_text(model.get("version"), "model.version")
        self.currency = need_text(file["currency"], "currency")
        self.digits = digits_of(self.currency)
        self.exchange = {code: self.rate(need_text(rate, "a rate"))
                         for code, rate in need_map(file.get("exchange", Map()), "exchange").items()}
        self.aliases = {}
        for name, declared in need_map(file["events"], "events").items():
            self.aliases[name] = Alias(name, declared, self)
        self.declared = need_map(file.get("facts", Map()), "facts")
        self.facts, self.running = {}, []
        # What it costs to look at one event.
        self.weight = sum(1 + (alias.where.size // 8 if alias.where else 0) for alias in self.aliases.values())
        self.ignore = None
        if "ignore" in file:
            self.ignore = self.event_condition(need_text(file["ignore"], "ignore"), list(self.aliases.values()))
        self.link = None
        if "identity" in file:
            target = need_text(need_map(file["identity"], "identity", "link").get("link"), "identity.link")
            alias, _, field = target.partition(".")
            if alias not in self.aliases or field not in self.aliases[alias].fields:
                raise Beyond("identity.link is beyond this evaluator")
            self.link = (self.aliases[alias], self.aliases[alias].fields[field])
        self.read_stages()
        segments = need_map(file.get("segments", Map()), "segments")
        self.segments = {name: (declared, segments.lines[name]) for name, declared in segments.items()}

    # stages and transitions

    def read_stages(self):
        self.stages, self.called, first_match = [], {}, []
        if not isinstance(self.file["stages"], list) or not self.file["stages"]:
            raise Beyond("stages is no list")
        for item in self.file["stages"]:
            declared = {"name": item} if isinstance(item, Text) else need_map(item, "a stage", "name", "also", "when")
            name = need_text(declared.get("name"), "the name of a stage")
            self.stages.append(name)
            for called in [name, *texts(declared.get("also", []), "also")]:
                self.called[called] = name
            first_match.append((name, declared.get("when"), getattr(item, "line", None)))
        self.is_first_match = "transitions" not in self.file
        if self.is_first_match:
            self.transitions = []
            for name, when, line in first_match:
                text = need_text(when, "when") if when is not None else ""
                node = self.compile(text, has_stage=False) if when is not None else None
                self.transitions.append(Transition(name, None, name, text, line, node))
            if any(t.node is None for t in self.transitions[:-1]) or self.transitions[-1].node is not None:
                raise Beyond("only the last stage stands without a condition")
            return
        if any(when is not None for _, when, _ in first_match) or not isinstance(self.file["transitions"], list):
            raise Beyond("stages with conditions beside transitions are beyond this evaluator")
        self.transitions = [self.read_transition(item) for item in self.file["transitions"]]

    def read_transition(self, item):
        declared = need_map(item, "a transition", "id", "from", "to", "when")
        name, target = need_text(declared.get("id"), "the id of a transition"), declared.get("to")
        sources = texts(declared.get("from"), f"from of {name}")
        try:
            target = self.called[need_text(target, f"to of {name}")]
            sources = [s for s in self.stages if s != target] if sources == ["any"] else [self.called[s] for s in sources]
        except KeyError:
            raise Beyond(f"the transition {name} names an unknown stage") from None
        text = need_text(declared.get("when"), f"when of {name}")
        return Transition(name, sources, target, text, item.line, self.compile(text))

    def segment(self, name):
        """(condition, its text, its line)."""
        declared, line = self.segments[name]
        text = need_text(need_map(declared, f"the segment {name}", "when").get("when"), f"when of {name}")
        return self.compile(text), text, line

    # expressions

    def compile(self, text, above=None, has_stage=True):
        def variable(path):
            stage = {"stage.name": ("string", lambda s: (s.stage, 0, FOREVER)), "stage.previous": ("string", previous),
                     "stage.entered_at": ("timestamp", lambda s: (s.entered, 0, FOREVER))}
            if path == "now":
                return "timestamp", lambda state: (state.now, 1, FOREVER)
            if path in stage and has_stage and not getattr(self, "is_first_match", False):
                return stage[path]
            if path == "stage.name" and has_stage and hasattr(self, "segments"):
                return stage[path]
            name = path[6:] if path.startswith("facts.") else path
            if name not in (self.declared if above is None else above):
                raise Beyond(f"{path} is beyond this evaluator")
            return self.fact(name).type, lambda state: state.fact(name)

        def previous(state):
            if state.previous is None:
                raise Fails(FOREVER)
            return state.previous, 0, FOREVER
        node = Compiler(variable, self.digits).compile(Parser(text).parse())
        if node.type != "bool" and above is None:
            raise Beyond(f"{text!r} is no condition")
        return node

    def event_condition(self, text, aliases):
        def variable(path):
            name = path[6:]
            if not path.startswith("event.") or "." in name:
                raise Beyond(f"{path} is beyond this evaluator")
            if name in ("type", "source", "subject", "id"):
                return "string", lambda state: (getattr(state.event, name), 0, FOREVER)
            if name == "time":
                return "timestamp", lambda state: (state.event.time, 0, FOREVER)
            owners = [alias for alias in aliases if name in alias.fields]
            kinds = {alias.fields[name].type for alias in owners}
            if len(kinds) != 1:
                raise Beyond(f"{path} is beyond this evaluator")

            def value(state):
                owner = next((alias for alias in owners if state.event.type in alias.types), None)
                found = owner.fields[name].value(state.event) if owner else None
                if found is None:
                    raise Fails(FOREVER)
                return found, 0, FOREVER
            return kinds.pop(), value
        return Compiler(variable, self.digits).compile(Parser(text).parse())

    def fact(self, name):
        """A fact, read when it is first named."""
        if name not in self.facts:
            if len(self.running) > 30:
                raise Beyond("facts read facts in too long a chain for this evaluator")
            self.running.append(name)
            names = list(self.declared)
            self.facts[name] = Fact(name, self.declared[name], self, names[:names.index(name)])
            self.running.pop()
        return self.facts[name]

    def facts_under(self, node):
        found = set()
        for part in node.walk() if node else ():
            name = part.name if part.kind == "path" else None
            if name and name.split(".")[-1] in self.facts and name.count(".") == name.startswith("facts."):
                found |= self.facts[name.split(".")[-1]].reads
        return found

    def comparisons(self, node):
        """The comparisons and `has` under a condition, facts that are expressions spelled out."""
        for part in node.walk() if node else ():
            if part.kind == "operator" and part.name in COMPARISONS or part.kind == "call" and part.name == "has":
                yield part, sorted(self.facts_under(part))
        for name in sorted(self.facts_under(node)):
            if self.facts[name].node:
                for part in self.facts[name].node.walk():
                    if part.kind == "operator" and part.name in COMPARISONS or part.kind == "call" and part.name == "has":
                        yield part, sorted(self.facts_under(part))

    # values

    def rate(self, text):
        match = SPELLED.fullmatch(text)
        if not match or match[4] or len(text) > 30:
            raise Beyond(f"the rate {text!r} is beyond this evaluator")
        return int(match[1] + match[2] + (match[3] or "")), 10 ** len(match[3] or "")

    def default(self, value, kind):
        """A default, written as in a payload."""
        if not isinstance(value, Text):
            raise Beyond("a default that is no scalar is beyond this evaluator")
        found = str(value)
        if value.is_plain and kind in ("bool", "string") and found in ("true", "false", "null", "~", ""):
            if kind == "string" or found not in ("true", "false"):
                raise Beyond(f"the default {found!r} is beyond this evaluator")
            return found == "true"
        if kind == "double" and self.cast(found, kind) is None and kind != "string":
            raise Beyond(f"the default {found!r} is beyond this evaluator")
        result = scaled(found, self.digits) if kind == "money" else self.cast(found, kind)
        if result is None:
            raise Beyond(f"the default {found!r} is beyond this evaluator")
        return result

    @staticmethod
    def cast(value, kind):
        """A value of JSON as one of a type; None where it is none."""
        if kind in ("int", "double"):
            if type(value) not in (int, str, Text, Number) or not SPELLED.fullmatch(str(value)):
                return None
            if kind == "int":
                return scaled(str(value), 0)
            number = float(str(value))
            return number if math.isfinite(number) else None
        if kind == "bool":
            return value if type(value) is bool else None
        if type(value) not in (str, Text):
            return None
        return parse_time(value) if kind == "timestamp" else str(value)

    def amount(self, value, currency):
        """Money in the rules' currency; None where it is none."""
        if type(value) not in (int, str, Number):
            return None
        if currency is None or currency == self.currency:
            return scaled(str(value), self.digits)
        if type(currency) is not str or currency not in self.exchange:
            return None
        minor, (above, below) = scaled(str(value), digits_of(currency)), self.exchange[currency]
        if minor is None:
            return None
        found = half_even(minor * above * 10**self.digits, below * 10 ** digits_of(currency))
        return found if INT_MIN <= found <= INT_MAX else None


# --- Folding one customer ---

TIMER_ROWS = 1000
# Roughly microseconds: what is counted grows with events, conditions and instants.
WORK = 6_000_000


class Parks(Exception):
    """A settle that does not come to an end."""


class Fold:
    """One customer: the events applied so far, the stage, and the instant `now` at which facts are read."""
    work = 0

    def __init__(self, rules, events, as_of, segment=None, look=None):
        self.rules, self.as_of, self.segment = rules, as_of, segment
        self.events = sorted((e for e in events if e.time <= as_of), key=lambda event: event.key)
        self.names = sorted({name for t in rules.transitions for name in rules.facts_under(t.node)}
                            | rules.facts_under(segment), key=list(rules.declared).index)
        self.facts = [rules.facts[name] for name in self.names]
        self.given = {fact.name: [] for fact in self.facts}
        self.times = {fact.name: [] for fact in self.facts}
        self.left_out = dict.fromkeys(self.names, 0)
        self.shown = None  # how many events of each fact are looked at; all of them unless set
        self.rows, self.stays, self.is_open, self.cache = [], [], False, {}
        self.stage = self.previous = self.entered = self.parked_at = None
        self.timer_rows, self.wake, self.stay_wake = 0, FOREVER, FOREVER
        self.look, self.traced = look, None

    @staticmethod
    def spend(amount):
        Fold.work += amount
        if Fold.work > WORK:
            raise Beyond("the rules ask for more work than this evaluator may do")

    # facts

    def fact(self, name):
        if name not in self.cache:
            self.spend(1)
            try:
                self.cache[name] = self.compute(self.rules.facts[name])
            except Fails as failure:
                default = self.rules.facts[name].default
                self.cache[name] = failure if default is None else (default, 0, failure.until)
        if isinstance(self.cache[name], Fails):
            raise Fails(self.cache[name].until)
        return self.cache[name]

    def range(self, fact):
        """Which of its events count now."""
        times = self.times[fact.name]
        end = bisect.bisect_right(times, self.now, 0, len(times) if self.shown is None else self.shown[fact.name])
        return bisect.bisect_right(times, self.now - fact.within, 0, end) if fact.within else 0, end

    def compute(self, fact):
        if fact.node:
            self.spend(fact.node.size // 8)
            return fact.node.value(self)
        start, end = self.range(fact)
        self.spend((end - start) // 8)
        times = self.times[fact.name]
        until = times[start] + fact.within if fact.within and start < end else FOREVER
        if fact.kind == "count":
            return end - start, 0, until
        if fact.kind == "active":
            ages = [(self.now - time) // fact.every for time in times[start:end]]
            until = min([until, *(time + (age + 1) * fact.every for time, age in zip(times[start:end], ages))])
            return len(set(ages)), 0, until
        values = [value for _, value in self.given[fact.name][start:end]]
        if fact.kind == "distinct":
            return len(set(values)), 0, until
        if start == end and fact.kind != "sum":
            raise Fails(until)
        if fact.kind in ("first_time", "last_time"):
            return times[start if fact.kind == "first_time" else end - 1], 0, until
        if fact.kind in ("first", "last"):
            return values[0 if fact.kind == "first" else -1], 0, until
        if fact.kind in ("min", "max"):
            key = (lambda text: text.encode("utf-8", "surrogatepass")) if fact.own == "string" else None
            return (min if fact.kind == "min" else max)(values, key=key), 0, until
        total = math.fsum(values) if fact.own == "double" else sum(values)
        if not (math.isfinite(total) if fact.own == "double" else INT_MIN <= total <= INT_MAX):
            raise Beyond(f"the sum of {fact.name} is beyond 64 bits")
        if fact.kind == "avg":
            total = toward_zero(total, len(values)) if fact.own == "money" else total / len(values)
        return total, 0, until

    def at(self, now, shown=None):
        self.now, self.cache, self.shown = now, {}, shown

    # steps

    def run(self):
        first = self.events[0]
        self.at(first.time)
        try:
            if not self.rules.is_first_match:
                self.stage, self.entered = self.rules.stages[0], first.time
                self.rows.append((first.time, None, self.stage, None, "event", first))
            index = 0
            while index < len(self.events):
                instant = self.events[index].time
                if index:
                    self.run_timers(instant)
                self.at(instant)
                while index < len(self.events) and self.events[index].time == instant:
                    self.apply(self.events[index])
                    index += 1
            self.run_timers(self.as_of)
            self.at(self.as_of)
        except Parks:
            self.parked_at = self.now
            self.stage = self.entered = None
            if self.is_open:
                self.stays[-1][1], self.is_open = self.now, False
        return self

    def run_timers(self, end):
        while (instant := min(self.wake, self.stay_wake)) <= end:
            self.spend(20)
            self.at(instant)
            before = (self.stage, self.previous, self.entered)
            counts = {name: len(given) for name, given in self.given.items()}
            taken = self.settle("timer", None, counts)
            self.follow("timer", taken[0][5] if taken else None, counts, before)

    def apply(self, event):
        self.spend(2 + len(self.facts) + self.rules.weight)
        counts = {name: len(given) for name, given in self.given.items()}
        matching = [alias for alias in self.rules.aliases.values() if alias.matches(event)]
        for fact in self.facts:
            if fact.node is None:
                counts_it, value, is_left_out = fact.contribution(event, matching)
                if counts_it:
                    self.given[fact.name].append((event, value))
                    self.times[fact.name].append(event.time)
                self.left_out[fact.name] += is_left_out
        self.cache, self.timer_rows = {}, 0
        self.settle("event", event, counts)
        self.follow("event", event, counts, None)

    def settle(self, cause, event, counts):
        """Takes transitions until none holds, and notes when time alone may change that."""
        start, taken, visited = (self.stage, self.previous, self.entered), [], {self.stage}
        while True:
            self.wake, chosen = FOREVER, None
            for transition in self.rules.transitions:
                if transition.sources is not None and self.stage not in transition.sources:
                    continue
                if transition.node is None or self.holds(transition.node):
                    chosen = transition
                    break
            if chosen is None or self.rules.is_first_match and chosen.target == self.stage:
                break
            if chosen.target in visited and not self.rules.is_first_match:
                raise Parks
            visited.add(chosen.target)
            if cause == "timer" and not taken:
                event = self.anchor(self.deciding(start[0], chosen), None)
            self.trace_row(len(self.rows) + len(taken), chosen, cause, counts)
            entry = self.rules.is_first_match and self.stage is None
            taken.append((self.now, self.stage, chosen.target, None if entry else chosen.name, cause, event))
            self.previous, self.stage, self.entered = self.stage, chosen.target, self.now
            if self.rules.is_first_match:
                break
        if cause == "timer":
            self.timer_rows += len(taken)
            if taken and self.timer_rows >= TIMER_ROWS:
                raise Parks
        self.rows += taken
        return taken

    def holds(self, node):
        self.spend(1 + node.size // 8)
        try:
            value, _, until = node.value(self)
        except Fails as failure:
            value, until = False, failure.until
        self.wake = min(self.wake, until)
        return value

    # the event behind a timer

    def deciding(self, stage, chosen):
        if not self.rules.is_first_match:
            return [chosen.node]
        lower = max(self.rules.stages.index(stage), self.rules.stages.index(chosen.target))
        return [transition.node for transition in self.rules.transitions[:lower + 1]]

    def anchor(self, conditions, before):
        """Of each comparison that is another than a microsecond ago, the last of the events that moved it."""
        now, after, found = self.now, (self.stage, self.previous, self.entered), []
        for node, names in [pair for condition in conditions for pair in self.rules.comparisons(condition)]:
            outcome = self.outcome(node)
            self.at(now - 1)
            self.stage, self.previous, self.entered = before or after
            earlier = self.outcome(node)
            self.stage, self.previous, self.entered = after
            self.at(now)
            if outcome != earlier:
                facts = [self.rules.facts[name] for name in names if self.rules.facts[name].node is None]
                moved = [event for fact in facts for event in self.leaving(fact)]
                found += moved or [event for fact in facts if fact.type == "timestamp" for event in self.giving(fact)]
        return max(found, key=lambda event: event.key, default=None)

    def outcome(self, node):
        try:
            return node.value(self)[0]
        except Fails:
            return "fails"

    def leaving(self, fact):
        """Events that leave the window, or go to another span of `active`, at this instant."""
        for event, _ in self.given[fact.name]:
            age = self.now - event.time
            if fact.within and age == fact.within or fact.every and 0 < age <= fact.within and age % fact.every == 0:
                yield event

    def giving(self, fact):
        """Events that give the value of a fact."""
        start, end = self.range(fact)
        inside = self.given[fact.name][start:end]
        if fact.kind in ("first", "first_time"):
            inside = inside[:1]
        elif fact.kind in ("last", "last_time"):
            inside = inside[-1:]
        elif fact.kind in ("min", "max") and inside:
            best = self.fact(fact.name)[0]
            inside = [pair for pair in inside if pair[1] == best]
        return [event for event, _ in inside]

    # stays in a segment

    def follow(self, cause, event, counts, before):
        self.stay_wake = FOREVER
        if self.segment is None:
            return
        wake = self.wake
        is_in = self.holds(self.segment)
        self.wake, self.stay_wake = wake, min(FOREVER, self.until(self.segment))
        if is_in and not self.is_open:
            if cause == "timer":
                event = self.anchor([self.segment], before) or event
            if self.look == len(self.stays):
                self.trace(self.rules.facts_under(self.segment), cause == "timer", counts)
            self.stays.append([self.now, None, cause, event])
        elif self.is_open and not is_in:
            self.stays[-1][1] = self.now
        self.is_open = is_in

    def until(self, node):
        try:
            return node.value(self)[2]
        except Fails as failure:
            return failure.until

    # values now and before

    def trace_row(self, number, chosen, cause, counts):
        if self.segment is None and number == self.look:
            self.trace(self.rules.facts_under(chosen.node), cause == "timer", counts)

    def trace(self, names, is_timer, counts):
        """Values of facts now and before, and the events that they rest on."""
        now, found = self.now, {}
        for name in [name for name in self.names if name in names]:
            fact = self.rules.facts[name]
            events = []
            if fact.node is None:
                giving = {event.position for event in self.giving(fact)}
                events = [(e, self.adds(fact, e, value)) for e, value in self.given[name] if e.position in giving]
            found[name] = [self.plain(name), None, events, self.left_out[name]]
        self.at(now - is_timer, counts)
        for name in found:
            found[name][1] = self.plain(name)
        self.at(now)
        self.traced = found

    def plain(self, name):
        try:
            return as_json(self.fact(name)[0], self.rules.facts[name].type, self.rules.digits)
        except Fails:
            return None

    def adds(self, fact, event, value):
        if fact.kind in ("count", "active"):
            return 1
        if fact.kind in ("first_time", "last_time"):
            return print_time(event.time)
        return as_json(value, fact.own, self.rules.digits)


# --- A bundle: what follows from the events (docs/evidence.md, 4 and 5) ---

def links_in_force(rules, events):
    """Links by (occurred, position): of one whose subject follows another already, or that closes a circle, nothing comes."""
    follows, found = {}, []
    for event in sorted(events, key=lambda event: event.key):
        named = named_by(rules, event)
        if named is not None and named not in follows and ends_at(follows, event.subject) != named:
            follows[named] = event.subject
            found.append((event.position, event.subject, named))
    return follows, found


def ends_at(follows, subject):
    while subject in follows:
        subject = follows[subject]
    return subject


def events_in_view(bundle, rules, events):
    """Those that are folded: below the view's size, by as-of, and not ignored."""
    as_of = parse_time(bundle["view"]["as_of"])
    return [event for event in events if event.position < bundle["view"]["size"] and event.time <= as_of
            and not (rules.ignore and is_true(rules.ignore, EventState(event)))]


def check_joined(bundle, rules, chains, events, report):
    """No link was left out, and those listed are those in force."""
    customer, shown = bundle["customer"], {name for name, _ in chains}
    earlier = earlier_links(bundle, rules, shown, events)
    follows, found = links_in_force(rules, [*events, *earlier])
    for event in earlier:
        holds(any(link[0] == event.position for link in found), "link", f"event {event.position} of elsewhere joins nobody")
    found = [link for link in found if link[1] in shown]
    listed = [(link["position"], link["subject"], link["named"]) for link in bundle["links"]]
    for link in listed:
        holds(link in found, "link", f"the event at {link[0]} does not join {link[2]!r} to {link[1]!r}")
    for position, subject, named in found:
        holds((position, subject, named) in listed, "link-left-out",
              f"event {position} joins {named!r} to {subject!r}, and is not among the links")
    holds(listed == found, "link", "the links are in another order than that in which they were taken")
    for link in bundle["links"]:
        holds(link["path"] == rules.link[1].path, "link", "the path of a link is not that of the rules")
    for name in shown:
        holds(ends_at(follows, name) == customer, "subject", f"{name!r} does not belong to {customer!r}")


def named_by(rules, event):
    """The subject that an event joins to its own, if it is in force; None where it is no link."""
    named = rules.link[1].value(event) if rules.link and rules.link[0].matches(event) else None
    return named if type(named) is str else None


def earlier_links(bundle, rules, shown, events):
    """Events of others that joined a subject to them before an event of this customer named it too."""
    mine, found = {named_by(rules, event) for event in events}, []
    for proof in bundle["elsewhere"]:
        members(proof, "an event of elsewhere", **EVENT)
        holds(proof["header"] is not None, "form", "an event of elsewhere has no header")
        event = check_event(proof, bundle["log"]["size"], bytes.fromhex(bundle["log"]["root"]))
        where = f"event {event.position} of elsewhere"
        holds(event.subject not in shown, "link", f"{where} is one of the customer's own")
        holds(events_in_view(bundle, rules, [event]), "link", f"{where} is not in view")
        named = named_by(rules, event)
        holds(named is not None and named in mine and named not in shown, "link",
              f"{where} joins no subject that an event of the customer names too")
        found.append(event)
    holds(len({event.position for event in found}) == len(found), "link", "an event of elsewhere comes twice")
    return found


def row_json(row):
    at, source, target, transition, cause, event = row
    return {"at": print_time(at), "from": source, "to": target, "transition": transition, "cause": cause,
            "event_id": event.id if event else None, "position": event.position if event else None}


def check_rows(bundle, fold):
    expected, found = [row_json(row) for row in fold.rows], bundle["transitions"]
    for number, (row, other) in enumerate(zip(found, expected)):
        for name in other:
            holds(row[name] == other[name], "rows",
                  f"transition {number}: {name!r} is {row[name]!r}, and the events lead to {other[name]!r}")
    holds(len(found) == len(expected), "rows", f"there are {len(found)} transitions, and the events lead to {len(expected)}")
    stands = {"stage": fold.stage, "since": print_time(fold.entered) if fold.entered is not None else None,
              "parked_at": print_time(fold.parked_at) if fold.parked_at is not None else None}
    for name, value in stands.items():
        holds(bundle[name] == value, "stage", f"{name!r} is {bundle[name]!r}, and the events lead to {value!r}")


def check_rule(bundle, expected):
    found = bundle["rule"]
    if expected is None:
        holds(found is None, "rule", "an entry has no rule")
        return
    holds(found is not None, "rule", "the rule is missing")
    for name, value in zip(("id", "line", "text"), expected):
        holds(found[name] == value, "rule", f"{name!r} of the rule is {found[name]!r}, and the file says {value!r}")


def check_facts(bundle, traced):
    found = bundle["facts"]
    for name, (value, before, events, left_out) in traced.items():
        holds(name in found, "facts", f"the fact {name} is missing, which the condition reads")
        fact = found[name]
        for what, expected in (("value", value), ("before", before)):
            holds(same_json(fact[what], expected), "facts", f"{what!r} of {name} is {fact[what]!r}, not {expected!r}")
        positions = [event["position"] for event in fact["events"]]
        expected = [event.position for event, _ in events]
        holds(positions == expected, "facts", f"{name} rests on the events {expected}, not {positions}")
        for item, (event, adds) in zip(fact["events"], events):
            same_event(item, event, "facts")
            holds(same_json(item["adds"], adds), "facts", f"event {event.position} adds {adds!r} to {name}, not {item['adds']!r}")
        holds(fact.get("left_out", 0) == left_out, "facts", f"{left_out} events gave {name} nothing, not {fact.get('left_out', 0)}")
    for name in found:
        holds(name in traced, "facts", f"the condition does not read the fact {name}")


def same_event(item, event, code):
    for name, value in (("id", event.id), ("at", print_time(event.time)), ("type", event.type)):
        holds(item[name] == value, code, f"{name!r} of event {event.position} is {item[name]!r}, and its line says {value!r}")


class Minimal:
    """Folds sets of a customer's events and nothing else."""
    SETS = 1000

    def __init__(self, rules, customer, events, row):
        self.rules, self.customer, self.row, self.sets_left = rules, customer, row, self.SETS
        self.events = sorted(events, key=lambda event: event.key)

    def gives(self, events):
        """Whether some events alone give the row, to the same customer."""
        follows, _ = links_in_force(self.rules, events)
        if any(ends_at(follows, event.subject) != self.customer for event in events):
            return False
        events = [event for event in events if event.time <= self.row[0]]
        return bool(events) and self.row in Fold(self.rules, events, self.row[0]).run().rows

    def smaller(self, size):
        """The sets of a size that hold the anchor, in the order of their positions; None where they are too many."""
        anchor = [self.row[5]] if self.row[5] else []
        others = [e for e in sorted(self.events, key=lambda event: event.position) if e not in anchor]
        rest = size - len(anchor)
        if rest < 0:
            return []
        self.sets_left -= math.comb(len(others), rest) if rest < 8 or len(others) < 64 else self.SETS
        if self.sets_left < 0:
            return None
        return (anchor + list(chosen) for chosen in itertools.combinations(others, rest))


def check_minimal(bundle, rules, events, fold, row, report):
    found = bundle["minimal"]
    holds(found is not None, "minimal", "the minimal events are missing")
    known = {event.position: event for event in events}
    for item in found["events"]:
        holds(item["position"] in known, "minimal", f"{item['position']} is no event of the customer that was folded")
        same_event(item, known[item["position"]], "minimal")
    chosen = [known[item["position"]] for item in found["events"]]
    holds(chosen == sorted(set(chosen), key=lambda event: event.key), "minimal", "the events are not in order, or twice")
    holds(found["of"] == len(events), "minimal", f"{len(events)} events were folded, not {found['of']}")
    search = Minimal(rules, bundle["customer"], events, row)
    holds(search.gives(chosen), "minimal", "these events alone do not give the transition")
    names = ", ".join(event.id for event in chosen)
    sentence = f"{len(chosen)} of the {several(len(events), 'event')} suffice: {names}"
    if found["irreducible"]:
        for event in chosen:
            rest = [other for other in chosen if other is not event]
            holds(not search.gives(rest), "minimal", f"it happens without {event.id} too")
        sentence += "; without any one of them it does not happen" if len(chosen) > 1 else ""
    else:
        report.limits.append("Whether one of these events can be left out was not decided when the bundle was written.")
    holds(found["smallest"] == (found["tried_below"] >= len(chosen)) and found["tried_below"] <= len(chosen), "minimal",
          "what was tried does not go with what is said of it")
    holds(not found["smallest"] or found["irreducible"], "minimal", "the smallest set has none that can be left out")
    holds(not found["earliest"] or found["smallest"], "minimal", "only of smallest sets one is the earliest")
    check_smaller(found, chosen, search, report)
    check_absence(found["absence"], rules, events, fold, row)
    report.proved.append(sentence + ".")


def check_smaller(found, chosen, search, report):
    """That fewer events do not give the row, as far as all sets can be folded."""
    mine = sorted(event.position for event in chosen if event is not search.row[5])
    for size in range(1, len(chosen) + found["earliest"]):
        if size < len(chosen) and size >= found["tried_below"]:
            break
        sets = search.smaller(size)
        if sets is None:
            report.limits.append(f"That no fewer or earlier events suffice was not tried here beyond sets of {size - 1}.")
            return
        for events in sets:
            if size == len(chosen) and sorted(e.position for e in events if e is not search.row[5]) >= mine:
                break
            holds(not search.gives(events), "minimal", f"{size} events suffice, or earlier ones: "
                  + ", ".join(event.id for event in events))
    if found["smallest"]:
        report.proved.append(f"No set of fewer than {len(chosen)} suffices: all were folded." if len(chosen) > 1 else
                             "No smaller set can suffice.")


def check_absence(found, rules, events, fold, row):
    """What did not happen before a timer."""
    if row[4] != "timer":
        holds(found is None, "minimal", "only for a timer it is said what did not happen")
        return
    holds(found is not None, "minimal", "it is not said what did not happen")
    transition = next(t for t in rules.transitions if t.name == row[3])
    names = {name for node in fold.deciding(row[1], transition) for name in rules.facts_under(node)}
    read = {alias.name for name in names for alias in rules.facts[name].aliases}
    aliases = [alias for alias in rules.aliases.values() if alias.name in read]
    types = {kind for alias in aliases for kind in alias.types}
    last = max((e for e in events if e.time < row[0] and e.type in types), key=lambda event: event.key, default=None)
    place = fold.rows.index(row)
    after = last.time if last else fold.rows[place - 1][0]
    expected = {"aliases": [alias.name for alias in aliases], "position": last.position if last else None,
                "event_id": last.id if last else None, "after": print_time(after), "before": print_time(row[0])}
    for name, value in expected.items():
        holds(found[name] == value, "minimal", f"{name!r} of the absence is {found[name]!r}, not {value!r}")


def check_transition(bundle, rules, events, report):
    index = bundle["claim"]["transition"]
    fold = Fold(rules, events, parse_time(bundle["view"]["as_of"]), look=index).run()
    check_rows(bundle, fold)
    holds(index < len(fold.rows), "claim", f"there is no transition {index}")
    row = fold.rows[index]
    entry = row[3] is None
    transition = None if entry else next(t for t in rules.transitions if t.name == row[3])
    check_rule(bundle, None if entry else (transition.name, transition.line, transition.text))
    check_facts(bundle, {} if entry else fold.traced)
    event = f"event {row[5].id}" if row[5] else "no event"
    how = f"by {event}" if row[4] == "event" else f"by time alone, and {event} stands behind it"
    what = "began in" if entry else f"left {row[1]} and became"
    report.proved.append(f"Under the rules `{rules.model}` version {rules.version} {bundle['customer']} {what} {row[2]} on"
                         f" {say_time(row[0])} {how}" + (f" (rule {row[3]}, line {transition.line})." if not entry else "."))
    check_minimal(bundle, rules, events, fold, row, report)
    return fold


def check_segment(bundle, rules, events, report):
    claim, as_of = bundle["claim"], parse_time(bundle["view"]["as_of"])
    name, stay = claim["segment"], claim["stay"]
    holds(name in rules.segments, "claim", f"the rules have no segment {name!r}")
    try:
        node, text, line = rules.segment(name)
    except Beyond as error:
        fold = Fold(rules, events, as_of).run()
        check_rows(bundle, fold)
        report.open.append(f"Whether and why {bundle['customer']} is in {name} was not looked at here: {error}.")
        return fold
    fold = Fold(rules, events, as_of, segment=node).run()
    check_rows(bundle, fold)
    stays = [{"from": print_time(start), "to": print_time(end) if end is not None else None, "cause": cause,
              "event_id": event.id if event else None, "position": event.position if event else None}
             for start, end, cause, event in fold.stays]
    holds(stay in stays if stay else not stays, "claim", f"the customer was not in {name} then, or otherwise than it is said")
    holds(claim["holds"] == fold.is_open, "claim", f"that the segment holds is {fold.is_open}, not {claim['holds']}")
    check_rule(bundle, (name, line, text))
    if stay:
        fold = Fold(rules, events, as_of, segment=node, look=stays.index(stay)).run()
        traced = fold.traced
    elif fold.parked_at is None:
        fold.trace(rules.facts_under(node), False, {name: len(given) for name, given in fold.given.items()})
        traced = fold.traced
    else:
        traced = {}
    check_facts(bundle, traced)
    holds(bundle["minimal"] is None, "minimal", "for segments there is none")
    was = f"was in {name} from {say_time(fold.stays[stays.index(stay)][0])}" if stay else f"was never in {name}"
    end = f" to {say_time(parse_time(stay['to']))}" if stay and stay["to"] else ""
    report.proved.append(f"Under the rules `{rules.model}` version {rules.version} {bundle['customer']} {was}{end}"
                         f"{' and is' if stay and claim['holds'] else ''}.")
    return fold


def check_fold(bundle, chains, report):
    """Steps 4 and 5 under the rules; what the evaluator cannot do stays open."""
    try:
        rules = Rules(bundle["rules"]["text"])
        view = bundle["view"]
        holds(rules.model == view["model"] and rules.version == str(view["version"]), "rules",
              f"the rules are of model {rules.model!r} version {rules.version}, not {view['model']!r} {view['version']}")
        events = events_in_view(bundle, rules, [event for _, chain in chains for event in chain])
        holds(events, "rows", "no event of the customer is in view")
        check_joined(bundle, rules, chains, events, report)
        if rules.link:
            report.limits.append("It does not show that no other subject belongs to the customer: such a link would stand among"
                                 " the other's events.")
        explain = check_transition if "transition" in bundle["claim"] else check_segment
        fold = explain(bundle, rules, events, report)
        stands = f"is in stage {fold.stage} since {say_time(fold.entered)}" if fold.parked_at is None else \
            f"is parked since {say_time(fold.parked_at)}: the rules do not determine a stage"
        report.proved.append(f"As of {say_time(parse_time(view['as_of']))} {bundle['customer']} {stands}, after"
                             f" {several(len(bundle['transitions']), 'transition')}, and all of these follow from the events.")
    except (Beyond, RecursionError) as error:
        why = str(error) if isinstance(error, Beyond) else "the rules are nested too deeply for this evaluator"
        report.open.append(f"What follows from the events was not folded here: {why}.")


# --- A bundle: its form, the signature and the rules (docs/evidence.md, 1 to 3) ---

BUNDLE = dict(evidence="count", engine="text", customer="text", view="object", rules="object", log="object",
              checkpoint="text?", key="text?", register="object?", subjects="list", links="list", transitions="list",
              stage="text?", since="time?", parked_at="time?", claim="object", rule="object?", facts="object",
              minimal="object?", elsewhere="list")
MINIMAL_EVENT = dict(position="count", id="text", at="time", type="text")
STAY = {"from": "time", "to": "time?", "cause": "text", "event_id": "text?", "position": "count?"}


def check_form(bundle):
    """Members and types of all that is not looked at first by a step of its own."""
    members(bundle, "the bundle", **BUNDLE)
    members(bundle["view"], "view", name="text", model="text", version="whole", size="count", as_of="time")
    members(bundle["rules"], "rules", file="text", sha256="hash", text="text")
    members(bundle["log"], "log", size="count", root="hash", register_size="count", register_root="hash")
    if bundle["register"] is not None:
        members(bundle["register"], "register", record="count", bytes="text", path="list")
    for number, row in enumerate(bundle["transitions"]):
        members(row, f"transition {number}", at="time", **{"from": "text?"}, to="text", transition="text?", cause="text",
                event_id="text?", position="count?")
    claim = bundle["claim"]
    if "transition" in claim:
        members(claim, "claim", transition="count")
    else:
        members(claim, "claim", segment="text", holds="bool", stay="object?")
        if claim["stay"] is not None:
            members(claim["stay"], "stay", **STAY)
    if bundle["rule"] is not None:
        members(bundle["rule"], "rule", id="text", line="count", text="text")
    for name, fact in bundle["facts"].items():
        as_type(fact, "object", f"the fact {name}")
        holds({"value", "before", "events"} <= set(fact) <= {"value", "before", "events", "left_out"}, "form",
              f"the fact {name} has other members than the format says")
        as_type(fact["events"], "list", f"events of {name}")
        as_type(fact.get("left_out", 1), "count", f"'left_out' of {name}")
        holds(fact.get("left_out", 1) > 0, "form", f"'left_out' of {name} is 0")
        for event in fact["events"]:
            as_type(event, "object", f"an event of {name}")
            holds("adds" in event, "form", f"an event of {name} does not say what it adds")
            members({key: value for key, value in event.items() if key != "adds"}, f"an event of {name}", **MINIMAL_EVENT)
    if bundle["minimal"] is not None:
        check_minimal_form(bundle["minimal"])


def check_minimal_form(minimal):
    members(minimal, "minimal", events="list", of="count", smallest="bool", earliest="bool", irreducible="bool",
            tried_below="count", absence="object?")
    for event in minimal["events"]:
        members(event, "an event of minimal", **MINIMAL_EVENT)
    if minimal["absence"] is not None:
        members(minimal["absence"], "absence", aliases="list", position="count?", event_id="text?", after="time", before="time")


def check_log(bundle, given, report):
    """Step 1: on whose word the roots rest."""
    log = bundle["log"]
    says = (log["size"], log["root"], log["register_size"], log["register_root"])
    key = Key(bundle["key"]) if bundle["key"] is not None else None
    holds(not (given.key and key) or given.key.text == key.text, "key", "the key of the bundle is not the one that was given")
    if bundle["checkpoint"] is not None:
        note = Note(bundle["checkpoint"], "the checkpoint of the bundle")
        signer = given.key or key
        holds(signer is not None, "key", "the bundle has a checkpoint, and no key")
        note.verify(signer, "the checkpoint of the bundle")
        holds(note.says() == says, "log", "size and root of the log, or of its register, are not those of the checkpoint")
        holds(given.note is None or note.origin == given.note.origin, "checkpoint",
              f"the bundle is of {note.origin}, and your checkpoint of another store")
    else:
        holds(key is None, "key", "the bundle has a key, and no checkpoint")
    if given.note:
        holds(given.note.says() == says, "checkpoint", f"your checkpoint is of {several(given.note.size, 'event')} with"
              f" another root or register; the bundle is of {several(log['size'], 'event')}")
    report.proved.append(f"The log has {several(log['size'], 'event')} and the root {log['root']}.")
    say_trust(report, given.note, given.key if bundle["checkpoint"] or given.note else None, key)


class Record:
    """A control record: a view came into force (docs/format.md)."""

    def __init__(self, content):
        holds(content[:2] == b"\x01\x01", "record", "the control record does not say that a view came into force")
        self.content, self.at = content, 2
        self.recorded = self.number(True)
        self.view, self.generation, self.model, self.engine = self.text(), self.text(), self.text(), self.text()
        self.version, self.size, self.as_of = self.number(True), self.number(), self.number(True)
        self.customers, self.transitions, self.parked = self.number(), self.number(), self.number()
        self.rules, self.root, self.output = (self.take(32) for _ in range(3))
        flag = self.take(1)
        self.file = content[self.at:] if flag == b"\x01" else None
        holds(flag in (b"\0", b"\x01") and (self.file is not None or self.at == len(content)), "record",
              "the control record does not end where it should")
        holds(FIRST_TIME <= min(self.recorded, self.as_of) and max(self.recorded, self.as_of) <= LAST_TIME, "record",
              "the control record holds an instant that is none")

    def take(self, length):
        holds(self.at + length <= len(self.content), "record", "the control record is too short")
        self.at += length
        return self.content[self.at - length:self.at]

    def number(self, signed=False):
        return int.from_bytes(self.take(8), "little", signed=signed)

    def text(self):
        try:
            return self.take(int.from_bytes(self.take(2), "little")).decode()
        except UnicodeDecodeError:
            raise Refused("record", "the control record holds a text that is no UTF-8") from None


def check_record(number, encoded, path, size, root):
    content = from_base64(encoded, "record", "the control record")
    found = root_of_path(leaf_hash(content), number, size, hashes(path, "the path of the control record"))
    holds(found == root, "record", f"the path of control record {number} does not lead to the register's root")
    return content


def check_rules(bundle, report):
    """Step 2: which rules, and that they came into force."""
    view, rules, log = bundle["view"], bundle["rules"], bundle["log"]
    content = utf8(rules["text"], "rules", "the rules file")
    holds(hashlib.sha256(content).hexdigest() == rules["sha256"], "rules", "the hash of the rules file is another")
    holds(view["size"] <= log["size"], "log", "the view folded more events than the log has")
    if bundle["register"] is None:
        report.open.append("Whether the rules were ever in force is open: no control record is shown.")
        return
    found = bundle["register"]
    record = Record(check_record(found["record"], found["bytes"], found["path"], log["register_size"],
                                 bytes.fromhex(log["register_root"])))
    for what, ours, theirs in (("view", view["name"], record.view), ("model", view["model"], record.model),
                               ("version", view["version"], record.version), ("rules", rules["sha256"], record.rules.hex())):
        holds(ours == theirs, "record", f"the control record is of {what} {theirs!r}, and the bundle of {ours!r}")
    holds(record.file is None or record.file == content, "record", "the control record holds another rules file")
    holds(record.size != log["size"] or record.root.hex() == log["root"], "record", "the control record is of another log")
    report.proved.append(f"The view {view['name']} came into force under these rules (SHA-256 {rules['sha256']}) by control"
                         f" record {found['record']}, noted on {say_time(record.recorded)}, over the first"
                         f" {several(record.size, 'event')} as of {say_time(record.as_of)}.")
    if (record.size, print_time(record.as_of)) != (view["size"], view["as_of"]):
        report.limits.append(f"What is explained is the first {several(view['size'], 'event')} as of"
                             f" {say_time(parse_time(view['as_of']))}: the record is of another size or as-of, so that it does"
                             " not show that this was served.")


def check_bundle(bundle, given, report):
    check_form(bundle)
    check_log(bundle, given, report)
    check_rules(bundle, report)
    log, chains = bundle["log"], []
    for subject in bundle["subjects"]:
        members(subject, "a subject", subject="text", events="list")
        chains.append((subject["subject"], check_chain(subject["subject"], subject["events"], log["size"],
                                                       bytes.fromhex(log["root"]))))
    absent = check_links(bundle["links"], chains, bundle["customer"])
    holds(not absent, "subject", f"{absent[:1]} is joined by a link, and does not stand among the subjects")
    say_chains(report, chains)
    if len(chains) > 1:
        joins = ", ".join(f"{link['named']} by event {link['position']}" for link in bundle["links"])
        report.proved.append(f"They are one customer, {bundle['customer']}: {joins}.")
    check_fold(bundle, chains, report)
    report.limits.append("It does not show when the log was signed, nor that the events are true.")


# --- Output of `prove` ---

def check_root(size, root, given, report, is_register=False):
    """Whether a root is that of the checkpoint that was given."""
    what = "register" if is_register else "log"
    word = "record" if is_register else "event"
    report.proved.append(f"The {what} of {several(size, word)} has the root {root}.")
    if given.note:
        says = given.note.says()[2:] if is_register else given.note.says()[:2]
        holds(says == (size, root), "checkpoint", f"your checkpoint says {says[0]} and {says[1]}")
    say_trust(report, given.note, given.key if given.note else None)


def check_position(proof, given, report):
    members(proof, "the proof", False, size="count", root="hash", **EVENT)
    event = check_event(proof, proof["size"], bytes.fromhex(proof["root"]))
    check_root(proof["size"], proof["root"], given, report)
    if event:
        report.proved.append(f"Event {event.position} stands in it: {event.id} of {event.subject}, {event.type}, recorded on"
                             f" {say_time(parse_time(proof['recorded']))}.")
    else:
        report.proved.append(f"At {proof['position']} stands an event that was erased; its hash alone is shown.")
    report.limits.append("It does not show that the event is true.")


def check_subject(proof, given, report):
    members(proof, "the proof", False, subject="text", size="count", root="hash", events="list")
    chain = check_chain(proof["subject"], proof["events"], proof["size"], bytes.fromhex(proof["root"]), False)
    check_root(proof["size"], proof["root"], given, report)
    say_chains(report, [(proof["subject"], chain)])


def check_customer(proof, given, report):
    members(proof, "the proof", False, customer="text", size="count", root="hash", subjects="list", links="list")
    chains = []
    for part in proof["subjects"]:
        members(part, "a subject", False, subject="text", size="count", root="hash", events="list")
        holds((part["size"], part["root"]) == (proof["size"], proof["root"]), "log", "the subjects are not under one root")
        chains.append((part["subject"], check_chain(part["subject"], part["events"], part["size"], bytes.fromhex(part["root"]),
                                                    False)))
    absent = check_links(proof["links"], chains, proof["customer"], False)
    check_root(proof["size"], proof["root"], given, report)
    say_chains(report, chains)
    report.limits.append("Which events are links is said by rules that are not in this proof; other subjects may belong to the"
                         " customer by events of their own.")
    for name in absent:
        report.open.append(f"{name} is named by a link, and no event of it is shown: it may have none, follow another"
                           " customer by an earlier link, or have been left out.")


def check_consistency(proof, given, report):
    members(proof, "the proof", False, old_size="count", old_root="hash", size="count", root="hash", path="list")
    old, size = proof["old_size"], proof["size"]
    path = hashes(proof["path"], "the path")
    holds(is_beginning(old, bytes.fromhex(proof["old_root"]), size, bytes.fromhex(proof["root"]), path), "consistency",
          f"the log of {several(size, 'event')} is no continuation of that of {several(old, 'event')}")
    is_old = given.note and (given.note.size, given.note.root.hex()) == (old, proof["old_root"])
    check_root(*((old, proof["old_root"]) if is_old else (size, proof["root"])), given, report)
    report.proved.append(f"The log of {several(size, 'event')} (root {proof['root']}) goes on from that of"
                         f" {several(old, 'event')} (root {proof['old_root']}): nothing in it was changed or taken away.")


def check_registered(proof, given, report):
    members(proof, "the proof", False, record="count", size="count", root="hash", bytes="text", path="list")
    content = check_record(proof["record"], proof["bytes"], proof["path"], proof["size"], bytes.fromhex(proof["root"]))
    check_root(proof["size"], proof["root"], given, report, is_register=True)
    if content[:2] == b"\x01\x01":
        record = Record(content)
        report.proved.append(f"Control record {proof['record']} stands in it: on {say_time(record.recorded)} the view"
                             f" {record.view} came into force under {record.model} version {record.version} (rules"
                             f" {record.rules.hex()}), over the first {several(record.size, 'event')} as of"
                             f" {say_time(record.as_of)}, with the output root {record.output.hex()}.")
        holds(record.file is None or hashlib.sha256(record.file).digest() == record.rules, "record",
              "the rules file in the control record is not that of its hash")
    else:
        report.proved.append(f"Control record {proof['record']} of kind {content[1:2].hex() or 'none'} stands in it.")
    report.limits.append("It does not show that the view came into force: a record is written before the switch.")


FORMS = (("evidence", check_bundle), ("customer", check_customer), ("subject", check_subject), ("old_size", check_consistency),
         ("record", check_registered), ("position", check_position))


# --- The command ---

PAGE = re.compile(rb'href="data:application/json;base64,([A-Za-z0-9+/=]*)"')


def read_file(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise CannotRun(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def read_text(path):
    try:
        return read_file(path).decode()
    except UnicodeDecodeError:
        raise CannotRun(f"{path} is no UTF-8") from None


def load(path, report):
    """The JSON of a file, or what a page carries."""
    content = read_file(path)
    if content.lstrip()[:1] == b"<":
        found = PAGE.findall(content)
        if len(found) != 1:
            raise CannotRun(f"{path} is a page with {len(found)} attachments of JSON, and one was expected")
        content = from_base64(found[0].decode(), "form", "the attachment of the page")
        report.limits.append("What the page itself prints was not looked at, only what it carries.")
    try:
        value = read_json(content.decode())
    except UnicodeDecodeError:
        raise CannotRun(f"{path} is no UTF-8") from None
    except RecursionError:
        raise CannotRun(f"{path} is JSON that is nested too deeply") from None
    except ValueError as error:
        raise CannotRun(f"{path} is no JSON: {error}") from None
    check = next((check for name, check in FORMS if type(value) is dict and name in value), None)
    if check is None:
        raise CannotRun(f"{path} is neither a bundle of evidence nor what `prove --format json` prints")
    if check is check_bundle and value["evidence"] != 1:
        raise CannotRun(f"{path} is evidence of a format that is not known here")
    return value, check


def given_key(text):
    """A verifier key, or the file that holds it."""
    if not re.fullmatch(r"[^+\s]+\+[0-9a-f]{8}\+\S+", text):
        text = read_text(text).strip()
    try:
        return Key(text)
    except Refused as error:
        raise CannotRun(f"--key: {error}") from None


def given_note(path):
    text = read_text(path)
    try:
        Note(text, "it")
    except Refused as error:
        raise CannotRun(f"{path} is no checkpoint: {error}") from None
    return text


def run(options, report):
    Fold.work = 0
    value, check = load(options.file, report)
    key = given_key(options.key) if options.key else None
    given = Given(key, given_note(options.checkpoint) if options.checkpoint else None)
    check(value, given, report)


def printable(text):
    """A text in one line: names are a stranger's, and must not look like sentences of this program."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def report_text(report, options, status, failure):
    if options.json:
        found = {"status": ["holds", "refused", "could not run", "open"][status], "code": getattr(failure, "code", None),
                 "reason": str(failure) if failure else None, "proved": [] if failure else report.proved,
                 "open": [] if failure else report.open, "not_shown": [] if failure else report.limits}
        return json.dumps(found) + "\n"
    if failure:
        return (f"refused[{failure.code}]: " if status == 1 else "error: ") + printable(str(failure)) + "\n"
    titles = (("Shown.", report.proved), ("Open.", report.open), ("Not shown.", report.limits))
    return "".join("\n".join([title, *(f"- {printable(line)}" for line in lines)]) + "\n" for title, lines in titles if lines)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, epilog=CODES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", metavar="FILE", help="a bundle (JSON or .html), or what `prove … --format json` printed")
    parser.add_argument("--key", help="the verifier key, or a file that holds it, learnt another way than with FILE")
    parser.add_argument("--checkpoint", metavar="NOTE", help="a file with a checkpoint that you kept")
    parser.add_argument("--json", action="store_true", help="print one JSON object in place of sentences")
    options = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    report, failure = Report(), None
    try:
        run(options, report)
        status = 3 if report.open else 0
    except Refused as error:
        status, failure = 1, error
    except CannotRun as error:
        status, failure = 2, error
    except (RecursionError, MemoryError):
        status, failure = 2, CannotRun("the file is nested too deeply, or too large")
    stream = sys.stderr if status == 2 and not options.json else sys.stdout
    try:
        stream.write(report_text(report, options, status, failure))
        stream.flush()
    except OSError as error:
        # Where nobody reads on, the exit status says it all the same.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return status if isinstance(error, BrokenPipeError) else 2
    return status


if __name__ == "__main__":
    sys.exit(main())
