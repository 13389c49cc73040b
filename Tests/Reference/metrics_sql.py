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
FUNNEL = ["visit", "purchase", "review", "purchase"]
FUNNEL_DAYS = 90


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
    metrics = run(options.binary, "metrics", store, "--period", options.period, "--format", "json", "--funnel", ",".join(FUNNEL), "--within",
                  f"{FUNNEL_DAYS}d")
    broken = json.loads(run(options.binary, "metrics", store, "--period", options.period, "--format", "json", "--funnel", ",".join(FUNNEL),
                            "--within", f"{FUNNEL_DAYS}d", "--by", "purchase.channel"))
    overdue = run(options.binary, "metrics", store, "--table", "overdue", "--overdue-after", "1.5", "--format", "json")
    tables = {**json.loads(metrics), **{f"{name} by channel": broken[name] for name in ("lifecycle", "cohorts", "funnel")},
              "overdue": json.loads(overdue)["overdue"]}
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
        bad |= compare(name, tables[name], columns, expected)
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

# Every customer with the value that a table is broken down by.
WHOLE = "people as (select distinct customer, null as part from e)"
CHANNEL = """people as (select c.customer, f.channel as part from (select distinct customer from e) c left join
  (select customer, arg_min(channel, (ts, pos)) as channel from e where alias = 'purchase' and channel is not null group by 1) f using (customer))"""


def lifecycle(people):
    return f"""with {people}, parts as (select distinct part from people),
act as (select distinct customer, p.n from e join p on ts >= start and ts < stop where alias = 'purchase' and amount is not null),
a as (select act.*, part, min(n) over (partition by customer) as f, lag(n) over (partition by customer order by n) as before,
  lead(n) over (partition by customer order by n) as next from act join people using (customer))
select parts.part, label, count(a.n), count(*) filter (a.n = f), count(*) filter (before = p.n - 1), count(*) filter (before < p.n - 1),
  (select count(*) from a b where b.n = p.n - 1 and b.part is not distinct from parts.part and b.next is distinct from p.n)
from parts cross join p left join a on a.n = p.n and a.part is not distinct from parts.part
group by parts.part, p.n, label order by parts.part nulls first, p.n"""


def cohorts(people):
    return f"""with {people},
act as (select distinct customer, p.n from e join p on ts >= start and ts < stop where alias = 'purchase' and amount is not null),
firsts as (select customer, part, min(n) as f, max(n) as l from act join people using (customer) group by all),
sizes as (select part, f, count(*) as c from firsts group by all),
counted as (select s.part, s.f, s.c as size, q.n, q.label,
  (select count(*) from act join firsts using (customer) where act.n = q.n and firsts.f = s.f and firsts.part is not distinct from s.part) as active,
  (select count(*) from firsts where firsts.f = s.f and firsts.l >= q.n and firsts.part is not distinct from s.part) as rolling
  from sizes s join p q on q.n >= s.f)
select part, c.label as cohort, counted.n - f as age, counted.label as period, size, active, active / size as retention, rolling, rolling / size as rest
from counted join p c on c.n = f order by part nulls first, f, counted.n"""


def funnel(people):
    """Attempts one by one: each takes the earliest event of every next step, within the time since its first one."""
    marks = ["m0 as (select customer, p.n, ts as t0, pos as p0 from e join p on ts >= start and ts < stop where alias = '%s')" % FUNNEL[0]]
    for step, alias in list(enumerate(FUNNEL))[1:]:
        marks.append(f"""m{step} as (select m.*, x.ts as t{step}, x.pos as p{step} from m{step - 1} m left join lateral
  (select ts, pos from e where e.customer = m.customer and alias = '{alias}' and (ts > m.t{step - 1} or ts = m.t{step - 1} and pos > m.p{step - 1})
   and epoch_us(ts) - epoch_us(m.t0) < {FUNNEL_DAYS * DAY} order by ts, pos limit 1) x on true)""")
    last = len(FUNNEL) - 1
    depth = " + ".join(f"(t{step} is not null)::int" for step in range(last + 1))
    rows = " union all ".join(
        f"""select part, n, {step + 1} as step, '{alias}' as alias, {f'(epoch_us(t{step}) - epoch_us(t{step - 1})) / 3600000000' if step else 'null'} as hours,
  depth, open from best""" for step, alias in enumerate(FUNNEL))
    return f"""with {people}, parts as (select distinct part from people), {", ".join(marks)},
tried as (select *, {depth} as depth, bool_or(epoch_us(as_of) - epoch_us(t0) < {FUNNEL_DAYS * DAY} - 1) over (partition by customer, n) as open from m{last}, a),
best as (select * from tried join people using (customer) qualify row_number() over (partition by customer, n order by depth desc, t0, p0) = 1),
long as ({rows}), steps as (select unnest({list(range(1, last + 2))}) as step, unnest({FUNNEL}) as alias)
select parts.part, label, steps.step, steps.alias, count(*) filter (depth >= steps.step) as reached,
  reached / nullif(first_value(reached) over w, 0), case when steps.step > 1 then reached / nullif(lag(reached) over w, 0) end,
  case when steps.step > 1 then count(*) filter (depth = steps.step - 1 and open) end, quantile_cont(hours, 0.5)
from parts cross join p cross join steps left join long on long.n = p.n and long.step = steps.step and long.part is not distinct from parts.part
group by parts.part, p.n, label, steps.step, steps.alias window w as (partition by parts.part, p.n order by steps.step) order by parts.part nulls first, p.n, steps.step"""


