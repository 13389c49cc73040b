"""Fills small file systems (tmpfs; needs root) with imports, a replay and a backup: each must say so, leave what was
safe, and go on once there is room.

usage: disk.py --binary PATH [--sizes N] [--events N] [--seed S] [--small] [--no-backup]

Sizes go from 256 KiB to what all of it needs, with some chance.
"""
import collections
import os
import pathlib
import random
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import common
from common import RULES, Fault, is_store


class Filling:
    """One size of file system."""

    def __init__(self, program, disk, files, backup):
        self.program, self.disk, self.files, self.backup = program, disk, files, backup
        self.store, self.copy = f"{disk}/store", f"{disk}/copy"
        self.full = collections.Counter()
        self.acknowledged = 0

    def step(self, kind, *arguments):
        """True if it ended well; a full disk has to be named."""
        done = self.program.run(*arguments, allowed=(0, 2))
        if kind == "import":
            self.acknowledged = max(self.acknowledged, common.acknowledged(done.stdout))
        if done.returncode == 2:
            self.full[kind] += 1
            if "error[disk-full]" not in done.stderr:
                raise Fault(f"{kind} does not say that the disk is full: {done.stderr}")
        return done.returncode == 0

    def checked(self):
        """(size, view) of what is there."""
        if not is_store(self.store):
            if self.acknowledged:
                raise Fault("there is no store")
            return 0, None
        size, _ = self.program.verified(self.store)
        if size < self.acknowledged:
            raise Fault(f"{size} events, {self.acknowledged} were acknowledged")
        return size, self.program.view(self.store)

    def run(self, outside):
        view = None
        for file in self.files:
            imported = self.step("import", "import", self.store, file, "--acks")
            size, seen = self.checked()
            if seen != view:
                raise Fault(f"an import changed the view from {view} to {seen}")
            if not is_store(self.store):
                return
            if self.step("replay", "replay", self.store, "--rebuild", "--rules", RULES):
                size, view = self.checked()
                if not view or view[0] != size:
                    raise Fault(f"replay ended with 0; the log has {size} events, the view is {view}")
            elif self.checked()[1] != view:
                raise Fault(f"a replay that failed changed the view from {view} to {self.checked()[1]}")
            if not imported:
                break
        if self.backup:
            self.back_up(self.copy)
            # Where there is room, a full source is no hindrance.
            if not self.back_up(outside):
                raise Fault("no backup to another disk")

    def back_up(self, copy):
        common.remove(copy)
        well = self.step("backup", "backup", self.store, copy)
        if well != is_store(copy) or not well and os.path.exists(copy):
            raise Fault(f"a backup ended {'well' if well else 'badly'}, and {copy} is {'' if well else 'not '}absent")
        if well and self.program.verified(copy) != self.program.verified(self.store):
            raise Fault(f"{copy} is not the store")
        return well

    def finish(self, events):
        """With more room everything ends well."""
        subprocess.run(["mount", "-o", "remount,size=256m", self.disk], check=True)
        for file in self.files:
            self.program.run("import", self.store, file)
        self.program.replay(self.store)
        if self.backup:
            common.remove(self.copy)
            self.program.run("backup", self.store, self.copy)
            common.no_leftovers("backup", self.store, self.copy)
        size, view = self.checked()
        if size != events or view[0] != events:
            raise Fault(f"with room: {size} events, view {view}, not {events}")
        common.no_leftovers("import", self.store)
        common.no_leftovers("replay", self.store)


def body():
    parser = common.options_parser(__doc__)
    parser.add_argument("--sizes", type=int, default=50)
    parser.add_argument("--events", type=int, default=60_000)
    options = parser.parse_args()
    if options.small:
        options.sizes, options.events = 8, 6_000
    if os.geteuid() != 0:
        return "needs root for tmpfs; skipped"
    program = common.Program(options.binary)
    backup = program.has_backup(options)
    print(f"seed {options.seed}")
    chance = random.Random(options.seed)
    full, faults = collections.Counter(), []
    with tempfile.TemporaryDirectory() as place:
        program.generate(f"{place}/e.ndjson", options.events, options.seed)
        lines = common.lines_of(f"{place}/e.ndjson")
        files = [f"{place}/first.ndjson", f"{place}/second.ndjson"]
        pathlib.Path(files[0]).write_bytes(b"".join(lines[:len(lines) // 2]))
        pathlib.Path(files[1]).write_bytes(b"".join(lines[len(lines) // 2:]))
        disk = f"{place}/disk"
        os.makedirs(disk)
        # About 280 bytes an event in the log, 30 in a view, and all of it again in a backup.
        largest = 1024 + options.events * (700 if backup else 400) // 1024
        for number in range(options.sizes):
            size = 256 + int((largest - 256) * (number + chance.random()) / options.sizes)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", disk], check=True)
            try:
                filling = Filling(program, disk, files, backup)
                filling.run(f"{place}/outside")
                filling.finish(options.events)
                full += filling.full
            except Fault as fault:
                faults.append(fault)
                print(f"{size} KiB: {fault}", flush=True)
            finally:
                subprocess.run(["umount", disk], check=True)
    if faults:
        raise Fault(f"{len(faults)} of {options.sizes} sizes, seed {options.seed}")
    counts = ", ".join(f"{full[kind]} {kind}" for kind in sorted(full))
    return f"{options.sizes} sizes; full during {counts}: nothing acknowledged was lost, with room all went on"


common.main(body)
