"""Forges values: changes the content of a value of the log or of a view and gives it a checksum that holds, so that every
reader sees it. No command may die by a signal or hang, whatever a value says; `verify` has to notice what is wrong in
the log.

usage: forged.py --binary PATH [--changes N] [--events N] [--only N [N ...]] [--dir DIR] [--seed S] [--small]

Needs the Python packages lmdb and xxhash. Change N of a seed is always the same.
"""
import collections
import concurrent.futures
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

import lmdb
import xxhash

from common import CUSTOMERS, ENVIRONMENT, RULES, Fault, Program, ended_well, main, options_parser, remove

TABLES = {"log": ["meta", "ev", "col", "ctl"], "view": ["meta", "rows", "population", "joined"]}


def seal(table, key, content):
    seed = xxhash.xxh64_intdigest(key, seed=xxhash.xxh64_intdigest(table.encode(), seed=0))
    return content + struct.pack("<Q", xxhash.xxh64_intdigest(content, seed=seed))


def changed(content, chance):
    """A content that says something else: flips, numbers at their limits, cut, longer, parts moved or repeated."""
    bytes_ = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        if not bytes_:
            return b"\x00"
        # The beginning holds counts and lengths.
        at = chance.randrange(min(len(bytes_), chance.choice([8, 64, len(bytes_)])))
        match chance.randrange(8):
            case 0 | 1: bytes_[at] ^= 1 << chance.randrange(8)
            case 2: bytes_[at] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
            case 3:
                width = chance.choice([2, 4, 8])
                value = chance.choice([0, 1, 0xFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1])
                bytes_[at:at + width] = (value & (256**width - 1)).to_bytes(width, "little")
            case 4: del bytes_[at:]
            case 5: bytes_[at:at] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 16)))
            case 6: del bytes_[at:at + chance.randrange(1, 16)]
            case 7:
                other = chance.randrange(len(bytes_))
                bytes_[at:at + 16] = bytes_[other:other + 16]
    return bytes(bytes_)


def forge(directory, kind, chance):
    """Changes one value; what it was."""
    environment = lmdb.open(directory, max_dbs=16, map_size=1 << 32, lock=False, readahead=False)
    try:
        name = chance.choice(TABLES[kind])
        table = environment.open_db(name.encode())
        with environment.begin(write=True) as transaction:
            cursor = transaction.cursor(table)
            keys = list(cursor.iternext(values=False))
            if not keys:
                return None
            key = chance.choice(keys)
            value = transaction.get(key, db=table)
            if chance.random() < 0.1:
                transaction.delete(key, db=table)
                return f"{kind} {name} {key.hex()} deleted"
            if chance.random() < 0.05:
                other = chance.choice(keys)
                transaction.put(other, seal(name, other, value[:-8]), db=table)
                return None if other == key else f"{kind} {name} {key.hex()} copied over {other.hex()}"
            content = changed(value[:-8], chance)
            if content == value[:-8]:
                return None
            transaction.put(key, seal(name, key, content), db=table)
            return f"{kind} {name} {key.hex()}"
    finally:
        environment.close()


def commands(kind, store, place, chance):
    customer = f"C-{chance.randrange(1, 60):06}"
    view = [
        ["export", store, *CUSTOMERS], ["show", store, customer], ["views", store],
        ["export", store, "--table", "transitions", "-o", "-"], ["export", store, "--table", "segments", "-o", "-"],
        ["explain", store, customer], ["metrics", store, "--table", "stages", "--format", "csv"],
    ]
    log = [
        ["verify", store, "--format", "json"], ["verify", store, "--format", "json"], ["status", store, "--types"],
        ["replay", store, "--rebuild", "--rules", RULES, "-q"], ["history", store, customer], ["explain", store, customer],
        ["import", store, f"{place}/more", "-q"], ["import", store, f"{place}/all", "-q"],
        ["backup", store, f"{place}/copy", "-q"], ["prove", store, str(chance.randrange(20_000))],
        ["prove", store, "--subject", customer], ["prove", store, "--consistency", "5000"],
        ["views", store, "--history"], ["compare", store, "--rules", RULES, "--rules", RULES],
    ]
    return view if kind == "view" else log


def attempt(number, options, source, place):
    """One change on a copy; (kind of change, command, outcome)."""
    chance = random.Random(options.seed * 1_000_003 + number)
    store = f"{place}/store"
    remove(store)
    remove(f"{place}/copy")
    shutil.copytree(source, store)
    kind = chance.choice(["log", "log", "log", "view"])
    directory = f"{store}/log/g1" if kind == "log" else f"{store}/views/retail/g000001"
    what = forge(directory, kind, chance)
    if what is None:
        return None
    for lock in ("lock.mdb",):
        if os.path.exists(f"{directory}/{lock}"):
            os.remove(f"{directory}/{lock}")
    arguments = chance.choice(commands(kind, store, place, chance))
    try:
        done = subprocess.run([options.binary, *arguments], capture_output=True, timeout=30, env=ENVIRONMENT,
                              stdin=subprocess.DEVNULL)
        ended_well(arguments, done.returncode, done.stderr.decode(errors="replace"))
    except subprocess.TimeoutExpired:
        raise Fault(f"change {number} ({what}): {arguments[0]} hangs") from None
    except Fault as fault:
        raise Fault(f"change {number} ({what}): {fault}") from None
    # Hash and tree bind every byte of an event and of a control record; a column is held against the lines.
    if arguments[0] == "verify" and done.returncode == 0 and what.split()[1] in ("ev", "ctl", "col", "meta"):
        raise Fault(f"change {number} ({what}): verify did not notice")
    return " ".join(what.split()[:2]), arguments[0], done.returncode


def body():
    parser = options_parser(__doc__)
    parser.add_argument("--changes", type=int, default=4000)
    parser.add_argument("--events", type=int, default=17_500)
    parser.add_argument("--only", type=int, nargs="+")
    parser.add_argument("--dir", default="/dev/shm" if os.path.isdir("/dev/shm") else None)
    options = parser.parse_args()
    if options.small:
        options.changes = 200
    print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory(dir=options.dir) as place:
        program, source = Program(options.binary), f"{place}/source"
        program.generate(f"{place}/all", options.events, options.seed)
        lines = open(f"{place}/all", "rb").read().splitlines(keepends=True)
        open(f"{place}/most", "wb").writelines(lines[:-200])
        program.run("import", source, f"{place}/most")
        program.replay(source)
        program.replay(source)
        os.rename(f"{source}/views/retail/g000002", f"{source}/views/retail/g000001")
        open(f"{source}/views/retail/CURRENT", "w").write("g000001\n")
        numbers = options.only or range(options.changes)
        outcomes, faults = collections.Counter(), []

        def work(share):
            own = f"{place}/{share}"
            os.makedirs(own)
            for name, part in (("all", lines), ("more", lines[-200:])):
                open(f"{own}/{name}", "wb").writelines(part)
            for number in numbers[share::2]:
                try:
                    if (found := attempt(number, options, source, own)) is not None:
                        outcomes[(found[0], found[2])] += 1
                except Fault as fault:
                    faults.append(str(fault))
                    print(fault, flush=True)

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(work, range(2)))
    for (what, code), count in sorted(outcomes.items()):
        print(f"{what:20} exit {code}: {count}")
    if faults:
        raise Fault(f"{len(faults)} faults, the first: {faults[0]}")
    return f"{sum(outcomes.values())} forged values, no signal, no hang"


if __name__ == "__main__":
    main(body)
