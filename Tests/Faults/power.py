"""Cuts the power: a file system on a loop device is shut down under running commands (EXT4_IOC_SHUTDOWN, mostly
without a flush of its journal), so that whatever was not flushed is gone. After the next mount every acknowledged event
has to be there, the store verifies, views are absent or open, and backups that are there are whole.

usage: power.py --binary PATH [--cuts N] [--fs ext4|xfs] [--events N] [--streams SHARE] [--dir DIR] [--seed S] [--small] [--no-backup]

Needs root, loop devices and mkfs.FS, else it is skipped. About 20 cuts share a file system. The file behind the loop
device is in --dir (the directory for temporary files unless given); it is kept, and named, when a check failed.
"""
import collections
import fcntl
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True

import common
from common import RULES, Fault, is_store

SHUTDOWN = 0x8004587D
FLUSH_ALL, FLUSH_JOURNAL, FLUSH_NOTHING = 0, 1, 2
CUTS_OF_A_DISK = 20
DISKS = {"ext4": (192, ["mkfs.ext4", "-q", "-F"]), "xfs": (320, ["mkfs.xfs", "-q", "-f"])}  # MiB, how it is made
MOUNTS = {"ext4": ("defaults", "defaults", "data=writeback", "nodelalloc"), "xfs": ("defaults",)}


def reason_to_skip(kind):
    if os.geteuid() != 0:
        return "needs root"
    if missing := [tool for tool in (f"mkfs.{kind}", "mount", "umount") if not shutil.which(tool)]:
        return f"there is no {missing[0]}"
    with tempfile.TemporaryDirectory() as place:
        try:
            Disk(kind, place, "defaults").remove()
        except subprocess.CalledProcessError as error:
            return f"no file system on a loop device: {error.stderr.decode().strip()}"
    return None


class Disk:
    """A file system on a loop device."""

    def __init__(self, kind, place, options):
        self.file, self.place, self.options = f"{place}/disk.img", f"{place}/mounted", options
        megabytes, command = DISKS[kind]
        with open(self.file, "wb") as file:
            file.truncate(megabytes << 20)
        subprocess.run([*command, self.file], check=True, capture_output=True)
        os.makedirs(self.place, exist_ok=True)
        self.mount()

    def mount(self):
        subprocess.run(["mount", "-o", f"loop,{self.options}", self.file, self.place], check=True, capture_output=True)

    def cut(self, flag):
        handle = os.open(self.place, os.O_RDONLY)
        fcntl.ioctl(handle, SHUTDOWN, struct.pack("I", flag))
        os.close(handle)

    def unmount(self):
        for _ in range(50):
            if subprocess.run(["umount", self.place], capture_output=True).returncode == 0:
                return
            time.sleep(0.1)
        raise Fault(f"{self.place} stays busy")

    def remove(self, keep=False):
        if os.path.ismount(self.place):
            subprocess.run(["umount", "-l", self.place], check=False, capture_output=True)
        if not keep:
            os.unlink(self.file)


class Chain(threading.Thread):
    """Commands one after another, until one fails or all are stopped; what imports acknowledge is added up."""

    def __init__(self, program, commands):
        super().__init__()
        self.program, self.commands = program, commands
        self.acknowledged = self.whole = 0
        self.process, self.stopped, self.lock, self.fault = None, False, threading.Lock(), None
        self.start()

    def run(self):
        for arguments, lines in self.commands:
            with self.lock:
                if self.stopped:
                    return
                self.process = self.program.start(*arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                                  stderr=subprocess.PIPE)
            output, errors = self.process.communicate(lines)
            self.acknowledged = max(self.acknowledged, common.acknowledged(output))
            if self.process.returncode != 0:
                if self.process.returncode > 0:
                    # Either the power had been cut or the program is at fault; the caller knows.
                    self.fault = f"{' '.join(arguments)} ended with {self.process.returncode}: {errors.decode()}"
                return
            self.whole += 1

    def stop(self):
        with self.lock:
            self.stopped = True
            if self.process and self.process.poll() is None:
                self.process.kill()

    def end(self):
        self.join(60)
        if self.is_alive():
            raise Fault("a command goes on after it was killed")


