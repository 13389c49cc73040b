"""Erases subjects and kills `forget` at random moments, or cuts the power under it, beside readers, replays and imports. After
each the store verifies, holds every event of who stays, has the same root, and either all events of those who were to go or
none. What a reader sees meanwhile is the log before or after, never half of it. When a `forget` is done nothing in any file of the
store names the forgotten (raw, or in Base64), and their events do not come in again.

usage: forget.py --binary PATH [--kills N] [--cuts N] [--events N] [--dir DIR] [--seed S] [--small]

Cuts need root and loop devices (power.py), else they are skipped. The directory of a round that failed is kept and named.
"""
import base64
import collections
import hashlib
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True

import common
import power
from common import RULES, Fault

ENDS_OF_A_STORE = 12
BUSY = 75


class People:
    """Who is named by the lines of a file: those who are named together go together."""

    def __init__(self, lines):
        events = [json.loads(line) for line in lines]
        self.subjects = {event["subject"] for event in events}
        self.leader = {subject: subject for subject in self.subjects}
        for event in events:
            for value in self.texts(event.get("data", {})):
                if value in self.subjects:
                    self.leader[self.find(value)] = self.find(event["subject"])
        self.groups = collections.defaultdict(list)
        for subject in sorted(self.subjects):
            self.groups[self.find(subject)].append(subject)

    def texts(self, value):
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            return [text for part in value for text in self.texts(part)]
        return [value] if isinstance(value, str) else []

    def find(self, subject):
        while self.leader[subject] != subject:
            subject = self.leader[subject]
        return subject


def check_receipt(receipt, root, status):
    """As docs/evidence.md says that it is checked."""
    record = base64.b64decode(receipt["record_bytes"])
    for subject in receipt["subjects"]:
        found = hashlib.sha256(bytes.fromhex(subject["nonce"]) + subject["subject"].encode()).digest()
        if found.hex() != subject["hash"] or found not in record:
            raise Fault(f"the record does not name {subject}")
    if sum(length for _, length in receipt["positions"]) != sum(subject["events"] for subject in receipt["subjects"]):
        raise Fault(f"the receipt has other positions than events: {receipt}")
    node, index, last = hashlib.sha256(b"\0" + record).digest(), receipt["record"], receipt["register_size"] - 1
    for step in map(bytes.fromhex, receipt["path"]):
        if index & 1 or index == last:
            node = hashlib.sha256(b"\1" + step + node).digest()
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\1" + node + step).digest()
        index, last = index >> 1, last >> 1
    if last != 0 or node.hex() != receipt["register_root"] or status["register_root"] != receipt["register_root"]:
        raise Fault("the record is not under the root of the register")
    if receipt["root_after"] != root or receipt["root_before"] != root:
        raise Fault("the receipt has another root than the log")


class Reader(threading.Thread):
    """Exports and verifies again and again until it is stopped."""

    def __init__(self, program, store, allowed):
        super().__init__()
        self.program, self.store, self.allowed = program, store, allowed
        self.isStopped, self.fault, self.count = False, None, 0
        self.start()

    def run(self):
        try:
            while not self.isStopped:
                exported = self.program.run("export", self.store, "--table", "events", "-o", "-", text=False).stdout
                if not any(exported.startswith(log) for log in self.allowed):
                    raise Fault(f"a reader saw {exported.count(bytes([10]))} events, neither those before nor those after")
                self.program.verified(self.store)
                self.count += 1
        except Exception as fault:  # noqa: raised again by who stops it
            self.fault = fault

    def stop(self):
        self.isStopped = True
        self.join()
        if self.fault:
            raise self.fault


