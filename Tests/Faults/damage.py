"""Damages a store in many ways (bits, bursts, fields of LMDB's pages, pages swapped, lost or zeroed, files cut, older
copies, small files) and runs a command on it. No command may die by a signal or hang; each either says that there is
damage, or gives what it gave before the damage (the changed byte was in unused space, or is not read by the command).

usage: damage.py --binary PATH [--mutations N] [--events N] [--only N [N ...]] [--keep DIR] [--dir DIR] [--seed S]
                 [--small] [--no-backup]

Mutation N of a seed is always the same, and so is its command: `--only N` repeats it and shows what came out, `--keep`
copies the damaged stores of faults to DIR. Stores are in --dir, /dev/shm where there is one.
"""
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import resource
import shutil
import struct
import sys
import tempfile
import threading

sys.dont_write_bytecode = True

import common
from common import RULES, Fault

PAGE = 4096
LOG, VIEW = "log/g1/data.mdb", "views/retail/g000001/data.mdb"
SMALL_OF_LOG = ("format", "log/CURRENT", "log/head", "log/g1/lock.mdb")
SMALL_OF_VIEW = ("views/retail/CURRENT", "views/retail/g000001/lock.mdb")
BIG, SUB = 1, 2  # flags of nodes: the value is on overflow pages; it is the record of a table
BRANCH, LEAF = 1, 2
TABLE_FIELDS = ((0, 4, "pad"), (4, 2, "flags"), (6, 2, "depth"), (8, 8, "branches"), (16, 8, "leaves"),
                (24, 8, "overflows"), (32, 8, "entries"), (40, 8, "root"))
KINDS = {
    "bit": 12, "byte": 8, "burst8": 6, "burst16": 6, "burst64": 6, "header": 12, "field": 16, "node": 10, "meta": 8,
    "meta field": 6, "swap": 5, "duplicate": 5, "zero": 5, "noise": 3, "stale": 4, "truncate": 6, "append": 2,
    "old copy": 3, "small file": 14,
}
ONLY_LOG = ("stale", "old copy")
TIMEOUT_SECONDS = 20


