"""Feeds mutated input to the importers, to the loader of rules and to CEL. Nothing may die by a signal or hang; of an import
every line is accounted for (appended, duplicate or rejected), what was rejected is in the rejects file, and the store
verifies; `eval` answers each line.

usage: fuzz.py --binary PATH [--events N] [--csv N] [--segment N] [--eval N] [--rules N] [--dir DIR] [--seed S] [--small]

Numbers are of inputs: lines of NDJSON, lines of CSV, expressions, rules files.
"""
import concurrent.futures
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

from common import ENVIRONMENT, Fault, ended_well, main, options_parser, remove

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOKENS = [
    b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\\u0000", b"\\ud800", b"\\udc00", b"\xff", b"\xc0\x80", b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80", b"\x00", b"\r", b"\t", b"\xef\xbb\xbf", b"1e999", b"-0", b"0.1e-7", b"99999999999999999999", b"null",
    b"true", b'"id":"x"', b'"data":{}', b'"time":"2024-02-30T00:00:00Z"', b"[" * 70, b'{"a":' * 70, b"A" * 300, b" ", b"''",
    b'""', b";", b"|", b"2024-01-01", b"2024-12-31T23:59:60Z", b"9999-12-31T23:59:59.999999999Z", b"0001-01-01T00:00:00Z",
]
RULE_TOKENS = [
    b"365d", b"within", b"count", b"sum", b"where", b"expr", b"any", b"from", b"to", b"when", b"since(", b"days(", b"in_stage()",
    b"&&", b"||", b"!", b"?", b":", b"%", b"/", b"&a", b"*a", b"<<: ", b"- ", b"{", b"}", b"[", b"]", b"'", b'"', b"#", b"|", b">",
    b"\n", b"  ", b"money(\"1.00\")", b"now", b"0", b"-1", b"9223372036854775807", b"1e400", b"null", b"~", b"!!int 3", b"\t",
    b"\xff", b"\x00", b"stage.name", b"((((((((((", b"timestamp('2024-01-01T00:00:00Z')", b"duration('1ns')", b"has(", b".all(x, ",
]