class Round:
    """A store over some erasures, and what is known of it."""

    def __init__(self, program, place, chance, events, disk=None):
        self.program, self.place, self.chance, self.disk = program, place, chance, disk
        self.home = disk.place if disk else place
        self.store, self.file = f"{self.home}/store", f"{place}/e.ndjson"
        program.generate(self.file, events, chance.randrange(1 << 32))
        self.lines = common.lines_of(self.file)
        self.people = People(self.lines)
        self.subjects = [json.loads(line)["subject"] for line in self.lines]
        self.gone, self.size, self.roots, self.readings = set(), 0, {}, 0
        self.kinds = collections.Counter()
        self.append(len(self.lines) * 3 // 4)
        self.program.replay(self.store)
        self.seconds = 0
        self.forget(self.choose())

    # What is known

    def log(self, gone):
        """The lines that are there."""
        return b"".join(line for line, subject in zip(self.lines[:self.size], self.subjects) if subject not in gone)

    def append(self, size):
        """Imports the first lines, those that are there among them; what was erased is rejected."""
        with open(f"{self.place}/some.ndjson", "wb") as file:
            file.writelines(self.lines[:size])
        done = self.program.run("import", self.store, file.name, "--format", "json", "--wait", "60s", allowed=(0, 1))
        summary = json.loads(done.stdout.splitlines()[-1])
        erased = sum(subject in self.gone for subject in self.subjects[:self.size])
        # A later event of a forgotten subject is a new one: here none is given.
        if summary["rejected"] != erased or summary["appended"] != size - self.size:
            raise Fault(f"an import of {size} lines, {self.size} known and {erased} of them erased: {summary}")
        self.size = size
        self.note()

    def next_size(self, going=()):
        """Up to the next line that may name somebody who is gone or is to go: an event that comes behind the erasure is a new one."""
        groups = {self.people.find(subject) for subject in self.gone.union(going)}
        end = self.size
        while end < min(len(self.lines), self.size + 400) and self.people.find(self.subjects[end]) not in groups:
            end += 1
        return end

    def note(self):
        size, root = self.program.verified(self.store)
        if size != self.size:
            raise Fault(f"{size} events, not {self.size}")
        if self.roots.setdefault(size, root) != root:
            raise Fault(f"two roots over {size} events")

    def choose(self):
        """Some who are there, with all who are named with them."""
        there = set(self.subjects[:self.size])
        groups = [group for leader, group in sorted(self.people.groups.items())
                  if there.intersection(group) and not self.gone.intersection(group)]
        if not groups:
            return []
        chosen = self.chance.sample(groups, min(len(groups), self.chance.choice((1, 1, 3, 20))))
        return sorted(there.intersection(subject for group in chosen for subject in group))

    # Erasures

    def command(self, names):
        return ("forget", self.store, *names, "--receipt", f"{self.place}/receipt.json", "-q")

    def forget(self, names):
        """One that is let run to its end."""
        started = time.time()
        self.program.run(*self.command(names), "--wait", "60s")
        self.seconds = self.seconds or time.time() - started
        self.gone |= set(names)
        self.scan()
        self.note()
        receipt = json.loads(pathlib.Path(f"{self.place}/receipt.json").read_text())["erasure"]
        if sorted(subject["subject"] for subject in receipt["subjects"]) != names:
            raise Fault(f"the receipt is of {receipt['subjects']}")
        check_receipt(receipt, self.roots[self.size], self.program.json("status", self.store))

    def scan(self):
        """No file of the store names who is gone."""
        wanted = set()
        for name in self.gone:
            wanted.add(name.encode())
            for shift in range(3):
                text = base64.b64encode(b"\xff" * shift + name.encode())
                # Whole groups of the name alone.
                wanted.add(text[4 if shift else 0:len(text) - 4])
        for folder, _, files in os.walk(self.store):
            for file in files:
                content = pathlib.Path(folder, file).read_bytes()
                for text in wanted:
                    if len(text) > 5 and text in content:
                        raise Fault(f"{folder}/{file} holds {text}")

    def companions(self, names):
        """Commands beside, and what they may end with."""
        others = [("replay", self.store, "--rebuild", "--rules", RULES)] if self.chance.random() < 0.4 else []
        if self.chance.random() < 0.4:
            end = self.next_size(names)
            with open(f"{self.place}/next.ndjson", "wb") as file:
                file.writelines(self.lines[self.size:end])
            others.append(("import", self.store, file.name, "--acks"))
        return others

    def end(self):
        """Kills one, or cuts the power under it; then looks at everything. True if it was still running."""
        names = self.choose()
        if not names:
            return None
        others, streams = self.companions(names), {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        reader = None
        if not self.disk and not others and self.chance.random() < 0.5:
            reader = Reader(self.program, self.store, [self.log(self.gone), self.log(self.gone | set(names))])
        at_switch = self.chance.random() < 0.6
        wait = self.chance.random() * (self.chance.choice((0.001, 0.005, 0.02, 0.15)) if at_switch else self.seconds * 1.3)
        process = self.program.start(*self.command(names), **streams)
        beside = [self.program.start(*other, **streams) for other in others]
        if at_switch:
            self.await_next(process)
        time.sleep(wait)
        runs = process.poll() is None
        if self.disk:
            self.disk.cut(self.chance.choice((power.FLUSH_NOTHING,) * 6 + (power.FLUSH_JOURNAL,)))
            for running in (process, *beside):
                running.kill()
        process.kill()
        output, errors = process.communicate()
        done = process.returncode == 0
        if not runs and not done and process.returncode != BUSY:
            raise Fault(f"forget ended with {process.returncode}: {errors.decode()[-600:]}")
        acknowledged = 0
        for other, running in zip(others, beside):
            output, errors = running.communicate(timeout=120)
            acknowledged = max(acknowledged, common.acknowledged(output))
            if not self.disk:
                common.ended_well(other, running.returncode, errors.decode(), (0, 1, BUSY))
        if reader:
            reader.stop()
            self.readings += reader.count
        if self.disk:
            self.disk.unmount()
            self.disk.mount()
        self.kinds["done" if done else "killed" if runs else "busy"] += 1
        self.check(names, done, acknowledged)
        return runs

    def await_next(self, process):
        """Until the next generation of the log is whole, or the process ends."""
        current = pathlib.Path(f"{self.store}/log/CURRENT").read_text().strip()
        path = f"{self.store}/log/g{int(current[1:]) + 1}"
        while process.poll() is None and not os.path.exists(path) and os.path.exists(f"{self.store}/log/{current}"):
            time.sleep(0.0005)

    def check(self, names, done, acknowledged):
        size, root = self.program.verified(self.store)
        if size < max(self.size, acknowledged):
            raise Fault(f"{size} events, {self.size} were there, {acknowledged} acknowledged")
        self.size = size
        self.note()
        exported = self.program.run("export", self.store, "--table", "events", "-o", "-", text=False).stdout
        after = self.log(self.gone | set(names))
        isGone = exported == after
        if not isGone and exported != self.log(self.gone):
            raise Fault(f"{names} are neither there nor gone")
        if done and not isGone:
            raise Fault(f"{names} are there, and forget had ended with 0")
        if isGone:
            self.gone |= set(names)
            self.kinds["gone"] += 1
        if self.program.view(self.store):
            rows = self.program.run("export", self.store, *common.CUSTOMERS).stdout.splitlines()
            if isGone and {row.split(",")[0] for row in rows}.intersection(self.gone):
                raise Fault("a view has who is gone")
        # The next writer removes what is left; who stays is where he was, and who is gone does not come back.
        self.append(self.chance.choice((self.size, self.next_size())))
        if leftovers := [name for name in os.listdir(f"{self.store}/log") if name not in ("CURRENT", "head", pathlib.Path(f"{self.store}/log/CURRENT").read_text().strip())]:
            raise Fault(f"an import left {leftovers}")
        if isGone and not self.disk:
            # A replay that was killed with the power may have left part of a view.
            self.scan()
        if not isGone and self.chance.random() < 0.5:
            self.forget(names)
        if self.chance.random() < 0.5:
            self.program.replay(self.store)
            self.scan()


def rounds(options, program, chance, total, make):
    ends, faults, kinds, readings, count = 0, [], collections.Counter(), 0, 0
    while ends < total and len(faults) < 5:
        count += 1
        place = tempfile.mkdtemp(prefix="forget-", dir=options.dir)
        round, disk = None, None
        try:
            disk = make(place)
            round = Round(program, place, chance, int(options.events * (0.1 + 0.9 * chance.random())), disk)
            for _ in range(min(ENDS_OF_A_STORE, total - ends)):
                if round.end() is None:
                    break
                ends += 1
            if disk:
                disk.remove()
            common.remove(place)
        except Fault as fault:
            faults.append(f"{place}: {fault}")
            print(faults[-1], flush=True)
            if disk:
                disk.remove(keep=True)
        if round:
            kinds += round.kinds
            readings += round.readings
    if faults:
        raise Fault(f"{len(faults)} of {count} stores, seed {options.seed}")
    return kinds, readings, count


def body():
    parser = common.options_parser(__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--cuts", type=int, default=60)
    parser.add_argument("--events", type=int, default=40_000, help="of the largest log")
    parser.add_argument("--dir")
    options = parser.parse_args()
    if options.small:
        options.kills, options.cuts, options.events = 12, 4, 3_000
    options.fs = "ext4"
    program = common.Program(options.binary, timeout=180)
    print(f"seed {options.seed}")
    chance = random.Random(options.seed)
    kinds, readings, stores = rounds(options, program, chance, options.kills, lambda place: None)
    said = f"{kinds['killed']} killed, {kinds['done']} whole, {kinds['busy']} busy in {stores} stores beside {readings} looks"
    if reason := power.reason_to_skip(options.fs):
        said += f"; cuts: {reason}; skipped"
    else:
        cut, _, _ = rounds(options, program, chance, options.cuts,
                           lambda place: power.Disk("ext4", place, chance.choice(power.MOUNTS["ext4"])))
        kinds["gone"] += cut["gone"]
        said += f"; {cut['killed']} cut off, {cut['done']} whole"
    return f"{said}; {kinds['gone']} times all were gone, else all were there, and nobody else was touched"


if __name__ == "__main__":
    common.main(body)
