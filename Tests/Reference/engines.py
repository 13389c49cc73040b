#!/usr/bin/env python3
"""Folds random logs by both engines of the program, which compares them customer by customer.

usage: engines.py --binary PATH --seeds A..B --kind micro|days|both [-j 2] [--crowd N] [--keep DIR]

Rules are those of the reference campaign; the log has the events of many made-up worlds under them, so that a seed takes
milliseconds and not the seconds of the reference model. The tree evaluator, which the campaign holds against that model,
is the oracle here. Each seed is one line: `same`, `refused`, or what differs; exit status 1 if any differs. The files of a
seed that is not the same stay in DIR.
"""
import argparse
import json
import multiprocessing
import pathlib
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True

from expressions import print_time
from generate import Generator


def renamed(subject, world):
    """Behind the name, so that what rules ask of its beginning stays true."""
    return f"{subject}~{world}"


def write(seed, kind, folder, crowd):
    generator = Generator(seed, kind)
    body, moments = generator.rules(), []
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.yaml").write_text("\n".join(body) + "\n", encoding="utf-8")
    with open(folder / "events.ndjson", "w", encoding="utf-8") as file:
        for world in range(crowd):
            for event in generator.events():
                moment = event.pop("moment")
                moments.append(moment)
                event["id"], event["subject"] = f"{world}/{event['id']}", renamed(event["subject"], world)
                if "anonymous_id" in event.get("data", {}):
                    event["data"]["anonymous_id"] = renamed(event["data"]["anonymous_id"], world)
                event["time"] = generator.time_text(moment)
                file.write(json.dumps(event, ensure_ascii=False) + "\n")
    span = max(moments) - min(moments)
    as_of = min(moments) + int(span * generator.random.choice([0.5, 0.8, 1, 1, 1.2, 2])) + generator.random.choice([0, 0, 1, -1])
    (folder / "as_of").write_text(print_time(as_of) + "\n")


def one(task):
    binary, seed, kind, keep, crowd = task
    folder = keep / f"engines-{kind}-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    write(seed, kind, folder, crowd)
    store, rules = str(folder / "store"), str(folder / "rules.yaml")
    at = (folder / "as_of").read_text().strip()
    run = lambda *arguments: subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=600)
    done = run("import", store, str(folder / "events.ndjson"), "-q")
    if done.returncode > 1:
        return f"{kind} {seed}: import ended with {done.returncode}: {done.stderr[-300:]}", False, 0
    if run("check", rules, "-q").returncode != 0:
        shutil.rmtree(folder)
        return f"{kind} {seed}: refused", True, 0
    done = run("replay", store, "--rules", rules, "--as-of", at, "--format", "json", "-q", "--fold-engine", "both")
    if done.returncode > 1 or not done.stdout.strip():
        return f"{kind} {seed}: replay ended with {done.returncode}: {done.stderr[-600:].strip()}", False, 0
    customers = json.loads(done.stdout.splitlines()[-1])["customers"]
    shutil.rmtree(folder)
    return f"{kind} {seed}: same", True, customers


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--seeds", default="1..100")
    parser.add_argument("--kind", choices=("micro", "days", "both"), default="both")
    parser.add_argument("-j", type=int, default=2)
    parser.add_argument("--crowd", type=int, default=200, help="made-up worlds of a few customers each")
    parser.add_argument("--keep", type=pathlib.Path, default=pathlib.Path("/tmp/clm-engines"))
    arguments = parser.parse_args()
    first, last = (int(part) for part in arguments.seeds.split(".."))
    kinds = ("days", "micro") if arguments.kind == "both" else (arguments.kind,)
    tasks = [(arguments.binary, seed, kind, arguments.keep, arguments.crowd) for kind in kinds for seed in range(first, last + 1)]
    failed = customers = refused = 0
    with multiprocessing.Pool(arguments.j) as pool:
        for line, is_same, count in pool.imap(one, tasks):
            customers, refused = customers + count, refused + line.endswith("refused")
            if not is_same:
                failed += 1
                print(line, flush=True)
    print(f"engines: {len(tasks) - failed - refused} seeds the same, {customers} customers, {refused} refused, {failed} differ")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
