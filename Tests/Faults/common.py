"""What the fault scripts share: how the program is run, and what every end of it has to fulfil."""
import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback

# Where this runs in the background SIGINT may be ignored, and the commands that are started would ignore it too, as they have to.
signal.signal(signal.SIGINT, signal.default_int_handler)

RULES = str(pathlib.Path(__file__).resolve().parents[2] / "fixtures/rules/retail.yaml")
CUSTOMERS = ("--table", "customers", "-o", "-", "--format", "csv")
# A trace of a crash takes seconds to print; its signal says enough.
ENVIRONMENT = {**os.environ, "SWIFT_BACKTRACE": "enable=no"}


class Fault(Exception):
    """Something that must not be."""


def options_parser(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, type=os.path.abspath)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="less than 20 s")
    parser.add_argument("--backup", action=argparse.BooleanOptionalAction, default=True)
    return parser


def ended_well(arguments, code, errors, allowed=(0, 1, 2)):
    """No signal, an exit status that is allowed, and a reason on standard error."""
    if code < 0:
        raise Fault(f"{' '.join(arguments)}: died by {signal.Signals(-code).name}: {errors[:300].splitlines()[:1]}")
    if code not in allowed:
        raise Fault(f"{' '.join(arguments)}: ended with {code}: {errors[-600:]}")
    if code != 0 and "error[" not in errors:
        raise Fault(f"{' '.join(arguments)}: ended with {code} and no error: {errors[-600:]}")