class StreamChain(common.Stream):
    """An import whose lines come bit by bit, as a chain of one command."""

    def __init__(self, program, store, lines, chance):
        self.whole, self.fault = 0, None
        super().__init__(program, store, lines, chance)

    def hear(self):
        super().hear()
        if (code := self.process.wait()) > 0:
            self.fault = f"a stream ended with {code}: {self.errors.decode(errors='replace')}"

    def stop(self):
        self.isStopped = True
        if self.process.poll() is None:
            self.process.kill()

    def end(self):
        self.process.wait(timeout=60)
        self.process.stdin.close()
        for thread in self.threads[1:]:
            thread.join(60)
        self.whole = len(self.output)


class Round:
    """A disk over some cuts, and what has to be on it."""

    def __init__(self, program, place, chance, options, backup):
        self.program, self.chance, self.backup, self.streams = program, chance, backup, options.streams
        self.disk = Disk(options.fs, place, chance.choice(MOUNTS[options.fs]))
        self.file = f"{place}/e.ndjson"
        program.generate(self.file, options.events, chance.randrange(1 << 32))
        self.lines = common.lines_of(self.file)
        self.store, self.destination = f"{self.disk.place}/store", f"{self.disk.place}/copy"
        self.size, self.view, self.roots, self.output_roots = 0, None, {}, {}
        self.commits = 0

    def imports(self):
        length = self.chance.choice((1, 10, 100, 1000, len(self.lines)))
        slices = [b"".join(self.lines[start:start + length])
                  for start in range(self.size, len(self.lines), length)] or [self.lines[0]]
        return [(("import", self.store, "-", "--acks"), lines) for lines in slices[:200]]

    def chains(self):
        """One or two commands that run at the same time; imports mostly."""
        store = is_store(self.store)
        replays = [(("replay", self.store, "--rebuild", "--rules", RULES), None)] * 20
        backups = [(("backup", self.store, f"{self.destination}{number}"), None) for number in range(20)]
        kinds = {"import": self.imports(), "stream": None, "replay": replays, "backup": backups}
        append = "stream" if self.chance.random() < self.streams else "import"
        names = [append]
        if store:
            other = self.chance.choice(("replay", "backup") if self.backup else ("replay",))
            names = self.chance.choice((names, [append, other], [append, other], [other]))
        return {name: kinds[name] for name in names}

    def copies(self):
        return [f"{self.disk.place}/{name}" for name in os.listdir(self.disk.place)
                if name.startswith("copy") and ".tmp" not in name]

    def cut(self):
        """(kinds of command that ran, how the power went)."""
        if copies := self.copies():
            for copy in copies:
                common.remove(copy)
            # Else the cut brings them back, and they look like backups of now.
            subprocess.run(["sync", "-f", self.disk.place], check=True)
        commands = self.chains()
        flag = self.chance.choice((FLUSH_NOTHING,) * 8 + (FLUSH_JOURNAL, FLUSH_ALL))
        seconds = (0.8 if "stream" in commands else 0.02) + self.chance.random() * self.chance.choice((0.2, 0.5, 3.0 if "stream" in commands else 1.0))
        chains = {kind: Chain(self.program, chain) if chain else
                  StreamChain(self.program, self.store, self.lines[self.size:], self.chance)
                  for kind, chain in commands.items()}
        try:
            time.sleep(seconds)
            early = [chain.fault for chain in chains.values() if chain.fault]
            self.disk.cut(flag)
        finally:
            for chain in chains.values():
                chain.stop()
            for chain in chains.values():
                chain.end()
        if early:
            raise Fault(f"before the cut: {early[0]}")
        self.disk.unmount()
        self.disk.mount()
        self.commits += sum(chains[kind].whole for kind in ("import", "stream") if kind in chains)
        self.check(chains)
        if self.chance.random() < 0.25:
            self.run_whole()
        return "+".join(commands), ("flushed", "journal flushed", "cut")[flag]

    def check(self, chains):
        acknowledged = max(chain.acknowledged for chain in chains.values())
        if not is_store(self.store):
            if acknowledged or self.size:
                raise Fault(f"the store is gone; {max(acknowledged, self.size)} events were acknowledged")
            return
        before = self.size
        size, root = self.program.verified(self.store)
        if size < max(acknowledged, self.size):
            raise Fault(f"{size} events; {acknowledged} were acknowledged, {self.size} there before")
        self.size = size
        if self.roots.setdefault(size, root) != root:
            raise Fault(f"two roots over {size} events")
        view = self.program.view(self.store)
        if not view and (self.view or ("replay" in chains and chains["replay"].whole)):
            raise Fault("the view is gone")
        if view:
            self.know(view)
        self.view = view
        for number in range(chains["backup"].whole if "backup" in chains else 0):
            if not is_store(f"{self.destination}{number}"):
                raise Fault(f"backup {number} had ended with 0 and is gone")
        for copy in self.copies():
            size, root = self.program.verified(copy)
            if not before <= size <= self.size or self.roots.get(size, root) != root:
                raise Fault(f"a backup has {size} events, the store had {before} to {self.size}")
            if copied := self.program.view(copy):
                self.know(copied)

    def know(self, view):
        if self.output_roots.setdefault(view[0], view[1]) != view[1]:
            raise Fault(f"two output roots of {view[0]} events")

    def run_whole(self):
        """Whole commands after a cut end well and clear what is left of others."""
        some = self.lines[:self.size + self.chance.randint(1, 2000)]
        with open(f"{self.file}.some", "wb") as file:
            file.writelines(some)
        self.program.run("import", self.store, f"{self.file}.some")
        self.size, root = self.program.verified(self.store)
        if self.size != len(some):
            raise Fault(f"{self.size} events after an import of {len(some)}")
        self.roots[self.size] = root
        self.program.replay(self.store)
        self.view = self.program.view(self.store)
        self.know(self.view)
        common.no_leftovers("import", self.store)
        common.no_leftovers("replay", self.store)
        if self.backup:
            names = {name.split(".tmp")[0] for name in os.listdir(self.disk.place) if ".tmp" in name} or {"copy0"}
            for copy in (f"{self.disk.place}/{name}" for name in sorted(names)):
                common.remove(copy)
                self.program.run("backup", self.store, copy)
                common.no_leftovers("backup", self.store, copy)


