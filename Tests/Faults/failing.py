"""Lets every single call that changes files fail, one after the other: writes, flushes, renames and the like give EIO
or ENOSPC or write half, once or from then on (failing.c, preloaded). The program has to end with 0, 1 or 2 and a
reason; then nothing acknowledged may be missing, the store verifies, and the same command again ends well.

usage: failing.py --binary PATH [--scenario NAME,...] [--mode MODE,...] [--events N] [--stride K] [--only N]
                  [--seed S] [--small] [--no-backup]

Scenarios: new (a store is made by three imports), more (imports to a store with a view), batches (several commits of
one import), view (a first replay), replay (over an older view), update (of a view, whose files are shared where they can be),
backup. Modes: eio, enospc, short, late (done, and EIO
all the same), each alone or with -all. With --only the n-th call of each chosen scenario and mode.
"""
import collections
import concurrent.futures
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True

import common
from common import RULES, Fault, is_store

MODES = ("eio", "enospc", "short", "late", "eio-all", "enospc-all", "short-all")
COUNTER = struct.Struct("<QQ496s")
BATCH = 6 * 16_384  # events of a commit


def shim(place):
    """The preloaded library; None without a compiler."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if not compiler:
        return None
    library = f"{place}/failing.so"
    source = pathlib.Path(__file__).with_name("failing.c")
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-Wall", str(source), "-o", library, "-ldl"], check=True)
    return library


class Scenario:
    """Commands that run on a copy of a directory, and what that directory is like after them."""

    def __init__(self, name, program, template, commands, factor=1):
        self.name, self.program, self.template, self.commands = name, program, template, commands
        self.factor = factor  # of the stride
        whole = f"{template}-whole"
        shutil.copytree(template, whole)
        self.before = self.state(whole) if is_store(f"{whole}/store") else None
        for command in commands:
            program.run(*self.arguments(command, whole))
        self.after = self.state(whole)
        common.remove(whole)

    @staticmethod
    def arguments(command, place):
        return [word.replace("PLACE", place) for word in command]

    def state(self, place):
        """(size, view) of a store that verifies and whose view opens."""
        size, _ = self.program.verified(f"{place}/store")
        return size, self.program.view(f"{place}/store")

    def run(self, place, environment):
        """(exit status of the last command, size acknowledged, what was said); stops at the first one that fails."""
        size = self.before[0] if self.before else 0
        code, said = 0, ""
        for command in self.commands:
            arguments = self.arguments(command, place)
            done = self.program.run(*arguments, allowed=(0, 1, 2), environment=environment)
            size = max(size, common.acknowledged(done.stdout) if command[0] == "import" else 0)
            code, said = done.returncode, said + done.stderr
            if code:
                break
        return code, size, said

    def check(self, place, code, acknowledged, said, what):
        """What has to hold after a run; then the same commands once more, without faults."""
        store, copy = f"{place}/store", f"{place}/copy"
        if not is_store(store):
            if acknowledged or self.before or code == 0:
                raise Fault("there is no store")
        else:
            size, view = self.state(place)
            if not acknowledged <= size <= self.after[0]:
                raise Fault(f"{size} events, {acknowledged} were acknowledged")
            if view not in ((self.before or (0, None))[1], self.after[1]):
                raise Fault(f"the view is {view}, neither the one before nor the new one")
            if code == 0 and (size, view) != self.after:
                raise Fault(f"ended with 0, and there is {size}, {view}, not {self.after}")
        # The index is derived, and a copy is whole whatever the register knows of it: a command may do without, and has to say so.
        flushed = what.split(" ")[0] in ("fsync", "fdatasync", "msync")
        forgone = ("/store/index" in what and "the index of" in said
                   or self.name == "backup" and "/store/log" in what and "the register does not know" in said)
        if code == 0 and flushed and not forgone:
            raise Fault("a flush failed and the command ended with 0")
        if os.path.exists(copy):
            self.check_copy(store, copy)
            common.remove(copy)
        elif code == 0 and self.name == "backup":
            raise Fault("ended with 0 and left no copy")
        for command in self.commands:
            self.program.run(*self.arguments(command, place))
        if self.state(place) != self.after:
            raise Fault(f"run again: {self.state(place)}, not {self.after}")
        common.no_leftovers(self.commands[0][0], store, copy)

    def check_copy(self, store, copy):
        if self.program.verified(copy) != self.program.verified(store):
            raise Fault("the copy is not the store")
        if self.program.view(copy) not in (None, self.program.view(store)):
            raise Fault("the copy has another view")


class Campaign:
    def __init__(self, program, top, library):
        self.program, self.top, self.library = program, top, library
        self.faults, self.survived = [], collections.defaultdict(collections.Counter)
        self.local, self.lock, self.workers = threading.local(), threading.Lock(), 0

    def place(self):
        """A directory of this thread's own."""
        if not hasattr(self.local, "place"):
            with self.lock:
                self.workers += 1
                self.local.place = f"{self.top}/work{self.workers}"
        return self.local.place

    def run(self, scenario, mode, number):
        """(whether the call was reached, whether it failed, exit status)."""
        place, counter = self.place(), f"{self.place()}.counter"
        common.remove(place)
        shutil.copytree(scenario.template, place)
        pathlib.Path(counter).write_bytes(bytes(COUNTER.size))
        environment = {"LD_PRELOAD": self.library, "FAILING_BELOW": place, "FAILING_COUNTER": counter,
                       "FAILING_AT": str(number), "FAILING_MODE": mode.removesuffix("-all")}
        if mode.endswith("-all"):
            environment["FAILING_ALL"] = "1"
        code, what = None, "none"
        try:
            code, acknowledged, said = scenario.run(place, environment)
            calls, failed, what = self.counted(counter)
            if failed == 0 and code != 0:
                raise Fault(f"ended with {code} though nothing failed")
            if failed:
                scenario.check(place, code, acknowledged, said, what)
        except Fault as fault:
            calls, failed, what = self.counted(counter)
            self.faults.append(f"{scenario.name}, {mode}, call {number} ({what.replace(place, '')}): {fault}")
            print(self.faults[-1], flush=True)
        if failed and code == 0:
            self.survived[re.sub(r"\.tmp-\d+", ".tmp-*", what.replace(f"{place}/", ""))][mode] += 1
        return calls >= number, failed > 0, code

    @staticmethod
    def counted(counter):
        calls, failed, what = COUNTER.unpack(pathlib.Path(counter).read_bytes())
        return calls, failed, what.rstrip(b"\0").decode(errors="replace")

    def sweep(self, scenario, mode, numbers, executor):
        """Every call in turn, until a run does not reach it; a line with counts."""
        ends, last, pending = collections.Counter(), 0, collections.deque()
        numbers = iter(numbers)
        reached = True
        while reached or pending:
            while reached and len(pending) < 2 and (number := next(numbers, None)) is not None:
                pending.append((number, executor.submit(self.run, scenario, mode, number)))
            if not pending:
                break
            number, future = pending.popleft()
            was_reached, failed, code = future.result()
            reached = reached and was_reached and len(self.faults) < 200
            if was_reached:
                last = max(last, number)
                ends["signal or hang" if code is None else code if failed else "untouched"] += 1
        text = ", ".join(f"{ends[key]} x {key}" for key in sorted(ends, key=str))
        print(f"{scenario.name:8} {mode:10} up to call {last}: ended with {text}", flush=True)
        return sum(ends.values()) - ends["untouched"]


