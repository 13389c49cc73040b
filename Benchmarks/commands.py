"""What else this program does with the same store, each beside what it can be held against."""
import hashlib
import os
import shutil
import statistics
import time

from measure import Peer, best, last_json, run
from report import megabytes, rate, seconds, times

FIXTURES = "fixtures/rules"


def imports(report, shop, duckdb):
    """A durable import beside DuckDB's reader of NDJSON into a table; again, all duplicates. Makes the store."""
    theirs = min(duckdb.ask("read_whole", shop.file)["seconds"] for _ in range(2))
    took = shop.load()
    appended = last_json(took.output)["appended"]
    again = shop.load()
    duplicates = last_json(again.output)["duplicates"]
    if (appended, duplicates) != (shop.count, shop.count):
        raise SystemExit(f"{appended} events appended, {duplicates} duplicates: {shop.count} expected of each")
    ratio = theirs / took.seconds
    report.hold("import beside `read_json`", times(ratio), "", "≥ 0.3 ×", ratio >= 0.3)
    return [["import: durable, hashed, duplicates found", seconds(took.seconds), rate(shop.count, took.seconds),
             f"DuckDB's `read_json` into a table in memory, none of that: {seconds(theirs)}",
             report.beside("import", took.seconds, theirs, "DuckDB's `read_json`")],
            ["import of the same file again, all duplicates", seconds(again.seconds), rate(shop.count, again.seconds), "", ""]]


def reading(report, shop, replay):
    """A replay beside the least that reading takes."""
    folder = shop.store / "log" / "g1"
    with Peer("cursor", folder) as cursor:
        whole = min((cursor.ask("query") for _ in range(3)), key=lambda took: took["seconds"])
        columns = min((cursor.ask("query", "col") for _ in range(3)), key=lambda took: took["seconds"])
        version = cursor.version
    cat = best(3, "sh", "-c", f"cat '{folder}/data.mdb' > /dev/null")
    ratio = replay.seconds / columns["seconds"]
    report.hold("replay of six transitions beside a cursor over the columns", times(ratio), "as long", "≤ 20 ×", ratio <= 20)
    report.table(["reading", "bytes", "time", "a replay of six transitions takes"], [
        [f"LMDB cursor over the columns, {columns['entries']:,} entries", megabytes(columns["bytes"]), seconds(columns["seconds"]), times(ratio)],
        [f"LMDB cursor over all tables, {whole['entries']:,} entries", megabytes(whole["bytes"]), seconds(whole["seconds"]), times(replay.seconds / whole["seconds"])],
        ["`cat` of the log", megabytes(shop.log_bytes), seconds(cat.seconds), times(replay.seconds / cat.seconds)]])
    return version


def derived(report, shop, rounds, duckdb):
    """Commands that fold or read a view, in replays of `retail.yaml`, in turn with them, or rows a second."""
    turns = []
    for _ in range(rounds):
        retail = shop.replay(f"{FIXTURES}/retail.yaml")
        compare = run(shop.binary, "compare", shop.store, "--rules", f"{FIXTURES}/retail.yaml", "--rules", f"{FIXTURES}/retail-v4.yaml", "-q")
        metrics = run(shop.binary, "metrics", shop.store, "--view", "retail", "--period", "month", "-q")
        turns.append((retail, compare, metrics))
    retail, compare, metrics = (min(runs, key=lambda took: took.seconds) for runs in zip(*turns))
    rows = []
    for name, took, bound in (("compare of `retail.yaml` and `retail-v4.yaml`", compare, 1.6), ("metrics, all tables, by month", metrics, 1.5)):
        ratio = took.seconds / retail.seconds
        report.hold(name, f"{ratio:.2f}", "replays", f"≤ {bound}", ratio <= bound)
        rows.append([name, seconds(took.seconds), rate(shop.count, took.seconds), f"one replay: {seconds(retail.seconds)}", f"{ratio:.2f} replays"])
    path = shop.folder / "rows.csv"
    duckdb.ask("query", "running-sums")
    copied = min(duckdb.ask("write", path)["seconds"] for _ in range(2))
    for view, table in (("six-transitions", "transitions"), ("retail", "customers")):
        took = best(2, shop.binary, "export", shop.store, "--view", view, "--table", table, "-o", path, "-q")
        with open(path, "rb") as file:
            count = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")) - 1
        has_peer = table == "transitions"
        rows.append([f"export of {count:,} {table}", seconds(took.seconds), f"{rate(count, took.seconds)} rows",
                     f"DuckDB's `copy` of the same rows, 5 of 8 columns: {seconds(copied)}" if has_peer else "",
                     report.beside("export of transitions", took.seconds, copied, "DuckDB's `copy`") if has_peer else ""])
        report.hold(f"export of {table}", rate(count, took.seconds), "rows", "≥ 3 M/s", count / took.seconds >= 3e6)
    path.unlink()
    return rows


