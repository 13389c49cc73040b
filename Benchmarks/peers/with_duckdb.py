"""DuckDB: events in a table in memory, two threads. usage: with_duckdb.py EVENTS.ndjson"""
from pathlib import Path

import duckdb

from serving import serve

SQL = Path(__file__).parent.parent / "sql"
database = duckdb.connect()


def load(path):
    database.execute("set threads = 2")
    database.execute("""create table event as
        select row_number() over () - 1 as position, subject as customer, time, epoch_us(time) as instant, type
        from read_json($1, format = 'newline_delimited', columns = {subject: 'varchar', time: 'timestamp', type: 'varchar'})""",
                     [path])
    return f"DuckDB {duckdb.__version__}"


def query(name):
    database.execute("create or replace table result as " + (SQL / f"{name}.sql").read_text())
    return {"rows": database.execute("select count(*) from result").fetchone()[0]}


def write(path):
    database.execute(f"copy result to '{path}' (header true)")


def read_whole(path):
    """All that an import keeps: each member of a line, and the payload as text."""
    database.execute("""create or replace table whole as
        from read_json($1, format = 'newline_delimited', columns = {
          specversion: 'varchar', id: 'varchar', source: 'varchar', type: 'varchar', subject: 'varchar', time: 'timestamp',
          data: 'json'})""", [path])
    rows = database.execute("select count(*) from whole").fetchone()[0]
    database.execute("drop table whole")
    return {"rows": rows}


def customer_of(count):
    """The customer (no cookie) whose number of events is the nearest to `count`."""
    name, events = database.execute("""select customer, count(*) as events from event where customer like 'C-%'
        group by customer order by abs(events - $1), customer limit 1""", [int(count)]).fetchone()
    return {"customer": name, "events": events}


serve(load, {"query": query, "write": write, "read_whole": read_whole, "customer_of": customer_of})