class Layout:
    """Where LMDB keeps what in a `data.mdb`: pages that the newest meta page leads to, and the fields in them."""

    def __init__(self, content):
        self.content, self.count = content, len(content) // PAGE
        self.trees, self.overflows, self.fields, self.nodes = [], [], [], []
        newest = max((0, 1), key=lambda meta: self.number(meta * PAGE + 144, 8))
        self.meta_fields = [(page * PAGE + offset, width, f"meta {page} {name}") for page in (0, 1)
                            for offset, width, name in self.names_of_meta()]
        for table in (40, 88):
            self.walk(self.number(newest * PAGE + table + 40, 8))

    @staticmethod
    def names_of_meta():
        yield from ((0, 8, "pgno"), (10, 2, "flags"), (16, 4, "magic"), (20, 4, "version"), (24, 8, "address"),
                    (32, 8, "mapsize"), (136, 8, "last page"), (144, 8, "transaction"))
        for table, start in (("free", 40), ("main", 88)):
            for offset, width, name in TABLE_FIELDS:
                yield start + offset, width, f"{table} {name}"

    def number(self, offset, width):
        return int.from_bytes(self.content[offset:offset + width], "little")

    def walk(self, page):
        if page >= self.count or page in self.trees:
            return
        self.trees.append(page)
        start = page * PAGE
        flags, lower = self.number(start + 10, 2), self.number(start + 12, 2)
        for offset, width, name in ((0, 8, "pgno"), (10, 2, "flags"), (12, 2, "lower"), (14, 2, "upper")):
            self.fields.append((start + offset, width, f"page {page} {name}"))
        for index in range((lower - 16) // 2):
            pointer = start + 16 + 2 * index
            self.fields.append((pointer, 2, f"page {page} pointer {index}"))
            self.node(start + self.number(pointer, 2), flags, f"page {page} node {index}")

    def node(self, start, flags_of_page, name):
        low, high, flags, key = (self.number(start + 2 * index, 2) for index in range(4))
        self.nodes.append((start, 8 + key + 16))
        for index, field in enumerate(("low", "high", "flags", "key size")):
            self.fields.append((start + 2 * index, 2, f"{name} {field}"))
        value = start + 8 + key
        if flags_of_page & BRANCH:
            self.walk(low | high << 16 | flags << 32)
        elif flags & BIG:
            head = self.number(value, 8)
            self.overflows.append(head)
            self.fields += [(value, 8, f"{name} overflow"), (head * PAGE, 8, f"page {head} pgno"),
                            (head * PAGE + 10, 2, f"page {head} flags"), (head * PAGE + 12, 4, f"page {head} pages")]
        elif flags & SUB:
            self.fields += [(value + offset, width, f"{name} {field}") for offset, width, field in TABLE_FIELDS]
            self.walk(self.number(value + 40, 8))

    def value(self, chance, offset, width):
        """A number for a field that is likely to lead astray."""
        now, most = self.number(offset, width), (1 << 8 * width) - 1
        return chance.choice((
            0, 1, 2, 3, most, most >> 1, now ^ 1 << chance.randrange(8 * width), now + 1, now - 1, now * 2, PAGE,
            PAGE - 1, PAGE + 8, 16, offset // PAGE, chance.choice(self.trees), chance.choice(self.overflows or [0]),
            self.count - 1, self.count, self.count + 1, chance.randrange(self.count), chance.getrandbits(8 * width),
        )) & most


class Change:
    """What is done to a store: bytes in place, or whole files (None: removed)."""

    def __init__(self, kind):
        self.kind, self.bytes, self.files, self.text = kind, [], {}, ""

    def put(self, path, offset, content):
        self.bytes.append((path, offset, content))

    def __str__(self):
        shown = [f"{path} at {offset} (page {offset // PAGE} + {offset % PAGE}): {content[:32].hex()}"
                 f"{f'... ({len(content)} bytes)' if len(content) > 32 else ''}"
                 for path, offset, content in self.bytes]
        shown += [f"{path}: {'removed' if content is None else f'{len(content)} bytes'}"
                  for path, content in self.files.items()]
        return f"{self.kind} [{self.text}] {'; '.join(shown)}" if self.text else f"{self.kind} {'; '.join(shown)}"


class Damage:
    """Draws changes for a store."""

    def __init__(self, content, older):
        self.content, self.older = content, older
        self.layouts = {path: Layout(content[path]) for path in (LOG, VIEW)}
        # Pages that later commits replaced or added, by older copy.
        self.stale = [[page for page in range(2, len(copy) // PAGE)
                       if copy[page * PAGE:(page + 1) * PAGE] != content[LOG][page * PAGE:(page + 1) * PAGE]]
                      for copy in older]

    def draw(self, chance):
        """(path of the file that it is about, change)."""
        while True:
            kind = chance.choices(list(KINDS), KINDS.values())[0]
            path = LOG if kind in ONLY_LOG or chance.random() < 0.7 else VIEW
            if kind == "small file":
                path = chance.choice(SMALL_OF_LOG + SMALL_OF_VIEW)
            change = Change(kind)
            self.fill(change, chance, path)
            if any(self.content[path][offset:offset + len(content)] != content
                   for path, offset, content in change.bytes):
                return path, change
            if any(content != self.content[path] for path, content in change.files.items()):
                return path, change

    def fill(self, change, chance, path):
        whole, kind = self.content[path], change.kind
        if kind == "small file":
            return self.small(change, chance, path)
        layout = self.layouts[path]
        page, other = chance.randrange(layout.count), chance.randrange(layout.count)
        if chance.random() < 0.5:
            page = chance.choice(layout.trees)
        if chance.random() < 0.3:
            other = chance.choice(layout.trees)
        if kind == "bit":
            offset = chance.randrange(len(whole))
            change.put(path, offset, bytes([whole[offset] ^ 1 << chance.randrange(8)]))
        elif kind == "byte":
            change.put(path, chance.randrange(len(whole)), chance.randbytes(1))
        elif kind.startswith("burst"):
            length = int(kind.removeprefix("burst"))
            change.put(path, chance.randrange(len(whole) - length), chance.randbytes(length))
        elif kind == "header":
            page = chance.choice(chance.choice((layout.trees, layout.trees, layout.overflows or layout.trees)))
            self.flip(change, chance, path, page * PAGE, 64)
        elif kind == "field":
            self.set(change, chance, path, layout, layout.fields)
        elif kind == "node":
            self.flip(change, chance, path, *chance.choice(layout.nodes))
        elif kind == "meta":
            self.flip(change, chance, path, chance.randrange(2) * PAGE, 160)
        elif kind == "meta field":
            self.set(change, chance, path, layout, layout.meta_fields)
        elif kind in ("swap", "duplicate"):
            one, two = (whole[number * PAGE:(number + 1) * PAGE] for number in (page, other))
            change.put(path, page * PAGE, two)
            if kind == "swap":
                change.put(path, other * PAGE, one)
        elif kind in ("zero", "noise"):
            change.put(path, page * PAGE, bytes(PAGE) if kind == "zero" else chance.randbytes(PAGE))
        elif kind == "stale":
            number = chance.randrange(len(self.older))
            page = chance.choice(self.stale[number])
            change.put(path, page * PAGE, self.older[number][page * PAGE:(page + 1) * PAGE])
        elif kind == "truncate":
            length = chance.choice((0, 1, PAGE, 2 * PAGE, len(whole) - 1, len(whole) - PAGE,
                                    chance.randrange(len(whole)), chance.randrange(layout.count) * PAGE,
                                    chance.randrange(3 * PAGE)))
            change.files[path] = whole[:length]
        elif kind == "append":
            change.files[path] = whole + chance.randbytes(chance.choice((1, 100, PAGE, 3 * PAGE, 70_000)))
        elif kind == "old copy":
            change.files[path] = chance.choice(self.older)

    def flip(self, change, chance, path, start, length):
        for _ in range(chance.choice((1, 1, 2, 4))):
            offset = min(start + chance.randrange(length), len(self.content[path]) - 1)
            mask = 1 << chance.randrange(8) if chance.random() < 0.5 else chance.randrange(1, 256)
            change.put(path, offset, bytes([self.content[path][offset] ^ mask]))

    def set(self, change, chance, path, layout, fields):
        for _ in range(chance.choice((1, 1, 1, 2))):
            offset, width, name = chance.choice(fields)
            value = layout.value(chance, offset, width)
            change.text += f"{', ' if change.text else ''}{name} {layout.number(offset, width)} -> {value}"
            change.put(path, offset, value.to_bytes(width, "little"))

    def small(self, change, chance, path):
        whole = self.content[path]
        change.kind = path.split("/")[-1] if path != "views/retail/CURRENT" else "CURRENT of view"
        way = chance.choice(("flip", "flip", "flip", "cut", "empty", "removed", "noise", "append", "digit"))
        change.text = way
        if way == "flip":
            self.flip(change, chance, path, 0, len(whole))
        elif way == "digit":
            # Other numbers and names, in a form that is right.
            texts = {"format": whole.replace(b"format 1", b"format 2"), "log/CURRENT": b"g2\n",
                     "views/retail/CURRENT": chance.choice((b"g000002\n", b"g1\n", b"../retail\n", b"\n", b"g000001"))}
            change.files[path] = texts.get(path, whole[::-1])
        else:
            change.files[path] = {
                "cut": whole[:chance.randrange(len(whole))], "empty": b"", "removed": None,
                "noise": chance.randbytes(chance.choice((1, 64, len(whole)))), "append": whole + chance.randbytes(100),
            }[way]


class Reference:
    """The store before any damage, and what commands give on it."""

    def __init__(self, program, place, events, seed, backup):
        self.program, self.store = program, f"{place}/store"
        program.generate(f"{place}/e.ndjson", events + 1, seed)
        lines = common.lines_of(f"{place}/e.ndjson")
        self.next = f"{place}/next.ndjson"
        pathlib.Path(self.next).write_bytes(lines[events])
        older, last = [], 0
        # Several commits: pages are freed and used again, and there are older copies.
        for end in (events // 4, events - 1000, events - 1, events):
            pathlib.Path(f"{place}/part.ndjson").write_bytes(b"".join(lines[last:end]))
            program.run("import", self.store, f"{place}/part.ndjson")
            older.append(pathlib.Path(f"{self.store}/{LOG}").read_bytes())
            last = end
        program.replay(self.store)
        self.size, self.root = program.verified(self.store)
        self.view = program.view(self.store)
        customers = program.run("export", self.store, *common.CUSTOMERS).stdout.splitlines()[1:]
        customer = customers[seed % len(customers)].split(",")[0]
        self.content = {path: pathlib.Path(f"{self.store}/{path}").read_bytes()
                        for path in (LOG, VIEW, *SMALL_OF_LOG, *SMALL_OF_VIEW)}
        self.damage = Damage(self.content, older[:-1])
        tables = {table: ("export", "STORE", "--table", table, "-o", "-", "--format", "csv")
                  for table in ("customers", "transitions", "segments")}
        # Commands, and how often they run on a damaged log and on a damaged view.
        self.commands = {
            ("verify", "STORE", "--format", "json"): (70, 6), ("status", "STORE", "--format", "json"): (8, 6),
            ("views", "STORE", "--format", "json"): (1, 6), tables["customers"]: (0, 25),
            tables["transitions"]: (0, 20), tables["segments"]: (4, 15), ("show", "STORE", customer): (2, 12),
            ("explain", "STORE", customer): (4, 4),
            ("import", "STORE", self.next, "--format", "json"): (8, 0),
            ("replay", "STORE", "--rebuild", "--rules", RULES, "--format", "json"): (6, 10),
        }
        if backup:
            self.commands["backup", "STORE", "COPY"] = (6, 4)
        self.outputs = {command: self.run(command, self.store) for command in self.commands
                        if command[0] in ("views", "export", "show", "explain")}

    def run(self, command, store):
        arguments = [{"STORE": store, "COPY": f"{store}-copy"}.get(word, word) for word in command]
        done = self.program.run(*arguments, allowed=(0, 1, 2), text=False)
        # Messages for people may name the place of the store.
        done.stdout = done.stdout.replace(store.encode(), b"STORE")
        return done

    def judge(self, command, done, change, store):
        """How it ended: `found`, `refused` or `as before`."""
        name = command[0]
        if done.returncode and name == "backup" and os.path.exists(f"{store}-copy"):
            raise Fault("a backup that failed left a copy")
        if done.returncode == 2:
            return "refused"
        if done.returncode == 1:
            if name != "verify" or json.loads(done.stdout)["ok"] or not json.loads(done.stdout)["problems"]:
                raise Fault(f"ended with 1: {done.stderr[-300:]}")
            return "found"
        if "views/retail/CURRENT" in change.files and change.files["views/retail/CURRENT"] is None:
            if name in ("views", "status"):
                return "as before"  # without that file there is no view
        if name in ("verify", "status"):
            report = json.loads(done.stdout)
            if (report["size"], report["root"]) != (self.size, self.root) or not report.get("ok", True):
                raise Fault(f"{name}: {str(report)[:300]}; it was {self.size}, {self.root}")
            if name == "status" and [(view["size"], view["output_root"]) for view in report["views"]] != [self.view]:
                raise Fault(f"status: other views: {report['views']}")
        elif name == "import":
            if json.loads(done.stdout)["size"] != self.size + 1:
                raise Fault(f"import of one event: {done.stdout.decode()}")
        elif name == "replay":
            receipt = json.loads(done.stdout)["receipt"]
            if (receipt["size"], receipt["output_root"], receipt["root"]) != (*self.view, self.root):
                raise Fault(f"replay: {receipt}; it was {self.view}")
        elif name == "backup":
            if self.program.verified(f"{store}-copy") != (self.size, self.root):
                raise Fault("the copy is not the store as it was")
        elif done.stdout != self.outputs[command].stdout:
            raise Fault(f"{name} ended with 0 and gave something else: {difference(done, self.outputs[command])}")
        return "as before"


def difference(done, before):
    new, old = done.stdout.decode(errors="replace").splitlines(), before.stdout.decode().splitlines()
    for number, (one, two) in enumerate(zip(new, old)):
        if one != two:
            return f"line {number + 1}: {one[:200]!r}, it was {two[:200]!r}"
    return f"{len(new)} lines, not {len(old)}"


class Campaign:
    def __init__(self, reference, place, options):
        self.reference, self.place, self.options = reference, place, options
        self.table = collections.defaultdict(collections.Counter)
        self.commands = collections.defaultdict(collections.Counter)
        self.faults = []
        self.local, self.lock, self.workers = threading.local(), threading.Lock(), 0

    def store(self):
        """This thread's copy."""
        if not hasattr(self.local, "store"):
            with self.lock:
                self.workers += 1
                self.local.store = f"{self.place}/worker{self.workers}"
            shutil.copytree(self.reference.store, self.local.store)
        return self.local.store

    def write(self, store, change, back=False):
        """Makes a change in a copy of the store, or takes it back."""
        content = self.reference.content
        for path, offset, new in change.bytes:
            with open(f"{store}/{path}", "r+b", buffering=0) as file:
                file.seek(offset)
                file.write(content[path][offset:offset + len(new)] if back else new)
        for path, new in change.files.items():
            new = content[path] if back else new
            if new is None:
                os.unlink(f"{store}/{path}")
            else:
                pathlib.Path(f"{store}/{path}").write_bytes(new)
        if back:
            for path in (LOG, VIEW):
                if pathlib.Path(f"{store}/{path}").read_bytes() != content[path]:
                    pathlib.Path(f"{store}/{path}").write_bytes(content[path])
                    raise Fault(f"a command that only reads changed {path}")

    def mutation(self, number):
        chance = random.Random(f"{self.options.seed} {number}")
        path, change = self.reference.damage.draw(chance)
        weights = [both[path.startswith("views")] for both in self.reference.commands.values()]
        return change, path, chance.choices(list(self.reference.commands), weights)[0]

    def run(self, number):
        change, path, command = self.mutation(number)
        store = target = self.store()
        self.write(store, change)
        name = f"{'view' if path.startswith('views') else 'log'} {change.kind}"
        done = None
        try:
            if command[0] in ("import", "replay", "backup"):
                target = f"{store}-thrown-away"
                shutil.copytree(store, target)
            done = self.reference.run(command, target)
            outcome = self.reference.judge(command, done, change, target)
        except (Fault, ValueError, KeyError) as fault:
            outcome = "FAULT"
            self.fault(number, change, command, fault, store)
        finally:
            common.remove(f"{store}-thrown-away")
            common.remove(f"{store}-thrown-away-copy")
        if self.options.only:
            print(f"{number}: {change}\n  {' '.join(command)}: {outcome}\n  "
                  f"{(done.stderr or done.stdout.decode()).strip()[:500] if done else ''}")
        try:
            self.write(store, change, back=True)
        except Fault as fault:
            self.fault(number, change, command, fault, None)
        with self.lock:
            self.table[name][outcome] += 1
            self.commands[command[0]][outcome] += 1

    def fault(self, number, change, command, fault, store):
        with self.lock:
            self.faults.append(number)
            if len(self.faults) <= 50:
                print(f"--only {number}: {change}: {fault}", flush=True)
            if store and self.options.keep and len(self.faults) <= 50:
                shutil.copytree(store, f"{self.options.keep}/{number}", dirs_exist_ok=True)


def show(title, table):
    outcomes = ("found", "refused", "as before", "FAULT")
    print(f"{title:24}" + "".join(f"{outcome:>12}" for outcome in outcomes))
    for name in sorted(table):
        print(f"{name:24}" + "".join(f"{table[name][outcome]:12}" for outcome in outcomes))


def body():
    parser = common.options_parser(__doc__)
    parser.add_argument("--mutations", type=int, default=20_000)
    parser.add_argument("--events", type=int, default=18_000, help="16,384 of them fill a block")
    parser.add_argument("--only", type=int, nargs="+")
    parser.add_argument("--keep", type=os.path.abspath)
    parser.add_argument("--dir", default="/dev/shm" if os.path.isdir("/dev/shm") else None)
    options = parser.parse_args()
    if options.small:
        options.mutations = 80
    program = common.Program(options.binary, timeout=TIMEOUT_SECONDS)
    backup = program.has_backup(options)
    print(f"seed {options.seed}")
    # Sizes that were made up must not take all memory; the map of 1 TiB does not count.
    resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with tempfile.TemporaryDirectory(prefix="damage-", dir=options.dir) as place:
        campaign = Campaign(Reference(program, place, options.events, options.seed, backup), place, options)
        numbers = options.only or range(options.mutations)
        with concurrent.futures.ThreadPoolExecutor(1 if options.only else 2) as executor:
            for _ in executor.map(campaign.run, numbers):
                pass
    if not options.only:
        show("kind", campaign.table)
        show("command", campaign.commands)
    if campaign.faults:
        raise Fault(f"{len(campaign.faults)} of {len(numbers)} mutations, seed {options.seed}: "
                    f"{' '.join(map(str, sorted(campaign.faults)[:100]))}")
    unused = campaign.commands["verify"]["as before"]
    return f"{len(numbers)} mutations, all found or without effect ({unused} that verify saw nothing of, same root)"


common.main(body)