def cold(report, shop, duckdb):
    """`explain` and `show` of a customer with about 100 events, each a process of its own; files are in the page cache."""
    found = duckdb.ask("customer_of", 100)
    rows = []
    for command in ("explain", "show"):
        runs = [run(shop.binary, command, shop.store, found["customer"], "--view", "retail") for _ in range(9)]
        middle = statistics.median(took.seconds for took in runs)
        report.hold(f"{command}, cold", f"{middle * 1000:.1f}", "ms", "≤ 20 ms", middle <= 0.020)
        rows.append([f"{command}, cold process, customer with {found['events']} events", f"{middle * 1000:.1f} ms", "",
                     "median of nine", f"{statistics.median(took.cpu for took in runs) * 1000:.1f} ms of CPU"])
    return rows


def verify(report, shop):
    """Verify, all cores, beside SHA-256 (OpenSSL's, by way of Python) of a large buffer on one, in turn."""
    took, hashing = [], []
    buffer = bytes([7]) * (64 << 20)
    for _ in range(3):
        started = time.perf_counter()
        hashlib.sha256(buffer).digest()
        hashing.append(len(buffer) / 1e6 / (time.perf_counter() - started))
        took.append(run(shop.binary, "verify", shop.store, "-q").seconds)
    speed, hashed = shop.log_bytes / min(took) / 1e6, max(hashing)
    report.hold("verify beside SHA-256 on one core", f"{speed / hashed:.2f}", "× its bytes a second", "≥ 0.4 ×", speed / hashed >= 0.4)
    return [["verify", seconds(min(took)), f"{speed:,.0f} MB/s", f"SHA-256 of a large buffer, one core: {hashed:,.0f} MB/s", f"{speed / hashed:.2f} ×"]]


def trust(report, shop, store_benchmark):
    """Opening, imports beside replays, backup, durable appends."""
    half = shop.folder / "half"
    first, second = shop.folder / "first.ndjson", shop.folder / "second.ndjson"
    lines = shop.count // 2
    run("sh", "-c", f"head -n {lines} '{shop.file}' > '{first}' && tail -n +{lines + 1} '{shop.file}' > '{second}'")
    run(shop.binary, "import", half, first, "-q")
    alone = run(shop.binary, "import", half, second, "-q")
    shutil.rmtree(half)
    run(shop.binary, "import", half, first, "-q")
    # Replays without a pause until the import ends; the shell waits for it, so that its end is not missed.
    script = f"""'{shop.binary}' import '{half}' '{second}' -q & import=$!; replays=0
        while kill -0 $import 2>/dev/null; do '{shop.binary}' replay '{half}' --rebuild --rules {FIXTURES}/retail.yaml -q >/dev/null 2>&1 || exit 1; replays=$((replays+1)); done
        wait $import && echo $replays"""
    beside = run("bash", "-c", script)
    size = os.path.getsize(half / "log" / "g1" / "data.mdb")
    first.unlink(), second.unlink(), shutil.rmtree(half)
    backup = run(shop.binary, "backup", shop.store, shop.folder / "copy", "-q")
    shutil.rmtree(shop.folder / "copy")
    status = best(5, shop.binary, "status", shop.store)
    appends, ratio = run(store_benchmark, "append", shop.folder / "appends").output.strip().splitlines()
    what, _, rates = appends.partition(": ")
    report.table(["what", "figure"], [
        ["`status`, all tree pages checked", seconds(status.seconds)],
        [f"import of the second half alone, {shop.count - lines:,} events", seconds(alone.seconds)],
        [f"the same beside {beside.output.split()[-1]} replays without a pause", seconds(beside.seconds)],
        ["size of the log after it", megabytes(size)],
        ["backup, verified", f"{seconds(backup.seconds)} for {megabytes(shop.log_bytes)}"],
        [what, f"{rates}: {ratio.removeprefix('ratio ')} ×"]])
