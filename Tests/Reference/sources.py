#!/usr/bin/env python3
"""Runs every command line of docs/sources.md, and holds what came into the store against what was in the source.

usage: sources.py --binary PATH

Needs jq, zstd, kcat and PostgreSQL (15; `initdb` and `postgres` are run as the user postgres where this one is root), and of PyPI duckdb
with its PostgreSQL extension and confluent-kafka, whose library has a broker for tests. Exit status 1 if an event differs.
"""
import argparse
import glob
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

import duckdb
from confluent_kafka import Producer

ROOT = pathlib.Path(__file__).resolve().parents[2]
ORDERS = [("o-1", "C-1", "2024-04-02 10:19:20.29+02", "89.90"), ("o-2", 'C "2"', "2024-04-03 00:00:00+00", "1200.00"),
          ("o-3", "C-1", "2024-10-27 02:30:00+01", "0.05")]
TIMES = ["2024-04-02T08:19:20.290000Z", "2024-04-03T00:00:00.000000Z", "2024-10-27T01:30:00.000000Z"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    options = parser.parse_args()
    place = pathlib.Path(tempfile.mkdtemp())
    # PostgreSQL's own user has to come in.
    place.chmod(0o755)
    try:
        return Check(str(pathlib.Path(options.binary).resolve()), place).run()
    finally:
        shutil.rmtree(place)


class Check:
    def __init__(self, binary, place):
        self.binary, self.place, self.bad, self.count = binary, place, 0, 0
        tools = place / "bin"
        tools.mkdir()
        (tools / "clm-replay").symlink_to(binary)
        # The command line of DuckDB: PyPI's package has the library alone, and the extension beside it.
        (tools / "duckdb").write_text(f"#!{sys.executable}\nimport duckdb, glob, sys\ndb = duckdb.connect()\n"
                                      f"for path in glob.glob('{sys.prefix}/lib/python3*/site-packages/duckdb_ext/extensions/*/*/*'):\n"
                                      "    db.execute(f\"LOAD '{path}'\")\ndb.execute(sys.argv[sys.argv.index('-c') + 1])\n")
        (tools / "duckdb").chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
        for name in ("docs", "fixtures"):
            (place / name).symlink_to(ROOT / name)

    def shell(self, line):
        done = subprocess.run(["bash", "-o", "pipefail", "-c", line], cwd=self.place, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{line}: {done.stderr}")
        return done.stdout

    def run(self):
        self.files()
        database = self.database()
        try:
            broker, producer = self.broker()
            self.environment["BROKER"] = broker
            for line in (ROOT / "docs/sources.md").read_text().split("```sh\n")[1:]:
                for command in line.split("```")[0].splitlines():
                    self.check(command)
            del producer
        finally:
            database.terminate()
            database.wait()
        if self.count != 8:
            sys.exit(f"docs/sources.md has {self.count} command lines, 8 expected")
        return 1 if self.bad else 0

    def check(self, command):
        self.count += 1
        shutil.rmtree(self.place / "store", ignore_errors=True)
        self.shell(command)
        found = self.shell("clm-replay export store --table events -o - -q").splitlines()
        again = json.loads(self.shell(command + " --format json").splitlines()[-1])
        expected = self.expected(command)
        read = [json.loads(line) for line in found]
        same = read == expected and again["appended"] == 0 and again["duplicates"] == len(expected)
        self.bad += not same
        print(f"{shlex.split(command)[0]}: {len(expected)} events, {'same, and nothing new when it is read again' if same else 'DIFFERS'}")
        if not same:
            print(f"  {command}\n  {[pair for pair in zip(read, expected) if pair[0] != pair[1]][:2]}\n  {again}")

    def expected(self, command):
        if "segment" in command:
            return self.lines("fixtures/segment/events.ndjson")
        for name in ("ga4", "matomo"):
            if name in command:
                return self.lines(f"fixtures/sources/{name}.events.ndjson")
        if "kcat" in command or "zstd" in command:
            return self.lines("fixtures/segment/events.ndjson")
        return [{"specversion": "1.0", "id": order, "source": "csv", "type": "purchase", "subject": customer, "time": time,
                 "data": {"amount": amount, "currency": "EUR"}} for (order, customer, _, amount), time in zip(ORDERS, TIMES)]

    def lines(self, path):
        return [json.loads(line) for line in (ROOT / path).read_text().splitlines()]

    # What the sources hold

    def files(self):
        self.shell("zstd -q fixtures/segment/events.ndjson -o events.ndjson.zst")
        rows = ", ".join(f"('{order}', '{customer}', timestamp '{time[:-1].replace('T', ' ')}', {amount})"
                         for (order, customer, _, amount), time in zip(ORDERS, TIMES))
        duckdb.execute(f"COPY (SELECT order_id, customer, ordered_at, amount::decimal(12,2) AS amount FROM (VALUES {rows}) t(order_id, customer, ordered_at, amount)) "
                       f"TO '{self.place}/orders.parquet' (FORMAT parquet)")

    def database(self):
        """A PostgreSQL server of its own, on a socket of its own."""
        home = self.place / "pg"
        home.mkdir()
        programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not programs:
            sys.exit("PostgreSQL is not installed (Debian: postgresql)")
        prefix = []
        if os.geteuid() == 0:
            shutil.chown(home, "postgres")
            prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
        subprocess.run([*prefix, f"{programs[-1]}/initdb", "-D", f"{home}/data", "-A", "trust", "-U", "postgres"], check=True, capture_output=True,
                       cwd=home)
        server = subprocess.Popen([*prefix, f"{programs[-1]}/postgres", "-D", f"{home}/data", "-k", str(home), "-c", "listen_addresses="],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=home)
        self.environment.update(PGHOST=str(home), PGUSER="postgres", PGDATABASE="postgres", PGTZ="Europe/Berlin")
        self.shell("for i in $(seq 300); do psql -qtc 'select 1' >/dev/null 2>&1 && exit 0; sleep 0.1; done; exit 1")
        self.shell("psql -qc 'CREATE TABLE orders (order_id text, customer text, ordered_at timestamptz, amount numeric(12,2))'")
        rows = ", ".join(str(tuple(order)) for order in ORDERS)
        self.shell(f"psql -q <<'SQL'\nINSERT INTO orders VALUES {rows}\nSQL\n")
        return server

    def broker(self):
        """A broker that lives as long as its producer."""
        producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none"})
        brokers = producer.list_topics(timeout=30).brokers
        for line in (ROOT / "fixtures/segment/events.ndjson").read_text().splitlines():
            producer.produce("shop-events", line.encode(), partition=0)
        producer.flush(30)
        first = next(iter(brokers.values()))
        return f"{first.host}:{first.port}", producer


if __name__ == "__main__":
    sys.exit(main())
