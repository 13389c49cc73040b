#!/usr/bin/env python3
"""Holds the database that `export -o FILE.sqlite` writes against the CSV of the same tables, through SQLite, DuckDB, pandas and
Datasette, and makes Parquet of both with the lines of docs/export.md. Holds `stage_days` against a loop over the transitions.

usage: tables.py --binary PATH [--events FILE.ndjson[.gz]] [--rules FILE] [--zone ZONE]

Needs duckdb with its SQLite extension (duckdb-ext-sqlite), pandas and datasette. Exit status 1 if a row differs.
"""
import argparse
import csv
import datetime
import glob
import gzip
import io
import json
import pathlib
import re
import shlex
import sqlite3
import subprocess
import sys
import tempfile
import urllib.parse
import zoneinfo

import duckdb
import pandas

TABLES = ["customers", "transitions", "segments", "stage_days", "rfm"]
ORDERS = {"customers": "customer", "transitions": "customer, step", "segments": "customer, step", "stage_days": "customer, date",
          "rfm": "customer"}
METRICS = ["stages", "flow", "lifecycle", "cohorts", "nps", "nps_latest", "channels", "referrals", "intervals", "cohort_intervals", "overdue", "rates"]
ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--events", default="fixtures/shop.ndjson.gz")
    parser.add_argument("--rules", default="fixtures/rules/retail.yaml")
    parser.add_argument("--zone", default="Europe/Berlin")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        return Check(options, pathlib.Path(place)).run()


