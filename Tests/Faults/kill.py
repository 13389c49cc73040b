"""Kills commands with SIGKILL at random moments and looks that nothing acknowledged is lost, nothing is double, views
open, and no backup is there that is not whole. What killed commands leave must go with the next whole one. Streams are
imports whose lines come bit by bit; they are ended by SIGKILL, SIGTERM or SIGINT: what had come a second before is there,
and after the last two exactly the lines that it says it took.

Updates of a view are killed like rebuilds of it, and have to give the output root that a rebuild of the same log gives.

usage: kill.py --binary PATH [--what import,stream,replay,update,backup] [--kills N] [--events N] [--seed S] [--small] [--no-backup]

About 25 kills share a store. Imports are given as one file, as many small ones in a row, or through a pipe; in half of
the kills another command runs on the store meanwhile. The directory of a round that failed is kept and named.
"""
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import common
from common import RULES, Fault, is_store

KILLS_OF_A_STORE = 25


class Round:
    """A store over some kills, and what is known of it."""

    def __init__(self, program, place, chance, events, kinds):
        self.program, self.place, self.chance, self.events, self.kinds = program, place, chance, events, kinds
        self.store, self.destination, self.file = f"{place}/store", f"{place}/copy", f"{place}/e.ndjson"
        program.generate(self.file, events, chance.randrange(1 << 32))
        self.lines = common.lines_of(self.file)
        self.begin()
        self.seconds = self.measured()

    def begin(self):
        """Without a store nothing is known."""
        common.remove(self.store)
        common.remove(self.destination)
        self.size = self.acknowledged = 0
        self.view = None
        self.roots = {}  # root of the log by its size
        self.output_roots = {}  # output root of the view by the size of the log

    def measured(self):
        """Seconds that whole commands take; their store is what the others are held against."""
        seconds, whole = {}, f"{self.place}/whole"
        steps = {"import": ("import", whole, self.file), "replay": ("replay", whole, "--rebuild", "--rules", RULES),
                 "backup": ("backup", whole, f"{self.place}/whole-copy")}
        for kind in dict.fromkeys(["import", "replay", *(kind for kind in self.kinds if kind in steps)]):
            started = time.time()
            self.program.run(*steps[kind], allowed=(0, 1))
            seconds[kind] = time.time() - started
        # An update takes at most as long as that.
        seconds["update"] = seconds["replay"]
        self.whole_view = self.program.view(whole)
        common.remove(f"{self.place}/whole-copy")
        return seconds

    # Commands, each with its standard input

    def imports(self):
        """Commands that append what is not there yet, or all of it once more."""
        style = self.chance.choice(("file", "pipe", "slices", "slices"))
        if style == "file":
            return [(("import", self.store, self.file, "--acks"), None)]
        if style == "pipe":
            some = self.lines[:self.size + self.chance.randint(1, self.events)]
            return [(("import", self.store, "-", "--acks"), b"".join(some))]
        length = self.chance.choice((1, 20, 200, 1000))
        ends = range(self.size, min(self.events, self.size + 12 * length), length)
        slices = [b"".join(self.lines[start:start + length]) for start in ends] or [self.lines[0]]
        return [(("import", self.store, "-", "--acks"), lines) for lines in slices]

    def commands(self, kind):
        if kind == "import":
            return self.imports()
        if kind == "replay":
            return [(("replay", self.store, "--rebuild", "--rules", RULES), None)]
        if kind == "update":
            return [(("replay", self.store, "--rules", RULES), None)]
        return [(("backup", self.store, self.destination), None)]

    def companion(self, kind):
        """Another command, that runs while one of a kind is killed."""
        if not is_store(self.store) or self.chance.random() < 0.5:
            return None
        if kind == "import":
            return ("replay", self.store, "--rebuild", "--rules", RULES)
        return ("import", self.store, self.next_file(), "--acks")

    def next_file(self):
        """A file of some events that are not there yet, or none."""
        with open(f"{self.place}/next.ndjson", "wb") as file:
            file.writelines(self.lines[self.size:self.size + self.chance.randint(1, 3000)])
        return file.name

    # One kill

    def kill(self, kind):
        """True if a command was killed; then everything is looked at."""
        if kind == "stream":
            return self.end_stream()
        if kind == "import" and self.chance.random() < (0.5 if self.size == self.events else 0.1):
            self.begin()
        if kind != "import" and not is_store(self.store):
            self.program.run("import", self.store, self.next_file())
        if kind == "update":
            # A view to begin with, and something new.
            if not self.view:
                self.program.replay(self.store)
            self.program.run("import", self.store, self.next_file())
        if kind == "backup":
            common.remove(self.destination)
        killed, streams = False, {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        commands, before = self.commands(kind), self.size
        other = self.companion(kind)
        beside = self.program.start(*other, stdin=subprocess.DEVNULL, **streams) if other else None
        deadline = time.time() + self.chance.random() * max(self.seconds[kind], 0.03 * len(commands))
        for arguments, lines in commands:
            process = self.program.start(*arguments, stdin=subprocess.PIPE, **streams)
            try:
                output, errors = process.communicate(lines, timeout=max(0.001, deadline - time.time()))
            except subprocess.TimeoutExpired:
                process.kill()
                output, errors = process.communicate()
                killed = process.returncode < 0
            self.acknowledged = max(self.acknowledged, common.acknowledged(output))
            if killed:
                break
            common.ended_well(arguments, process.returncode, errors.decode(), (0, 1))
        if beside:
            output, errors = beside.communicate(timeout=60)
            common.ended_well(other, beside.returncode, errors.decode(), (0, 1))
            self.acknowledged = max(self.acknowledged, common.acknowledged(output))
        self.check(kind, before)
        if self.chance.random() < 0.2 or killed and self.chance.random() < 0.2:
            self.run_whole(kind)
        return killed

    def end_stream(self):
        """True: it goes on until it is ended."""
        if self.size == self.events or self.chance.random() < 0.1:
            self.begin()
        before = self.size
        stream = common.Stream(self.program, self.store, self.lines[before:], self.chance)
        time.sleep(self.chance.random() * self.chance.choice((0.3, 1.5, 4.5)))
        how = self.chance.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
        taken = stream.end(how)
        self.acknowledged = max(self.acknowledged, stream.acknowledged)
        self.check("import", before)
        if self.size < before + taken or (how != signal.SIGKILL and stream.output and self.size != before + taken):
            raise Fault(f"{self.size} events after {how.name}: {before} before, {taken} lines taken, or due")
        return True

    def check(self, kind, before):
        if not is_store(self.store):
            if self.acknowledged or self.size:
                raise Fault(f"the store is gone; {self.acknowledged} events were acknowledged")
            return
        status = self.program.json("status", self.store)
        if status["size"] < max(self.acknowledged, self.size):
            raise Fault(f"{status['size']} events, {self.acknowledged} acknowledged, {self.size} seen before")
        size, root = self.program.verified(self.store)
        if (size, root) != (status["size"], status["root"]):
            raise Fault(f"verify and status disagree: {size}, {status['size']}")
        self.size = size
        self.roots[size] = root
        view = self.program.view(self.store)
        if self.view and not view:
            raise Fault("the view is gone")
        if view:
            self.know(view)
            if view != self.view and not before <= view[0] <= size:
                raise Fault(f"the view is of {view[0]} events, the log had {before} to {size}")
        self.view = view
        if os.path.exists(self.destination):
            self.check_backup(before if kind == "backup" else 0)

    def know(self, view):
        """Output roots of the same log are equal, whenever they were made."""
        if self.output_roots.setdefault(view[0], view[1]) != view[1]:
            raise Fault(f"two output roots of {view[0]} events: {self.output_roots[view[0]]}, {view[1]}")

    def check_backup(self, least):
        size, root = self.program.verified(self.destination)
        if not least <= size <= self.size:
            raise Fault(f"the backup has {size} events, the store had {least} to {self.size}")
        if self.roots.get(size, root) != root:
            raise Fault(f"the backup's root over {size} events is another one")
        view = self.program.view(self.destination)
        if view:
            self.know(view)

    def run_whole(self, kind):
        """A command that is let run to its end clears what killed ones left."""
        if kind == "backup":
            common.remove(self.destination)
        for arguments, lines in self.commands(kind):
            process = self.program.start(*arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE)
            output, errors = process.communicate(lines, timeout=60)
            common.ended_well(arguments, process.returncode, errors.decode(), (0, 1))
            self.acknowledged = max(self.acknowledged, common.acknowledged(output))
        if kind == "backup" and not is_store(self.destination):
            raise Fault("a whole backup left no copy")
        self.check(kind, self.size)
        common.no_leftovers("replay" if kind == "update" else kind, self.store, self.destination)

    def finish(self):
        """Imports everything: nothing is missing, nothing is double, and views are what they would have been."""
        self.program.run("import", self.store, self.file)
        self.program.replay(self.store)
        self.check("replay", 0)
        if self.size != self.events:
            raise Fault(f"{self.size} events at the end, not {self.events}")
        if self.view != self.whole_view:
            raise Fault(f"the view is {self.view}, that of a store without kills is {self.whole_view}")
        common.no_leftovers("import", self.store)
        common.no_leftovers("replay", self.store)
        if "backup" in self.kinds:
            self.run_whole("backup")
            self.program.run("import", self.destination, self.file)
            if self.program.verified(self.destination)[0] != self.events:
                raise Fault("the backup takes events twice, or lacks some")


def body():
    parser = common.options_parser(__doc__)
    parser.add_argument("--what", default="import,stream,replay,update,backup")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--events", type=int, default=30_000, help="of the largest log")
    options = parser.parse_args()
    if options.small:
        options.kills, options.events = 24, 4_000
    program = common.Program(options.binary)
    kinds = options.what.split(",")
    if "backup" in kinds and not program.has_backup(options):
        kinds.remove("backup")
    print(f"seed {options.seed}")
    chance = random.Random(options.seed)
    top = tempfile.mkdtemp(prefix="kill-")
    killed, tries, faults = dict.fromkeys(kinds, 0), 0, []
    while sum(killed.values()) < options.kills and len(faults) < 10:
        tries += 1
        place = f"{top}/{tries}"
        pathlib.Path(place).mkdir()
        # Many small logs, some with sealed blocks.
        events = int(min(3_000, options.events) * (options.events / min(3_000, options.events)) ** chance.random())
        kind = "import"
        try:
            round = Round(program, place, chance, events, kinds)
            for _ in range(min(KILLS_OF_A_STORE, options.kills - sum(killed.values()))):
                kind = chance.choice(kinds)
                killed[kind] += round.kill(kind)
            round.finish()
            common.remove(place)
        except Fault as fault:
            faults.append(f"{place}, {events} events, last kill {kind}: {fault}")
            print(faults[-1], flush=True)
    if faults:
        raise Fault(f"{len(faults)} of {tries} stores, {killed} killed, seed {options.seed}; they are kept in {top}")
    common.remove(top)
    counts = ", ".join(f"{count} {kind}" for kind, count in killed.items())
    return f"{sum(killed.values())} killed ({counts}) in {tries} stores: nothing acknowledged lost, nothing double"


common.main(body)