def add(name, columns, sql):
    """A table of all, and broken down by the channel of a customer's first purchase that has one."""
    QUERIES[name] = (columns, f"select * exclude (part) from ({sql(WHOLE)})")
    QUERIES[f"{name} by channel"] = (["breakdown", *columns], sql(CHANNEL))


add("lifecycle", ["period", "active", "new", "returning", "resurrecting", "dormant"], lifecycle)
add("cohorts", ["cohort", "age", "period", "customers", "active", "retention", "rolling", "rolling_retention"], cohorts)
add("funnel", ["period", "step", "alias", "customers", "share", "conversion", "open", "median_hours"], funnel)
QUERIES["nps_latest"] = (
    ["by", "name", "customers", "promoters", "passives", "detractors", "nps", "margin"],
    """with latest as (select e.*, (select arg_max(target, t.n) from t where t.customer = e.customer) as stage from e where score between 0 and 10
         qualify row_number() over (partition by customer order by ts desc, pos desc) = 1),
       keyed as (select 0 as k, 'all' as b, null as name, 0 as o, score from latest
         union all select 1, 'period', label, p.n, score from latest join p on ts >= start and ts < stop
         union all select 2, 'stage', stage, place, score from latest join s on s.name = stage
         union all select 3, 'channel', channel, case when channel is null then -1 else 0 end, score from latest),
       signed as (select *, case when score >= 9 then 100 when score >= 7 then 0 else -100 end as x from keyed)
       select b, name, count(*), count(*) filter (score >= 9), count(*) filter (score >= 7 and score < 9), count(*) filter (score < 7), avg(x),
         1.959963984540054 * stddev_samp(x) / sqrt(count(*)) from signed group by k, b, name, o order by k, o, name""")
QUERIES["cohort_intervals"] = (
    ["cohort", "buyers", "repeat_buyers", "repurchase_rate", "second_days_p50", "gaps", "gap_days_p25", "gap_days_p50", "gap_days_p75"],
    """with o as (select customer, ts, pos, row_number() over w as i, min(ts) over (partition by customer) as first,
         (epoch_us(ts) - lag(epoch_us(ts)) over w) / 86400000000 as gap from e where alias = 'purchase' and amount is not null
         window w as (partition by customer order by ts, pos))
       select label, count(*) filter (i = 1) as buyers, count(*) filter (i = 2) as again, again / buyers, quantile_cont(gap, 0.5) filter (i = 2), count(gap),
         quantile_cont(gap, 0.25), quantile_cont(gap, 0.5), quantile_cont(gap, 0.75)
       from o join p on first >= start and first < stop group by p.n, label order by p.n""")
QUERIES["overdue"] = (
    ["customer", "purchases", "last_purchase", "rhythm_days", "since_days", "overdue_days", "times", "spent"],
    """with o as (select customer, ts, amount, floor(epoch(ts) / 86400)::bigint as d from e where alias = 'purchase' and amount is not null),
       gaps as (select customer, median(gap) as rhythm, count(gap) as n from (select customer, d - lag(d) over (partition by customer order by d) as gap
         from (select distinct customer, d from o)) group by 1),
       x as (select customer, count(*) as purchases, strftime(max(ts) at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') as last, any_value(rhythm) as rhythm,
         any_value(floor(epoch(as_of) / 86400)) - max(d) as since, sum(amount) as spent from o join gaps using (customer), a where n >= 2 group by 1)
       select customer, purchases, last, rhythm, since, since - rhythm, since / rhythm, spent from x where since > 1.5 * rhythm order by customer""")


if __name__ == "__main__":
    sys.exit(main())