def body():
    parser = common.options_parser(__doc__)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--events", type=int, default=25_000)
    parser.add_argument("--fs", choices=sorted(DISKS), default="ext4")
    parser.add_argument("--streams", type=float, default=0.3, help="share of imports whose lines come bit by bit")
    parser.add_argument("--dir")
    options = parser.parse_args()
    if options.small:
        options.cuts, options.events = 12, 6_000
    if reason := reason_to_skip(options.fs):
        return f"{reason}; skipped"
    program = common.Program(options.binary)
    backup = program.has_backup(options)
    print(f"seed {options.seed}")
    chance = random.Random(options.seed)
    done, commits, faults, ways, kinds = 0, 0, [], collections.Counter(), collections.Counter()
    while done < options.cuts and len(faults) < 10:
        place = tempfile.mkdtemp(prefix="power-", dir=options.dir)
        round = Round(program, place, chance, options, backup)
        fault = None
        try:
            for _ in range(min(CUTS_OF_A_DISK, options.cuts - done)):
                done += 1
                kind, way = round.cut()
                kinds[kind] += 1
                ways[way] += 1
        except Fault as found:
            fault = f"cut {done}, {round.disk.options}, {place}: {found}"
            print(fault, flush=True)
            faults.append(fault)
        finally:
            commits += round.commits
            round.disk.remove(keep=fault is not None)
            if fault is None:
                common.remove(place)
    counts = ", ".join(f"{kinds[kind]} {kind}" for kind in sorted(kinds))
    print(f"running: {counts}; " + ", ".join(f"{ways[way]} {way}" for way in sorted(ways)))
    if faults:
        raise Fault(f"{len(faults)} faults in {done} cuts, seed {options.seed}")
    return f"{done} cuts on {options.fs}, {commits} imports and commits of streams acknowledged: every acknowledged event was there"


if __name__ == "__main__":
    common.main(body)
