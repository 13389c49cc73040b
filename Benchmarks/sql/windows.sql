-- The rows of rules/six-transitions.yaml as one writes them in DuckDB: timestamps, intervals, windows over all events.
-- From `event` (position, customer, time, instant in microseconds, type) to (customer, instant, before, stage, cause).
with purchase as (
  select customer, time, lead(time) over (partition by customer order by time, position) as following
  from event where type in ('purchase', 'order_paid')
),
-- Instants at which time alone may change a stage: a purchase leaves the window of 365 days, or 180 days passed without one.
timer as (
  select customer, time + interval 365 days as time from purchase
  union
  select customer, time + interval 180 days from purchase
  where following is null or following >= time + interval 180 days
),
-- A timer comes before the events of its instant.
step as (
  select customer, time, 'event' as cause, position, type from event
  union all
  select customer, time, 'timer', -1, null from timer where time <= (select max(time) from event)
),
facts as (
  select customer, time, cause, position,
    count(*) filter (type = 'ad_view') over so_far as ads,
    count(*) filter (type in ('comparison_visit', 'site_visit')) over so_far as visits,
    count(*) filter (type in ('review', 'referral')) over so_far as advocacies,
    max(time) filter (type in ('purchase', 'order_paid')) over so_far as last_purchase_at,
    -- Not `between interval 365 days preceding and current row`: that would see later events of the same instant.
    count(*) filter (type in ('purchase', 'order_paid')) over so_far
      - count(*) filter (type in ('purchase', 'order_paid')) over (
          partition by customer order by time range between unbounded preceding and interval 365 days preceding
        ) as purchases_365d
  from step
  window so_far as (partition by customer order by time, position rows unbounded preceding)
),
staged as (
  select customer, time, cause, position, case
    when time - last_purchase_at >= interval 180 days then 'lapsed'
    when last_purchase_at is not null and purchases_365d >= 3 and advocacies >= 1 then 'loyalty'
    when last_purchase_at is not null and purchases_365d >= 2 then 'retention'
    when last_purchase_at is not null then 'conversion'
    when visits >= 1 then 'acquisition'
    when ads >= 1 then 'reach'
    else 'unknown' end as stage
  from facts
),
change as (
  select customer, time, cause, stage,
    lag(stage, 1, 'unknown') over (partition by customer order by time, position) as before
  from staged
)
select customer, epoch_us(min(time)) as instant, null as before, 'unknown' as stage, 'event' as cause
from event group by customer
union all
select customer, epoch_us(time), before, stage, cause from change where before <> stage
