"""Holds rows that another program computed against an export of ours: customer, instant, from, to, cause, row for row."""
import sys

import duckdb

OURS = """select customer, epoch_us("at"::timestamp) as instant, "from" as before, "to" as stage, cause
    from read_csv($1, header = true, all_varchar = true)"""
THEIRS = "select customer, instant::bigint as instant, before, stage, cause from read_csv($1, header = true, all_varchar = true)"


def agree(ours, theirs, who):
    """The number of rows, the same on both sides; ends the program with the first differences where they are not."""
    database = duckdb.connect()
    database.execute("create table ours as " + OURS, [str(ours)])
    database.execute("create table theirs as " + THEIRS, [str(theirs)])
    counts = [database.execute(f"select count(*) from {table}").fetchone()[0] for table in ("ours", "theirs")]
    only = {(a, b): database.execute(f"from {a} except all from {b}").fetchmany(3)
            for a, b in (("ours", "theirs"), ("theirs", "ours"))}
    if counts[0] != counts[1] or any(only.values()):
        lines = [f"{who} has other rows: {counts[1]}, {counts[0]} here"]
        lines += [f"only in {a}: {row}" for (a, _), rows in only.items() for row in rows]
        sys.exit("\n".join(lines))
    return counts[0]
