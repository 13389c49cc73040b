"""Runs programs and says what they took: seconds, CPU, memory, instructions."""
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass
class Took:
    """What one run took; `output` and `messages` are its streams. Bytes of resident memory are known of watched runs only."""
    seconds: float
    cpu: float
    output: str
    messages: str
    peak: int = 0
    anonymous: int = 0
    mapped: int = 0


def run(*command, watching=False):
    """Runs a command to its end, which has to be a good one; `watching` also looks at its memory every 5 ms, which costs time."""
    command = [str(part) for part in command]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err)
        memory = watch(process.pid) if watching else ()
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        took = Took(seconds, used.ru_utime + used.ru_stime, out.read().decode(), err.read().decode(), *memory)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}\n{took.messages}")
    return took


def watch(pid):
    """Resident memory in bytes: the peak, and at the fullest look the process's own and that of mapped files (log and view).

    Not `ru_maxrss`, in which the memory of whoever started the process counts.
    """
    peak, fullest = 0, (0, 0)
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        status = Path(f"/proc/{pid}/status").read_text()
        found = {name: int(kilobytes) * 1024 for name, kilobytes in re.findall(r"(Vm\w+|Rss\w+):\s+(\d+) kB", status)}
        peak = max(peak, found.get("VmHWM", 0))
        fullest = max(fullest, (found.get("RssAnon", 0), found.get("RssFile", 0)), key=sum)
        time.sleep(0.005)
    return (peak, *fullest)


def best(rounds, *command, **options):
    """The fastest of some runs, each a process of its own."""
    return min((run(*command, **options) for _ in range(rounds)), key=lambda took: took.seconds)


def last_json(output):
    """The summary that `--format json` prints as the last line."""
    return json.loads(output.strip().splitlines()[-1])


class Peer:
    """A program to compare with (Benchmarks/peers), loaded once; it idles between requests."""

    def __init__(self, name, path):
        script = HERE / "peers" / f"with_{name}.py"
        self.process = subprocess.Popen(
            [sys.executable, str(script), str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        loaded = self.receive()
        self.load_seconds, self.version = loaded["seconds"], loaded["version"]

    def receive(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{' '.join(self.process.args)} ended with {self.process.wait()}")
        return json.loads(line)

    def ask(self, request, argument=""):
        self.process.stdin.write(f"{request} {argument}".strip() + "\n")
        self.process.stdin.flush()
        return self.receive()

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def counted(command, folder):
    """Instructions of a run by callgrind: (all but SHA-256's blocks, SHA-256's blocks).

    Valgrind knows no SHA instructions, so SHA-256 runs by its AVX code there, which takes about ten times the instructions.
    """
    out = Path(folder) / "callgrind.out"
    run("valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "-q", *command)
    text = out.read_text(errors="replace")
    out.unlink()
    total, hashing = int(re.search(r"^summary: (\d+)", text, re.M)[1]), 0
    name, names, is_call = "", {}, False
    for line in text.splitlines():
        if line.startswith("fn="):
            number, _, text = line[3:].partition(" ")
            name = names.setdefault(number, text)
        elif line.startswith("cfn="):
            number, _, text = line[4:].partition(" ")
            if text:
                names[number] = text
        elif line.startswith("calls="):
            is_call = True
        elif line and (line[0].isdigit() or line[0] in "+-*"):
            # The line after `calls=` is what the callee took, which its own lines say too.
            if not is_call and "sha256_block" in name:
                hashing += int(line.split()[1])
            is_call = False
    return total - hashing, hashing
