"""How a program to compare with is driven: it loads the file, then answers one request a line on standard input.

Each request is a word and an argument: `query NAME` computes all rows, `write PATH` writes the rows of the last query as CSV
(customer,instant,before,stage,cause; instants in microseconds), others as the program has them. Each answer is a line of JSON.
"""
import json
import re
import resource
import sys
import time
from pathlib import Path


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_bytes():
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def answer(**values):
    print(json.dumps(values), flush=True)


def serve(load, requests):
    """Loads, timed, and says its version; then serves `requests`, functions of one argument by name."""
    begin = time.perf_counter()
    version = load(sys.argv[1])
    answer(seconds=time.perf_counter() - begin, version=version)
    for line in sys.stdin:
        name, _, argument = line.strip().partition(" ")
        begin, used = time.perf_counter(), cpu_seconds()
        values = requests[name](argument) or {}
        answer(seconds=time.perf_counter() - begin, cpu=cpu_seconds() - used, peak=peak_bytes(), **values)
