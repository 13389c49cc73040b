"""SQLite: events in a table in memory. usage: with_sqlite.py EVENTS.ndjson"""
import csv
import json
import sqlite3
from datetime import datetime
from pathlib import Path

from serving import serve

SQL = Path(__file__).parent.parent / "sql"
database = sqlite3.connect(":memory:")


def events(path):
    with open(path, encoding="utf-8") as file:
        for position, line in enumerate(file):
            event = json.loads(line)
            instant = round(datetime.fromisoformat(event["time"]).timestamp() * 1_000_000)
            yield position, event["subject"], instant, event["type"]


def load(path):
    database.execute("create table event (position integer primary key, customer text, instant integer, type text)")
    database.executemany("insert into event values (?, ?, ?, ?)", events(path))
    return f"SQLite {sqlite3.sqlite_version}"


def query(name):
    database.execute("drop table if exists result")
    database.execute("create table result as " + (SQL / f"{name}.sql").read_text())
    return {"rows": database.execute("select count(*) from result").fetchone()[0]}


def write(path):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["customer", "instant", "before", "stage", "cause"])
        writer.writerows(database.execute("select customer, instant, before, stage, cause from result"))


serve(load, {"query": query, "write": write})
