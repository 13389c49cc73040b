#!/usr/bin/env python3
"""Holds `clm-replay metrics` against SQL (DuckDB) over the raw events and the exported transitions.

usage: metrics_sql.py --binary PATH [--events FILE.ndjson[.gz]] [--rules FILE] [--zone ZONE] [--period month]

The SQL knows nothing of the program but the rows of `export --table transitions|customers`. Exit status 1 if a cell differs.
"""
import argparse
import csv
import gzip
import io
import json
import pathlib
import subprocess
import sys
import tempfile

import duckdb

RATES = "rates:\n  looked: { from: visit, to: purchase, within: 24h }\n  again: { from: purchase, to: purchase, within: 30d }\n"
STUCK_DAYS = 90
DAY = 86_400_000_000
CHURNED = {"lapsed"}


def run(binary, *arguments):
    done = subprocess.run([binary, *arguments], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(arguments)}: {done.stderr}")
    return done.stdout


def near(a, b):
    if a in (None, "") or b in (None, ""):
        return (a in (None, "")) == (b in (None, ""))
    try:
        return abs(float(a) - float(b)) <= 1e-8 * max(1, abs(float(a)))
    except (TypeError, ValueError):
        return str(a) == str(b)


def compare(name, found, columns, expected):
    """Rows as dictionaries against tuples; the order counts."""
    problems = []
    if len(found) != len(expected):
        problems.append(f"{name}: {len(found)} rows, {len(expected)} expected")
    for row, want in zip(found, expected):
        for column, value in zip(columns, want):
            if not near(row[column], value):
                problems.append(f"{name} {list(row.values())[:3]}: {column} is {row[column]!r}, {value!r} expected")
    print(f"{name}: {len(expected)} rows, {'same' if not problems else 'DIFFERS'}")
    for problem in problems[:8]:
        print(f"  {problem}")
    return bool(problems)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--events", default="fixtures/shop.ndjson.gz")
    parser.add_argument("--rules", default="fixtures/rules/retail.yaml")
    parser.add_argument("--zone", default="Europe/Berlin")
    parser.add_argument("--period", default="month", choices=["day", "week", "month", "quarter", "year"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        return check(options, pathlib.Path(place))


def check(options, place):
    source = pathlib.Path(options.events)
    lines = (gzip.open(source, "rt") if source.suffix == ".gz" else open(source)).read()
    (place / "log.ndjson").write_text(lines)
    text = pathlib.Path(options.rules).read_text().replace("\ntests:", f"\ntimezone: {options.zone}\n{RATES}\ntests:")
    (place / "rules.yaml").write_text(text)
    store = str(place / "store")
    run(options.binary, "import", store, str(place / "log.ndjson"))
    run(options.binary, "replay", store, "--rules", str(place / "rules.yaml"))
    table = lambda name: json.loads(metrics)[name]
    metrics = run(options.binary, "metrics", store, "--period", options.period, "--format", "json")
    rows = list(csv.DictReader(io.StringIO(run(options.binary, "export", store, "--table", "transitions", "-o", "-"))))
    people = list(csv.DictReader(io.StringIO(run(options.binary, "export", store, "--table", "customers", "-o", "-"))))
    kept = {row["customer"] for row in people if not row["parked_at"]}
    as_of = json.loads(metrics)["as_of"]

    db = duckdb.connect()
    db.execute(f"set timezone = '{options.zone}'")
    load(db, lines, rows, people, kept, as_of, options)
    bad = False
    for name, (columns, sql) in QUERIES.items():
        expected = db.execute(sql).fetchall()
        if not expected and name not in ("rates",):
            sys.exit(f"{name}: nothing to compare")
        bad |= compare(name, table(name), columns, expected)
    return 1 if bad else 0


def load(db, lines, rows, people, kept, as_of, options):
    """Tables e (events of aliases, by customer), t (transitions), p (periods), c (customers)."""
    events, joined = [], {}
    parsed = [json.loads(line) for line in lines.splitlines() if line.strip()]
    # By (time, position), as the contract says; the fixture's links neither clash nor close a circle.
    for event in sorted(parsed, key=lambda event: event["time"]):
        if event["type"] == "identify" and not event["subject"].startswith("qa-"):
            joined.setdefault(event["data"]["anonymous_id"], event["subject"])
    alias_of = {"ad_view": "ad", "comparison_visit": "visit", "site_visit": "visit", "purchase": "purchase", "order_paid": "purchase",
                "review": "review", "referral": "referral", "nps_response": "nps", "support_contact": "support", "refund": "refund",
                "return": "refund", "identify": "identify"}
    for position, event in enumerate(parsed):
        if event["subject"].startswith("qa-") or event["type"] not in alias_of:
            continue
        data, alias = event.get("data") or {}, alias_of[event["type"]]
        if alias == "purchase" and (data.get("order") or {}).get("status", "paid") == "cancelled":
            continue
        customer = event["subject"]
        while customer in joined:
            customer = joined[customer]
        amount = data.get("amount")
        if amount is not None and data.get("currency", "EUR") == "USD":
            amount = f"{round(float(amount) * 92) / 100:.2f}"
        channel = data.get("channel") if isinstance(data.get("channel"), str) else None
        referred = data.get("referred")
        while referred in joined:
            referred = joined[referred]
        events.append((position, customer, alias, event["time"], channel, amount if alias in ("purchase", "refund") else None,
                       data.get("score") if alias == "nps" else None, referred if alias == "referral" else None, event["id"]))
    db.execute("create table e (pos bigint, customer varchar, alias varchar, ts timestamptz, channel varchar, amount decimal(18,2), score double, referred varchar, id varchar)")
    insert(db, "e", events)
    db.execute("create table t (customer varchar, n int, ts timestamptz, source varchar, target varchar, cause varchar, pos bigint)")
    insert(db, "t", [(r["customer"], n, r["at"], r["from"] or None, r["to"], r["cause"], int(r["position"]) if r["position"] else None)
                     for n, r in enumerate(rows) if r["customer"] in kept])
    stages = [line for line in options_stages(options)]
    db.execute("create table s (name varchar, place int, churned boolean)")
    insert(db, "s", [(name, place, name in CHURNED) for place, name in enumerate(stages)])
    db.execute(f"create table a as select timestamptz '{as_of}' as as_of")
    db.execute("delete from e where customer not in (select distinct customer from t)")
    unit = options.period
    label = {"day": "strftime(d, '%Y-%m-%d')", "week": "strftime(d, '%G-W%V')", "month": "strftime(d, '%Y-%m')",
             "quarter": "year(d) || '-Q' || quarter(d)", "year": "strftime(d, '%Y')"}[unit]
    step = "3 months" if unit == "quarter" else f"1 {unit}"
    first = min(event["time"] for event in parsed)
    db.execute(f"""create table p as select row_number() over (order by d) - 1 as n, {label} as label,
      d::timestamptz as start, (d + interval '{step}')::timestamptz as stop
      from (select unnest(generate_series(date_trunc('{unit}', (timestamptz '{first}')::timestamp), (select as_of::timestamp from a), interval '{step}')) as d)""")


def options_stages(options):
    import yaml
    for stage in yaml.safe_load(pathlib.Path(options.rules).read_text())["stages"]:
        yield stage["name"] if isinstance(stage, dict) else stage


def insert(db, name, rows):
    for start in range(0, len(rows), 2000):
        part = rows[start:start + 2000]
        marks = ",".join("(" + ",".join("?" * len(part[0])) + ")" for _ in part)
        db.execute(f"insert into {name} values {marks}", [cell for row in part for cell in row])


STAYS = """with stays as (
  select t.*, lead(ts) over w as left_at, lead(target) over w as next from t window w as (partition by customer order by n)),
x as (select stays.*, a.place, b.place as next_place, a.churned, b.churned as next_churned, as_of,
    epoch_us(ts) + %d <= epoch_us(as_of) and (left_at is null or epoch_us(left_at) > epoch_us(ts) + %d) as stuck
  from stays join s a on a.name = target left join s b on b.name = next, a)""" % (STUCK_DAYS * DAY, STUCK_DAYS * DAY)

# Differences of instants, not of local times.
DAYS = "(epoch_us(left_at) - epoch_us(ts)) / 86400000000"

QUERIES = {
    "stages": (
        ["period", "stage", "population", "entries", "exits", "to_next", "conversion", "down", "stuck", "drop_off", "dwell_days_p25",
         "dwell_days_p50", "dwell_days_p75", "dwell_days_p90", "churned", "churn_rate", "won_back"],
        STAYS + f""", g as (select p.*, s.name, s.place from p, s),
population as (select g.n, name, count(x.customer) as c from g left join x on target = name and x.ts < stop and (left_at is null or left_at >= stop) group by all),
entered as (select g.n, name, count(x.ts) as entries, count(*) filter (next_place = x.place + 1) as up, count(*) filter (next_place < x.place) as down,
  count(*) filter (stuck) as stuck, count(*) filter (stuck or next_place < x.place) as dropped
  from g left join x on target = name and x.ts >= start and x.ts < stop group by all),
gone as (select g.n, name, count(x.ts) as exits, quantile_cont({DAYS}, 0.25) as q1, quantile_cont({DAYS}, 0.5) as q2, quantile_cont({DAYS}, 0.75) as q3,
  quantile_cont({DAYS}, 0.9) as q4, count(*) filter (not x.churned and next_churned) as churned
  from g left join x on target = name and left_at >= start and left_at < stop group by all),
won as (select g.n, name, count(x.ts) as back from g left join x on next = name and left_at >= start and left_at < stop and x.churned and not next_churned group by all)
select label, g.name, population.c, entries, exits, up, case when g.place = (select max(place) from s) then null else up / nullif(entries, 0) end, down, stuck, dropped / nullif(entries, 0), q1, q2, q3, q4, gone.churned,
  case when g.name in (select name from s where churned) or not (select bool_or(churned) from s) then null else gone.churned / nullif(before.c, 0) end, back
from g join population using (n, name) join entered using (n, name) join gone using (n, name) join won using (n, name)
left join population before on before.n = g.n - 1 and before.name = g.name order by g.n, g.place"""),
    "flow": (
        ["period", "from", "to", "moves", "customers"],
        """select label, source, target, count(*), count(distinct customer) from t join p on ts >= start and ts < stop
           left join s f on f.name = source join s o on o.name = target group by label, p.n, source, target, f.place, o.place
           order by p.n, coalesce(f.place, -1), o.place"""),
    "lifecycle": (
        ["period", "active", "new", "returning", "resurrecting", "dormant"],
        """with act as (select distinct customer, p.n from e join p on ts >= start and ts < stop where alias = 'purchase' and amount is not null),
           firsts as (select customer, min(n) as f from act group by 1)
           select label, (select count(*) from act where act.n = p.n), (select count(*) from firsts where f = p.n),
             (select count(*) from act join firsts using (customer) where act.n = p.n and f < p.n and exists (select 1 from act b where b.customer = act.customer and b.n = p.n - 1)),
             (select count(*) from act join firsts using (customer) where act.n = p.n and f < p.n and not exists (select 1 from act b where b.customer = act.customer and b.n = p.n - 1)),
             (select count(*) from act where act.n = p.n - 1 and not exists (select 1 from act b where b.customer = act.customer and b.n = p.n))
           from p order by p.n"""),
    "cohorts": (
        ["cohort", "age", "period", "customers", "active", "retention"],
        """with act as (select distinct customer, p.n from e join p on ts >= start and ts < stop where alias = 'purchase' and amount is not null),
           firsts as (select customer, min(n) as f from act group by 1), sizes as (select f, count(*) as c from firsts group by 1)
           select c.label, q.n - sizes.f, q.label, sizes.c, count(act.customer), count(act.customer) / sizes.c
           from sizes join p c on c.n = sizes.f join p q on q.n >= sizes.f left join (select * from act join firsts using (customer)) act on act.n = q.n and act.f = sizes.f
           group by c.label, sizes.f, q.n, q.label, sizes.c order by sizes.f, q.n"""),
    "nps": (
        ["by", "name", "answers", "promoters", "passives", "detractors", "nps"],
        """with held as (select e.*, (select arg_max(target, t.n) from t where t.customer = e.customer and
               (t.ts < e.ts or (t.ts = e.ts and (t.cause = 'timer' or t.source is null or t.pos < e.pos)))) as stage from e where score between 0 and 10),
           keyed as (select 0 as k, 'all' as b, null as name, 0 as o, score from held
             union all select 1, 'period', label, p.n, score from held join p on ts >= start and ts < stop
             union all select 2, 'stage', stage, place, score from held join s on s.name = stage
             union all select 3, 'channel', channel, case when channel is null then -1 else 0 end, score from held)
           select b, name, count(*), count(*) filter (score >= 9), count(*) filter (score >= 7 and score < 9), count(*) filter (score < 7),
             100 * (count(*) filter (score >= 9) - count(*) filter (score < 7)) / count(*) from keyed group by k, b, name, o order by k, o, name"""),
    "channels": (
        ["channel", "alias", "events", "customers", "amount"],
        """select channel, alias, count(*), count(distinct customer), case when alias = 'purchase' then sum(amount) end from e group by 1, 2
           order by channel nulls first, list_position(['ad','visit','purchase','review','referral','nps','support','refund','identify'], alias)"""),
    "referrals": (
        ["referrer", "referred", "brought", "purchases", "monetary"],
        """with r as (select customer as referrer, referred, ts, pos from e where alias = 'referral' and referred is not null and referred <> customer
             qualify row_number() over (partition by customer, referred order by ts, pos) = 1),
           m as (select customer, count(*) filter (alias = 'purchase' and amount is not null) as n,
             sum(case alias when 'purchase' then amount when 'refund' then -abs(amount) end) as net from e group by 1),
           f as (select customer, ts as first_ts, pos as first_pos from e where alias = 'purchase' and amount is not null
             qualify row_number() over (partition by customer order by ts, pos) = 1)
           select referrer, referred, case when row_number() over (partition by referred order by ts, pos) = 1
               and (ts < first_ts or ts = first_ts and pos < first_pos) then 'true' else 'false' end,
             coalesce(n, 0), case when n > 0 then net end from r left join m on m.customer = referred left join f on f.customer = referred order by referrer, ts, pos"""),
    "intervals": (
        ["measure", "value"],
        """with o as (select customer, ts, amount, pos from e where alias = 'purchase' and amount is not null),
           b as (select customer, count(*) as n, count(distinct floor(epoch(ts) / 86400)) as days, sum(amount) as spend from o group by 1),
           gap as (select (epoch_us(ts) - lag(epoch_us(ts)) over (partition by customer order by ts, pos)) / 86400000000 as g from o),
           dg as (select d - lag(d) over (partition by customer order by d) as g from (select distinct customer, floor(epoch(ts) / 86400) as d from o)),
           r as (select *, rank() over (order by spend desc) as k, count(*) over () as c from b),
           q as (select * from (values (1, 'p10', 0.1), (2, 'p25', 0.25), (3, 'p50', 0.5), (4, 'p75', 0.75), (5, 'p90', 0.9)) v(i, name, share)),
           top as (select pct, i, count(*) filter (k * 100 <= pct * c) as buyers, sum(spend) filter (k * 100 <= pct * c) as spend, sum(spend) as whole,
               sum(spend) filter (k * 100 <= pct * c) / nullif(sum(n) filter (k * 100 <= pct * c), 0) as per_order,
               sum(spend) filter (k * 100 > pct * c) / nullif(sum(n) filter (k * 100 > pct * c), 0) as rest
             from r, (values (10, 30), (1, 40)) v(pct, i) group by pct, i)
           select name, value from (
             select 1 as o, 'buyers' as name, count(*)::double as value from b union all select 2, 'purchases', sum(n) from b
             union all select 3, 'repeat_buyers', count(*) filter (n > 1) from b union all select 4, 'repurchase_rate', count(*) filter (n > 1) / count(*) from b
             union all select 5, 'repeat_day_buyers', count(*) filter (days > 1) from b union all select 6, 'repeat_day_rate', count(*) filter (days > 1) / count(*) from b
             union all select 7, 'gaps', count(g) from gap union all select 7 + i, 'gap_days_' || name, case name
               when 'p10' then (select quantile_cont(g, 0.1) from gap) when 'p25' then (select quantile_cont(g, 0.25) from gap) when 'p50' then (select quantile_cont(g, 0.5) from gap)
               when 'p75' then (select quantile_cont(g, 0.75) from gap) else (select quantile_cont(g, 0.9) from gap) end from q
             union all select 17, 'day_gaps', count(g) from dg union all select 17 + i, 'day_gap_' || name, case name
               when 'p10' then (select quantile_cont(g, 0.1) from dg) when 'p25' then (select quantile_cont(g, 0.25) from dg) when 'p50' then (select quantile_cont(g, 0.5) from dg)
               when 'p75' then (select quantile_cont(g, 0.75) from dg) else (select quantile_cont(g, 0.9) from dg) end from q
             union all select i, 'top_' || pct || '_buyers', buyers from top union all select i + 1, 'top_' || pct || '_spend_share', spend / whole from top
             union all select i + 2, 'top_' || pct || '_value_per_order', per_order from top union all select i + 3, 'top_' || pct || '_rest_value_per_order', rest from top
             union all select i + 4, 'top_' || pct || '_ratio', per_order / rest from top
             union all select 45, 'top_1_to_lower_90_ratio', (select per_order from top where pct = 1) / (select rest from top where pct = 10)) order by o"""),
    "rates": (
        ["rate", "period", "starts", "converted", "open", "share", "median_hours"],
        """with r as (select * from (values (0, 'looked', 'visit', 'purchase', 24), (1, 'again', 'purchase', 'purchase', 720)) v(i, rate, f, o, hours)),
           x as (select r.*, e.ts, e.pos, (select min(to_epoch) from (select epoch_us(b.ts) as to_epoch from e b where b.customer = e.customer and b.alias = r.o
               and (b.ts > e.ts or (b.ts = e.ts and b.pos > e.pos)))) as next_us from e join r on e.alias = r.f),
           y as (select x.*, next_us - epoch_us(ts) as took, next_us - epoch_us(ts) < hours * 3600000000 as ok from x)
           select r.rate, label, count(y.ts), count(*) filter (ok), count(*) filter (not coalesce(ok, false) and epoch_us(as_of) - epoch_us(y.ts) < r.hours * 3600000000 - 1),
             count(*) filter (ok) / nullif(count(y.ts), 0), quantile_cont(case when ok then took end, 0.5) / 3600000000
           from r cross join p cross join a left join y on y.i = r.i and y.ts >= start and y.ts < stop
           group by r.i, r.rate, p.n, label order by r.i, p.n"""),
}


if __name__ == "__main__":
    sys.exit(main())