def scenarios(program, top, names, events, seed):
    """Templates are made here; `PLACE` stands for the directory of a run."""
    def template(name):
        pathlib.Path(f"{top}/{name}").mkdir()
        return f"{top}/{name}"

    def part(name, lines):
        pathlib.Path(f"{top}/{name}.ndjson").write_bytes(b"".join(lines))
        return f"{top}/{name}.ndjson"

    program.generate(f"{top}/e.ndjson", events, seed)
    lines = common.lines_of(f"{top}/e.ndjson")
    store, third = "PLACE/store", events // 3
    parts = [part(f"part{index}", lines[index * third:(index + 1) * third if index < 2 else None])
             for index in range(3)]
    replay = ["replay", store, "--rebuild", "--rules", RULES]
    update = ["replay", store, "--rules", RULES, "--as-of", "2025-01-01"]
    for name in names:
        home = template(name)
        if name == "new":
            yield Scenario(name, program, home, [["import", store, file, "--acks"] for file in parts])
        elif name == "batches":
            tiny = [b'{"specversion":"1.0","id":"%d","source":"s","type":"visit","subject":"C-%d",'
                    b'"time":"2024-01-01T00:00:00Z"}\n' % (number, number % 100) for number in range(BATCH + 5_000)]
            yield Scenario(name, program, home, [["import", store, part("tiny", tiny), "--acks"]], factor=3)
        else:
            program.run("import", f"{home}/store", parts[0])
            if name in ("more", "backup"):
                program.replay(f"{home}/store")
            if name == "replay":
                program.replay(f"{home}/store")
                program.run("import", f"{home}/store", parts[1])
            if name == "update":
                program.run(*Scenario.arguments(update, home), allowed=(0, 1))
                program.run("import", f"{home}/store", part("few", lines[third:third + 3]))
            commands = {"update": [update],
                        "more": [["import", store, parts[1], "--acks"], ["import", store, parts[2], "--acks"]],
                        "backup": [["backup", store, "PLACE/copy"]]}
            yield Scenario(name, program, home, commands.get(name, [replay]))


def body():
    parser = common.options_parser(__doc__)
    parser.add_argument("--scenario", default="new,more,batches,view,replay,update,backup")
    parser.add_argument("--mode", default=",".join(MODES))
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    names, modes = options.scenario.split(","), options.mode.split(",")
    if options.small:
        names = [name for name in names if name in ("new", "replay", "update", "backup")]
        modes = [mode for mode in modes if mode in ("eio", "enospc-all", "short")]
        options.events, options.stride = 2_000, 10
    program = common.Program(options.binary)
    if "backup" in names and not program.has_backup(options):
        names.remove("backup")
    print(f"seed {options.seed}")
    runs = 0
    with tempfile.TemporaryDirectory() as top:
        top = os.path.realpath(top)
        library = shim(top)
        if not library:
            return "no C compiler (cc, gcc, clang); skipped"
        campaign = Campaign(program, top, library)
        with concurrent.futures.ThreadPoolExecutor(2) as executor:
            for scenario in scenarios(program, top, names, options.events, options.seed):
                stride = options.stride * scenario.factor
                for mode in modes:
                    numbers = range(1 + options.seed % stride, 1 << 20, stride)
                    runs += campaign.sweep(scenario, mode, [options.only] if options.only else numbers, executor)
    for what, counts in sorted(campaign.survived.items()):
        print(f"ended with 0 all the same: {what}: {', '.join(f'{counts[mode]} {mode}' for mode in counts)}")
    if campaign.faults:
        raise Fault(f"{len(campaign.faults)} of {runs} runs")
    return f"{runs} runs with failing calls: each said so, nothing acknowledged was lost, the next run ended well"


common.main(body)