def mutated(text, tokens, others, chance):
    line = bytearray(text)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        at = chance.randrange(len(line) + 1)
        kind = chance.randrange(7)
        if kind == 0:
            line[at:at + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            line[at:at] = chance.choice(tokens)
        elif kind == 2:
            del line[at:at + chance.randrange(1, 12)]
        elif kind == 3 and line:
            line[at - 1 if at else 0] ^= 1 << chance.randrange(8)
        elif kind == 4:
            other = chance.choice(others)
            start = chance.randrange(len(other) + 1)
            line[at:at + chance.randrange(20)] = other[start:start + chance.randrange(1, 40)]
        elif kind == 5:
            start = chance.randrange(len(line) + 1)
            line[at:at] = line[start:start + chance.randrange(1, 20)]
        else:
            line[at:at + 1] = chance.choice(tokens)
    return bytes(line)


def start(options, *arguments, timeout=300, **streams):
    try:
        done = subprocess.run([options.binary, *arguments], capture_output=True, timeout=timeout, env=ENVIRONMENT, **streams)
    except subprocess.TimeoutExpired:
        raise Fault(f"{' '.join(arguments)} hangs") from None
    return done


def keep(options, path, fault):
    """The input that did it stays in place of what goes."""
    target = f"{tempfile.gettempdir()}/fuzz-{os.path.basename(path)}"
    pathlib.Path(target).write_bytes(pathlib.Path(path).read_bytes())
    raise Fault(f"{fault}; its input is in {target}")


def imported(options, number, count, kind, corpus, place):
    """One file of mutated lines."""
    chance = random.Random(f"{options.seed} {kind} {number}")
    path, store = f"{place}/{kind}-{number}", f"{place}/{kind}-{number}-store"
    extra = ["--csv", "subject=customer,time=date,type:=purchase,data.amount=price,data.note=note"] if kind == "csv" else []
    if kind == "segment":
        extra = ["--input", "segment"]
    header = b"customer,date,price,note\n" if kind == "csv" else b""
    with open(path, "wb") as file:
        file.write(header)
        for _ in range(count):
            line = chance.choice(corpus)
            file.write(line if chance.random() < 0.15 else mutated(line, TOKENS, corpus, chance))
            file.write(chance.choice((b"\n", b"\n", b"\n", b"\r\n")))
    arguments = ["import", store, path, *extra, "--rejects", f"{path}.rejects", "--format", "json", "-q"]
    done = start(options, *arguments)
    try:
        ended_well(arguments, done.returncode, done.stderr.decode(errors="replace"))
        if done.returncode == 2:
            if kind == "csv":
                return 0
            raise Fault(f"import ended with 2: {done.stderr[-300:]}")
        report = json.loads(done.stdout.splitlines()[-1])
        rejects = sum(1 for _ in open(f"{path}.rejects", "rb")) if os.path.exists(f"{path}.rejects") else 0
        if rejects != report["rejected"]:
            raise Fault(f"{report['rejected']} rejected, {rejects} in the file")
        if kind != "csv":
            content = pathlib.Path(path).read_bytes().removeprefix(b"\xef\xbb\xbf")
            lines = sum(1 for line in content.split(b"\n") if line.removesuffix(b"\r").strip(b" \t"))
            taken = report["appended"] + report["duplicates"] + report["rejected"]
            if taken != lines:
                raise Fault(f"{lines} lines, {taken} accounted for")
        verify = ["verify", store, "--format", "json"]
        done = start(options, *verify)
        ended_well(verify, done.returncode, done.stderr.decode(errors="replace"), (0,))
        replay = ["replay", store, "--rebuild", "--rules", str(ROOT / "fixtures/rules/retail.yaml"), "-q"]
        done = start(options, *replay)
        ended_well(replay, done.returncode, done.stderr.decode(errors="replace"), (0, 1))
    except (Fault, ValueError) as fault:
        keep(options, path, fault)
    remove(store)
    for name in (path, f"{path}.rejects"):
        if os.path.exists(name):
            os.remove(name)
    return report["appended"]


def evaluated(options, number, count, corpus, place):
    chance = random.Random(f"{options.seed} eval {number}")
    path = f"{place}/eval-{number}"
    with open(path, "wb") as file:
        for _ in range(count):
            line = chance.choice(corpus)
            question = json.loads(line)
            question["expr"] = mutated(
                question["expr"].encode(), RULE_TOKENS, corpus, chance).decode(errors="replace").replace("\ufffd", "?")
            question.pop("result", None)
            file.write(json.dumps(question).encode() + b"\n")
    with open(path, "rb") as file:
        done = start(options, "eval", stdin=file)
    try:
        ended_well(["eval"], done.returncode, done.stderr.decode(errors="replace"))
        answers = done.stdout.count(b"\n")
        if answers != count:
            raise Fault(f"{count} questions, {answers} answers")
    except Fault as fault:
        keep(options, path, fault)
    os.remove(path)
    return count


def loaded(options, number, count, corpus, place):
    chance = random.Random(f"{options.seed} rules {number}")
    passed = 0
    for turn in range(count):
        path = f"{place}/rules-{number}-{turn}.yaml"
        pathlib.Path(path).write_bytes(mutated(chance.choice(corpus), RULE_TOKENS, corpus, chance))
        arguments = ["check", path]
        try:
            done = start(options, *arguments, timeout=30)
            ended_well(arguments, done.returncode, done.stderr.decode(errors="replace"))
        except Fault as fault:
            keep(options, path, fault)
        passed += done.returncode == 0
        os.remove(path)
    return passed


def body():
    parser = options_parser(__doc__)
    parser.add_argument("--events", type=int, default=8_000_000)
    parser.add_argument("--csv", type=int, default=1_500_000)
    parser.add_argument("--segment", type=int, default=1_000_000)
    parser.add_argument("--eval", type=int, default=1_000_000)
    parser.add_argument("--rules", type=int, default=20_000)
    parser.add_argument("--dir", default="/dev/shm" if os.path.isdir("/dev/shm") else None)
    options = parser.parse_args()
    if options.small:
        options.events, options.csv, options.segment, options.eval, options.rules = 40_000, 20_000, 10_000, 10_000, 100
    print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory(dir=options.dir) as place:
        shop = f"{place}/shop"
        subprocess.run([options.binary, "generate", "--events", "4000", "--seed", "1", "-q", "-o", shop], check=True)
        events = pathlib.Path(shop).read_bytes().splitlines()
        for file in sorted((ROOT / "fixtures/malformed").glob("*.ndjson")):
            events += file.read_bytes().splitlines() * 20
        calls = (ROOT / "fixtures/segment/shop.ndjson").read_bytes().splitlines()
        calls = [line.replace(b'"messageId":"', b'"messageId":"%d-' % n) for n in range(200) for line in calls]
        rows = [
            f'C-{n % 400},2024-{n % 12 + 1:02}-{n % 28 + 1:02},{n % 90}.{n % 100:02},"a ""quoted"", note {n}"'.encode()
            for n in range(3000)
        ]
        rules = [file.read_bytes() for file in sorted((ROOT / "fixtures/rules").glob("*.yaml"))]
        rules += [file.read_bytes() for file in sorted((ROOT / "fixtures/cases").glob("*.rules.yaml"))]
        questions = []
        for file in sorted((ROOT / "fixtures/vectors").glob("*.jsonl")):
            questions += [line for line in file.read_bytes().splitlines() if b'"expr"' in line]
        assert events and rules and questions
        jobs = []
        for kind, total, step, work in (
            ("ndjson", options.events, 50_000, lambda n, c: imported(options, n, c, "ndjson", events, place)),
            ("csv", options.csv, 50_000, lambda n, c: imported(options, n, c, "csv", rows, place)),
            ("segment", options.segment, 50_000, lambda n, c: imported(options, n, c, "segment", calls, place)),
            ("eval", options.eval, 50_000, lambda n, c: evaluated(options, n, c, questions, place)),
            ("rules", options.rules, 250, lambda n, c: loaded(options, n, c, rules, place)),
        ):
            for number, first in enumerate(range(0, total, step)):
                jobs.append((kind, work, number, min(step, total - first)))
        taken = dict.fromkeys(("ndjson", "csv", "segment", "eval", "rules"), 0)
        with concurrent.futures.ProcessPoolExecutor(2, initializer=share, initargs=(jobs,)) as pool:
            for kind, count in pool.map(run, range(len(jobs))):
                taken[kind] += count
    total = options.events + options.csv + options.segment + options.eval + options.rules
    return (f"{total} inputs: {options.events} lines of NDJSON ({taken['ndjson']} taken), {options.csv} of CSV "
            f"({taken['csv']} taken), {options.segment} calls of Segment ({taken['segment']} taken), {options.eval} expressions, {options.rules} rules files ({taken['rules']} right); "
            "no signal, no hang, every line accounted for")


# Jobs reach the workers by fork, since they hold the corpora.
JOBS = []


def share(jobs):
    JOBS.extend(jobs)


def run(number):
    kind, work, part, count = JOBS[number]
    return kind, work(part, count)


if __name__ == "__main__":
    main(body)