class Program:
    """The program under test."""

    def __init__(self, binary, timeout=60):
        self.binary, self.timeout = binary, timeout

    def start(self, *arguments, environment=None, **streams):
        return subprocess.Popen([self.binary, *arguments], env={**ENVIRONMENT, **(environment or {})}, **streams)

    def run(self, *arguments, allowed=(0,), environment=None, text=True):
        try:
            done = subprocess.run([self.binary, *arguments], capture_output=True, timeout=self.timeout,
                                  env={**ENVIRONMENT, **(environment or {})}, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            raise Fault(f"{' '.join(arguments)}: took more than {self.timeout} s") from None
        done.stderr = done.stderr.decode(errors="replace")
        if text:
            done.stdout = done.stdout.decode(errors="replace")
        ended_well(arguments, done.returncode, done.stderr, allowed)
        return done

    def json(self, *arguments, allowed=(0,)):
        return json.loads(self.run(*arguments, "--format", "json", allowed=allowed).stdout)

    def generate(self, path, events, seed):
        self.run("generate", "--events", str(events), "--seed", str(seed), "-o", path)

    def replay(self, store, allowed=(0, 1)):
        return self.json("replay", store, "--rebuild", "--rules", RULES, allowed=allowed)

    def verified(self, store):
        """(size, root) of a store that verifies."""
        report = self.json("verify", store, allowed=(0, 1))
        if not report["ok"]:
            raise Fault(f"{store} does not verify: {str(report)[:600]}")
        return report["size"], report["root"]

    def view(self, store):
        """(size, output root) of the view in force, which opens; None without one."""
        views = self.json("views", store)
        if not views:
            return None
        exported = self.run("export", store, *CUSTOMERS).stdout
        if not exported.startswith("customer"):
            raise Fault(f"the view of {store} exports nothing")
        return views[0]["size"], views[0]["output_root"]

    def has_backup(self, options):
        """Whether `backup` is there and wanted; says so where it is not."""
        if not options.backup:
            return False
        probe = subprocess.run([self.binary, "backup", "--help"], capture_output=True, env=ENVIRONMENT)
        if probe.returncode != 0:
            print("this binary has no command `backup`: left out")
        return probe.returncode == 0


class Stream:
    """An import of lines that come bit by bit through a pipe, which stays open when they are all there."""

    SLACK = 1.5  # seconds on a busy machine, beyond those of --commit-every

    def __init__(self, program, store, lines, chance):
        self.lines, self.length = lines, chance.choice((1, 1, 10, 100, 1000))
        self.pauses = [chance.random() * chance.choice((0.005, 0.05, 0.3)) for _ in range(50)]
        self.cuts = chance.random() < 0.5
        self.sent, self.output, self.isStopped = [], [], False  # (when, how many lines)
        self.process = program.start("import", store, "-", "--acks", "--commit-every", "1s", "--format", "json",
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.threads = [threading.Thread(target=body, daemon=True) for body in (self.feed, self.listen, self.hear)]
        self.errors = b""
        for thread in self.threads:
            thread.start()

    def feed(self):
        pipe = self.process.stdin.fileno()
        for number, start in enumerate(range(0, len(self.lines), self.length)):
            block = b"".join(self.lines[start:start + self.length])
            # Some come in two parts.
            middle = len(block) // 2 if self.cuts else 0
            try:
                for part in (block[:middle], block[middle:]):
                    while part:
                        part = part[os.write(pipe, part):]
                    if self.isStopped:
                        return
            except OSError:
                return
            self.sent.append((time.time(), min(start + self.length, len(self.lines))))
            time.sleep(self.pauses[number % len(self.pauses)])

    def listen(self):
        for line in self.process.stdout:
            self.output.append(line)

    def hear(self):
        self.errors = self.process.stderr.read()

    @property
    def acknowledged(self):
        return acknowledged(b"".join(self.output))

    def end(self, how):
        """Sends a signal, and waits; how many lines are known to be taken: after SIGINT and SIGTERM exactly."""
        due = self.due(time.time())
        self.process.send_signal(how)
        self.process.wait(timeout=60)
        self.isStopped = True
        # Before the pipe is closed, whose number the next stream's may have: what is written late would end up there.
        for thread in self.threads:
            thread.join(60)
        self.process.stdin.close()
        code, errors = self.process.returncode, self.errors.decode(errors="replace")
        if how == signal.SIGKILL or code == -how and not self.output:
            # It may have come before the import had begun.
            return due
        if code != 0:
            raise Fault(f"a stream that was stopped by {how.name} ended with {code}: {errors[-600:]}")
        summary = json.loads(self.output[-1])
        said = f"stopped by {how.name}: {summary['lines']} lines taken"
        if summary["stopped"] != how.name or said not in errors:
            raise Fault(f"a stream that was stopped by {how.name} says {summary}: {errors[-600:]}")
        if summary["lines"] < due:
            raise Fault(f"{summary['lines']} lines taken of {due} that had come before {how.name}")
        return summary["lines"]

    def due(self, now):
        """How many lines have come so long ago that they have to be acknowledged."""
        return max((count for when, count in self.sent if now - when > 1 + self.SLACK), default=0)


def acknowledged(output):
    """The largest size that `import --acks` printed, 0 without one."""
    lines = output.decode(errors="replace") if isinstance(output, bytes) else output
    return max((json.loads(line)["size"] for line in lines.splitlines() if line.startswith('{"size"') and line.endswith("}")), default=0)


def is_store(path):
    return os.path.exists(f"{path}/format")


def remove(path):
    shutil.rmtree(path, ignore_errors=True)


def leftovers(kind, store, destination=None):
    """What only an interrupted command of a kind (import, replay, backup) leaves."""
    place = os.path.dirname(store)
    if kind == "import":
        found = [entry for entry in os.listdir(place) if entry.startswith(f"{os.path.basename(store)}.tmp")]
        return found + [entry for folder in (store, f"{store}/log") for entry in os.listdir(folder) if ".tmp" in entry]
    if kind == "backup":
        name = os.path.basename(destination)
        return [entry for entry in os.listdir(os.path.dirname(destination)) if entry.startswith(f"{name}.tmp")]
    found = []
    for view in os.listdir(f"{store}/views"):
        folder = f"{store}/views/{view}"
        current = pathlib.Path(f"{folder}/CURRENT").read_text().strip()
        found += [f"{view}/{entry}" for entry in os.listdir(folder)
                  if ".tmp" in entry or (entry.startswith("g") and entry != current)]
    return found


def no_leftovers(kind, store, destination=None):
    if found := leftovers(kind, store, destination):
        raise Fault(f"a whole {kind} left what an earlier one had left: {', '.join(sorted(found))}")


def lines_of(path):
    return pathlib.Path(path).read_bytes().splitlines(keepends=True)


def main(body):
    """Runs a script: its last line says what was done; a fault ends it with 1."""
    name, started = os.path.basename(sys.argv[0]), time.time()
    try:
        summary = body()
    except (Fault, AssertionError, subprocess.SubprocessError, OSError, ValueError, KeyError) as fault:
        if not isinstance(fault, Fault):
            traceback.print_exc()
        print(f"{name}: FAILED: {fault}")
        sys.exit(1)
    print(f"{name}: {summary} ({time.time() - started:.0f} s)")
