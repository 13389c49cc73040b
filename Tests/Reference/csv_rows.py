"""Holds the rows that `import --csv` takes and rejects against a model of the rules in docs/import.md, against Python's csv module and,
where it is installed, against DuckDB's reader, on made-up and mutated files.

usage: csv_rows.py --binary PATH [--files N] [--rows N] [--seed S] [--small]

Of each file: what is rejected (line, reason, text), and that the events which the model makes of the other rows, derived ids
included, are all in the store and nothing else is. Where Python's csv finds no fault in a file, its rows are those of the model.
Where one row of a file is spoilt, all others are taken.
"""
import argparse
import csv
import hashlib
import io
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

try:
    import duckdb
except ImportError:
    duckdb = None

HEADER = ["key", "a", "b", "c"]
MAPPING = "subject=key,time:=2024-01-15,type:=t,data.a=a,data.b.x=b"
LIMIT = 1 << 20
DELIMITERS = {",": ",", ";": ";", "|": "|", "tab": "\t"}


def rows(data, delimiter):
    """(line, lines, text, cells or None with a reason) of each row, blank lines left out."""
    sign = re.escape(delimiter.encode())
    plain = re.compile(rb"[^\n" + sign + rb"]*")
    quoted = re.compile(rb'"((?:[^"]|"")*)"(?=' + sign + rb"|\r?\n|\r?\Z)")
    place, line = 0, 1
    while place < len(data):
        start, cells, at, reason = place, [], place, None
        while True:
            if data[at:at + 1] == b'"':
                found = quoted.match(data, at)
                if found is None or found.end() - start > LIMIT:
                    closing = re.compile(rb'"(?:[^"]|"")*"(?!")').match(data, at)
                    reason = "text-behind-quote" if closing and closing.end() - start <= LIMIT else "open-quote"
                    end = data.find(b"\n", at)
                    at = len(data) if end < 0 else end
                    break
                cells.append(found.group(1).replace(b'""', b'"'))
            else:
                found = plain.match(data, at)
                cells.append(found.group())
            at = found.end()
            if data[at:at + 1] != delimiter.encode():
                break
            at += 1
        text = data[start:at]
        if data[at:at + 1] == b"\r":
            at += 1
        elif text.endswith(b"\r"):
            text = text[:-1]
            if reason is None and cells[-1].endswith(b"\r"):
                cells[-1] = cells[-1][:-1]
        place = at + 1
        lines = text.count(b"\n") + 1
        if text.strip(b" \t"):
            yield line, lines, text, cells, reason
        line += lines


def expected(data, delimiter):
    """What is rejected, and the events of the other rows."""
    rejected, events, seen = [], [], {}
    header = None
    for line, _, text, cells, reason in rows(data, delimiter):
        if header is None:
            header = cells
            continue
        width = len(header)
        if reason is None and (len(cells) < width or any(cells[width:])):
            reason = "cell-count"
        cells = cells[:width]
        if reason is None and not cells[0]:
            reason = "missing-subject"
        if reason is None and len(cells[0]) > 255:
            reason = "long-subject"
        if reason is not None:
            rejected.append((line, reason, text.decode()))
            continue
        content = b"".join(struct.pack("<I", len(cell)) + cell for cell in cells + [b"t"])
        number = seen.get(content, 0)
        seen[content] = number + 1
        event = {"specversion": "1.0", "id": hashlib.sha256(content + struct.pack("<I", number)).hexdigest()[:32],
                 "source": "csv", "type": "t", "subject": cells[0].decode(), "time": "2024-01-15T00:00:00.000000Z"}
        payload = {}
        if cells[1]:
            payload["a"] = cells[1].decode()
        if cells[2]:
            payload["b"] = {"x": cells[2].decode()}
        if payload:
            event["data"] = payload
        events.append(event)
    return rejected, events


class Difference(Exception):
    pass


