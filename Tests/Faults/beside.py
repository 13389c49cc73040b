"""Reads a store in every way while others import into it, replay it, back it up and switch its views: a sound store must
never be called anything else. Any exit status but 0 of a command that reads is a fault, and so is a size that goes back, or
a view of more events than the log is said to have.

usage: beside.py --binary PATH [--verifies N] [--openings N] [--seed S] [--small] [--no-backup]

A store lives for some thousand events; each begins with three imports at once that all find no store. The directory of a
round that failed is kept and named.
"""
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True

import common
from common import RULES, Fault

OTHER_RULES = os.path.join(os.path.dirname(RULES), "first-match.yaml")
READERS = 3
CUSTOMERS = 200
EVENTS_OF_A_STORE = 60_000


class Shop:
    """Event lines that never end, each with an id of its own."""

    def __init__(self, chance):
        self.chance, self.count = chance, 0

    def lines(self, count):
        lines = []
        for _ in range(count):
            self.count += 1
            # Now and then somebody new, so that blocks have names that are filled behind a reader's back.
            who = self.chance.randrange(CUSTOMERS) if self.chance.random() < 0.9 else CUSTOMERS + self.count
            if self.count <= CUSTOMERS:
                who = self.count - 1
            day, second = self.count // 2000 % 28 + 1, self.count % 60
            lines.append(json.dumps({
                "specversion": "1.0", "id": f"e{self.count}", "source": "shop", "type": self.chance.choice(
                    ("purchase", "comparison_visit", "review")), "subject": f"C-{who}",
                "time": f"2024-03-{day:02}T12:00:{second:02}Z",
                "data": {"amount": f"{self.chance.randrange(100_000) / 100:.2f}", "currency": "EUR", "stars": 5}}))
        return ("\n".join(lines) + "\n").encode()


