"""Kills rebuilds of a view with SIGKILL at random moments, some of them again and again, and lets the next one go on: what
comes out is what a rebuild that nobody ended gives, in output root, totals and exported rows, and nothing is left behind.
Between a kill and the next rebuild what was left may be damaged, the log may grow, the rules or as-of may be others: then it
is thrown away, and said. But for --small, some of all rebuilds after a kill have to go on behind folded customers.

usage: resume.py --binary PATH [--kills N] [--events N] [--seed S] [--small]

Half of the kills come at a random moment, half as soon as the first records are written. A log needs some 300,000 customers
before a rebuild in a hurry notes more than its end.
"""
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import common
from common import RULES, Fault

OTHER_RULES = RULES.replace("retail.yaml", "first-match.yaml")
VIEW = "kept"
OWN = ("changed", "folded", "seconds", "receipt")


class Campaign:
    def __init__(self, program, place, chance, events):
        self.program, self.chance, self.store = program, chance, f"{place}/store"
        self.file, self.more = f"{place}/e.ndjson", f"{place}/more.ndjson"
        program.generate(self.file, events, chance.randrange(1 << 32))
        lines = common.lines_of(self.file)
        self.later = lines[-50:]
        pathlib.Path(self.file).write_bytes(b"".join(lines[:-50]))
        program.run("import", self.store, self.file)
        self.rules, self.as_of = RULES, ()
        self.known = {}  # by what a rebuild is of: what it gives
        self.kills = self.resumed = self.skipped = self.thrown = self.ended = 0
        self.home = pathlib.Path(f"{self.store}/views/{VIEW}")

    def command(self):
        return ("replay", self.store, "--view", VIEW, "--rebuild", "--rules", self.rules, *self.as_of)

    def rebuild(self):
        """A whole one; what it gives, less what is its own, and what it said."""
        done = self.program.run(*self.command(), "--format", "json", allowed=(0, 1))
        said = json.loads(done.stdout)
        exports = [self.program.run("export", self.store, "--view", VIEW, "--table", table, "-o", "-").stdout
                   for table in ("customers", "transitions")]
        common.no_leftovers("replay", self.store)
        outcome = {key: value for key, value in said.items() if key not in OWN}
        return (said["receipt"]["output_root"], outcome, exports), done.stderr, said

    def subject(self):
        return self.rules, self.as_of, self.program.json("status", self.store)["size"]

    def expected(self):
        """What a rebuild gives that nobody ends, and how long it takes."""
        subject = self.subject()
        if subject not in self.known:
            common.remove(self.home)
            started = time.time()
            outcome, errors, _ = self.rebuild()
            if "resumes" in errors:
                raise Fault(f"nothing was ended, and {errors}")
            self.known[subject] = outcome, time.time() - started
        return self.known[subject]

    def kill(self):
        """Starts a rebuild and kills it; whether it was still running, and what it said."""
        _, seconds = self.expected_of_now
        process = self.program.start(*self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.PIPE)
        if self.chance.random() < 0.5:
            time.sleep(seconds * self.chance.random())
        else:
            self.wait_for_chunks(process)
        try:
            _, errors = process.communicate(timeout=0.001 + 0.1 * seconds * self.chance.random())
            common.ended_well(self.command(), process.returncode, errors.decode(), (0, 1))
            return False, errors.decode()
        except subprocess.TimeoutExpired:
            process.kill()
            _, errors = process.communicate()
            self.kills += 1
            return True, errors.decode()

    def wait_for_chunks(self, process):
        """Until records are written: what is noted of them comes soon after."""
        while process.poll() is None and not any(path.stat().st_size > 1 << 18 for path in self.left()):
            time.sleep(0.001)

    def left(self):
        return [path for path in self.home.glob("g*.tmp/data.mdb") if os.path.exists(path) and path.stat().st_size > 0]

    def damage(self):
        """Changes bytes of what was left, or cuts it."""
        for path in self.left():
            size = path.stat().st_size
            with open(path, "r+b") as file:
                if self.chance.random() < 0.2:
                    file.truncate(self.chance.randrange(size))
                    continue
                for _ in range(self.chance.choice((1, 3, 200))):
                    file.seek(self.chance.randrange(size))
                    file.write(bytes([self.chance.randrange(256)]))

    def change(self):
        """What is to be folded is another thing from now on."""
        what = self.chance.choice(("rules", "as-of", "log"))
        if what == "rules":
            self.rules = OTHER_RULES if self.rules == RULES else RULES
        elif what == "as-of":
            self.as_of = () if self.as_of else ("--as-of", "2024-10-01")
        elif self.later:
            pathlib.Path(self.more).write_bytes(self.later.pop())
            self.program.run("import", self.store, self.more)

    def round(self):
        # What is known has to be found without a kill in between.
        before, as_of = self.rules, self.as_of
        self.expected_of_now = self.expected()
        if self.chance.random() < 0.5:
            common.remove(self.home)
        last, is_sound = 0, True
        for _ in range(self.chance.choice((1, 1, 2, 3))):
            _, errors = self.kill()
            last = self.judge(errors, last, is_sound)
            if self.chance.random() < 0.15:
                self.damage()
                is_sound, last = False, 0
        if self.chance.random() < 0.15:
            self.change()
        outcome, errors, said = self.rebuild()
        self.judge(errors, last if (self.rules, self.as_of) == (before, as_of) else 0, is_sound)
        found = re.search(r"resumes .* at (\d+) of", errors)
        self.resumed += found is not None
        self.thrown += "is thrown away" in errors
        if (said["folded"] < said["customers"]) != (found is not None and int(found[1]) > 0):
            raise Fault(f"{said['folded']} of {said['customers']} folded, and it said {errors}")
        self.skipped += said["customers"] - said["folded"]
        if outcome != self.expected()[0]:
            raise Fault(f"{outcome[0]} comes out of {self.subject()}, not {self.expected()[0][0]}: {errors}")
        self.ended += 1

    def judge(self, errors, last, is_sound):
        """Who goes on does so not before where the one before began."""
        found = re.search(r"resumes .* at (\d+) of", errors)
        if "is damaged" in errors and is_sound:
            raise Fault(f"what a killed rebuild left is not damaged: {errors}")
        if found and int(found[1]) < last:
            raise Fault(f"goes on at {found[1]} behind one that went on at {last}")
        return int(found[1]) if found else last


def body():
    parser = common.options_parser(__doc__)
    parser.add_argument("--kills", type=int, default=150)
    parser.add_argument("--events", type=int, default=3_000_000)
    options = parser.parse_args()
    if options.small:
        options.kills, options.events = 6, min(options.events, 200_000)
    print(f"seed {options.seed}")
    program = common.Program(options.binary, timeout=600)
    with tempfile.TemporaryDirectory(prefix="resume-") as place:
        campaign = Campaign(program, place, random.Random(options.seed), options.events)
        while campaign.kills < options.kills:
            campaign.round()
    # A rebuild of a small log may end before its first note; ResumeTests end one at each.
    if not options.small and not (campaign.resumed and campaign.skipped):
        raise Fault(f"none of {campaign.ended} rebuilds behind {campaign.kills} kills went on with one")
    return (f"{campaign.kills} killed, {campaign.ended} rebuilds behind them as if nobody had been: {campaign.resumed} went on, "
            f"which spared {campaign.skipped} customers, {campaign.thrown} threw away what was left")


common.main(body)