def imported(options, place, *arguments):
    command = [options.binary, "import", f"{place}/store", *arguments, "--rejects", f"{place}/rejects", "--format", "json", "-q"]
    done = subprocess.run(command, capture_output=True, timeout=120)
    if done.returncode not in (0, 1):
        raise Difference(f"ended with {done.returncode}: {done.stderr.decode(errors='replace')[:400]}")
    return json.loads(done.stdout)


def check(options, data, name, place):
    """One file through program and model; gives (rows taken, rows rejected)."""
    for leftover in ("rejects", "file.csv", "events"):
        if os.path.exists(f"{place}/{leftover}"):
            os.remove(f"{place}/{leftover}")
    subprocess.run(["rm", "-rf", f"{place}/store"], check=True)
    with open(f"{place}/file.csv", "wb") as file:
        file.write(data)
    report = imported(options, place, f"{place}/file.csv", "--csv", MAPPING, "--delimiter", name)
    rejected, events = expected(data, DELIMITERS[name])
    found = []
    if os.path.exists(f"{place}/rejects"):
        with open(f"{place}/rejects", encoding="utf-8") as file:
            found = [(entry["line"], entry["code"], entry["text"]) for entry in map(json.loads, file)]
    if found != rejected:
        other = [pair for pair in zip(found + [None] * len(rejected), rejected + [None] * len(found)) if pair[0] != pair[1]]
        raise Difference(f"rejected {len(found)}, not {len(rejected)}: {other[0][0]} where the model has {other[0][1]}")
    if report["appended"] != len(events):
        raise Difference(f"{report['appended']} events, not {len(events)}")
    with open(f"{place}/events", "w", encoding="utf-8") as file:
        for event in events:
            file.write(json.dumps(event, ensure_ascii=False) + "\n")
    again = imported(options, place, f"{place}/events")
    if again["duplicates"] != len(events) or again["appended"] or again["rejected"]:
        raise Difference(f"the events of the model are others: {again}")
    return len(events), len(rejected)


def cell(chance, delimiter, strays):
    """A cell; with strays it may hold quotes without being quoted, which RFC 4180 does not know."""
    kind = chance.randrange(12)
    text = "".join(chance.choice("abcxyzäß 0123") for _ in range(chance.randrange(8)))
    if kind == 0:
        text += chance.choice(['"', '5" pipe', delimiter, "\n", "\r\n", '""', f'"{delimiter}"', "two\nlines"])
    if text.startswith('"') or any(sign in text for sign in (delimiter, "\n", "\r")) or kind == 1 or ('"' in text and not strays):
        return '"' + text.replace('"', '""') + '"'
    return text


def made(chance, delimiter, count, strays):
    """A well-formed file, as its rows."""
    end = chance.choice(("\n", "\r\n"))
    lines = [delimiter.join(HEADER) + end]
    for number in range(count):
        lines.append(delimiter.join([f"K{number}"] + [cell(chance, delimiter, strays) for _ in HEADER[1:]]) + end)
    return [line.encode() for line in lines]