class Check:
    def __init__(self, options, place):
        self.binary, self.place, self.zone, self.bad = options.binary, place, options.zone, 0
        source = pathlib.Path(options.events)
        (place / "log.ndjson").write_text((gzip.open(source, "rt") if source.suffix == ".gz" else open(source)).read())
        text = pathlib.Path(options.rules).read_text().replace("\ntests:", f"\ntimezone: {options.zone}\ntests:")
        (place / "rules.yaml").write_text(text)
        self.store = str(place / "store")
        self.program("import", self.store, str(place / "log.ndjson"))
        self.program("replay", self.store, "--rules", str(place / "rules.yaml"))

    def program(self, *arguments):
        done = subprocess.run([self.binary, *arguments], capture_output=True, text=True)
        if done.returncode not in (0, 1):
            sys.exit(f"{' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def tell(self, what, found, expected):
        same = found == expected
        self.bad += not same
        print(f"{what}: {len(expected)} rows, {'same' if same else 'DIFFERS'}")
        if not same:
            print(f"  {len(found)} rows found")
            for row, want in [pair for pair in zip(found, expected) if pair[0] != pair[1]][:4]:
                print(f"  {row}\n  {want} expected")

    def run(self):
        tables = {name: self.rows("export", self.store, "--table", name, "-o", "-") for name in TABLES}
        for name in METRICS:
            tables[f"metrics_{name}"] = self.rows("metrics", self.store, "--table", name, "--format", "csv")
        path = str(self.place / "view.sqlite")
        self.program("export", self.store, "-o", path)
        self.program("export", self.store, "-o", str(self.place / "again.db"))
        if (self.place / "view.sqlite").read_bytes() != (self.place / "again.db").read_bytes():
            self.bad += 1
            print("two exports of one view DIFFER in their bytes")
        self.database(path)
        for name, (header, rows) in tables.items():
            expected = [tuple(row) for row in rows]
            if name == "stage_days":
                self.tell("stage_days by a loop over transitions", self.days(tables), expected)
            columns = self.named(name, header)
            order = ORDERS.get(name, '"row"')
            query = f"SELECT {', '.join(quoted(column) for column in columns)} FROM {quoted(name)} ORDER BY {order}"
            found = [self.text(name, columns, row) for row in self.sqlite.execute(query).fetchall()]
            self.tell(f"SQLite {name}", found, expected)
            self.duck(path, name, columns, order, expected)
            frame = pandas.read_sql_query(query, self.sqlite, dtype_backend="numpy_nullable")
            found = [self.text(name, columns, row) for row in frame.itertuples(index=False, name=None)]
            self.tell(f"pandas {name}", found, expected)
            if len(expected) <= 1000:
                self.datasette(path, query, name, columns, expected)
        self.examples()
        return 1 if self.bad else 0

    def examples(self):
        """The other lines of docs/export.md give rows."""
        for line in documented("sqlite3 view.sqlite \"", "python3 -c"):
            if line.startswith("sqlite3"):
                rows = self.sqlite.execute(line.split('"', 1)[1].rstrip('"')).fetchall()
            else:
                done = subprocess.run(line.replace("python3", shlex.quote(sys.executable), 1), shell=True, cwd=self.place, capture_output=True, text=True)
                rows = done.stdout.splitlines()
            self.bad += not rows
            print(f"{line[:60]} …: {len(rows)} rows")

    def rows(self, *arguments):
        rows = list(csv.reader(io.StringIO(self.program(*arguments))))
        return rows[0], rows[1:]

    def database(self, path):
        """Sound, strict, and described."""
        self.sqlite = sqlite3.connect(path)
        one = lambda sql: self.sqlite.execute(sql).fetchall()
        problems = [row for row in one("PRAGMA integrity_check") if row != ("ok",)] + one("PRAGMA foreign_key_check")
        problems += [row for row in one("PRAGMA table_list") if row[2] == "table" and not row[1].startswith("sqlite_") and not row[5]]
        self.kinds = {(table, column): kind for table, column, kind in one('SELECT "table", "column", kind FROM columns')}
        described = {(row[0], row[1]) for row in one(
            "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name <> 'row'")}
        problems += sorted(described - set(self.kinds) - {(table, name) for table, name in described if table == "columns"})
        receipt = self.sqlite.execute("SELECT currency_digits, root, output_root, size FROM receipt").fetchone()
        self.digits = receipt[0]
        status = json.loads(self.program("status", self.store, "--format", "json"))
        view = status["views"][0]
        if (status["root"], view["output_root"], status["size"]) != receipt[1:]:
            problems.append(receipt)
        self.bad += bool(problems)
        print(f"integrity, keys, strictness, columns, receipt: {'DIFFERS ' + str(problems[:4]) if problems else 'ok'}")

    def named(self, table, header):
        """The columns of the database for those of CSV: with units at the end of their names."""
        names = {column for owner, column in self.kinds if owner == table} | ({"date", "customer", "stage"} if table == "stage_days" else set())
        return [next(name for name in (column, f"{column}_minor", f"{column}_us") if name in names) for column in header]

    def text(self, table, columns, row):
        """A row as CSV has it."""
        return tuple(self.cell(self.kinds.get((table, column), "text"), value) for column, value in zip(columns, row))

    def cell(self, kind, value):
        if pandas.isna(value):
            return ""
        if kind == "money":
            sign, digits = "-" if value < 0 else "", str(abs(int(value))).rjust(self.digits + 1, "0")
            return f"{sign}{digits[:-self.digits]}.{digits[-self.digits:]}" if self.digits else f"{sign}{digits}"
        if kind == "list":
            return ";".join(json.loads(value))
        if kind == "flag":
            return "true" if value else "false"
        return re.sub(r"e([+-])(\d)$", r"e\g<1>0\2", f"{value:.9g}") if kind == "real" else str(value)

    def duck(self, path, name, columns, order, expected):
        """DuckDB on the database and on CSV; Parquet of both, by the lines of docs/export.md."""
        db = duckdb.connect()
        found = glob.glob(f"{sys.prefix}/lib/python3*/site-packages/duckdb_ext/extensions/*/*/sqlite_scanner.duckdb_extension")
        db.execute(f"LOAD '{found[0]}'")
        listed = ", ".join(quoted(column) for column in columns)
        rows = db.execute(f"SELECT {listed} FROM sqlite_scan('{path}', '{name}') ORDER BY {order}").fetchall()
        self.tell(f"DuckDB {name}", [self.text(name, columns, row) for row in rows], expected)
        if name.startswith("metrics_"):
            return
        (self.place / f"{name}.csv").write_text(self.program("export", self.store, "--table", name, "-o", "-"))
        lines = [line.split('-c "')[1].rstrip('"') for line in documented("duckdb -c")]
        if len(lines) != 2:
            sys.exit("docs/export.md has no two lines that make Parquet")
        for line in lines:
            there = line.replace("customers", name).replace(f"'{name}.", f"'{self.place}/{name}.").replace("'view.sqlite'", f"'{path}'")
            db.execute(there)
            target = f"'{self.place}/{name}.parquet'"
            if "sqlite_scan" in line:
                rows = db.execute(f"SELECT {listed} FROM {target} ORDER BY {order}").fetchall()
                found = [self.text(name, columns, row) for row in rows]
            else:
                rows = db.execute(f"SELECT * FROM {target}").fetchall()
                found = [tuple("" if value is None else value for value in row) for row in rows]
            self.tell(f"Parquet {name}, of {'SQLite' if 'sqlite_scan' in line else 'CSV'}", found, expected)

    def datasette(self, path, query, name, columns, expected):
        address = f"/view.json?_shape=arrays&sql={urllib.parse.quote(query)}"
        done = subprocess.run([f"{sys.prefix}/bin/datasette", path, "--get", address], capture_output=True, text=True)
        rows = json.loads(done.stdout)["rows"]
        self.tell(f"Datasette {name}", [self.text(name, columns, row) for row in rows], expected)

    def days(self, tables):
        zone = zoneinfo.ZoneInfo(self.zone)
        day = lambda text: datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(zone).date()
        as_of = json.loads(self.program("metrics", self.store, "--format", "json"))["as_of"]
        moves, parked, out = {}, {}, []
        header, rows = tables["customers"]
        for row in rows:
            parked[row[0]] = row[header.index("parked_at")]
        header, rows = tables["transitions"]
        for row in rows:
            moves.setdefault(row[0], []).append((day(row[1]), row[3]))
        for customer, steps in moves.items():
            date = steps[0][0]
            last = day(parked[customer]) - datetime.timedelta(1) if parked[customer] else day(as_of)
            while date <= last:
                out.append((date.isoformat(), customer, [stage for at, stage in steps if at <= date][-1]))
                date += datetime.timedelta(1)
        return out


def documented(*starts):
    """The lines of docs/export.md that begin so."""
    return [line for line in (ROOT / "docs/export.md").read_text().splitlines() if line.startswith(starts)]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


if __name__ == "__main__":
    sys.exit(main())