class Round:
    """A store, who writes to it, and who reads it meanwhile."""

    def __init__(self, program, place, chance, wanted, backups):
        self.program, self.place, self.chance, self.wanted, self.backups = program, place, chance, wanted, backups
        self.store, self.key = f"{place}/store", f"{place}/key"
        self.shop = Shop(chance)
        self.guard = threading.Lock()
        self.ends, self.fault = threading.Event(), None
        self.acknowledged = 0
        self.done = {}
        self.written = {"imports": 0, "replays": 0, "backups": 0}

    def run(self):
        self.begin()
        writers = [self.importing, self.replaying] + ([self.backing_up] if self.backups else [])
        threads = [threading.Thread(target=self.guarded, args=(body,)) for body in writers]
        readers = [threading.Thread(target=self.guarded, args=(lambda n=n: self.reading(n),)) for n in range(READERS)]
        for thread in threads + readers:
            thread.start()
        for thread in readers:
            thread.join()
        self.ends.set()
        for thread in threads:
            thread.join()
        if self.fault:
            raise self.fault

    def guarded(self, body):
        try:
            body()
        except BaseException as fault:  # noqa: the first one is raised again by the main thread
            self.fault = self.fault or fault
            self.ends.set()

    # Who writes

    def import_lines(self, lines):
        process = self.program.start("import", self.store, "-", "--acks", "-q", "--wait", "60s", stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, errors = process.communicate(lines, timeout=120)
        if process.returncode != 0:
            raise Fault(f"import ended with {process.returncode}: {errors.decode()[:600]}")
        with self.guard:
            self.acknowledged = max(self.acknowledged, common.acknowledged(output))
            self.written["imports"] += 1

    def begin(self):
        """Three imports at once, none of which finds a store; all that they bring has to be there."""
        threads = [threading.Thread(target=self.guarded, args=(lambda lines=self.shop.lines(100): self.import_lines(lines),))
                   for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.fault:
            raise self.fault
        if self.acknowledged != 300:
            raise Fault(f"three imports into no store left {self.acknowledged} events of 300")
        for rules in (RULES, OTHER_RULES):
            self.program.run("replay", self.store, "--rebuild", "--rules", rules, "-q")
        self.program.run("checkpoint", self.store, "--init", self.key, "-o", f"{self.place}/checkpoint", "-q")
        self.program.run("backup", self.store, f"{self.place}/first", "-q")

    def importing(self):
        while not self.ends.is_set():
            if self.acknowledged > EVENTS_OF_A_STORE:
                time.sleep(0.01)
                self.import_lines(self.shop.lines(1))
            else:
                self.import_lines(self.shop.lines(self.chance.choice((1, 3, 30, 300, 3000))))

    def replaying(self):
        while not self.ends.is_set():
            for rules in (RULES, OTHER_RULES, OTHER_RULES):
                self.program.run("replay", self.store, "--rebuild", "--rules", rules, "-q", "--wait", "60s", "--threads", "1")
                self.written["replays"] += 1

    def backing_up(self):
        copy = f"{self.place}/copy"
        while not self.ends.is_set():
            least = self.acknowledged
            self.program.run("backup", self.store, copy, "-q", "--threads", "1")
            size = self.program.json("status", copy)["size"]
            if size < least:
                raise Fault(f"the backup has {size} events, {least} were acknowledged before")
            common.remove(copy)
            self.written["backups"] += 1

    # Who reads

    def commands(self, number):
        """One way of each to read."""
        view = random.choice(("retail", "first-match"))
        who, store = f"C-{random.randrange(20)}", self.store
        return {
            "status": ("status", store),
            "types": ("status", store, "--types"),
            "views": ("views", store),
            "register": ("views", store, "--history"),
            "show": ("show", store, who, "--view", view),
            "served": ("show", store, who, "--view", view, "--as-served", "now"),
            "history": ("history", store, who, "--view", view),
            "explain": ("explain", store, who, "--view", view),
            "export": ("export", store, "--table", random.choice(("customers", "transitions", "segments")), "--view",
                       view, "-o", f"{self.place}/export-{number}"),
            "metrics": ("metrics", store, "--view", view, "--table", "stages"),
            "prove": ("prove", store, str(random.randrange(300))),
            "subject": ("prove", store, "--subject", who),
            "consistency": ("prove", store, "--consistency", f"{self.place}/checkpoint"),
            "checkpoint": ("checkpoint", store, "-o", f"{self.place}/checkpoint-{number}"),
            "compare": ("compare", store, "--rules", OTHER_RULES, "--rules", OTHER_RULES),
        }

    def take(self):
        """The next thing to do; nil at the end."""
        with self.guard:
            open_kinds = [kind for kind, left in self.wanted.items() if left > 0]
            if not open_kinds or self.ends.is_set():
                return None
            kind = self.chance.choices(open_kinds, [self.wanted[kind] for kind in open_kinds])[0]
            self.wanted[kind] -= 1
            self.done[kind] = self.done.get(kind, 0) + 1
            return kind

    def reading(self, number):
        names = list(self.commands(number))
        while kind := self.take():
            least = self.acknowledged
            if kind == "verify":
                report = self.program.json("verify", self.store, "--threads", "1", "--against",
                                           f"{self.place}/checkpoint")
                self.at_least(report["size"], least, kind)
                continue
            name = random.choice(names)
            arguments = self.commands(number)[name]
            if name != "status":
                self.program.run(*arguments, allowed=(0,))
                continue
            status = self.program.json(*arguments)
            self.at_least(status["size"], least, name)
            for view in status["views"]:
                if view["behind"] != status["size"] - view["size"]:
                    raise Fault(f"status: a view of {view['size']} events is {view['behind']} behind {status['size']}")

    def at_least(self, size, least, name):
        if size < least:
            raise Fault(f"{name} says {size} events, {least} were acknowledged before it began")


def run(options):
    chance = random.Random(options.seed)
    random.seed(options.seed)
    program = common.Program(options.binary, timeout=300)
    left = {"verify": 25 if options.small else options.verifies, "opening": 250 if options.small else options.openings}
    verifies, openings, rounds = dict(left)["verify"], dict(left)["opening"], 0
    written = {}
    backups = program.has_backup(options)
    while any(left.values()):
        rounds += 1
        part = {"verify": min(left["verify"], 25), "opening": min(left["opening"], 250)}
        place = tempfile.mkdtemp(prefix=f"beside-{rounds}-")
        try:
            this = Round(program, place, chance, dict(part), backups)
            this.run()
        except BaseException:
            print(f"round {rounds} (seed {options.seed}) is kept: {place}")
            raise
        common.remove(place)
        for kind in part:
            left[kind] -= part[kind]
        for kind, count in this.written.items():
            written[kind] = written.get(kind, 0) + count
        print(f"{verifies - left['verify']} verify, {openings - left['opening']} openings", flush=True)
    beside = ", ".join(f"{count} {kind}" for kind, count in written.items())
    return f"{verifies} verify and {openings} other openings of {rounds} stores beside {beside}: no false word"


if __name__ == "__main__":
    parser = common.options_parser(__doc__)
    parser.add_argument("--verifies", type=int, default=2000)
    parser.add_argument("--openings", type=int, default=20000)
    arguments = parser.parse_args()
    common.main(lambda: run(arguments))