def mutated(chance, lines, delimiter):
    data = bytearray(b"".join(lines[1:]))
    tokens = [b'"', b'"', b'""', b'"""', delimiter.encode(), delimiter.encode() + b'"', b'"' + delimiter.encode(), b"\n", b"\r\n",
              b'"\n', b'\n"', b"x", b" ", b"\n\n", b'"x', delimiter.encode() * 3 + b"\n"]
    for _ in range(chance.randrange(1, max(2, len(lines) // 4))):
        at = chance.randrange(len(data) + 1)
        while at < len(data) and data[at] & 0xc0 == 0x80:
            at += 1
        if chance.random() < 0.25:
            if at < len(data) and data[at] < 0x80:
                del data[at]
        else:
            data[at:at] = chance.choice(tokens)
    if chance.random() < 0.3:
        data = data.rstrip(b"\r\n")
    return lines[0] + bytes(data)


def spoilt(chance, count, delimiter):
    """A file of one line a row in which one row is bad, and which others are good."""
    lines = [delimiter.join(HEADER).encode()] + [delimiter.join((f"K{n}", "1.50", "x", f'{n}" pipe')).encode() for n in range(count)]
    bad = chance.randrange(1, count + 1)
    cells = lines[bad].decode().split(delimiter)
    at = chance.randrange(len(cells))
    cells[at] = chance.choice(('"' + cells[at], '"a"b', f"1{delimiter}234.50", '"', '"""'))
    lines[bad] = delimiter.join(cells).encode()
    return b"\n".join(lines) + b"\n", bad + 1


def python_rows(data, delimiter):
    """What Python's csv reads; None where it finds a fault."""
    try:
        return [row for row in csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter, strict=True) if row]
    except csv.Error:
        return None


def duck_rows(path, delimiter):
    names = ", ".join(f"'{name}': 'VARCHAR'" for name in HEADER)
    query = (f"SELECT * FROM read_csv('{path}', auto_detect=false, header=true, columns={{{names}}}, delim='{delimiter}', quote='\"', "
             "escape='\"', parallel=false, strict_mode=true)")
    return [[value or "" for value in row] for row in duckdb.sql(query).fetchall()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, type=os.path.abspath)
    parser.add_argument("--files", type=int, default=1500)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="less than 20 s")
    options = parser.parse_args()
    if options.small:
        options.files, options.rows = 12, 150
    print(f"seed {options.seed}")
    taken = rejected = alike = duck = 0
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as place:
        for number in range(options.files):
            chance = random.Random(f"{options.seed} {number}")
            name = chance.choice(list(DELIMITERS))
            delimiter = DELIMITERS[name]
            lines = made(chance, delimiter, options.rows, strays=number % 8 != 0)
            bad = None
            if number % 4 == 0:
                data = b"".join(lines)
            elif number % 4 == 1:
                data, bad = spoilt(chance, options.rows, delimiter)
            else:
                data = mutated(chance, lines, delimiter)
            try:
                counts = check(options, data, name, place)
                if bad is not None:
                    wrong = [entry for entry in expected(data, delimiter)[0] if entry[0] != bad]
                    if wrong or counts[0] < options.rows - 1:
                        raise Difference(f"line {bad} is spoilt, and {options.rows - counts[0]} rows are missing: {wrong[:1]}")
                model = [[c.decode() for c in row[3]] for row in rows(data, delimiter) if row[4] is None]
                if number % 4 == 0:
                    if python_rows(data, delimiter) != model:
                        raise Difference("Python's csv reads other rows")
                    if counts[1]:
                        raise Difference(f"{counts[1]} rows of a well-formed file are rejected")
                    if duckdb and number % 8 == 0 and duck_rows(f"{place}/file.csv", delimiter) != model[1:]:
                        raise Difference("DuckDB reads other rows")
                    duck += duckdb is not None and number % 8 == 0
                elif not any(row[4] for row in rows(data, delimiter)) and b"\r" not in data.replace(b"\r\n", b""):
                    other = python_rows(data, delimiter)
                    if other is not None:
                        if [row for row in other if any(c.strip(" \t") for c in row) or len(row) > 1 and delimiter != "\t"] != model:
                            raise Difference("Python's csv reads other rows of a mutated file")
                        alike += 1
            except Difference as difference:
                kept = f"{tempfile.gettempdir()}/csv-rows-{number}.csv"
                with open(kept, "wb") as file:
                    file.write(data)
                print(f"csv_rows.py: FAILED: file {number}, delimiter {name}, in {kept}: {difference}")
                sys.exit(1)
            taken, rejected = taken + counts[0], rejected + counts[1]
    beside = f"{duck} also by DuckDB" if duckdb else "DuckDB is not installed"
    print(f"csv_rows.py: {options.files} files, {taken} rows taken, {rejected} rejected as the model says; {(options.files + 3) // 4} "
          f"well-formed ones and {alike} mutated ones as Python's csv reads them; {beside}")


if __name__ == "__main__":
    main()
