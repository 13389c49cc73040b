"""Stages by SQL as people write it today: window functions over the events, without timers. Prints the ratio to a replay."""
import sys, time

import duckdb

path, replay = sys.argv[1], float(sys.argv[2])
db = duckdb.connect()
db.execute("pragma threads=2")
start = time.time()
db.execute(f"create table e as select subject, type, time::timestamp as t, data->>'amount' as amount from read_json_auto('{path}')")
loaded = time.time()
db.execute("""
create table s as
select subject, t,
  count(*) filter (type in ('purchase','order_paid')) over w as purchases,
  count(*) filter (type in ('purchase','order_paid')) over y as purchases_365d,
  sum(case when type in ('purchase','order_paid') then amount::decimal(18,2) end) over y as revenue_365d,
  count(*) filter (type in ('review','referral')) over y as advocacy_365d,
  count(*) filter (type in ('site_visit','comparison_visit')) over w as visits
from e
window w as (partition by subject order by t), y as (partition by subject order by t range between interval 365 days preceding and current row)
""")
db.execute("""
create table x as select *, lag(stage) over (partition by subject order by t) as before from (
  select subject, t, case when purchases_365d >= 4 and revenue_365d >= 300 and advocacy_365d >= 1 then 'loyalty'
    when purchases_365d >= 2 then 'retention' when purchases >= 1 then 'conversion' when visits >= 1 then 'acquisition' else 'reach' end as stage from s)
""")
db.execute("select count(*) from x where before is distinct from stage").fetchone()
done = time.time()
print(f"SQL           {done - loaded:.2f} s from its table, {loaded - start:.2f} s to load it; windows only, no timers, no anchors")
print(f"ratio         replay is {(done - loaded) / replay:.2f} times as fast as the SQL windows")
