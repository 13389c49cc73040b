"""Damages, removes and exchanges the index of a store (`index/`, runs of ids and subjects), and kills imports that make it: no
known event may come in again, no new one may be lost, and `verify` names a wrong index.

usage: index.py --binary PATH [--rounds N] [--events N] [--seed S] [--small]
"""
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import common
from common import Fault


def flipped(chance, path):
    data = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 1, 4, 40, 400))):
        # Meta and tree pages are few: they get their share.
        end = len(data) if chance.random() < 0.6 else min(len(data), 1 << 15)
        data[chance.randrange(end)] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def overwritten(chance, path):
    data = bytearray(path.read_bytes())
    start = chance.randrange(len(data))
    length = min(chance.choice((16, 512, 4096, 1 << 16)), len(data) - start)
    data[start:start + length] = chance.choice((bytes(length), chance.randbytes(length)))
    path.write_bytes(data)


def cut(chance, path):
    os.truncate(path, chance.choice((0, 1, 4096, 8192, chance.randrange(path.stat().st_size))))


class Round:
    def __init__(self, program, place, chance, stores, lines):
        self.program, self.place, self.chance = program, place, chance
        self.base, self.earlier, self.foreign = stores
        self.lines = lines
        self.store = f"{place}/store"
        self.index = pathlib.Path(self.store, "index")
        self.new = 0

    def run(self, kind, number):
        common.remove(self.store)
        shutil.copytree(self.base, self.store)
        data = self.index / "data.mdb"
        taken = set()
        if kind in ("flipped", "overwritten", "cut"):
            {"flipped": flipped, "overwritten": overwritten, "cut": cut}[kind](self.chance, data)
        elif kind == "lost":
            common.remove(self.index)
        elif kind in ("earlier", "foreign"):
            common.remove(self.index)
            shutil.copytree(f"{self.earlier if kind == 'earlier' else self.foreign}/index", self.index)
        else:
            taken = self.kill(number)
        what = self.problems()
        self.append(number, taken)
        if self.problems():
            # Damage that nobody has met yet stays until the index is made again.
            common.remove(self.index)
            self.append(f"{number}-again", set())
            if left := self.problems():
                raise Fault(f"a new index does not verify: {left}")
        return "named" if what else "harmless"

    def problems(self):
        report = self.program.json("verify", self.store, allowed=(0, 1))
        what = [problem["what"] for problem in report["problems"]]
        if other := [text for text in what if not text.startswith("the index: ")]:
            raise Fault(f"verify says of a sound log: {other[:3]}")
        return what

    def line(self, number):
        return (f'{{"id":"new-{number}","source":"faults","type":"visit","subject":"C-{number}",'
                f'"time":"2024-01-01T00:00:00Z"}}\n').encode()

    def kill(self, number):
        """Lines that an import may have taken which was killed while it made the index."""
        if self.chance.random() < 0.7:
            common.remove(self.index)
        name = f"{number}-killed"
        file = pathlib.Path(self.place, "killed.ndjson")
        file.write_bytes(self.line(name))
        process = self.program.start("import", self.store, str(file), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(self.chance.random() * 0.25)
        process.send_signal(signal.SIGKILL)
        process.wait()
        return {name}

    def append(self, number, maybe):
        """Known lines, known ids with another value, new lines, and those that may have been taken."""
        known = [self.chance.choice(self.lines) for _ in range(self.chance.choice((1, 5, 60)))]
        conflicts = [line.replace(b'"source":', b'"other":1,"source":', 1) for line in known[:len(known) // 5]]
        names = [f"{number}-{index}" for index in range(self.chance.choice((1, 3, 20)))]
        new = [self.line(name) for name in names]
        unsure = [self.line(name) for name in maybe]
        every = known + conflicts + new + unsure
        self.chance.shuffle(every)
        file = pathlib.Path(self.place, "more.ndjson")
        file.write_bytes(b"".join(every))
        before = json.loads(self.program.run("status", self.store, "--format", "json").stdout)["size"]
        done = self.program.json("import", self.store, str(file), "--rejects", f"{self.place}/rejects", allowed=(0, 1))
        appended, duplicates = done["appended"], done["duplicates"]
        if not (len(new) <= appended <= len(new) + len(unsure) and done["conflicts"] == len(conflicts)
                and appended + duplicates + done["conflicts"] == len(every) and done["size"] == before + appended):
            raise Fault(f"of {len(known)} known, {len(conflicts)} other, {len(new)} new and {len(unsure)} killed lines: {done}")


def body():
    parser = common.options_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--events", type=int, default=150_000)
    options = parser.parse_args()
    rounds, events = (12, 70_000) if options.small else (options.rounds, options.events)
    program, chance = common.Program(options.binary), random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="index-") as place:
        whole = f"{place}/all.ndjson"
        program.generate(whole, events, options.seed)
        lines = common.lines_of(whole)
        stores = [f"{place}/base", f"{place}/earlier", f"{place}/foreign"]
        for store in stores:
            # One event first: a store that holds some already is given an index by what comes to it.
            part = pathlib.Path(place, "part.ndjson")
            part.write_bytes(b"".join(lines[:66_000]))
            program.run("import", store, str(part))
        # The same store as it went on, and another one of the same lines.
        shutil.rmtree(stores[1])
        shutil.copytree(stores[0], stores[1])
        for store in (stores[0], stores[2]):
            program.run("import", store, whole)
        if not os.path.exists(f"{stores[0]}/index/data.mdb"):
            raise Fault("there is no index")
        counts = collections.Counter()
        kinds = ("flipped", "overwritten", "cut", "lost", "earlier", "foreign", "killed")
        for number in range(rounds):
            kind = kinds[number % len(kinds)] if options.small else chance.choice(kinds)
            round_ = Round(program, place, chance, stores, lines)
            try:
                counts[f"{kind} {round_.run(kind, number)}"] += 1
            except Fault as fault:
                raise Fault(f"seed {options.seed}, round {number}, {kind}: {fault}") from None
    return f"{rounds} rounds: " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


common.main(body)
